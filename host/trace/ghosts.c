/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls that were found guilty, and may yet turn out to be real. */
#include <assert.h>
#include <string.h>

#include "host/trace/levels.h"
#include "host/trace/missed.h"
#include "host/trace/suspicion.h"

#define ROOM_STEP 8u

static uint64_t func_bit(uint16_t func)
{
	return UINT64_C(1) << (func * 0x9e3779b1u >> 26);
}

void ghosts_free(struct pairer *p, struct suspicion *s)
{
	p->ghost_room -= s->cap_ghosts;
	trace_release(p->mem, s->ghosts);
	s->ghosts = NULL;
	s->n_ghosts = s->cap_ghosts = 0;
	s->ghost_funcs = 0;
}

static void note_funcs(struct suspicion *s)
{
	s->ghost_funcs = 0;
	for (uint32_t i = 0; i < s->n_ghosts; i++)
		s->ghost_funcs |= func_bit(s->ghosts[i].call.func);
}

/* What is left of them is older than a call that ended, and has it in it. */
static void count_given(struct suspicion *s, const struct trace_call *c)
{
	if (!c->total_ns || !(s->ghost_funcs & func_bit(c->func)))
		return;
	for (uint32_t i = 0; i < s->n_ghosts; i++)
		if (s->ghosts[i].call.func == c->func)
			s->ghosts[i].given_ns += c->total_ns;
}

void ghosts_end(struct pairer *p, struct suspicion *s, uint32_t from)
{
	uint32_t n = s->n_ghosts;

	s->n_ghosts = from;
	for (uint32_t i = from; i < n; i++) {
		count_given(s, &s->ghosts[i].call);
		suspicion_give(p, s, &s->ghosts[i].call);
	}
	if (from)
		note_funcs(s);
	else
		ghosts_free(p, s);
}

/* The oldest one, and all that are in it. */
static void end_oldest(struct pairer *p, struct suspicion *s)
{
	uint32_t n = 0;

	do {
		suspicion_give(p, s, &s->ghosts[n++].call);
	} while (n < s->n_ghosts && s->ghosts[n].call.depth > s->ghosts[0].call.depth);
	s->n_ghosts -= n;
	memmove(s->ghosts, s->ghosts + n, s->n_ghosts * sizeof(*s->ghosts));
	note_funcs(s);
}

