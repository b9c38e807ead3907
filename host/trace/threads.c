/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Threads by their ids, bounded, and the stacks of their open calls. */
#include <assert.h>
#include <string.h>

#include "host/trace/lanes.h"
#include "host/trace/missed.h"
#include "host/trace/pairer_internal.h"

/* A long search is one that looks at more functions than this. */
#define SEARCH 256u
/* A stack that is larger than this is not kept for the next thread. */
#define KEPT_FRAMES 16u
/* Most stacks stay this small, and there may be very many threads. */
#define FIRST_FRAMES 4u

/* ---- by last seen --------------------------------------------------------------------------- */

static void unlink_seen(struct pairer *p, struct thread *t)
{
	*(t->newer ? &t->newer->older : &p->newest) = t->older;
	*(t->older ? &t->older->newer : &p->oldest) = t->newer;
}

static void link_seen(struct pairer *p, struct thread *t)
{
	t->newer = NULL;
	t->older = p->newest;
	*(p->newest ? &p->newest->newer : &p->oldest) = t;
	p->newest = t;
}

static void touch(struct pairer *p, struct thread *t)
{
	if (p->newest == t)
		return;
	unlink_seen(p, t);
	link_seen(p, t);
}

/* Who was longest without an event, and is not the last one on its CPU; not `t`. */
static struct thread *longest_unseen(struct pairer *p, const struct thread *t)
{
	/* Threads are moved to the front when others come to their CPU: those that stay are
	 * here. */
	for (size_t n = p->n_cpus + 1; n; n--) {
		struct thread *o = p->oldest;

		if (o && o != t && (o->cpu >= p->n_cpus || p->cpus[o->cpu].seen != o))
			return o;
		if (o)
			touch(p, o);
	}
	return p->oldest != t ? p->oldest : NULL;
}

void thread_listed(struct pairer *p, struct thread *t)
{
	t->listed = true;
	t->listed_before = NULL;
	t->listed_next = p->listed;
	if (p->listed)
		p->listed->listed_before = t;
	p->listed = t;
}

void thread_unlisted(struct pairer *p, struct thread *t)
{
	t->listed = false;
	*(t->listed_before ? &t->listed_before->listed_next : &p->listed) = t->listed_next;
	if (t->listed_next)
		t->listed_next->listed_before = t->listed_before;
}

/* Its calls end; what it was made of is free for another one. */
static void forget(struct pairer *p, struct thread *t)
{
	thread_close(p, t, t->last_ns);
	p->out->totals->threads_forgotten++;
	missed_forget(p, t);
	if (t->listed)
		thread_unlisted(p, t);
	unlink_seen(p, t);
	table_remove(&p->index, t->key);
	for (size_t i = 0; i < p->n_cpus; i++) {
		struct cpu *c = &p->cpus[i];

		if (c->seen == t)
			c->seen = NULL;
		if (c->running == t)
			c->running = NULL;
		if (c->drawn == t)
			c->drawn = NULL;
	}
	if (t->cap > KEPT_FRAMES) {
		trace_release(p->mem, t->open);
		p->n_frames -= t->cap;
		t->open = NULL;
		t->cap = 0;
	}
	t->newer = NULL;
	t->older = p->spare;
	p->spare = t;
}

/* ---- by id ---------------------------------------------------------------------------------- */

static uint64_t key_of(uint32_t tid, uint8_t cpu)
{
	return tid ? tid : IDLE_THREAD | cpu;
}

struct thread *thread_known(const struct pairer *p, uint32_t tid, uint8_t cpu)
{
	uint32_t i;

	return table_get(&p->index, key_of(tid, cpu), &i) ? p->threads[i] : NULL;
}

static struct thread *thread_more(struct pairer *p)
{
	struct thread **threads = trace_grow(
		p->mem, p->threads, &p->cap_threads, p->n_threads + 1, sizeof(struct thread *));
	struct thread *t;

	if (!threads)
		return NULL;
	p->threads = threads;
	t = trace_alloc(p->mem, sizeof(*t));
	if (!t)
		return NULL;
	t->index = (uint32_t)p->n_threads;
	threads[p->n_threads++] = t;
	t->older = p->spare;
	return p->spare = t;
}

static struct thread *thread_new(struct pairer *p, uint64_t key)
{
	struct thread *t;

