/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Who was on which CPU: one more pass over the events, with the calls at hand. The i-th entry event
 * is the i-th call (model_pair.c makes a call of each), which links the two without an index.
 *
 * Segments are begun when a call begins or its thread comes back, and ended when the call ends or
 * its thread leaves; so those of one CPU come out in order and only need to be told apart by CPU.
 */
#include "host/model/model_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"

/* Calls deeper than this are not drawn again after a switch, and there are at most so many segments
 * an event: a hostile file could ask for (depth * switches) of them. */
#define DRAWN_DEPTH        256u
#define SEGMENTS_PER_EVENT 4u
#define SEGMENTS_FREE      65536u

#define NO_THREAD   UINT32_MAX
#define NO_SEGMENT  UINT32_MAX
#define IDLE_THREAD (UINT64_C(1) << 32)

struct frame {
	uint32_t call;
	uint32_t segment; /* being drawn, or NO_SEGMENT */
};

struct runner {
	struct frame *open;
	size_t n_open, cap_open;
	int cpu;          /* on which it runs, -1: none known */
	uint64_t left_ns; /* when it was last seen to stop */
};

struct lane_state {
	uint32_t running; /* thread */
	bool left;        /* switched out at left_ns, the next one is not known yet */
	uint64_t left_ns;
};

struct drawing {
	const struct model *m;
	struct model_lanes *out;
	size_t cap_segments;
	uint64_t max_segments;
	struct runner *runners;
	size_t n_runners, cap_runners;
	struct idmap index;
	struct lane_state lane[256];
	uint8_t *sessions; /* of segments, parallel */
};

static int begin_segment(
	struct drawing *d, struct runner *r, size_t depth, uint64_t start_ns, uint8_t flags)
{
	struct model_lanes *out = d->out;
	struct model_segment *s;

