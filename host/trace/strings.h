/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Strings that stay: each one once, in pieces of memory that never move.
 *
 * Holds at most STRINGS_MAX bytes of text, and about 50 bytes more for each.
 */
#ifndef HOST_TRACE_STRINGS_H
#define HOST_TRACE_STRINGS_H

#include "host/trace/table.h"

#define STRINGS_MAX   (32u << 20)
#define STRINGS_PIECE 65536u
/* The longest, with its end. */
#define STRINGS_LONGEST 16384u

struct strings {
	const struct trace_memory *mem;
	struct table index; /* hash -> piece << 16 | place */
	uint64_t secret;
	char **piece;
	size_t n, cap;
	size_t fill; /* of the newest piece */
};

void strings_init(struct strings *s, const struct trace_memory *mem, uint64_t secret);
void strings_free(struct strings *s);
/* `text` where it stays as long as `s`. Returns 0, -ENOMEM, or -ENOSPC: STRINGS_MAX. */
int strings_put(struct strings *s, const char *text, const char **out);

/* A hash of text with its end: chain over several by `from`. */
uint64_t strings_hash(uint64_t from, const char *text);
#define STRINGS_HASH_BEGIN UINT64_C(0xcbf29ce484222325)

#endif
