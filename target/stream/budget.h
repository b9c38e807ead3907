/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A share of the line for something that could fill it: a token bucket of bytes, two seconds deep.
 */
#ifndef TARGET_BUDGET_H
#define TARGET_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "target/clock.h"

struct budget {
	int64_t per_s; /* bytes; 0: without limit */
	int64_t tokens;
	uint64_t at_ns;
};

static inline void budget_refill(struct budget *b, uint64_t now)
{
	uint64_t passed = now - b->at_ns;

	if (passed > 2 * NS_PER_S)
		passed = 2 * NS_PER_S;
	/* Too short a time would be rounded away, over and over. */
	if (passed < NS_PER_S / 100)
		return;
	b->at_ns = now;
	b->tokens += (int64_t)(passed / 1000) * b->per_s / 1000000;
	if (b->tokens > 2 * b->per_s)
		b->tokens = 2 * b->per_s;
}

static inline bool budget_allows(const struct budget *b)
{
	return b->per_s == 0 || b->tokens > 0;
}

static inline void budget_spend(struct budget *b, int64_t bytes)
{
	if (b->per_s)
		b->tokens -= bytes;
}

#endif
