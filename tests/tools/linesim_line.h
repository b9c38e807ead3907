/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One direction of the simulated line. Bytes go
 *   sender's terminal -> faults -> the wire (its rate) -> latency -> fifo (the receiving driver's) -> receiver
 * Part of linesim.c.
 */
#ifndef TESTS_LINESIM_LINE_H
#define TESTS_LINESIM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/tools/linesim_fault.h"
#include "tests/tools/linesim_port.h"

#define LINE_TICK_NS 1000000u /* a line in use is served this often */

/* The same for both directions. */
struct line_rules {
	uint64_t baud;     /* 0: not paced */
	bool by_tty;       /* instead, each sender's terminal says its rate */
	uint64_t max_baud; /* by_tty: what is sent faster arrives as garbage; 0: no limit */
	uint64_t latency_ns;
	bool rtscts;
};

struct line_flying {
	uint64_t due_ns;
	uint8_t byte;
};

struct line {
	const char *name;
	const struct line_rules *rules;
	struct port *from, *to;
	struct faults faults;
	uint8_t *fifo;
	size_t cap, head, fill;
	struct line_flying *flight; /* a ring, NULL without latency */
	size_t flight_head, flying;
	uint64_t speed;                      /* at which the next byte is sent, 0: not paced */
	uint64_t clock_ns;                   /* the wire is busy until here */
	uint64_t first_ns, last_ns, busy_ns; /* on that clock: first start, last end, in between */
	uint64_t taken, wire, garbled, delivered, overrun, lost_unplugged, lost_unopened;
	bool idle; /* the sender has nothing, as far as was looked */
};

/* cap: bytes that the receiving driver holds. 0 or a negative errno; line_free in any case. */
int line_init(struct line *l, size_t cap, const struct fault_options *faults, uint64_t seed);
/* 0, or a negative errno if a log is not complete. */
int line_free(struct line *l);

/* Take from the sender what the time since the last call allows; nothing, if stalled. */
void line_carry(struct line *l, uint64_t now_ns, bool stalled);
/* Hand to the receiver what has arrived. */
void line_deliver(struct line *l, uint64_t now_ns);
/* Everything that is on its way to the receiver is gone, into *lost. */
void line_reset(struct line *l, uint64_t *lost);
/* Nothing waits at the sender or is under way. */
bool line_empty(const struct line *l);
/* A fault_emit: a byte enters the wire; ctx is the line. */
void line_put(void *ctx, uint8_t byte);

#endif
