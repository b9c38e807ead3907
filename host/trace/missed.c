/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/missed.h"

#include <string.h>

#include "host/trace/lanes.h"
#include "host/trace/levels.h"
#include "host/trace/suspicion.h"

/* ---- calls that are set aside --------------------------------------------------------------- */

static void release(struct pairer *p, struct suspicion *s)
{
	for (size_t i = 0; i < s->n_held; i++)
		call_give(p, &s->held[i]);
	p->n_held -= s->n_held;
	s->n_held = 0;
}

void suspicion_give(struct pairer *p, struct suspicion *s, const struct trace_call *c)
{
	struct trace_call *held;

	if (!s || !s->n_doubts || s->full) {
		call_give(p, c);
		return;
	}
	held = s->n_held < MISSED_HELD && p->n_held < MISSED_HELD_ALL
		       ? trace_grow(p->mem, s->held, &s->cap_held, s->n_held + 1, sizeof(*held))
		       : NULL;
	if (!held) {
		release(p, s);
		call_give(p, c);
		s->full = true;
		return;
	}
	s->held = held;
	held[s->n_held++] = *c;
	p->n_held++;
}

/* The newest doubts are over. */
static void end_doubts(struct pairer *p, struct suspicion *s, uint32_t n)
{
	while (n--)
		level_clear(p, &s->doubts[--s->n_doubts].before);
	if (s->n_doubts)
		return;
	release(p, s);
	s->full = false;
}

/* ---- doubts --------------------------------------------------------------------------------- */

static struct suspicion *suspicion_of(struct pairer *p, struct thread *t)
{
	if (!t->suspicion)
		t->suspicion = trace_alloc(p->mem, sizeof(*t->suspicion));
	return t->suspicion;
}

static void doubt(struct pairer *p, struct thread *t, struct frame *a)
{
	struct suspicion *s = suspicion_of(p, t);

	if (!s || s->n_doubts == MISSED_DOUBTS)
		return;
	s->doubts[s->n_doubts++] = (struct doubt){
		.first_id = p->out->next_call,
		.end_ns = t->closed_ns > a->start_ns ? t->closed_ns : a->start_ns,
		.inner_ns = a->inner_ns,
		.before = a->level,
	};
	a->level = (struct level){0};
	a->flags |= FRAME_DOUBTFUL;
}

/* Did a function come beside the call at this place, and could that call be found guilty? */
static bool beside_one_that_may_have_ended(
	const struct pairer *p, struct thread *t, uint32_t at, uint16_t func)
{
	const struct level *l = level_below(t, at - 1);
	const struct frame *f = &t->open[at - 1];

	return level_beside(p, l, func) && !f->same && level_beside(p, l, f->func) &&
	       !pair_known(p, t->open[t->n - 1].func, f->func);
}

void missed_new_pair(struct pairer *p, struct thread *t, uint16_t func)
{
	struct frame *a = &t->open[t->n - 1];
	uint32_t lowest = t->n > MISSED_GHOSTS ? t->n - MISSED_GHOSTS : 0, open;
	uint16_t before;

	a->flags |= FRAME_NEW_PAIRS;
	/* What came in it before was looked at then, and nothing below it has changed since. */
	if (a->flags & FRAME_DOUBTFUL || level_beside(p, &a->level, func))
		return;
	open = stack_find(p, t, func, &before);
	if (open && open > lowest && beside_one_that_may_have_ended(p, t, open, func))
		doubt(p, t, a);
	for (uint32_t at = open ? 0 : t->n; at > lowest; at--) {
		if (beside_one_that_may_have_ended(p, t, at, func)) {
			doubt(p, t, a);
			return;
		}
	}
}

/* ---- verdicts ------------------------------------------------------------------------------- */

/* A ghost that is in a call of its own function counts in that one's time: that cannot be a ghost,
 * too. */
static bool ghosts_count_above(const struct suspicion *s, uint32_t at)
{
	for (uint32_t i = 0; i < s->n_ghosts; i++)
		if (s->ghosts[i].outer >= at)
			return true;
	return false;
}

