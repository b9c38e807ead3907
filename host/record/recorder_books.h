/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The books of a recording that is being made: counts only, no event is decoded. */
#ifndef HOST_RECORDER_BOOKS_H
#define HOST_RECORDER_BOOKS_H

#include "framing/framing.h"
#include "host/record/recorder.h"
#include "proto/block.h"

/* Sessions kept apart; the sums of older ones go on counting. */
#define RECORDER_SESSIONS 8u
/* Blocks that wait for one before them to be sent again. */
#define RECORDER_HELD 2048u

/* As much of a block as tells whether it can be decoded: block.h, ayp_block_chain_follow. */
struct recorder_held {
	uint64_t first_index;
	uint32_t count, codec;
	uint8_t head[AYP_BLOCK_CHAIN_HEAD];
	uint8_t head_len;
};

struct recorder_books {
	struct {
		uint32_t id;
		struct ledger book;
		struct ayp_block_chain chain; /* of its blocks, as they came */
		bool later_protocol;          /* recorded, not decoded */
	} session[RECORDER_SESSIONS];
	size_t n; /* newest is session[n - 1] */
	/* Of the newest session, in the order they came. */
	struct recorder_held held[RECORDER_HELD];
	size_t n_held;
	uint32_t heard;
	bool later_protocol; /* of any session so far */
	uint64_t past_events, past_by_cause[LEDGER_CAUSES];
	uint32_t past_unended;
	struct ayp_message_ctx *ctx;
	void *room;
};

int recorder_books_init(struct recorder_books *b); /* 0 or -ENOMEM */
void recorder_books_free(struct recorder_books *b);
/* True: the first one of its session. */
bool recorder_books_frame(struct recorder_books *b, const struct framing_header *h,
	const uint8_t *payload, size_t len);
/* The host's port has overrun; the line has come or gone. */
void recorder_books_overrun(struct recorder_books *b);
void recorder_books_line(struct recorder_books *b);
/* No frame that is missing will come any more: blocks that waited are taken as they stand. */
void recorder_books_settle(struct recorder_books *b);
bool recorder_books_understood(const struct recorder_books *b, uint32_t session);
/* Fill in what the books know: events, losses, backlog, status, sessions, goodbye. `running`: the
 * newest session may go on, so what may still come is backlog; else it is lost. */
void recorder_books_totals(struct recorder_books *b, bool running, struct recorder_state *state);

#endif
