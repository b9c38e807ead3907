/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Entries and exits into calls: one pass over the events with one stack a thread.
 *
 * An exit matches the innermost open call of its function; calls open above that one lost their
 * exit; where nothing is left that would close one, model_missed.c does. An exit that matches nothing
 * is an orphan and changes nothing. Nothing is paired across lost events:
 *
 * - Events with an index that is missing (line, spool) could have been anybody's: a new epoch
 * closes what is open, thread by thread, as their events come.
 * - Events lost in the kernel have a CPU and a time range, but no index. At both ends of the range
 *   the open calls of every thread are closed that may have run on that CPU in between. Threads
 * that were certainly elsewhere keep theirs: idle tasks of other CPUs, and, when switches are
 * traced, threads that run on another CPU all the while (struct thread, guard_ns). Inside a range
 * calls are still paired, by depth: a coarse range must not cost every call in it.
 */
#include "host/model/model_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"

#define MAX_DEPTH 65535u /* open calls of a thread */
/* Open calls that an exit looks through at least; how many more bounds the work for a hostile file. */
#define SEARCH      256u
#define SEARCH_EACH 16u /* more for each event, all together */
#define NO_THREAD   UINT32_MAX
#define IDLE_THREAD (UINT64_C(1) << 32) /* tid 0 of CPU n: IDLE_THREAD | n */

struct thread {
	uint32_t *open; /* calls, outermost first */
	size_t n_open, cap_open;
	size_t kernel_at;     /* place of the outermost open kernel call in `open` + 1, 0: none */
	uint64_t last_ns;     /* its newest event */
	uint64_t epoch;       /* of its open calls */
	uint64_t on_since_ns; /* on its CPU since */
	uint64_t guard_ns;    /* must stay on its CPU until then, or its open calls are in doubt */
	size_t n_left;        /* of them open at the end, if something was called in them */
	size_t own_at;        /* where its calls stand among those of all threads */
	size_t active_at;     /* place in pairing.active + 1, 0: no open calls */
	uint16_t cpu;
	bool idle;
};

/* One edge of a range of kernel losses. */
struct edge {
	uint64_t t_ns;
	uint64_t until_ns; /* first edge: where the range ends; second: 0 */
	int cpu;           /* -1: any */
};

struct pairing {
	struct load *l;
	struct model *m;
	size_t cap_calls;
	uint8_t session;
	size_t first_call; /* of the session */
	struct thread *threads;
	size_t n_threads, cap_threads;
	struct idmap thread_index;
	uint32_t *active; /* threads with open calls */
	size_t n_active, cap_active;
	uint32_t running[256]; /* by CPU: thread seen last and not switched out since */
	bool switches;         /* traced in this session */
	uint64_t epoch;        /* newest */
	uint64_t search_left;  /* steps that searches without success may take beyond SEARCH */
	struct edge *edges;
	size_t n_edges, edge;
};

/* ---- threads -------------------------------------------------------------------------------- */

static uint64_t thread_key(const struct model_event *e)
{
	return e->tid ? e->tid : IDLE_THREAD | e->cpu;
}

