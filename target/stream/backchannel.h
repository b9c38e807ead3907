/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a host says to the board: bytes in, valid messages of our session out. Everything is hostile
 * until checked; memory is fixed.
 */
#ifndef TARGET_BACKCHANNEL_H
#define TARGET_BACKCHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "framing/textframe.h"
#include "proto/message.h"

struct backchannel_ops {
	void (*ack)(void *ctx, const ayaprof_Ack *ack);
	void (*control)(void *ctx, const ayaprof_Control *control);
};

/* Longer segments than a host's longest message cannot be one: an Ack of 32 runs, a Control with a
 * probe. */
#define BACKCHANNEL_SEGMENT 512u

/* And what somebody types into one on a shared line. */
#define BACKCHANNEL_TEXT 256u

struct backchannel {
	struct deframer deframer;
	struct textframe textframe;
	uint8_t mem[DEFRAMER_MEM(BACKCHANNEL_SEGMENT)];
	uint8_t text_mem[TEXTFRAME_MEM(TEXTFRAME_CHARS(BACKCHANNEL_SEGMENT) + BACKCHANNEL_TEXT)];
	struct ayp_message_ctx *messages; /* of whoever made it */
	uint32_t session;
	uint64_t bytes, frames, bad; /* received; valid and ours; damaged segments */
};

void backchannel_init(struct backchannel *b, struct ayp_message_ctx *messages, uint32_t session);
void backchannel_bytes(struct backchannel *b, const uint8_t *data, size_t len,
	const struct backchannel_ops *ops, void *ctx);
/* The line was gone: what came before does not go on. */
void backchannel_reset(struct backchannel *b);

#endif
