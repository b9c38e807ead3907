/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Another baud rate at a host's wish, and back by itself: PROTOCOL.md, section 14, "Rate".
 *
 * The answer leaves at the old rate; then the line is silent, changes, and both sides must hear each
 * other within half a second. Whoever hears nothing for a second goes back to the rate it began with.
 */
#ifndef TARGET_RATE_H
#define TARGET_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "target/stream/budget.h"
#include "target/stream/output.h"
#include "target/stream/reliable.h"

enum rate_state { RATE_BASE, RATE_DRAIN, RATE_SETTLE, RATE_TRIAL, RATE_CHANGED };

struct rate {
	struct output *out;
	struct reliable *link;
	enum rate_state state;
	uint32_t base, wanted;
	unsigned int generation; /* of the sink when the rate was changed */
	uint64_t entered_ns, heard_ns, said_ns;
	struct ration changes; /* while the line changes, it carries nothing */
};

void rate_init(struct rate *r, struct output *out, struct reliable *link);
/* Change soon. The answer, which the caller queues as urgent, still leaves at the old rate. 0, or a negative
 * errno: -EOPNOTSUPP no serial line, -EBUSY in the middle of a change, -EAGAIN too many of them, -ERANGE. */
int rate_ask(struct rate *r, uint32_t baud, uint64_t now_ns);
/* A host was understood. */
void rate_heard(struct rate *r, uint64_t now_ns);
void rate_tick(struct rate *r, uint64_t now_ns);

#endif
