/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The account of kernel memory: from the last samples of a recording's sessions, added up. What was handed out is
 * exact; what is outstanding may be an estimate, and says so.
 */
#ifndef HOST_MEMORY_ACCOUNT_H
#define HOST_MEMORY_ACCOUNT_H

#include "host/trace/trace.h"

struct memory_balance {
	uint64_t alloc_bytes, alloc_count;
	uint64_t free_bytes, free_count; /* seen to come back */
	uint64_t gone_bytes, gone_count; /* gone unseen, by the kernel's slab statistics */
	uint64_t outstanding_bytes, outstanding_count; /* the rest */
	uint64_t untracked_bytes, untracked_count;     /* of alloc: not followed */
};

#define MEMORY_TYPES 2u
struct memory_account {
	bool known;                               /* there is a sample with memory in it */
	struct memory_balance type[MEMORY_TYPES]; /* 0 kmalloc, 1 kmem_cache */
	struct memory_balance total;
	uint32_t
		one_in; /* the worst of the sessions: one of so many addresses stands for all; 1: all */
	uint32_t unseen; /* enum ayp_unseen, all sessions' bits */
	bool estimate;   /* outstanding is not a plain count */
};

/* The last sample with memory in it, of each session. All zero: none yet. */
struct memory_samples {
	struct memory_last {
		uint64_t t_ns;
		pb_size_t n; /* 0: none */
		ayaprof_MemorySample of[MEMORY_TYPES];
	} * last; /* by session */
	size_t n, cap;
};

/* As they come. Returns 0 or -ENOMEM. */
int memory_samples_take(struct memory_samples *m, uint16_t session, const ayaprof_Sample *s);
void memory_samples_free(struct memory_samples *m);

void memory_account(struct memory_account *b, const struct memory_samples *m);

/* Of one sample and type. */
void memory_balance_of(struct memory_balance *b, const ayaprof_MemorySample *s);

/* How what is outstanding is known, in a few words ("an estimate: 1 address in 8 is followed; kfree_rcu is
 * not seen"); "" when it is a plain count of everything. Returns dst. */
const char *memory_account_doubts(char *dst, size_t cap, uint32_t one_in, uint32_t unseen);

#endif