	if (!p->spare && p->n_threads >= PAIRER_MAX_THREADS)
		forget(p, longest_unseen(p, NULL));
	t = p->spare ? p->spare : thread_more(p);
	if (!t || table_put(&p->index, key, t->index))
		return NULL;
	p->spare = t->older;
	*t = (struct thread){.key = key,
		.open = t->open,
		.cap = t->cap,
		.index = t->index,
		.idle = key >= IDLE_THREAD,
		.on_cpu = -1};
	link_seen(p, t);
	return t;
}

struct thread *thread_restore(struct pairer *p, uint64_t key)
{
	uint32_t i;

	return table_get(&p->index, key, &i) || p->n_threads >= PAIRER_MAX_THREADS
		       ? NULL
		       : thread_new(p, key);
}

bool cpus_reach(struct pairer *p, size_t n)
{
	struct cpu *cpus;

	if (n <= p->n_cpus)
		return true;
	cpus = trace_grow(p->mem, p->cpus, &p->cap_cpus, n, sizeof(*cpus));
	if (!cpus)
		return false;
	p->cpus = cpus;
	memset(cpus + p->n_cpus, 0, (n - p->n_cpus) * sizeof(*cpus));
	p->n_cpus = n;
	return true;
}

struct thread *thread_find(struct pairer *p, const struct stage_event *e)
{
	uint64_t key = key_of(e->tid, e->cpu);
	struct thread *t;

	if (!cpus_reach(p, e->cpu + 1u))
		return NULL;
	t = thread_known(p, e->tid, e->cpu);
	if (!t) {
		t = thread_new(p, key);
		if (!t)
			return NULL;
		t->cpu = e->cpu;
		t->on_since_ns = t->last_ns = e->t_ns;
	}
	if (p->cpus[e->cpu].seen)
		touch(p, p->cpus[e->cpu].seen);
	touch(p, t);
	p->cpus[e->cpu].seen = t;
	return t;
}

void threads_free(struct pairer *p)
{
	for (size_t i = 0; i < p->n_threads; i++) {
		missed_forget(p, p->threads[i]);
		trace_release(p->mem, p->threads[i]->open);
		trace_release(p->mem, p->threads[i]);
	}
	trace_release(p->mem, p->threads);
	trace_release(p->mem, p->cpus);
	table_clear(&p->index);
}

/* ---- stacks --------------------------------------------------------------------------------- */

uint32_t stack_find(struct pairer *p, const struct thread *t, uint16_t func, uint16_t *before)
{
	uint32_t at = t->chain[chain_of(func)], steps = 0;

	*before = 0;
	while (at && t->open[at - 1].func != func) {
		if (++steps > SEARCH) {
			if (!p->search_left)
				return *before = 0;
			p->search_left--;
		}
		*before = (uint16_t)at;
		at = t->open[at - 1].next;
	}
	return at;
}

static bool grow_stack(struct pairer *p, struct thread *t)
{
	uint32_t cap = t->cap ? t->cap + t->cap / 2 : FIRST_FRAMES;
	struct frame *open;

	if (cap > PAIRER_MAX_DEPTH)
		cap = PAIRER_MAX_DEPTH;
	while (p->n_frames + cap - t->cap > PAIRER_MAX_OPEN) {
		struct thread *o = longest_unseen(p, t);

		if (!o)
			break;
		forget(p, o);
	}
	open = p->mem->resize(p->mem->ctx, t->open, cap * sizeof(*open));
	if (!open)
		return false;
	p->n_frames += cap - t->cap;
	t->open = open;
	t->cap = cap;
	return true;
}

struct frame *stack_push(struct pairer *p, struct thread *t, uint16_t func)
{
	uint16_t before, *head = &t->chain[chain_of(func)];
	struct frame *f;
	uint32_t same;

	assert(t->n < PAIRER_MAX_DEPTH);
	if (t->n == t->cap && !grow_stack(p, t))
		return NULL;
	same = stack_find(p, t, func, &before);
	f = &t->open[t->n++];
	*f = (struct frame){.func = func, .same = (uint16_t)same, .before = before, .next = *head};
	if (same && before)
		t->open[before - 1].next = t->open[same - 1].next;
	else if (same)
		f->next = t->open[same - 1].next;
	*head = (uint16_t)t->n;
	return f;
}

struct frame *stack_pop(struct thread *t)
{
	struct frame *f = &t->open[--t->n];
	uint16_t *head = &t->chain[chain_of(f->func)];

	*head = f->same && !f->before ? f->same : f->next;
	if (f->same && f->before)
		t->open[f->before - 1].next = f->same;
	if (t->kernel_at > t->n)
		t->kernel_at = 0;
	return f;
}