	r->open[depth].segment = NO_SEGMENT;
	if (out->n_segments >= d->max_segments ||
		(depth >= DRAWN_DEPTH && !(flags & SEGMENT_FIRST))) {
		out->left_out++;
		return 0;
	}
	s = grow_array(out->segments, &d->cap_segments, out->n_segments + 1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	out->segments = s;
	s[out->n_segments] = (struct model_segment){
		.start_ns = start_ns,
		.end_ns = start_ns,
		.call = r->open[depth].call,
		.depth = d->m->calls[r->open[depth].call].depth,
		.flags = flags,
		.cpu = (uint8_t)r->cpu,
	};
	r->open[depth].segment = (uint32_t)out->n_segments++;
	return 0;
}

/* What is drawn of a frame ends now, or when its call did. Returns true if the call is over. */
static bool end_segment(struct drawing *d, struct frame *f, uint64_t now_ns)
{
	const struct model_call *c = &d->m->calls[f->call];
	bool over = c->end_ns <= now_ns;

	if (f->segment != NO_SEGMENT) {
		struct model_segment *s = &d->out->segments[f->segment];
		uint64_t end_ns = over ? c->end_ns : now_ns;

		s->end_ns = end_ns > s->start_ns ? end_ns : s->start_ns;
		if (over)
			s->flags |= SEGMENT_LAST;
		f->segment = NO_SEGMENT;
	}
	return over;
}

static void leave(struct drawing *d, struct runner *r, uint64_t now_ns)
{
	size_t kept = r->n_open;

	if (r->cpu < 0)
		return;
	for (size_t i = r->n_open; i-- > 0;) {
		if (end_segment(d, &r->open[i], now_ns) && i + 1 == kept)
			kept = i;
	}
	r->n_open = kept;
	d->lane[r->cpu].running = NO_THREAD;
	r->cpu = -1;
	r->left_ns = now_ns;
}

static int come(struct drawing *d, uint32_t index, int cpu, uint64_t now_ns)
{
	struct runner *r = &d->runners[index];
	int err = 0;

	d->lane[cpu].running = index;
	d->lane[cpu].left = false;
	r->cpu = cpu;
	while (r->n_open && d->m->calls[r->open[r->n_open - 1].call].end_ns <= now_ns)
		r->n_open--;
	for (size_t i = 0; i < r->n_open && !err; i++)
		err = begin_segment(d, r, i, now_ns, 0);
	return err;
}

static int runner_get(struct drawing *d, uint32_t tid, uint8_t cpu, uint32_t *index)
{
	uint64_t key = tid ? tid : IDLE_THREAD | cpu;
	struct runner *r;

	if (idmap_get(&d->index, key, index))
		return 0;
	r = grow_array(d->runners, &d->cap_runners, d->n_runners + 1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	d->runners = r;
	*index = (uint32_t)d->n_runners;
	r[d->n_runners++] = (struct runner){.cpu = -1};
	return idmap_put(&d->index, key, *index);
}

/* The thread of an event runs on its CPU at that time: since when, and who ran before? */
static int note_running(struct drawing *d, const struct model_event *e, uint32_t index)
{
	struct lane_state *lane = &d->lane[e->cpu];
	uint64_t since = lane->left ? lane->left_ns : e->t_ns;

	if (lane->running == index)
		return 0;
	/* Seen elsewhere meanwhile: it left there no later than now. */
	if (d->runners[index].cpu >= 0)
		leave(d, &d->runners[index], e->t_ns);
	if (since < d->runners[index].left_ns)
		since = d->runners[index].left_ns;
	if (lane->running != NO_THREAD)
		leave(d, &d->runners[lane->running], e->t_ns);
	return come(d, index, e->cpu, since);
}

static int enter_call(
	struct drawing *d, struct runner *r, const struct model_event *e, uint32_t call)
{
	size_t depth = d->m->calls[call].depth;
	struct frame *open;

	while (r->n_open > depth)
		(void)end_segment(d, &r->open[--r->n_open], e->t_ns);
	open = grow_array(r->open, &r->cap_open, r->n_open + 1, sizeof(*open));
	if (!open)
		return -ENOMEM;
	r->open = open;
	open[r->n_open++] = (struct frame){.call = call};
	return begin_segment(d, r, r->n_open - 1, e->t_ns, SEGMENT_FIRST);
}

static int switched(struct drawing *d, const struct model_event *e, uint32_t index)
{
	struct lane_state *lane = &d->lane[e->cpu];
	uint32_t next;
	int err;

	leave(d, &d->runners[index], e->t_ns);
	lane->left = true;
	lane->left_ns = e->t_ns;
	if (!e->nargs || d->m->args[e->arg_at] > UINT32_MAX)
		return 0;
	err = runner_get(d, (uint32_t)d->m->args[e->arg_at], e->cpu, &next);
	if (err)
		return err;
	if (d->runners[next].cpu >= 0)
		leave(d, &d->runners[next], e->t_ns);
	return come(d, next, e->cpu, e->t_ns);
}

static int draw_session(struct drawing *d, const struct model_session *s,
	const struct model_event *e, size_t n, uint32_t *call)
{
	int err = 0;

	for (size_t cpu = 0; cpu < 256; cpu++)
		d->lane[cpu] = (struct lane_state){.running = NO_THREAD};
	for (size_t i = 0; i < n && !err; i++, e++) {
		uint32_t index;

		err = runner_get(d, e->tid, e->cpu, &index);
		if (!err)
			err = note_running(d, e, index);
		if (err)
			break;
		if (e->kind == AYP_ENTRY)
			err = enter_call(d, &d->runners[index], e, (*call)++);
		else if (e->kind == AYP_INSTANT && d->m->priv->traits[e->func] & FUNC_SWITCH)
			err = switched(d, e, index);
	}
	for (size_t i = 0; i < d->n_runners; i++) {
		leave(d, &d->runners[i], s->last_ns);
		free(d->runners[i].open);
	}
	d->n_runners = 0;
	idmap_free(&d->index);
	return err;
}

/* Bring segments[from..n) of one session into lanes: CPU after CPU, order kept. */
static int tell_apart(struct drawing *d, size_t from, uint8_t session, struct model_segment *sorted)
{
	struct model_lanes *out = d->out;
	size_t at[257] = {0};
	struct model_lane *lanes;

	for (size_t i = from; i < out->n_segments; i++)
		at[out->segments[i].cpu + 1]++;
	for (uint32_t cpu = 0; cpu < 256; cpu++) {
		if (at[cpu + 1]) {
			lanes = realloc(out->lanes, (out->n_lanes + 1) * sizeof(*lanes));
			if (!lanes)
				return -ENOMEM;
			out->lanes = lanes;
			lanes[out->n_lanes++] = (struct model_lane){
				.cpu = cpu,
				.session = session,
				.from = from + at[cpu],
				.n = at[cpu + 1],
			};
		}
		at[cpu + 1] += at[cpu];
	}
	for (size_t i = from; i < out->n_segments; i++)
		sorted[from + at[out->segments[i].cpu]++] = out->segments[i];
	return 0;
}

static int lane_order(const void *a, const void *b)
{
	const struct model_lane *x = a, *y = b;

	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return x->session < y->session ? -1 : x->session > y->session;
}

int model_lanes_build(struct model_lanes *out, const struct model *m)
{
	struct drawing d = {.m = m, .out = out};
	struct model_segment *sorted = NULL;
	size_t *from, event = 0;
	uint32_t call = 0;
	int err = 0;

	memset(out, 0, sizeof(*out));
	d.max_segments = (uint64_t)m->n_events * SEGMENTS_PER_EVENT + SEGMENTS_FREE;
	if (d.max_segments >= NO_SEGMENT)
		d.max_segments = NO_SEGMENT - 1;
	from = calloc(m->n_sessions + 1, sizeof(*from));
	if (!from)
		return -ENOMEM;
	for (size_t s = 0; s < m->n_sessions && !err; s++) {
		from[s] = out->n_segments;
		err = draw_session(&d, &m->sessions[s], m->events + event,
			(size_t)m->sessions[s].delivered, &call);
		event += (size_t)m->sessions[s].delivered;
	}
	free(d.runners);
	from[m->n_sessions] = out->n_segments;
	if (!err && out->n_segments) {
		sorted = malloc(out->n_segments * sizeof(*sorted));
		err = sorted ? 0 : -ENOMEM;
	}
	for (size_t s = 0, all = out->n_segments; s < m->n_sessions && !err; s++) {
		out->n_segments = from[s + 1];
		err = tell_apart(&d, from[s], (uint8_t)s, sorted);
		out->n_segments = all;
	}
	free(from);
	if (err) {
		free(sorted);
		model_lanes_free(out);
		return err;
	}
	if (sorted) {
		free(out->segments);
		out->segments = sorted;
		qsort(out->lanes, out->n_lanes, sizeof(*out->lanes), lane_order);
	}
	return 0;
}

void model_lanes_free(struct model_lanes *lanes)
{
	free(lanes->segments);
	free(lanes->lanes);
	memset(lanes, 0, sizeof(*lanes));
}
