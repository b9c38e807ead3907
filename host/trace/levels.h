/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What was called in a call, and in what was called there: sets of functions, for missed.c. */
#ifndef HOST_TRACE_LEVELS_H
#define HOST_TRACE_LEVELS_H

#include "host/trace/pairer_internal.h"

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
/* Was it called by a call of `outer` there? May say so although it was not. */
bool level_inside(const struct pairer *p, const struct level *l, uint16_t outer, uint16_t func);

void level_add_big(struct pairer *p, struct level *l, uint16_t func);
static inline void level_add(struct pairer *p, struct level *l, uint16_t func)
{
	if (!level_beside(p, l, func))
		level_add_big(p, l, func);
}
void level_add_inside(struct pairer *p, struct level *l, uint16_t outer, uint16_t func);
/* A call of `func` has ended there, in which all of `of` was called. */
void level_add_level(struct pairer *p, struct level *l, uint16_t func, const struct level *of);
/* All of `of` was called there. */
void level_join(struct pairer *p, struct level *l, const struct level *of);
/* Release; it is as new. */
void level_clear(struct pairer *p, struct level *l);
void levels_free(struct pairer *p);

#endif
