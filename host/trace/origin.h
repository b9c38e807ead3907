/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Who made a frame. A line may echo what a host said, and a hostile board may send what only a
 * recorder writes: such frames open no session, take no sequence number and are not stored.
 */
#ifndef HOST_TRACE_ORIGIN_H
#define HOST_TRACE_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "framing/framing.h"
#include "proto/message.h"

/* Kinds for recordings, also those that only later versions write (PROTOCOL.md, section 5). */
#define ORIGIN_FIRST_RECORDER_KIND 32u
#define ORIGIN_LAST_RECORDER_KIND  63u

static inline bool origin_is_recorder(const struct framing_header *h)
{
	return h->kind >= ORIGIN_FIRST_RECORDER_KIND && h->kind <= ORIGIN_LAST_RECORDER_KIND;
}

/* Of a frame that came over a line. */
static inline bool origin_is_board(struct ayp_message_ctx *ctx, const struct framing_header *h,
	const uint8_t *payload, size_t len)
{
	ayaprof_Ack ack;

	if (h->session == 0 || h->kind == AYP_KIND_CONTROL || origin_is_recorder(h))
		return false;
	/* Both sides acknowledge: a board a Control, a host frames. */
	return h->kind != AYP_KIND_ACK ||
	       ayp_message_decode(ctx, h->kind, h->flags, payload, len, &ack) ||
	       ack.control_id != 0;
}

#endif
