/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/missed.h"

#include <string.h>

#include "host/trace/lanes.h"
#include "host/trace/levels.h"

struct doubt {
	uint64_t first_id; /* the call that raised it; what comes later stands too deep, too */
	uint64_t end_ns;   /* of the last call in it before that one */
	uint64_t inner_ns; /* what was in it before that one */
	struct level before;
};

/* A call that was found guilty. */
struct ghost {
	struct trace_call call;   /* as it is if its exit never comes */
	uint64_t inner_ns;        /* in it until it was found guilty */
	uint64_t caller_ns;       /* in its caller before it */
	uint64_t caller_after_ns; /* and when it had been found guilty */
	uint64_t given_ns;        /* to the time of its function since */
};

struct suspicion {
	struct doubt doubts[MISSED_DOUBTS]; /* outermost first */
	struct ghost ghosts[MISSED_GHOSTS]; /* by ids; none deeper than a newer one */
	uint32_t n_doubts, n_ghosts;
	struct trace_call *held; /* by their ends */
	size_t n_held, cap_held;
	bool full; /* there were too many: none is held until these doubts are over */
};

static bool knows_recursive(const struct pairer *p, uint16_t func)
{
	return p->recursive && p->recursive[func / 8] >> (func % 8) & 1;
}

static void learn_recursive(struct pairer *p, uint16_t func)
{
	if (!p->recursive)
		p->recursive = trace_alloc(p->mem, TRACE_MAX_FUNCS / 8);
	if (p->recursive)
		p->recursive[func / 8] |= (uint8_t)(1u << (func % 8));
}

/* ---- calls that are set aside --------------------------------------------------------------- */

static void release(struct pairer *p, struct suspicion *s)
{
	for (size_t i = 0; i < s->n_held; i++)
		call_give(p, &s->held[i]);
	p->n_held -= s->n_held;
	s->n_held = 0;
}

static void give(struct pairer *p, struct suspicion *s, const struct trace_call *c)
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

static struct doubt *newest_doubt(struct suspicion *s)
{
	return &s->doubts[s->n_doubts - 1];
}

/* The newest doubt is over. */
static void end_doubt(struct pairer *p, struct suspicion *s)
{
	if (--s->n_doubts)
		return;
	release(p, s);
	s->full = false;
}

/* ---- ghosts --------------------------------------------------------------------------------- */

static void end_ghosts(struct pairer *p, struct suspicion *s, uint32_t from)
{
	for (uint32_t i = from; i < s->n_ghosts; i++)
		give(p, s, &s->ghosts[i].call);
	s->n_ghosts = from < s->n_ghosts ? from : s->n_ghosts;
}

/* Their caller has ended. */
static void end_ghosts_below(struct pairer *p, struct suspicion *s, uint32_t depth)
{
	uint32_t from = s->n_ghosts;

	while (from && s->ghosts[from - 1].call.depth > depth)
		from--;
	end_ghosts(p, s, from);
}

/* Room for one with this id. */
static struct ghost *add_ghost(struct pairer *p, struct suspicion *s, uint64_t id)
{
	uint32_t at;

