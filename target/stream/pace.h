/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Everything that follows from what a line carries in a second: how long frames are, after how much a group of
 * blocks begins anew, how often things are repeated and which shares of the line they may take. Worked out in
 * one place (pace_for), which a change of the rate calls through line_follow_rate (line.h).
 */
#ifndef TARGET_PACE_H
#define TARGET_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/sink/sink.h"

struct pace {
	uint64_t bytes_per_s;    /* of the line, 0: more than is worth counting */
	size_t frame_bytes;      /* payload of an Events frame to aim for */
	uint64_t group_bytes;    /* after so many a block builds on none before it */
	uint64_t period_ns;      /* of hello and status: a second, more on slow lines */
	int64_t repeat_per_s;    /* bytes for repeating, 0: no limit */
	int64_t telemetry_per_s; /* bytes for samples and totals, 0: no limit */
	size_t start_bytes; /* what a host whose first words are on their way may have missed */
};

/* `frame_bytes`: what the user wants, 0: no wish. */
void pace_for(struct pace *p, const struct sink *sink, size_t frame_bytes);

/* The most that the payload of any message may be on this sink. */
size_t pace_payload_max(const struct sink *sink);

#endif
