/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One way out of the daemon with all that belongs to it: the spool and the sink (output), what follows from its rate
 * (pace), what its receiver is told (feed), whether a host acknowledges (link), and, on a serial line, what a host says
 * (back) and the rate that it may change (rate).
 */
#ifndef TARGET_LINE_H
#define TARGET_LINE_H

#include "target/stream/backchannel.h"
#include "target/stream/feed.h"
#include "target/stream/pace.h"
#include "target/stream/rate.h"
#include "target/stream/reliable.h"

struct line {
	struct output *out;
	size_t frame_bytes; /* as the user wants them, 0: no wish */
	struct feed feed;
	struct reliable link;
	struct rate rate;
	struct backchannel back;
};

struct line_parts {
	struct writer *writer;
	struct names *names;
	const struct stacks *stacks;
};

/* 0, or a negative errno. What `parts` points to must outlive the line; so must the output. */
int line_init(struct line *l, struct output *out, const struct line_parts *parts,
	const struct config *cfg, uint64_t now_ns);
/* The rate may have changed, for whatever reason: work out anew what follows from it. True if it has. */
bool line_follow_rate(struct line *l);
/* Time passes; once per round, before the output is pumped. `closing`: the end is waited for. True if the rate has
 * changed. */
bool line_tick(struct line *l, bool closing, uint64_t now_ns);

#endif
