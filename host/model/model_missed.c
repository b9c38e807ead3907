/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A call whose exit was missed, and that no later event of its thread could close: an outermost call
 * has no caller whose exit would. Everything that came later stands one row too deep in it.
 *
 * Such a call is still open at the end, and its own function is called and left inside of it, which
 * no call of the function that came before at the same place did. Then the missed exit lies before the
 * first call inside that used to come beside it: there it ends, without an exit, and what follows moves
 * back to where it belongs. A function that calls itself has done so before, or has no call before.
 */
#include "host/model/model_internal.h"

#include <stdlib.h>
#include <string.h>

#define BESIDE 1u /* came before, at the place of the call in question, and was left */
#define INSIDE 2u /* was called by such a call of the same function */

struct row {
	struct model_call *calls;
	const uint32_t *own; /* calls of the thread, by time */
	size_t n;
	uint8_t *seen; /* by function */
};

static struct model_call *call_at(const struct row *r, size_t i)
{
	return &r->calls[r->own[i]];
}

static bool has_exit(const struct model_call *c)
{
	return !(c->flags & CALL_NO_EXIT);
}

/* What came beside call `at` and in its like, since its caller began. */
static void look_before(const struct row *r, size_t at)
{
	const struct model_call *a = call_at(r, at), *c;
	bool leaves = false; /* c follows what decides whether it is in a like of a */
	size_t i;

	memset(r->seen, 0, MODEL_MAX_FUNCS);
	for (i = at; i && call_at(r, i - 1)->depth >= a->depth; i--)
		;
	for (; i < at; i++) {
		c = call_at(r, i);
		if (c->depth == a->depth) {
			leaves = c->func == a->func;
			if (has_exit(c))
				r->seen[c->func] |= BESIDE;
		} else if (c->depth == a->depth + 1 && leaves) {
			r->seen[c->func] |= INSIDE;
		}
	}
}

/* The first call inside of `at` that came after its end; 0: none. */
static size_t first_after(const struct row *r, size_t at)
{
	const struct model_call *a = call_at(r, at), *c;
	bool itself = false;
	size_t i, first = 0;

	for (i = at + 1; i < r->n && !itself; i++) {
		c = call_at(r, i);
		if (c->depth != a->depth + 1 || r->seen[c->func] != BESIDE)
			continue;
		if (!first)
			first = i;
		itself = c->func == a->func && has_exit(c);
	}
	return itself ? first : 0;
}

static uint64_t length(const struct model_call *c)
{
	return c->end_ns - c->start_ns;
}

/* End it before call `first`, which and what follows is its caller's then. */
static void cut(const struct row *r, size_t at, size_t first, struct model_call *caller)
{
	struct model_call *a = call_at(r, at), *c;
	uint64_t inside = 0, beside = 0, before = length(a);
	size_t i;

	a->end_ns = a->start_ns;
	for (i = at + 1; i < r->n; i++) {
		c = call_at(r, i);
		if (i >= first)
			beside += --c->depth == a->depth ? length(c) : 0;
		else if (c->depth == a->depth + 1)
			inside += length(c);
		if (i < first && c->end_ns > a->end_ns)
			a->end_ns = c->end_ns;
	}
	a->self_ns = length(a) > inside ? length(a) - inside : 0;
	if (!caller)
		return;
	caller->self_ns += before - length(a);
	caller->self_ns -= beside < caller->self_ns ? beside : caller->self_ns;
}

void missed_exits(struct model *m, const uint32_t *own, size_t n, const uint32_t *open,
	size_t n_open, uint8_t *seen, uint64_t *steps)
{
	struct row r = {.calls = m->calls, .own = own, .n = n, .seen = seen};
	struct model_call *caller = NULL;
	size_t i, at = 0, first;

	for (i = 0; i < n_open && *steps >= MODEL_MAX_FUNCS + n; i++) {
		*steps -= MODEL_MAX_FUNCS + n;
		while (at < n && own[at] != open[i])
			at++;
		if (at == n)
			return;
		look_before(&r, at);
		first = r.seen[m->calls[open[i]].func] == BESIDE ? first_after(&r, at) : 0;
		if (first)
			cut(&r, at, first, caller);
		else
			caller = &m->calls[open[i]];
	}
}
