/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a pairer knows, to bytes and back: PROTOCOL.md, section 11, "Seek points", the stream "state".
 *
 * Bytes may be anybody's. What they could break when they are wrong is looked at here: places in
 * arrays, counts that belong together, the order of what is searched. Times and ids only make
 * nonsense of what is shown.
 */
#include <errno.h>

#include "host/trace/lanes.h"
#include "host/trace/levels.h"
#include "host/trace/missed.h"
#include "host/trace/pairer_internal.h"
#include "host/trace/state.h"
#include "host/trace/suspicion.h"

/* Of threads of which nothing is open so many, those seen last: a board that starts programs all
 * the time has more, and an older one comes as if it were new. */
#define IDLE_THREADS 1024u
#define NO_THREAD    0u /* else its number + 1, in the order of the state */
#define ALL_CPUS     256u

/* ---- calls ---------------------------------------------------------------------------------- */

static void call_state(struct pairer *p, struct trace_call *c, struct state *s)
{
	STATE(s, c->id);
	STATE(s, c->start_ns);
	STATE(s, c->end_ns);
	STATE(s, c->self_ns);
	STATE(s, c->total_ns);
	STATE(s, c->tid);
	c->func = state_func(s, c->func);
	STATE(s, c->depth);
	STATE(s, c->cpu);
	STATE(s, c->flags);
	c->session = p->session;
}

static void frame_state(struct pairer *p, struct frame *f, struct state *s)
{
	STATE(s, f->start_ns);
	STATE(s, f->id);
	STATE(s, f->inner_ns);
	STATE(s, f->same_ns);
	STATE(s, f->cpu);
	STATE(s, f->flags);
	level_state(p, &f->level, s);
}

/* Chains and what else hangs on the order of calls comes about as it did when they were entered. */
static void stack_state(struct pairer *p, struct thread *t, struct state *s)
{
	size_t n = state_count(s, t->n, PAIRER_MAX_DEPTH);

	for (size_t i = 0; i < n && !s->failed; i++) {
		uint16_t func = state_func(s, state_reading(s) ? 0 : t->open[i].func);

		if (state_reading(s)) {
			if (s->failed || !stack_push(p, t, func)) {
				s->failed = true;
				return;
			}
			if (p->out->traits[func] & FUNC_KERNEL && !t->kernel_at)
				t->kernel_at = t->n;
		}
		frame_state(p, &t->open[i], s);
	}
}

/* ---- doubts and ghosts ---------------------------------------------------------------------- */

static void doubt_state(struct pairer *p, struct doubt *d, struct state *s)
{
	STATE(s, d->first_id);
	STATE(s, d->end_ns);
	STATE(s, d->inner_ns);
	level_state(p, &d->before, s);
}

static void ghost_state(struct pairer *p, struct ghost *g, struct state *s)
{
	call_state(p, &g->call, s);
	STATE(s, g->inner_ns);
	STATE(s, g->before_ns);
	STATE(s, g->after_ns);
	STATE(s, g->given_ns);
	STATE(s, g->outer_ns);
	STATE(s, g->outer);
	g->caller = state_func(s, g->caller);
	g->callee = state_func(s, g->callee);
}

static void ghosts_state(struct pairer *p, struct thread *t, struct suspicion *u, struct state *s)
{
	uint32_t n = (uint32_t)state_count(s, u->n_ghosts, MISSED_GHOSTS);

	if (state_reading(s) && n && !ghosts_room(p, u, n))
		s->failed = true;
	for (uint32_t i = 0; i < n && !s->failed; i++) {
		struct ghost read = {0}, *g = state_reading(s) ? &read : &u->ghosts[i];

		ghost_state(p, g, s);
		if (g->outer > t->n)
			s->failed = true;
		if (state_reading(s) && !s->failed)
			ghosts_add(u, g);
	}
}

static void held_state(struct pairer *p, struct suspicion *u, struct state *s)
{
	size_t n = state_count(s, u->n_held, MISSED_HELD);

	if (state_reading(s) && n) {
		u->held = p->n_held + n <= MISSED_HELD_ALL
				  ? trace_grow(p->mem, NULL, &u->cap_held, n, sizeof(*u->held))
				  : NULL;
		s->failed |= !u->held;
	}
	for (size_t i = 0; i < n && !s->failed; i++) {
		call_state(p, &u->held[i], s);
		if (state_reading(s) && !s->failed) {
			u->n_held++;
			p->n_held++;
		}
	}
}