/* The outermost of those that ended, if a call of this function within the innermost call, which
 * is in doubt, shows it; its place, or 0. */
static uint32_t guilty_from(struct pairer *p, struct thread *t, uint16_t func)
{
	uint16_t before;
	uint32_t at = stack_find(p, t, func, &before);

	return at && beside_one_that_may_have_ended(p, t, at, func) &&
			       !ghosts_count_above(t->suspicion, at)
		       ? at
		       : 0;
}

/* Where all that has ended stood, and what moves there. */
struct verdict {
	struct doubt doubt;
	uint32_t from; /* depth */
	uint32_t n;
	uint64_t moved_ns;
	uint16_t caller, callee;
};

/* The innermost open call ends; its child that ends with it, if any, was so long. */
static uint64_t make_ghost(struct pairer *p, struct thread *t, const struct verdict *v,
	uint64_t child_ns, struct ghost *g)
{
	struct frame *f = stack_pop(t);
	uint64_t length = v->doubt.end_ns - f->start_ns;
	bool innermost = t->n + 1 == v->from + v->n;
	uint64_t inner_ns = innermost ? v->doubt.inner_ns : f->inner_ns + child_ns;
	uint32_t same = f->same;

	*g = (struct ghost){
		.call = {.id = f->id,
			.start_ns = f->start_ns,
			.end_ns = v->doubt.end_ns,
			.self_ns = less(length, inner_ns),
			.total_ns = same ? 0 : f->same_ns,
			.tid = t->idle ? 0 : (uint32_t)t->key,
			.func = f->func,
			.depth = (uint16_t)t->n,
			.session = p->session,
			.cpu = f->cpu,
			.flags = TRACE_CALL_NO_EXIT | TRACE_CALL_REPAIRED},
		.inner_ns = inner_ns + v->moved_ns,
		.before_ns = *inner_below(t, t->n),
		.outer_ns = f->same_ns,
		.caller = v->caller,
		.callee = v->callee,
	};
	if (same) {
		t->open[same - 1].same_ns += f->same_ns;
		g->given_ns = same > v->from ? f->same_ns : 0;
	}
	while (same > v->from)
		same = t->open[same - 1].same;
	g->outer = (uint16_t)same;
	level_clear(p, &f->level);
	return length;
}

/* Ghosts that are in a call before it became one itself: what has been called in it is counted in
 * them now, what comes is counted where it stood. */
static void settle_inner_ghosts(
	struct suspicion *s, const struct ghost *g, uint64_t next_id, uint64_t after_ns)
{
	for (uint32_t i = s->n_ghosts; i-- > 0 && s->ghosts[i].call.id > g->call.id;) {
		struct ghost *in = &s->ghosts[i];

		if (in->call.id > next_id)
			continue;
		in->inner_ns += g->inner_ns - in->after_ns;
		in->after_ns = after_ns;
	}
}

/* What stood in them from the doubt on moves. Until now times were counted in the innermost. */
static void move(struct thread *t, const struct verdict *v, uint64_t inner_ns)
{
	struct suspicion *s = t->suspicion;
	uint64_t more_ns = *inner_below(t, v->from) - inner_ns;

	for (uint32_t i = 0; i < s->n_ghosts; i++) {
		struct ghost *g = &s->ghosts[i];

		if (g->call.id < v->doubt.first_id)
			continue;
		if (g->call.depth == v->from + v->n)
			g->before_ns += more_ns;
		g->after_ns += more_ns;
		g->call.depth = (uint16_t)(g->call.depth - v->n);
	}
	for (size_t i = 0; i < s->n_held; i++)
		if (s->held[i].id >= v->doubt.first_id)
			s->held[i].depth = (uint16_t)(s->held[i].depth - v->n);
}

/* The calls from this place on, of which the innermost is in doubt, ended before what raised the
 * doubt. */