static int thread_get(struct pairing *p, const struct model_event *e, uint32_t *index)
{
	uint64_t key = thread_key(e);
	struct thread *t;

	if (idmap_get(&p->thread_index, key, index))
		return 0;
	t = grow_array(p->threads, &p->cap_threads, p->n_threads + 1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	p->threads = t;
	*index = (uint32_t)p->n_threads;
	if (idmap_put(&p->thread_index, key, *index))
		return -ENOMEM;
	t[p->n_threads++] = (struct thread){
		.cpu = e->cpu, .idle = !e->tid, .on_since_ns = e->t_ns, .last_ns = e->t_ns};
	return 0;
}

static void deactivate(struct pairing *p, struct thread *t)
{
	uint32_t moved;

	if (!t->active_at)
		return;
	moved = p->active[--p->n_active];
	p->active[t->active_at - 1] = moved;
	p->threads[moved].active_at = t->active_at;
	t->active_at = 0;
}

static int activate(struct pairing *p, struct thread *t)
{
	uint32_t *active;

	if (t->active_at)
		return 0;
	active = grow_array(p->active, &p->cap_active, p->n_active + 1, sizeof(*active));
	if (!active)
		return -ENOMEM;
	p->active = active;
	active[p->n_active++] = (uint32_t)(t - p->threads);
	t->active_at = p->n_active;
	return 0;
}

/* ---- calls ---------------------------------------------------------------------------------- */

/* End the innermost open call. Until then self_ns is the sum of its direct children. */
static void close_top(struct pairing *p, struct thread *t, uint64_t end_ns, uint8_t flags)
{
	struct model_call *c = &p->m->calls[t->open[--t->n_open]];
	uint64_t length;

	c->end_ns = end_ns > c->start_ns ? end_ns : c->start_ns;
	length = c->end_ns - c->start_ns;
	c->self_ns = length > c->self_ns ? length - c->self_ns : 0;
	c->flags |= flags;
	if (t->n_open)
		p->m->calls[t->open[t->n_open - 1]].self_ns += length;
	else
		deactivate(p, t);
	if (t->kernel_at > t->n_open)
		t->kernel_at = 0;
}

static void close_from(struct pairing *p, struct thread *t, size_t depth, uint64_t end_ns)
{
	while (t->n_open > depth)
		close_top(p, t, end_ns, CALL_NO_EXIT);
}

static int on_entry(struct pairing *p, struct thread *t, const struct model_event *e, bool late)
{
	struct model *m = p->m;
	uint8_t traits = m->priv->traits[e->func];
	struct model_call *c;
	uint32_t *open;

	/* Whoever enters a syscall comes from user space: kernel calls that are still open never
	 * returned as such (rt_sigreturn), or their exits were missed. */
	if (traits & FUNC_SYSCALL && t->kernel_at)
		close_from(p, t, t->kernel_at - 1, t->last_ns);
	c = grow_array(m->calls, &p->cap_calls, m->n_calls + 1, sizeof(*c));
	open = grow_array(t->open, &t->cap_open, t->n_open + 1, sizeof(*open));
	if (c)
		m->calls = c;
	if (open)
		t->open = open;
	if (!c || !open || activate(p, t))
		return -ENOMEM;
	c += m->n_calls;
	*c = (struct model_call){
		.start_ns = e->t_ns,
		.end_ns = e->t_ns,
		.tid = e->tid,
		.func = e->func,
		.depth = (uint16_t)t->n_open,
		.cpu = e->cpu,
		.session = e->session,
	};
	open[t->n_open++] = (uint32_t)m->n_calls++;
	if (late || t->n_open > MAX_DEPTH)
		close_top(p, t, e->t_ns, CALL_NO_EXIT);
	else if (traits & FUNC_KERNEL && !t->kernel_at)
		t->kernel_at = t->n_open;
	return 0;
}

static void on_exit_event(
	struct pairing *p, struct thread *t, const struct model_event *e, bool late)
{
	/* What a success passes over is closed, so only failures cost: a longjmp may leave any number of
	 * frames. */
	uint64_t most = SEARCH + p->search_left;
	size_t stop = t->n_open > most ? t->n_open - (size_t)most : 0, i = late ? stop : t->n_open;

	while (i > stop && p->m->calls[t->open[i - 1]].func != e->func)
		i--;
	if (i == stop) {
		if (!late && t->n_open - stop > SEARCH)
			p->search_left -= t->n_open - stop - SEARCH;
		p->m->orphan_exits++;
		return;
	}
	close_from(p, t, i, t->last_ns);
	close_top(p, t, e->t_ns, 0);
}

/* ---- losses --------------------------------------------------------------------------------- */

/* Epochs in events are the low 16 bits; times make them nearly ascending. */
static uint64_t full_epoch(struct pairing *p, uint16_t low)
{
	int16_t step = (int16_t)(uint16_t)(low - (uint16_t)p->epoch);
	uint64_t epoch =
		step < 0 && (uint64_t)-step > p->epoch ? low : p->epoch + (uint64_t)(int64_t)step;

	if (epoch > p->epoch)
		p->epoch = epoch;
	return epoch;
}

static uint64_t epoch_end(const struct pairing *p, uint64_t epoch)
{
	const struct load_session *s = &p->l->sessions[p->session];

	return epoch < s->n_epochs ? s->epoch_end_ns[epoch] : UINT64_MAX;
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool certainly_elsewhere(
	const struct pairing *p, const struct thread *t, const struct edge *edge)
{
	uint64_t oldest = p->m->calls[t->open[0]].start_ns;

	if (edge->cpu < 0 || t->cpu == edge->cpu)
		return false;
	if (t->idle)
		return true;
	if (!p->switches || p->running[t->cpu] == NO_THREAD || &p->threads[p->running[t->cpu]] != t)
		return false;
	/* At the first edge it is elsewhere now; at the second it must have been so since its calls
	 * began, or have been guarded from the first on. */
	return edge->until_ns || t->on_since_ns <= oldest || t->guard_ns >= edge->t_ns;
}

static void pass_edge(struct pairing *p, const struct edge *edge)
{
	for (size_t i = 0; i < p->n_active;) {
		struct thread *t = &p->threads[p->active[i]];

		if (certainly_elsewhere(p, t, edge)) {
			if (edge->until_ns > t->guard_ns)
				t->guard_ns = edge->until_ns;
			i++;
		} else {
			/* Known to run up to the first loss; behind it only its own events are
			 * known. */
			close_from(p, t, 0, edge->until_ns ? edge->t_ns : t->last_ns);
		}
	}
}

static int edge_order(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return x->t_ns < y->t_ns ? -1 : x->t_ns > y->t_ns;
}

static int find_edges(struct pairing *p)
{
	const struct load *l = p->l;
	struct edge *edges = malloc((l->n_told ? l->n_told : 1) * 2 * sizeof(*edges));

	if (!edges)
		return -ENOMEM;
	free(p->edges);
	p->edges = edges;
	p->n_edges = p->edge = 0;
	for (size_t i = 0; i < l->n_told; i++) {
		const ayaprof_LossRange *r = &l->told[i].range;
		int cpu = (int)ledger_cpu(r->cpu_plus_1) - 1;

		/* A return probe that the kernel could not place loses an exit alone: depth finds
		 * it. */
		if (l->told[i].session != p->session || !r->count || !r->first_ns ||
			r->last_ns < r->first_ns || ledger_stage(r->cause) != LEDGER_BEFORE_INDEX ||
			r->cause == ayaprof_LossCause_LOSS_MISSED_RETURN)
			continue;
		edges[p->n_edges++] =
			(struct edge){.t_ns = r->first_ns, .until_ns = r->last_ns, .cpu = cpu};
		edges[p->n_edges++] = (struct edge){.t_ns = r->last_ns, .cpu = cpu};
	}
	qsort(edges, p->n_edges, sizeof(*edges), edge_order);
	return 0;
}

/* ---- one session ---------------------------------------------------------------------------- */

/* A thread that is guarded left the CPU it was guarded on. */
static void break_guard(struct pairing *p, struct thread *t, uint64_t now_ns)
{
	if (t->guard_ns >= now_ns && t->n_open)
		close_from(p, t, 0, t->last_ns);
	t->guard_ns = 0;
}

static void note_running(
	struct pairing *p, struct thread *t, uint32_t index, const struct model_event *e)
{
	uint32_t before = p->running[e->cpu];

	if (before == index && t->cpu == e->cpu)
		return;
	if (before != NO_THREAD && before != index)
		break_guard(p, &p->threads[before], e->t_ns);
	break_guard(p, t, e->t_ns);
	if (t->cpu != e->cpu && p->running[t->cpu] == index)
		p->running[t->cpu] = NO_THREAD;
	p->running[e->cpu] = index;
	t->cpu = e->cpu;
	t->on_since_ns = e->t_ns;
}

static int one_event(struct pairing *p, const struct model_event *e)
{
	uint64_t epoch = full_epoch(p, e->epoch);
	struct thread *t;
	uint32_t index;
	bool late;
	int err;

	while (p->edge < p->n_edges && p->edges[p->edge].t_ns < e->t_ns)
		pass_edge(p, &p->edges[p->edge++]);
	err = thread_get(p, e, &index);
	if (err)
		return err;
	t = &p->threads[index];
	note_running(p, t, index, e);
	if (epoch > t->epoch) {
		close_from(p, t, 0, min(epoch_end(p, t->epoch), e->t_ns));
		t->epoch = epoch;
	}
	/* From before the hole, although the thread was already seen behind it: belongs to nothing.
	 */
	late = epoch < t->epoch;
	if (e->kind == AYP_ENTRY)
		err = on_entry(p, t, e, late);
	else if (e->kind == AYP_EXIT)
		on_exit_event(p, t, e, late);
	else if (p->m->priv->traits[e->func] & FUNC_SWITCH && p->running[e->cpu] == index) {
		break_guard(p, t, e->t_ns);
		p->running[e->cpu] = NO_THREAD;
	}
	t->last_ns = e->t_ns;
	return err;
}

/* Where something was called in a call that is open at the end, an exit may have been missed. */
static bool close_threads(struct pairing *p)
{
	uint64_t last_ns = p->m->sessions[p->session].last_ns;
	bool left = false;

	for (size_t i = 0; i < p->n_threads; i++) {
		struct thread *t = &p->threads[i];

		for (size_t j = 0; j < t->n_open; j++)
			if (p->m->calls[t->open[j]].self_ns)
				t->n_left = t->n_open;
		left |= t->n_left != 0;
		close_from(p, t, 0, min(epoch_end(p, t->epoch), last_ns));
	}
	return left;
}

static struct thread *thread_of(const struct pairing *p, const struct model_call *c)
{
	uint32_t index;

	return idmap_get(&p->thread_index, c->tid ? c->tid : IDLE_THREAD | c->cpu, &index)
		       ? &p->threads[index]
		       : NULL;
}

/* By thread, and by time in each. */
static uint32_t *calls_by_thread(struct pairing *p)
{
	size_t n = p->m->n_calls - p->first_call, at = 0;
	uint32_t *own = malloc((n ? n : 1) * sizeof(*own));
	struct thread *t;
	size_t *next = calloc(p->n_threads + 1, sizeof(*next));

	for (size_t i = p->first_call; own && next && i < p->m->n_calls; i++)
		if ((t = thread_of(p, &p->m->calls[i])))
			next[t - p->threads]++;
	for (size_t i = 0; own && next && i < p->n_threads; i++) {
		size_t count = next[i];

		p->threads[i].own_at = next[i] = at;
		at += count;
	}
	for (size_t i = p->first_call; own && next && i < p->m->n_calls; i++)
		if ((t = thread_of(p, &p->m->calls[i])))
			own[next[t - p->threads]++] = (uint32_t)i;
	if (!next) {
		free(own);
		own = NULL;
	}
	free(next);
	return own;
}

static int find_missed(struct pairing *p)
{
	size_t n = p->m->n_calls - p->first_call;
	uint64_t steps = (uint64_t)n * SEARCH_EACH + 64 * MODEL_MAX_FUNCS;
	uint32_t *own = calls_by_thread(p);
	uint8_t *seen = malloc(MODEL_MAX_FUNCS);

	for (size_t i = 0; own && seen && i < p->n_threads; i++) {
		const struct thread *t = &p->threads[i];
		size_t end = i + 1 < p->n_threads ? t[1].own_at : n;

		if (t->n_left)
			missed_exits(p->m, own + t->own_at, end - t->own_at, t->open, t->n_left,
				seen, &steps);
	}
	free(own);
	free(seen);
	return own && seen ? 0 : -ENOMEM;
}

static int end_session(struct pairing *p)
{
	int err = close_threads(p) ? find_missed(p) : 0;

	for (size_t i = 0; i < p->n_threads; i++)
		free(p->threads[i].open);
	p->n_threads = 0;
	p->n_active = 0;
	idmap_free(&p->thread_index);
	return err;
}

static int one_session(struct pairing *p, const struct model_event *e, size_t n)
{
	int err = find_edges(p);

	for (size_t cpu = 0; cpu < 256; cpu++)
		p->running[cpu] = NO_THREAD;
	p->epoch = 0;
	p->first_call = p->m->n_calls;
	p->search_left = (uint64_t)n * SEARCH_EACH;
	p->switches = false;
	for (size_t i = 0; p->n_edges && !p->switches && i < n; i++)
		p->switches =
			e[i].kind == AYP_INSTANT && p->m->priv->traits[e[i].func] & FUNC_SWITCH;
	for (size_t i = 0; i < n && !err; i++)
		err = p->m->n_calls < UINT32_MAX ? one_event(p, &e[i]) : -ENOMEM;
	if (end_session(p))
		return -ENOMEM;
	return err;
}

int load_calls(struct load *l)
{
	struct pairing p = {.l = l, .m = l->m};
	struct model_call *fit;
	size_t from = 0;
	int err = 0;

	for (size_t s = 0; s < l->m->n_sessions && !err; s++) {
		p.session = (uint8_t)s;
		err = one_session(&p, l->m->events + from, (size_t)l->m->sessions[s].delivered);
		from += (size_t)l->m->sessions[s].delivered;
	}
	free(p.threads);
	free(p.active);
	free(p.edges);
	fit = l->m->n_calls ? realloc(l->m->calls, l->m->n_calls * sizeof(*fit)) : NULL;
	if (fit)
		l->m->calls = fit;
	return err;
}
