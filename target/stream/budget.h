/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Limits for what could take all of the line, or of the daemon's time: a share of the line as a
 * token bucket of bytes, two seconds deep; and a ration of what a peer may ask for. */
#ifndef TARGET_BUDGET_H
#define TARGET_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "target/base/clock.h"

/* What of a line may go to whom, and how often. */
struct shares {
	uint64_t period_ns;      /* of hello and status: a second, more on slow lines */
	int64_t repeat_per_s;    /* bytes for repeating, 0: no limit */
	int64_t telemetry_per_s; /* bytes for samples and totals, 0: no limit */
};

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

/* So many of something that a peer asks for: `burst` at once, then one more each `every_ns`. */
struct ration {
	uint64_t every_ns;
	uint32_t burst;
	uint32_t left;
	uint64_t at_ns; /* when one was last added; 0: never yet */
};

static inline bool ration_take(struct ration *r, uint64_t now)
{
	uint64_t more = r->at_ns ? (now - r->at_ns) / r->every_ns : r->burst;

	if (more > 0) {
		r->left = more < r->burst - r->left ? r->left + (uint32_t)more : r->burst;
		r->at_ns = now;
	}
	if (r->left == 0)
		return false;
	r->left--;
	return true;
}

#endif
