/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Everything that follows from what a line carries in a second: how long frames are, after how much
 * a group of blocks begins anew, how often things are repeated, which shares of the line they may
 * take, and for how long an acknowledgement is waited for. Worked out in one place (rate_derive),
 * which channel_follow_rate calls.
 */
#ifndef TARGET_RATE_H
#define TARGET_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/base/clock.h"
#include "target/sink/sink.h"
#include "target/stream/budget.h"

struct rate {
	uint64_t bytes_per_s; /* of the line, 0: more than is worth counting */
	size_t frame_bytes;   /* payload of an Events frame to aim for */
	uint64_t group_bytes; /* after so many a block builds on none before it */
	struct shares shares;
	size_t start_bytes; /* what a host whose first words are on their way may have missed */
	uint64_t
		rto_ns; /* without an acknowledgement for so long, the newest frame is sent again */
	uint64_t rto_closing_ns; /* the same at the end, when nothing new follows */
	uint64_t rto_max_ns;     /* to which both double */
	uint64_t
		/* between two Syncs: a host that asks without end gets no more of the line */
		sync_ns;
	uint64_t
		/* until a UART has sent what its driver does not count; 0: no serial line */
		settle_ns;
};

/* `frame_bytes`: what the user wants, 0: no wish. */
void rate_derive(struct rate *r, const struct sink *sink, size_t frame_bytes);

/* How long the line is busy with so many bytes. */
static inline uint64_t rate_time_ns(const struct rate *r, size_t bytes)
{
	return r->bytes_per_s ? bytes * NS_PER_S / r->bytes_per_s : 0;
}

/* The most that the payload of any message may be on this sink. */
size_t rate_payload_max(const struct sink *sink);

#endif
