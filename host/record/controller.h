/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Commands to the board while it is recorded, one at a time: repeated until the board answers; and the
 * line's rate, which both sides change together. PROTOCOL.md, section 14.
 *
 * Times are CLOCK_MONOTONIC in ns.
 */
#ifndef HOST_CONTROLLER_H
#define HOST_CONTROLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "host/link/link.h"
#include "host/record/acker.h"
#include "host/record/back.h"

enum controller_state { CONTROLLER_FREE, CONTROLLER_ASKING, CONTROLLER_TRIAL };

struct controller {
	struct link *link;
	struct back *back;
	struct acker *acker;
	struct ayp_message_ctx *ctx;
	enum controller_state state;
	ayaprof_Control msg;
	uint32_t next_id;
	uint64_t begun_ns, sent_ns;
	/* The last command's end, until somebody takes it. */
	bool answered;
	int result; /* 0 or a negative errno */
	char text[256];
	/* rate */
	uint32_t base, wanted; /* wanted 0: leave it */
	unsigned int tries;    /* left, of a rate that is wanted from the start */
	bool fresh;            /* the trial has just begun */
	bool changed;          /* the line runs at `wanted` */
	uint64_t try_at_ns, heard_ns, frames;
};

void controller_init(struct controller *c, struct link *link, struct back *back,
	struct acker *acker, struct ayp_message_ctx *ctx, uint32_t first_id);
/* Step the rate up as soon as a board listens, and again when it was lost. */
void controller_negotiate(struct controller *c, uint32_t baud);
/* A command as proto/command.h lists them. 0; -EBUSY: another one is on its way; -EINVAL: there is no such; -ENOTCONN: no
 * board is there that listens. */
int controller_ask(struct controller *c, const char *command, uint64_t now_ns);
/* The board has answered a command. */
void controller_ack(struct controller *c, const ayaprof_Ack *ack, uint64_t now_ns);
/* Time passes. `frames`: valid ones so far. */
void controller_tick(struct controller *c, uint64_t frames, uint64_t now_ns);
/* The link was opened anew: its rate is the one it is opened with. */
void controller_reopened(struct controller *c);

#endif
