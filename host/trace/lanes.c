/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/lanes.h"

#include "host/trace/pairer_internal.h"

static uint64_t key_of(uint32_t tid, uint8_t cpu)
{
	return tid ? tid : IDLE_THREAD | cpu;
}

/* What is drawn of a call until end_ns. */
static void give(struct pairer *p, const struct thread *t, const struct frame *f, size_t depth,
	uint64_t end_ns, bool over)
{
	bool first = depth >= t->n_shown;
	uint64_t start_ns = f->start_ns > t->came_ns ? f->start_ns : t->came_ns;
	struct trace_segment s = {
		.start_ns = start_ns,
		.end_ns = end_ns > start_ns ? end_ns : start_ns,
		.call = f->id,
		.tid = t->idle ? 0 : (uint32_t)t->key,
		.func = f->func,
		.depth = (uint16_t)depth,
		.session = p->session,
		.cpu = (uint8_t)t->on_cpu,
		.flags = (first ? TRACE_SEGMENT_FIRST : 0) | (over ? TRACE_SEGMENT_LAST : 0),
	};

	if (!first) {
		/* It had ended before its thread came back. */
		if (depth >= LANES_DEPTH || !p->segments_left || (over && end_ns <= start_ns))
			return;
		p->segments_left--;
	}
	if (p->out->sink->segment)
		p->out->sink->segment(p->out->sink_ctx, &s);
}

static void leave(struct pairer *p, struct thread *t, uint64_t now_ns)
{
	size_t shown = t->n_shown < LANES_DEPTH ? t->n_shown : LANES_DEPTH;
	uint64_t end_ns = now_ns;

	if (t->on_cpu < 0)
		return;
	/* Its next event will say that it ended there. */
	if (t->epoch < p->epoch) {
		end_ns = epoch_end(p, t->epoch);
		end_ns = end_ns < now_ns ? end_ns : now_ns;
	}
	for (size_t i = t->n; i-- > t->n_shown;)
		give(p, t, &t->open[i], i, end_ns, false);
	for (size_t i = shown; i-- > 0;)
		give(p, t, &t->open[i], i, end_ns, false);
	t->n_shown = t->n;
	p->cpus[t->on_cpu].drawn = NULL;
	t->on_cpu = -1;
	t->left_ns = now_ns;
}

static void come(struct pairer *p, struct thread *t, uint8_t cpu, uint64_t now_ns)
{
	struct cpu *c = &p->cpus[cpu];

	c->drawn = t;
	c->left = false;
	t->on_cpu = cpu;
	t->came_ns = now_ns;
}

void lanes_seen(struct pairer *p, struct thread *t, const struct stage_event *e)
{
	struct cpu *c = &p->cpus[e->cpu];
	uint64_t since = e->t_ns;

	if (c->drawn == t)
		return;
	if (c->left && (!c->has_next || c->next_key == t->key))
		since = c->left_ns;
	/* Seen elsewhere meanwhile: it left there no later than now. */
	if (t->on_cpu >= 0)
		leave(p, t, e->t_ns);
	if (since < t->left_ns)
		since = t->left_ns;
	if (c->drawn)
		leave(p, c->drawn, e->t_ns);
	come(p, t, e->cpu, since);
}

void lanes_switched(
	struct pairer *p, struct thread *t, const struct stage_event *e, const uint64_t *args)
{
	struct cpu *c = &p->cpus[e->cpu];
	struct thread *next;

	leave(p, t, e->t_ns);
	c->left = true;
	c->left_ns = e->t_ns;
	c->has_next = stage_nargs(e) && args[0] <= UINT32_MAX;
	if (!c->has_next)
		return;
	c->next_key = key_of((uint32_t)args[0], e->cpu);
	/* One that is not known yet has nothing to draw. */
	next = thread_known(p, (uint32_t)args[0], e->cpu);
	if (!next)
		return;
	leave(p, next, e->t_ns);
	come(p, next, e->cpu, e->t_ns);
}

void lanes_closed(
	struct pairer *p, struct thread *t, const struct frame *f, size_t depth, uint64_t end_ns)
{
	if (t->on_cpu >= 0)
		give(p, t, f, depth, end_ns, true);
	if (t->n_shown > depth)
		t->n_shown = (uint32_t)depth;
}

void lanes_stop(struct pairer *p, struct thread *t, uint64_t now_ns)
{
	leave(p, t, now_ns);
}

void lanes_forget(struct pairer *p, struct thread *t)
{
	leave(p, t, t->last_ns);
}
