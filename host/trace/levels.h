/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What was called in a call, and what functions are known to call: sets, for missed.c. */
#ifndef HOST_TRACE_LEVELS_H
#define HOST_TRACE_LEVELS_H

#include "host/trace/pairer_internal.h"

#define PAIR_BITS 17u /* 16 KiB */

/* Was it called there, and left? */
bool level_beside_big(const struct pairer *p, const struct level *l, uint16_t func);
static inline bool level_beside(const struct pairer *p, const struct level *l, uint16_t func)
{
	if (l->big)
		return level_beside_big(p, l, func);
	for (unsigned int i = 0; i < l->n; i++)
		if (l->beside[i] == func)
			return true;
	return false;
}

void level_add_big(struct pairer *p, struct level *l, uint16_t func);
static inline void level_add(struct pairer *p, struct level *l, uint16_t func)
{
	if (!level_beside(p, l, func))
		level_add_big(p, l, func);
}
/* All of `of` was called there. */
void level_join(struct pairer *p, struct level *l, const struct level *of);
/* To bytes, or from them: it is as new then. */
struct state;
void level_state(struct pairer *p, struct level *l, struct state *s);
void pairs_state(struct pairer *p, struct state *s);
/* Release; it is as new. */
void level_clear(struct pairer *p, struct level *l);
void levels_free(struct pairer *p);

/* Is a function known to call another one? May say so although it is not: one bit for each pair,
 * which may be another pair's, too. */
static inline uint32_t pair_bit(uint16_t caller, uint16_t func)
{
	return (caller * 0x85ebca6bu + func * 0x9e3779b1u) >> (32 - PAIR_BITS);
}
static inline bool pair_known(const struct pairer *p, uint16_t caller, uint16_t func)
{
	uint32_t bit = pair_bit(caller, func);

	return p->pairs && p->pairs[bit / 8] >> bit % 8 & 1;
}
void pair_learn(struct pairer *p, uint16_t caller, uint16_t func);
/* It calls all of a level. */
void pair_learn_level(struct pairer *p, uint16_t caller, const struct level *l);

#endif
