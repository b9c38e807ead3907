/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Sessions on one axis of time, the first one's clock.
 *
 * Within one boot clocks agree. A board that was booted in between begins near 0 again: then the
 * desk knows when it heard of it. Recordings from before that was noted have the boards' own wall
 * clocks, which may know nothing: they are believed where they say something plausible.
 */
#include <string.h>

#include "host/trace/trace_internal.h"

/* What a wall clock may say lies between two sessions, at most. */
#define PLAUSIBLE_NS (UINT64_C(30) * 24 * 3600 * 1000000000)

void places_announce(struct trace *t, uint32_t session, uint64_t since_start_ns)
{
	t->has_announced = t->run.placed && since_start_ns;
	t->announced = session;
	t->announced_ns = t->run.offset_ns + since_start_ns;
}

void places_recording(struct trace *t, const ayaprof_Recording *recording)
{
	int64_t between;

	t->has_announced = false;
	if (!t->totals.has_recording) {
		t->run.placed = true;
		t->run.offset_ns = 0;
		return;
	}
	/* Runs that were appended: the desk's wall clock, which somebody may have set. */
	between = recording->start_wall_ns - t->totals.recording.start_wall_ns;
	t->run.placed = between >= 0 && recording->start_wall_ns > 0 &&
			t->totals.recording.start_wall_ns > 0;
	t->run.offset_ns = t->run.placed ? (uint64_t)between : 0;
}

/* A replay's events have the clock of another run than its hello, status and samples. */
static bool is_live(const struct session *s)
{
	return !s->pub.has_hello || !s->pub.hello.replay;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The first and the last moment of a session, as far as they are known; 0: they are not. */
static uint64_t first_moment(const struct session *s)
{
	if (s->pub.has_hello && is_live(s) && s->pub.hello.start_ns)
		return s->pub.hello.start_ns;
	return s->pub.first_ns ? s->pub.first_ns : is_live(s) ? s->heard_ns : 0;
}

static uint64_t last_moment(const struct session *s)
{
	uint64_t last = s->pub.last_ns;

	if (is_live(s))
		last = greater(last, greater(s->pub.last_sample_ns, s->pub.last_status_ns));
	return greater(last, first_moment(s));
}

static const struct session *same_boot(const struct trace *t, const struct session *s)
{
	for (size_t i = 0; i < s->index; i++) {
		const struct session *o = t->session[i];

		if (o->pub.has_hello && !strcmp(o->pub.hello.boot_id, s->pub.hello.boot_id))
			return o;
	}
	return NULL;
}

/* When a session began on the first one's clock, by the desk or else by wall clocks. 0: not known. */
static uint64_t likely_start(const struct session *first, const struct session *s, uint64_t end)
{
	uint64_t start;

	if (s->has_arrival && first->has_arrival && s->arrival_ns >= first->arrival_ns) {
		start = first_moment(first) + (s->arrival_ns - first->arrival_ns);
	} else {
		/* Without arithmetic that a hostile board could make overflow. */
		uint64_t shift = (uint64_t)s->pub.hello.wall_offset_ns -
				 (uint64_t)first->pub.hello.wall_offset_ns;

		start = first_moment(s) + shift;
	}
	return start >= end && start - end < PLAUSIBLE_NS ? start : 0;
}

/* Whose clock is everybody's. */
static const struct session *first_session(const struct trace *t)
{
	size_t i = 0;

	while (i + 1 < t->n_sessions && t->session[i]->pub.needs_protocol)
		i++;
	return t->session[i];
}

/* end: the last moment of the sessions before, on the first one's clock. */
static void place(struct trace *t, struct session *s, uint64_t end)
{
	const struct session *first = first_session(t), *same;
	uint64_t start;

	s->pub.shift_ns = 0;
	if (s == first || !s->pub.has_hello || !first->pub.has_hello || !is_live(s) ||
		!is_live(first))
		return;
	same = same_boot(t, s);
	if (same) {
		s->pub.shift_ns = same->pub.shift_ns;
		return;
	}
	start = likely_start(first, s, end);
	if (!start)
		start = end + 1;
	s->pub.shift_ns = (int64_t)(start - first_moment(s));
}

static uint64_t end_of(const struct session *s, uint64_t end)
{
	uint64_t last = last_moment(s);

	return last ? greater(end, last + (uint64_t)s->pub.shift_ns) : end;
}

static void place_sessions(struct trace *t)
{
	uint64_t end = 0;

	for (size_t i = 0; i < t->n_sessions; i++) {
		if (!t->session[i]->begun)
			place(t, t->session[i], end);
		end = end_of(t->session[i], end);
	}
}

/* Again, for one: how long those before it were is known now. */
static void place_again(struct session *s)
{
	uint64_t end = 0;

	for (size_t i = 0; i < s->index; i++)
		end = end_of(s->t->session[i], end);
	place(s->t, s, end);
}

static void find_origin(struct trace *t)
{
	for (size_t i = 0; i < t->n_sessions && !t->totals.has_time; i++) {
		const struct session *s = t->session[i];
		uint64_t start = s->pub.has_hello && is_live(s) ? s->pub.hello.start_ns : 0;

		if (start) {
			t->totals.origin_ns = start + (uint64_t)s->pub.shift_ns;
			t->totals.has_time = true;
		} else if (s->pub.delivered) {
			/* Its first event will tell. */
			return;
		}
	}
}

static void reach(struct trace *t, const struct session *s, uint64_t t_ns)
{
	if (t_ns && t->totals.has_time)
		t->totals.duration_ns =
			greater(t->totals.duration_ns, trace_since_origin(t, s->index, t_ns));
}

/* What was profiled ends with its last event or sample; the board may have gone on for long, to
 * send what waited. */
static void find_duration(struct trace *t)
{
	bool any = false;

	t->totals.duration_ns = 0;
	for (int status = 0; status < 2 && !any; status++) {
		for (size_t i = 0; i < t->n_sessions; i++) {
			const struct session *s = t->session[i];
			uint64_t last = s->pub.last_ns;

			if (is_live(s))
				last = greater(last,
					status ? s->pub.last_status_ns : s->pub.last_sample_ns);
			any |= last || s->pub.delivered;
			reach(t, s, last);
		}
	}
}

void places_settle(struct trace *t)
{
	if (trace_is_part(t))
		return;
	place_sessions(t);
	find_origin(t);
	find_duration(t);
}

void places_begin(struct session *s, uint64_t t_ns, bool event)
{
	struct trace *t = s->t;

	if (!s->begun && !trace_is_part(t))
		place_again(s);
	s->begun = true;
	if (trace_is_part(t))
		return;
	find_origin(t);
	if (event && !t->totals.has_time) {
		t->totals.has_time = true;
		t->totals.origin_ns = t_ns + (uint64_t)s->pub.shift_ns;
	}
}

void places_reach(struct session *s, uint64_t t_ns)
{
	if (!trace_is_part(s->t))
		reach(s->t, s, t_ns);
}