static uint32_t doubtful_calls(const struct thread *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		n += t->open[i].flags & FRAME_DOUBTFUL ? 1 : 0;
	return n;
}

static void suspicion_state(struct pairer *p, struct thread *t, struct state *s)
{
	bool any = state_number(s, t->suspicion != NULL, 1);
	struct suspicion *u;
	uint32_t n;

	if (state_reading(s) && any)
		t->suspicion = trace_alloc(p->mem, sizeof(*t->suspicion));
	u = t->suspicion;
	s->failed |= any && !u;
	if (s->failed || !any) {
		s->failed |= doubtful_calls(t) != 0 && !any;
		return;
	}
	n = (uint32_t)state_count(s, u->n_doubts, MISSED_DOUBTS);
	for (uint32_t i = 0; i < n && !s->failed; i++) {
		if (state_reading(s))
			u->n_doubts++;
		doubt_state(p, &u->doubts[i], s);
	}
	/* Each call in doubt ends one. */
	s->failed |= doubtful_calls(t) != u->n_doubts;
	ghosts_state(p, t, u, s);
	held_state(p, u, s);
	STATE(s, u->full);
}

/* ---- threads -------------------------------------------------------------------------------- */

static struct thread *thread_state(struct pairer *p, struct thread *t, struct state *s)
{
	uint64_t key = state_number(s, t ? t->key : 0, IDLE_THREAD + ALL_CPUS - 1);

	if (state_reading(s))
		t = s->failed || !p->n_cpus ? NULL : thread_restore(p, key);
	if (!t) {
		s->failed = true;
		return NULL;
	}
	STATE(s, t->last_ns);
	STATE(s, t->epoch);
	STATE(s, t->on_since_ns);
	STATE(s, t->guard_ns);
	t->cpu = (uint8_t)state_number(s, t->cpu, p->n_cpus - 1);
	t->on_cpu = (int16_t)((int)state_number(s, (uint64_t)(t->on_cpu + 1), p->n_cpus) - 1);
	STATE(s, t->came_ns);
	STATE(s, t->left_ns);
	STATE(s, t->closed_ns);
	STATE(s, t->inner_ns);
	level_state(p, &t->level, s);
	stack_state(p, t, s);
	t->n_shown = (uint32_t)state_number(s, t->n_shown, t->n);
	suspicion_state(p, t, s);
	if (!state_reading(s) || s->failed)
		return t;
	if (t->n || missed_pending(t))
		thread_listed(p, t);
	if (t->on_cpu >= 0) {
		s->failed |= p->cpus[t->on_cpu].drawn != NULL;
		p->cpus[t->on_cpu].drawn = t;
	}
	return t;
}

static bool is_somebody(const struct pairer *p, const struct thread *t)
{
	if (t->n || t->suspicion || t->on_cpu >= 0)
		return true;
	for (size_t i = 0; i < p->n_cpus; i++)
		if (p->cpus[i].seen == t || p->cpus[i].running == t)
			return true;
	return false;
}

/* The oldest thread from which on all are kept. */
static const struct thread *first_kept(const struct pairer *p)
{
	const struct thread *t = p->newest, *last = NULL;

	for (size_t idle = 0; t && idle < IDLE_THREADS; t = t->older) {
		idle += !is_somebody(p, t);
		last = t;
	}
	return last;
}

/* Oldest first, so that they are seen in this order again. */
static void write_threads(struct pairer *p, struct state *s)
{
	const struct thread *first = first_kept(p);
	size_t n = 0;
	bool kept = false;

	for (struct thread *t = p->oldest; t; t = t->newer) {
		kept |= t == first;
		n += kept || is_somebody(p, t);
	}
	state_count(s, n, PAIRER_MAX_THREADS);
	kept = false;
	n = 0;
	for (struct thread *t = p->oldest; t && !s->failed; t = t->newer) {
		kept |= t == first;
		if (!kept && !is_somebody(p, t))
			continue;
		t->index_in_state = (uint32_t)++n;
		thread_state(p, t, s);
	}
}

static void read_threads(struct pairer *p, struct state *s)
{
	size_t n = state_count(s, 0, PAIRER_MAX_THREADS);

	for (size_t i = 0; i < n && !s->failed; i++)
		thread_state(p, NULL, s);
}

/* ---- CPUs ----------------------------------------------------------------------------------- */

