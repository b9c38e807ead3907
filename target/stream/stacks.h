/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stacks already seen, kept for hosts that attach late. A ring of the newest STACKS_MAX; positions
 * count all stacks ever added.
 */
#ifndef TARGET_STACKS_H
#define TARGET_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"

#define STACKS_MAX 8192u

struct stack {
	uint32_t id, tgid, kernel_frames, n;
	uint32_t symbols[];
};

struct stacks {
	struct stack *ring[STACKS_MAX];
	uint64_t end; /* position of the next one */
};

/* 0 or -ENOMEM. */
int stacks_add(struct stacks *s, const ayaprof_Stack *stack);
/* The oldest position still there. */
uint64_t stacks_begin(const struct stacks *s);
/* Copy out; false if the position is not (or no longer) there. */
bool stacks_get(const struct stacks *s, uint64_t position, ayaprof_Stack *stack);
void stacks_free(struct stacks *s);

#endif
