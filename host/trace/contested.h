/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Blocks of the same first index that are not the same bytes: one may be readable where the other
 * is not, so the second reading waits for the last of them.
 *
 * Noticed among CONTESTED_NEAR blocks, and at most CONTESTED_MAX times; beyond that the first one
 * to come is taken. Holds 256 KiB, and 43 bytes for each index that is contested.
 */
#ifndef HOST_TRACE_CONTESTED_H
#define HOST_TRACE_CONTESTED_H

#include "host/trace/table.h"

#define CONTESTED_NEAR 16384u
#define CONTESTED_MAX  65536u

struct contested {
	const struct trace_memory *mem;
	struct contested_block {
		uint64_t key;
		uint32_t crc, heard;
	} * near;          /* by key; older ones of a place give way */
	struct table last; /* key -> number of the last frame with a block of it */
};

void contested_init(struct contested *c, const struct trace_memory *mem, uint64_t secret);
void contested_free(struct contested *c);
/* The frame of this number has such a block. Returns 0 or -ENOMEM. */
int contested_block(
	struct contested *c, uint16_t session, uint64_t first_index, uint32_t crc, uint32_t frame);
/* Until which frame there may be another one; 0: there is none. */
uint32_t contested_until(const struct contested *c, uint16_t session, uint64_t first_index);

#endif
