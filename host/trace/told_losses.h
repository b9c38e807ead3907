/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Ranges of losses as a board told them.
 *
 * Holds TOLD_LOSSES_MAX of 48 bytes; beyond that neighbours become one.
 */
#ifndef HOST_TRACE_TOLD_LOSSES_H
#define HOST_TRACE_TOLD_LOSSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/trace/memory.h"

#define TOLD_LOSSES_MAX 65536u

struct loss_row {
	uint64_t first_ns, last_ns, count;
	int16_t cpu; /* -1: not known */
	uint8_t cause;
	bool breaks; /* events are missing in the middle: calls do not go on across it */
};

/* A range as it was told, and how much of it may still be taken off gaps. */
struct told_loss {
	struct loss_row row;
	uint64_t left;
};

struct told_losses {
	struct told_loss *at;
	size_t n, cap;
	size_t next; /* the first one that has not been given */
	size_t open; /* the first one that a gap may overlap */
};

/* Zeroed at the start. Returns 0 or -ENOMEM. One that says what the last one did, which has not been
 * given yet, is added to that. */
int told_add(struct told_losses *t, const struct trace_memory *mem, const struct loss_row *row);
/* By time. */
void told_sort(struct told_losses *t);

#endif
