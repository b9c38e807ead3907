/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Room to build one message and encode it: one for the whole daemon, which does one at a time. */
#ifndef TARGET_WRITER_H
#define TARGET_WRITER_H

#include "framing/framing.h"
#include "proto/message.h"

/* Fields of Events around its block. */
#define EVENTS_OVERHEAD 24u

struct writer {
	struct ayp_message_ctx *ctx;
	union {
		ayaprof_Names names;
		ayaprof_Stacks stacks;
		ayaprof_Events events;
		ayaprof_Samples samples;
		ayaprof_Aggregates aggregates;
		ayaprof_Loss loss;
		ayaprof_Status status;
		ayaprof_Goodbye goodbye;
		ayaprof_Sync sync;
		ayaprof_Ack ack;
		ayaprof_Log log;
		ayaprof_Recording recording;
		ayaprof_RecordingEnd recording_end;
	} msg;
	uint8_t payload[FRAMING_MAX_PAYLOAD];
	size_t cap; /* of a payload; at most sizeof(payload) */
	uint8_t flags;
};

/* Encode msg into payload; its size, or -1. */
static inline int writer_encode(struct writer *w, unsigned int kind, const void *msg)
{
	return ayp_message_encode(w->ctx, kind, msg, w->payload, w->cap, &w->flags);
}

#endif
