/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The books of kernel memory at the end of a recording: from the last samples of its sessions, added
 * up. What was handed out is exact; what is outstanding may be an estimate, and says so.
 */
#ifndef HOST_MEMORY_BOOKS_H
#define HOST_MEMORY_BOOKS_H

#include "host/model/model.h"

struct memory_book {
	uint64_t alloc_bytes, alloc_count;
	uint64_t free_bytes, free_count; /* seen to come back */
	uint64_t gone_bytes, gone_count; /* gone unseen, by the kernel's slab statistics */
	uint64_t outstanding_bytes, outstanding_count; /* the rest */
	uint64_t untracked_bytes, untracked_count;     /* of alloc: not followed */
};

#define MEMORY_TYPES 2u
struct memory_books {
	bool known;                            /* there is a sample with memory in it */
	struct memory_book type[MEMORY_TYPES]; /* 0 kmalloc, 1 kmem_cache */
	struct memory_book total;
	uint32_t
		one_in; /* the worst of the sessions: one of so many addresses stands for all; 1: all */
	uint32_t unseen; /* enum ayp_unseen, all sessions' bits */
	bool estimate;   /* outstanding is not a plain count */
};

void memory_books(struct memory_books *b, const struct model *m);

/* Of one sample and type. */
void memory_book_of(struct memory_book *b, const ayaprof_MemorySample *s);

/* How what is outstanding is known, in a few words ("an estimate: 1 address in 8 is followed; kfree_rcu is
 * not seen"); "" when it is a plain count of everything. Returns dst. */
const char *memory_books_doubts(char *dst, size_t cap, uint32_t one_in, uint32_t unseen);

#endif