static void convict(struct pairer *p, struct thread *t, uint32_t at, uint16_t func, uint64_t now_ns)
{
	struct suspicion *s = t->suspicion;
	struct frame *a = &t->open[t->n - 1];
	uint64_t inner_ns = a->inner_ns;
	struct verdict v = {.doubt = s->doubts[s->n_doubts - 1],
		.from = at - 1,
		.n = t->n - (at - 1),
		.moved_ns = inner_ns - s->doubts[s->n_doubts - 1].inner_ns,
		.caller = a->func,
		.callee = func};
	struct level level = a->level;
	struct ghost g[MISSED_GHOSTS];
	uint64_t length = 0, after_ns;
	uint32_t doubts = 0;

	if (!ghosts_room(p, s, v.n))
		return;
	a->level = (struct level){0};
	for (uint32_t i = v.n; i-- > 0;) {
		struct frame *f = &t->open[t->n - 1];

		doubts += f->flags & FRAME_DOUBTFUL ? 1 : 0;
		length = make_ghost(p, t, &v, length, &g[i]);
		if (p->draws)
			lanes_closed(p, t, f, t->n, now_ns);
	}
	after_ns = *inner_below(t, t->n) += length + v.moved_ns;
	for (uint32_t i = v.n; i-- > 0;)
		settle_inner_ghosts(
			s, &g[i], i + 1 < v.n ? g[i + 1].call.id : v.doubt.first_id - 1, after_ns);
	move(t, &v, inner_ns);
	for (uint32_t i = 0; i < v.n; i++) {
		g[i].after_ns = after_ns;
		g[i].outer_ns = g[i].outer ? t->open[g[i].outer - 1].same_ns - g[i].outer_ns : 0;
		ghosts_add(s, &g[i]);
	}
	level_join(p, level_below(t, t->n), &level);
	level_clear(p, &level);
	if (t->n)
		t->open[t->n - 1].flags |= FRAME_NEW_PAIRS;
	end_doubts(p, s, doubts);
}

/* It was not what the doubt said. */
static void acquit(struct pairer *p, struct thread *t, struct frame *f)
{
	struct suspicion *s = t->suspicion;

	level_join(p, &f->level, &s->doubts[s->n_doubts - 1].before);
	end_doubts(p, s, 1);
}

void missed_closed(struct pairer *p, struct thread *t, struct frame *f, const struct trace_call *c)
{
	bool left = !(c->flags & TRACE_CALL_NO_EXIT);
	uint32_t from;

	t->closed_ns = c->end_ns > t->closed_ns ? c->end_ns : t->closed_ns;
	if (f->flags & FRAME_DOUBTFUL)
		acquit(p, t, f);
	if (missed_pending(t))
		ghosts_closed(p, t->suspicion, c);
	if (left && f->flags & FRAME_NEW_PAIRS)
		pair_learn_level(p, f->func, &f->level);
	if (f->level.big)
		level_clear(p, &f->level);
	if (left)
		level_add(p, level_below(t, t->n), f->func);
	suspicion_give(p, t->suspicion, c);
	if (!left || !t->n || !(t->open[t->n - 1].flags & FRAME_DOUBTFUL))
		return;
	from = guilty_from(p, t, f->func);
	if (from)
		convict(p, t, from, f->func, c->end_ns);
}

/* ---- its thread ----------------------------------------------------------------------------- */

void missed_hasten(struct pairer *p, struct thread *t, uint64_t before_ns)
{
	struct suspicion *s = t->suspicion;

	if (!s || !s->n_held || s->held[0].end_ns >= before_ns)
		return;
	release(p, s);
	s->full = true;
}

void missed_forget(struct pairer *p, struct thread *t)
{
	struct suspicion *s = t->suspicion;

	level_clear(p, &t->level);
	for (uint32_t i = 0; i < t->n; i++)
		level_clear(p, &t->open[i].level);
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_doubts; i++)
		level_clear(p, &s->doubts[i].before);
	ghosts_free(p, s);
	p->n_held -= s->n_held;
	trace_release(p->mem, s->held);
	trace_release(p->mem, s);
	t->suspicion = NULL;
}

void missed_free(struct pairer *p)
{
	levels_free(p);
}