/* A thread by its place in the state. In a pairer that was read that is its index. */
static struct thread *which(struct pairer *p, const struct thread *t, struct state *s)
{
	uint64_t n = state_number(
		s, t ? t->index_in_state : NO_THREAD, state_reading(s) ? p->n_threads : UINT32_MAX);

	return n == NO_THREAD || !state_reading(s) ? (struct thread *)t : p->threads[n - 1];
}

static void cpu_state(struct pairer *p, struct cpu *c, struct state *s)
{
	c->seen = which(p, c->seen, s);
	c->running = which(p, c->running, s);
	STATE(s, c->left_ns);
	STATE(s, c->next_key);
	STATE(s, c->left);
	STATE(s, c->has_next);
}

/* ---- losses --------------------------------------------------------------------------------- */

static void edge_state(struct edge *e, struct state *s)
{
	STATE(s, e->t_ns);
	STATE(s, e->until_ns);
	e->cpu = (int)state_number(s, (uint64_t)(e->cpu + 1), ALL_CPUS) - 1;
}

static void edges_state(struct pairer *p, struct state *s)
{
	size_t n = state_count(s, p->n_edges - p->edge, PAIRER_MAX_EDGES);

	for (size_t i = 0; i < n && !s->failed; i++) {
		struct edge read = {0};

		edge_state(state_reading(s) ? &read : &p->edges[p->edge + i], s);
		if (state_reading(s) && !s->failed)
			s->failed = holes_add_edge(p, read) != 0;
	}
}

static void epochs_state(struct pairer *p, struct state *s)
{
	size_t n = state_count(s, p->n_ends, UINT16_MAX);

	for (size_t i = 0; i < n && !s->failed; i++) {
		struct epoch_end e = state_reading(s) ? (struct epoch_end){0} : p->ends[i];

		STATE(s, e.epoch);
		STATE(s, e.end_ns);
		if (state_reading(s) && !s->failed)
			s->failed = pairer_epoch_end(p, e.epoch, e.end_ns) != 0;
	}
}

/* ---- calls that ended ----------------------------------------------------------------------- */

void pairer_mark(struct pairer *p, uint64_t next_call)
{
	p->marked_call = next_call;
	p->n_ended = 0;
}

void call_keep(struct pairer *p, const struct trace_call *c)
{
	struct trace_call *ended =
		p->n_ended < PAIRER_MAX_ENDED && !p->ended_lost
			? trace_grow(p->mem, p->ended, &p->cap_ended, p->n_ended + 1, sizeof(*c))
			: NULL;

	if (!ended) {
		p->ended_lost = true;
		return;
	}
	p->ended = ended;
	ended[p->n_ended++] = *c;
}

int pairer_ended(struct pairer *p, struct state *s)
{
	size_t n = state_count(s, p->n_ended, PAIRER_MAX_ENDED);

	for (size_t i = 0; i < n && !s->failed; i++)
		call_state(p, &p->ended[i], s);
	return s->failed || p->ended_lost ? -EBADMSG : 0;
}

int pairer_give_ended(struct pairer *p, uint64_t before_call, struct state *s)
{
	size_t n = state_count(s, 0, PAIRER_MAX_ENDED);

	for (size_t i = 0; i < n && !s->failed; i++) {
		struct trace_call c = {0};

		call_state(p, &c, s);
		if (!s->failed && c.id < before_call)
			call_give(p, &c);
	}
	return s->failed ? -EBADMSG : 0;
}

void pairer_stop(struct pairer *p, uint64_t t_ns)
{
	for (struct thread *t = p->draws ? p->newest : NULL; t; t = t->older)
		lanes_stop(p, t, t_ns);
}

/* ---- all of it ------------------------------------------------------------------------------ */

int pairer_state(struct pairer *p, struct state *s)
{
	size_t n_cpus = (size_t)state_number(s, p->n_cpus, ALL_CPUS);

	if (!cpus_reach(p, n_cpus))
		s->failed = true;
	STATE(s, p->epoch);
	STATE(s, p->search_left);
	STATE(s, p->segments_left);
	if (state_reading(s))
		read_threads(p, s);
	else
		write_threads(p, s);
	for (size_t i = 0; i < n_cpus && !s->failed; i++)
		cpu_state(p, &p->cpus[i], s);
	edges_state(p, s);
	epochs_state(p, s);
	pairs_state(p, s);
	return s->failed ? -EBADMSG : 0;
}