	if (s->n_ghosts == MISSED_GHOSTS) {
		give(p, s, &s->ghosts[0].call);
		memmove(s->ghosts, s->ghosts + 1, (MISSED_GHOSTS - 1) * sizeof(s->ghosts[0]));
		s->n_ghosts--;
	}
	for (at = s->n_ghosts++; at && s->ghosts[at - 1].call.id > id; at--)
		s->ghosts[at] = s->ghosts[at - 1];
	return &s->ghosts[at];
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t *caller_ns(struct thread *t, uint32_t depth)
{
	return depth ? &t->open[depth - 1].inner_ns : &t->inner_ns;
}

void missed_syscall(struct pairer *p, struct thread *t)
{
	struct suspicion *s = t->suspicion;

	for (uint32_t i = 0; s && i < s->n_ghosts; i++) {
		if (!(p->out->traits[s->ghosts[i].call.func] & FUNC_KERNEL))
			continue;
		calls_close(p, t, s->ghosts[i].call.depth, t->last_ns);
		end_ghosts(p, s, i);
	}
}

bool missed_exit(struct pairer *p, struct thread *t, uint16_t func, uint64_t now_ns)
{
	struct suspicion *s = t->suspicion;
	uint32_t at = s ? s->n_ghosts : 0;
	struct trace_call c;
	uint64_t *in_caller_ns, length;
	struct ghost g;

	while (at && s->ghosts[at - 1].call.func != func)
		at--;
	if (!at)
		return false;
	end_ghosts(p, s, at);
	g = s->ghosts[at - 1];
	c = g.call;
	/* What was called in it and is open lost its exit. */
	calls_close(p, t, c.depth, t->last_ns);
	s->n_ghosts = at - 1;
	in_caller_ns = caller_ns(t, c.depth);
	length = now_ns - c.start_ns;
	c.end_ns = now_ns;
	c.self_ns = less(length, g.inner_ns + less(*in_caller_ns, g.caller_after_ns));
	c.total_ns = less(length, g.given_ns);
	c.flags = TRACE_CALL_REPAIRED;
	*in_caller_ns = g.caller_ns + length;
	t->closed_ns = now_ns;
	learn_recursive(p, func);
	level_add(p, level_below(t, c.depth), func);
	give(p, s, &c);
	return true;
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

/* `l` is where it was called. */
static bool may_have_ended(const struct pairer *p, const struct level *l, const struct frame *a)
{
	return !a->same && !knows_recursive(p, a->func) && level_beside(p, l, a->func) &&
	       !level_inside(p, l, a->func, a->func);
}

void missed_entry(struct pairer *p, struct thread *t, uint16_t func)
{
	struct frame *a = &t->open[t->n - 1];
	const struct level *l = level_below(t, t->n - 1);

	if (level_beside(p, l, func) && !(a->flags & FRAME_DOUBTFUL) && may_have_ended(p, l, a) &&
		!level_inside(p, l, a->func, func))
		doubt(p, t, a);
}

/* One that was called in `a` before the doubt may still turn out to be real, and `a` with it. */
static bool holds_ghost(const struct suspicion *s, const struct frame *a, const struct doubt *d)
{
	for (uint32_t i = 0; i < s->n_ghosts; i++)
		if (s->ghosts[i].call.id > a->id && s->ghosts[i].call.id < d->first_id)
			return true;
	return false;
}

/* What stands in a call from the doubt on moves to its caller. Until now the times of the caller
 * were counted in the call; `base_ns` is to be added to those. */
static void move_ghosts(struct suspicion *s, const struct doubt *d, uint64_t base_ns)
{
	for (uint32_t i = 0; i < s->n_ghosts; i++) {
		struct ghost *g = &s->ghosts[i];

		if (g->call.id < d->first_id)
			continue;
		g->call.depth--;
		g->caller_ns += base_ns;
		g->caller_after_ns += base_ns;
	}
}

static void move_calls(struct pairer *p, struct thread *t, struct frame *a, const struct doubt *d)
{
	struct suspicion *s = t->suspicion;
	struct level *l = level_below(t, t->n);

	for (size_t i = 0; i < s->n_held; i++)
		if (s->held[i].id >= d->first_id)
			s->held[i].depth--;
	level_add_level(p, l, a->func, &d->before);
	level_join(p, l, &a->level);
	level_clear(p, &a->level);
}

/* The innermost call, which is in doubt, ended before what raised the doubt. */
static void convict(struct pairer *p, struct thread *t, uint64_t now_ns)
{
	struct suspicion *s = t->suspicion;
	struct doubt d = *newest_doubt(s);
	struct frame *a = stack_pop(t);
	uint64_t length = d.end_ns - a->start_ns, *in_caller_ns = caller_ns(t, t->n);
	struct ghost g = {
		.call = {.id = a->id,
			.start_ns = a->start_ns,
			.end_ns = d.end_ns,
			.self_ns = less(length, d.inner_ns),
			.total_ns = a->same_ns,
			.tid = t->idle ? 0 : (uint32_t)t->key,
			.func = a->func,
			.depth = (uint16_t)t->n,
			.session = p->session,
			.cpu = a->cpu,
			.flags = TRACE_CALL_NO_EXIT | TRACE_CALL_REPAIRED},
		.inner_ns = a->inner_ns,
		.caller_ns = *in_caller_ns,
		.caller_after_ns = *in_caller_ns + length + (a->inner_ns - d.inner_ns),
	};

	if (p->draws)
		lanes_closed(p, t, a, t->n, now_ns);
	*in_caller_ns = g.caller_after_ns;
	move_ghosts(s, &d, g.caller_ns + length - d.inner_ns);
	move_calls(p, t, a, &d);
	level_clear(p, &d.before);
	*add_ghost(p, s, a->id) = g;
	end_doubt(p, s);
}

/* What was called in it is what its function calls there. */
static void add_to_caller(struct pairer *p, struct thread *t, struct frame *f, bool left)
{
	struct level *l = level_below(t, t->n);

	if (f->level.n || f->level.big || f->level.blind)
		level_add_level(p, l, f->func, &f->level);
	if (f->level.big)
		level_clear(p, &f->level);
	if (left)
		level_add(p, l, f->func);
	else if (t->n)
		level_add_inside(p, level_below(t, t->n - 1), t->open[t->n - 1].func, f->func);
}

static void acquit(struct pairer *p, struct thread *t, const struct frame *f)
{
	struct suspicion *s = t->suspicion;
	struct doubt *d = newest_doubt(s);

	level_add_level(p, level_below(t, t->n), f->func, &d->before);
	level_clear(p, &d->before);
	end_doubt(p, s);
}

static void note_ghosts(struct pairer *p, struct thread *t, const struct trace_call *c)
{
	struct suspicion *s = t->suspicion;

	end_ghosts_below(p, s, c->depth);
	for (uint32_t i = 0; i < s->n_ghosts; i++)
		if (s->ghosts[i].call.func == c->func)
			s->ghosts[i].given_ns += c->total_ns;
}

void missed_closed(struct pairer *p, struct thread *t, struct frame *f, const struct trace_call *c)
{
	bool left = !(c->flags & TRACE_CALL_NO_EXIT);
	struct frame *caller = t->n ? &t->open[t->n - 1] : NULL;

	t->closed_ns = c->end_ns > t->closed_ns ? c->end_ns : t->closed_ns;
	if (f->flags & FRAME_DOUBTFUL)
		acquit(p, t, f);
	if (t->suspicion && t->suspicion->n_ghosts)
		note_ghosts(p, t, c);
	add_to_caller(p, t, f, left);
	if (left && f->flags & FRAME_CALLS_ITSELF)
		learn_recursive(p, f->func);
	give(p, t->suspicion, c);
	if (!left || !caller || caller->func != f->func)
		return;
	if (!(caller->flags & FRAME_DOUBTFUL))
		caller->flags |= FRAME_CALLS_ITSELF;
	else if (!holds_ghost(t->suspicion, caller, newest_doubt(t->suspicion)))
		convict(p, t, c->end_ns);
}

/* ---- its thread ----------------------------------------------------------------------------- */

void missed_settle(struct pairer *p, struct thread *t)
{
	if (t->suspicion)
		end_ghosts(p, t->suspicion, 0);
}

void missed_hasten(struct pairer *p, struct thread *t, uint64_t before_ns)
{
	struct suspicion *s = t->suspicion;

	if (!s || !s->n_held || s->held[0].end_ns >= before_ns)
		return;
	release(p, s);
	s->full = true;
}

bool missed_pending(const struct thread *t)
{
	return t->suspicion && t->suspicion->n_ghosts;
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
	p->n_held -= s->n_held;
	trace_release(p->mem, s->held);
	trace_release(p->mem, s);
	t->suspicion = NULL;
}

void missed_free(struct pairer *p)
{
	levels_free(p);
	trace_release(p->mem, p->recursive);
}
