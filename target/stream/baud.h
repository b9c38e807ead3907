/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Another baud rate at a host's wish, and back by itself: PROTOCOL.md, section 14, "Rate".
 *
 *   BASE --asked--> DRAIN --sent--> SETTLE --UART empty--> TRIAL --heard--> CHANGED (or BASE, if it is that)
 *                     |                                      | nobody heard for 0.6 s    | for 1 s
 *                     `-- 1 s -------------> BASE <----------'---------------------------'
 *
 * The answer leaves at the old rate; then the line is silent, changes, and both sides must hear
 * each other. From DRAIN until somebody was heard, or 50 ms of TRIAL have passed, the transmitter
 * is quiesced.
 */
#ifndef TARGET_BAUD_H
#define TARGET_BAUD_H

#include <stdbool.h>
#include <stdint.h>

#include "target/stream/budget.h"

struct channel;

enum baud_state { BAUD_BASE, BAUD_DRAIN, BAUD_SETTLE, BAUD_TRIAL, BAUD_CHANGED };

struct baud {
	enum baud_state state;
	uint32_t base, wanted;
	unsigned int generation; /* of the sink when the rate was changed */
	uint64_t entered_ns, heard_ns, said_ns;
	struct ration changes; /* while the line changes, it carries nothing */
};

void baud_init(struct baud *b);
/* Change soon. The answer, which the caller queues as urgent, still leaves at the old rate. 0, or a
 * negative errno: -EOPNOTSUPP no serial line, -EBUSY in the middle of a change, or the goodbye is
 * said, -EAGAIN too many of them, -ERANGE. */
int baud_ask(struct channel *c, uint32_t baud, uint64_t now_ns);
/* A host was understood. */
void baud_heard(struct channel *c, uint64_t now_ns);
void baud_tick(struct channel *c, uint64_t now_ns);

#endif
