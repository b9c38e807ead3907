/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which event indexes of a session a recording has, and which of its blocks can be decoded: what a
 * first reading remembers of the blocks.
 *
 *     file     [0..400) [400..800)  [1200..1600) [800..1200)   [2000..2400)
 *     runs     [0................................1600)         [2000..2400)
 *
 * Blocks come in any order and build on one another in the order of their indexes. A run knows what
 * its first blocks build on, so that runs can be joined when what was between them comes.
 *
 * Holds 64 bytes for each hole, ARRIVALS_MAX at most, however many blocks there are. What comes
 * when there is no more room, or so far out of order so often that it would cost too much time, is
 * left out: then nothing is sure about indexes from `sure_until` on.
 */
#ifndef HOST_TRACE_ARRIVALS_H
#define HOST_TRACE_ARRIVALS_H

#include "host/trace/ledger.h"
#include "host/trace/memory.h"
#include "proto/block.h"

#define ARRIVALS_MAX 262144u

struct arrived {
	uint64_t first, end;
	uint64_t prefix;  /* events of its first blocks, that build on a block before `first` */
	uint64_t unknown; /* events in codecs that this version does not know */
	struct ayp_block_chain needs; /* what the prefix builds on */
	struct ayp_block_chain chain; /* after its last block, if the prefix could be decoded */
	bool begins;                  /* a group begins in it: `chain` holds whatever came before */
	bool broken; /* the prefix builds on what is not here; known once a ledger has been told */
};

struct arrivals {
	const struct trace_memory *mem;
	struct arrived *run; /* ascending, not overlapping */
	size_t n, cap;
	uint64_t moved; /* bytes, to make room in front of others */
	uint64_t sure_until;
};

enum arrivals_answer {
	ARRIVALS_NONE, /* no index of these is in the recording */
	ARRIVALS_SOME,
	ARRIVALS_NOT_SURE,
};

void arrivals_init(struct arrivals *a, const struct trace_memory *mem);
void arrivals_free(struct arrivals *a);
/* A block has come. src: at least AYP_BLOCK_CHAIN_HEAD bytes of it, or all. Returns 1; 0 when its
 * indexes, or some of them, were here; or -ENOMEM. */
int arrivals_block(struct arrivals *a, uint64_t first_index, uint32_t count, uint32_t codec,
	const uint8_t *src, size_t len);
enum arrivals_answer arrivals_within(const struct arrivals *a, uint64_t first, uint64_t end);
/* Tell a ledger of all blocks, once. */
void arrivals_tell(struct arrivals *a, struct ledger *ledger);
/* Was this block counted as one that is here and builds on nothing that is missing? */
bool arrivals_promised(const struct arrivals *a, uint64_t first_index);

#endif
