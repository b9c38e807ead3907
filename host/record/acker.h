/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a recorder says to a board about frames that came and frames that are missing: PROTOCOL.md,
 * section 14. It knows numbers of frames and makes Ack frames; others move the bytes.
 *
 * Times are CLOCK_MONOTONIC in ns. Memory is fixed.
 */
#ifndef HOST_ACKER_H
#define HOST_ACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "framing/textframe.h"
#include "proto/message.h"

/* Frames looked at beyond the first missing one; a board keeps fewer (WINDOW_FRAMES there). */
#define ACKER_WINDOW 16384u
/* The longest Ack with its frame around it. */
#define ACKER_MAX_WIRE TEXTFRAME_BOUND(256u)

struct acker {
	struct ayp_message_ctx *ctx; /* its maker's */
	uint32_t receiver;           /* who we are */
	uint32_t session;            /* the board's; 0: nobody has said that it listens */
	uint32_t own_seq;
	framing_encoder *encode; /* as the board's frames are */
	bool begun;              /* the board has said where we begin */
	bool heard;              /* a frame of the session */
	uint32_t first;          /* heard */
	uint32_t next;           /* every frame before it has come or is not wanted any more */
	uint32_t end;            /* after the newest that arrived */
	uint32_t n_missing;      /* between them */
	uint32_t asked;          /* times we asked where to begin */
	uint64_t given_up;       /* frames the board could not send any more */
	uint64_t sent;           /* Acks */
	bool at_once, gap, news;
	uint64_t sent_ns;
	uint64_t bytes, acked_bytes; /* received; at the last Ack */
	int64_t budget;              /* bytes that may be said about what arrived */
	uint64_t arrived[ACKER_WINDOW / 64];
};

void acker_init(struct acker *a, struct ayp_message_ctx *ctx, uint32_t receiver);
/* `len` bytes came on the line, whatever they are. */
void acker_bytes(struct acker *a, size_t len);
/* A valid frame of a board, also one that came before. */
void acker_frame(
	struct acker *a, const struct framing_header *h, const uint8_t *payload, size_t len);
/* Nothing that came so far is missing, or nobody is asked for it. */
bool acker_whole(const struct acker *a);

/* The board sends again what is missing. */
bool acker_is_served(const struct acker *a);

/* Is there something to say now? Writes a frame for the line to dst (ACKER_MAX_WIRE bytes) and returns its
 * size, or 0. */
size_t acker_say(struct acker *a, uint8_t *dst, uint64_t now_ns);
/* On a connection that needs no acknowledgements: a frame now and then that says that somebody reads, or 0. */
size_t acker_present(struct acker *a, uint8_t *dst, uint64_t now_ns);
/* The last words. Also 0 when nobody listens. */
size_t acker_leave(struct acker *a, uint8_t *dst);

#endif