bool ghosts_room(struct pairer *p, struct suspicion *s, uint32_t n)
{
	uint32_t cap;
	void *ghosts;

	if (n > MISSED_GHOSTS)
		return false;
	while (s->n_ghosts + n > MISSED_GHOSTS)
		end_oldest(p, s);
	if (s->n_ghosts + n <= s->cap_ghosts)
		return true;
	cap = (s->n_ghosts + n + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
	if (p->ghost_room + cap - s->cap_ghosts > MISSED_GHOSTS_ALL)
		return false;
	ghosts = p->mem->resize(p->mem->ctx, s->ghosts, cap * sizeof(*s->ghosts));
	if (!ghosts)
		return false;
	p->ghost_room += cap - s->cap_ghosts;
	s->ghosts = ghosts;
	s->cap_ghosts = cap;
	return true;
}

void ghosts_add(struct suspicion *s, const struct ghost *g)
{
	uint32_t at;

	assert(s->n_ghosts < s->cap_ghosts);
	for (at = s->n_ghosts++; at && s->ghosts[at - 1].call.id > g->call.id; at--)
		s->ghosts[at] = s->ghosts[at - 1];
	s->ghosts[at] = *g;
	s->ghost_funcs |= func_bit(g->call.func);
}

void ghosts_closed(struct pairer *p, struct suspicion *s, const struct trace_call *c)
{
	uint32_t from = s->n_ghosts;

	while (from && s->ghosts[from - 1].call.id > c->id)
		from--;
	if (from < s->n_ghosts)
		ghosts_end(p, s, from);
	count_given(s, c);
}

/* ---- its exit, after all -------------------------------------------------------------------- */

/* End what is open and newer: it was called in a ghost, and lost its exit. */
static void close_newer(struct pairer *p, struct thread *t, uint64_t id)
{
	while (t->n && t->open[t->n - 1].id > id)
		calls_close(p, t, t->n - 1, t->last_ns);
}

/* The ghost that one is in, or NULL: what it was called in is open. All that is open is older. */
static struct ghost *caller_of(const struct thread *t, struct suspicion *s, const struct ghost *g)
{
	size_t i = (size_t)(g - s->ghosts);

	while (i-- > 0 && g->call.depth > t->n)
		if (s->ghosts[i].call.depth + 1u == g->call.depth)
			return &s->ghosts[i];
	return NULL;
}

/* What this one is in is real, too, and lasts at least until now, and with it what is taken to
 * stand beside it was in it. */
static void callers_last(struct thread *t, struct suspicion *s, struct ghost *g, uint64_t now_ns)
{
	uint64_t *inner_ns = inner_below(t, t->n);
	struct ghost *in = g, *caller;

	while ((caller = caller_of(t, s, in)) != NULL) {
		caller->inner_ns = in->before_ns + (now_ns - in->call.start_ns);
		caller->call.end_ns = now_ns;
		caller->call.self_ns = less(now_ns - caller->call.start_ns, caller->inner_ns);
		in = caller;
	}
	*inner_ns = in->before_ns + (now_ns - in->call.start_ns);
	for (in = g; in; in = caller_of(t, s, in))
		in->after_ns = *inner_ns;
}

/* The newest ghost is left. */
static void leave(struct pairer *p, struct thread *t, uint64_t now_ns)
{
	struct suspicion *s = t->suspicion;
	struct ghost g = s->ghosts[s->n_ghosts - 1];
	uint64_t length = now_ns - g.call.start_ns;
	uint64_t since_ns = less(*inner_below(t, t->n), g.after_ns);
	struct trace_call c = g.call;

	c.end_ns = now_ns;
	c.self_ns = less(length, g.inner_ns + since_ns);
	c.total_ns = g.outer ? 0 : less(length, g.given_ns);
	c.flags = TRACE_CALL_REPAIRED;
	if (g.outer)
		t->open[g.outer - 1].same_ns = g.outer_ns + length;
	callers_last(t, s, &s->ghosts[s->n_ghosts - 1], now_ns);
	if (g.call.depth == t->n)
		level_add(p, level_below(t, t->n), c.func);
	s->n_ghosts--;
	count_given(s, &c);
	if (!s->n_ghosts)
		ghosts_free(p, s);
	t->closed_ns = now_ns;
	pair_learn(p, g.caller, g.callee);
	suspicion_give(p, s, &c);
}

bool missed_exit(
	struct pairer *p, struct thread *t, uint16_t func, uint64_t open_id, uint64_t now_ns)
{
	struct suspicion *s = t->suspicion;
	uint32_t at = s->ghost_funcs & func_bit(func) ? s->n_ghosts : 0;

	while (at && s->ghosts[at - 1].call.id > open_id && s->ghosts[at - 1].call.func != func)
		at--;
	if (!at || s->ghosts[at - 1].call.id < open_id)
		return false;
	close_newer(p, t, s->ghosts[at - 1].call.id);
	ghosts_end(p, s, at);
	leave(p, t, now_ns);
	return true;
}

void missed_syscall(struct pairer *p, struct thread *t)
{
	struct suspicion *s = t->suspicion;

	for (uint32_t i = 0; i < s->n_ghosts; i++) {
		if (!(p->out->traits[s->ghosts[i].call.func] & FUNC_KERNEL))
			continue;
		close_newer(p, t, s->ghosts[i].call.id);
		ghosts_end(p, s, i);
	}
}

bool missed_pending(const struct thread *t)
{
	return t->suspicion && t->suspicion->n_ghosts;
}

uint64_t missed_since(const struct thread *t)
{
	return missed_pending(t) ? t->suspicion->ghosts[0].call.start_ns : UINT64_MAX;
}

void missed_settle(struct pairer *p, struct thread *t)
{
	if (missed_pending(t))
		ghosts_end(p, t->suspicion, 0);
}
