/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A recording as a whole in a trace: whose frames count, what is understood, how its sessions stand to
 * one another, how long and how complete it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/read_making.h"

enum { F = 1 };

#define E(t, tid_, cpu_, func_)                                                                    \
	{                                                                                          \
		.t_ns = (t), .tid = (tid_), .func = (func_), .cpu = (cpu_), .kind = AYP_ENTRY      \
	}
#define X(t, tid_, cpu_, func_)                                                                    \
	{                                                                                          \
		.t_ns = (t), .tid = (tid_), .func = (func_), .cpu = (cpu_), .kind = AYP_EXIT       \
	}
#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof(*(a))))
#define SECOND   UINT64_C(1000000000)

static void status(struct making *m, uint64_t t_ns, uint64_t produced, uint64_t taken)
{
	ayaprof_Status *s = making_msg(m);

	s->t_ns = t_ns;
	s->produced = produced;
	s->taken = taken;
	making_add(m, AYP_KIND_STATUS);
}

static void spool_loss(struct making *m, uint64_t count)
{
	ayaprof_Loss *loss = making_msg(m);

	loss->ranges_count = 1;
	loss->ranges[0] =
		(ayaprof_LossRange){.cause = ayaprof_LossCause_LOSS_SPOOL_FULL, .count = count};
	making_add(m, AYP_KIND_LOSS);
}

static void sample(struct making *m, uint64_t t_ns)
{
	ayaprof_Samples *s = making_msg(m);

	s->samples_count = 1;
	s->samples[0].t_ns = t_ns;
	making_add(m, AYP_KIND_SAMPLES);
}

/* The rules of such a session are not known: nothing it seems to say may be shown, on either side
 * of the hello that says so. */
static void later_protocol_is_not_decoded(void **state)
{
	const struct ayp_event ev[] = {E(1000, 5, 0, F), X(1100, 5, 0, F)};
	struct making *m = making_new();
	struct read_trace *r;

	m->session = 9;
	for (int half = 0; half < 2; half++) {
		making_events(m, half ? 50 : 0, ev, COUNT(ev));
		making_func(m, F, AYP_CLASS_USER, "not this");
		making_name(m, ayaprof_Table_TABLE_TASK, 5, 0, "nor this");
		spool_loss(m, 9);
		status(m, 90000, 400, 300);
		sample(m, 90000);
		if (!half) {
			ayaprof_Hello *h = making_msg(m);

			h->protocol = h->protocol_min = 9;
			h->start_ns = 1;
			making_add(m, AYP_KIND_HELLO);
		}
	}
	making_goodbye(m, 400, 300);
	m->session = 7;
	making_hello(m);
	making_func(m, F, AYP_CLASS_KERNEL, "f");
	making_events(m, 0, ev, COUNT(ev));
	making_goodbye(m, 3, 3);
	r = read_it(m);
	assert_int_equal(trace_session_count(r->t), 2);
	assert_int_equal(trace_session(r->t, 0)->needs_protocol, 9);
	assert_int_equal(trace_session(r->t, 0)->produced, 0);
	assert_false(trace_session(r->t, 0)->has_goodbye);
	assert_false(trace_session(r->t, 0)->has_status);
	assert_int_equal(trace_session(r->t, 1)->needs_protocol, 0);
	assert_int_equal(r->n_events, 2);
	assert_int_equal(r->n_samples, 0);
	assert_int_equal(trace_totals(r->t)->lost_total, 1);
	assert_int_equal(trace_totals(r->t)->origin_ns, 1000);
	assert_int_equal(trace_totals(r->t)->duration_ns, 100);
	assert_string_equal(trace_func(r->t, r->events[0].e.func)->name, "f");
	for (uint32_t i = 0; i < trace_func_count(r->t); i++)
		assert_string_not_equal(trace_func(r->t, (uint16_t)i)->name, "not this");
	assert_null(trace_task(r->t, 0, 5, 1000));
	assert_int_equal(r->notices[TRACE_NOTICE_LATER_PROTOCOL], 1);
	read_done(r);
	/* On a line what came before the hello has been shown, but nothing of it stays. */
	r = malloc(sizeof(*r));
	assert_non_null(r);
	*r = (struct read_trace){.live = true};
	read_trace_any(r, m->data, m->size);
	assert_int_equal(r->err, 0);
	assert_int_equal(trace_session(r->t, 0)->produced, 0);
	assert_int_equal(trace_session(r->t, 1)->delivered, 2);
	assert_int_equal(trace_totals(r->t)->lost_total, 1);
	assert_int_equal(r->notices[TRACE_NOTICE_LATER_PROTOCOL], 1);
	read_done(r);
	making_free(m);
}

/* Session 0 is the recorder's, and the recorder has no other. */
static void frames_of_neither_board_nor_recorder(void **state)
{
	const struct ayp_event ev[] = {E(1000, 5, 0, F), X(1100, 5, 0, F)};
	const struct framing_header end = {.kind = AYP_KIND_RECORDING_END, .session = 5};
	struct making *m = making_new();
	uint8_t body[FRAMING_MIN_BODY];
	struct read_trace *r;

	making_msg(m);
	making_add(m, AYP_KIND_RECORDING);
	m->session = 0;
	making_events(m, 0, ev, COUNT(ev));
	m->session = 7;
	making_msg(m);
	making_add(m, AYP_KIND_CONTROL);
	assert_int_equal(framing_body_write(body, sizeof(body), &end, NULL, 0), sizeof(body));
	m->size += record_head(m->data + m->size, sizeof(body));
	memcpy(m->data + m->size, body, sizeof(body));
	m->size += sizeof(body);
	r = read_it(m);
	assert_int_equal(trace_session_count(r->t), 0);
	assert_int_equal(r->n_events, 0);
	assert_int_equal(trace_totals(r->t)->frames, 4);
	assert_int_equal(trace_totals(r->t)->frames_unknown, 2);
	assert_false(trace_totals(r->t)->ended);
	read_done(r);
	making_free(m);
}

static void recording(struct making *m, uint64_t frames, uint64_t bytes, bool ended)
{
	making_msg(m);
	making_add(m, AYP_KIND_RECORDING);
	((ayaprof_LineEvent *)making_msg(m))->has_stats = true;
	m->msg.line_event.stats =
		(ayaprof_LineStats){.frames = frames, .wire_bytes = bytes, .frames_bad = 1};
	making_add(m, AYP_KIND_LINE_EVENT);
	making_hello(m);
	((ayaprof_RecordingEnd *)making_msg(m))->has_stats = true;
	m->msg.end.stats =
		(ayaprof_LineStats){.frames = frames, .wire_bytes = bytes, .frames_bad = 3};
	if (ended)
		making_add(m, AYP_KIND_RECORDING_END);
}

static void recordings_joined(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	recording(m, 100, 5000, true);
	recording(m, 200, 6000, true);
	r = read_it(m);
	assert_true(trace_totals(r->t)->ended);
	assert_int_equal(trace_totals(r->t)->line.frames, 300);
	assert_int_equal(trace_totals(r->t)->line.wire_bytes, 11000);
	assert_int_equal(trace_totals(r->t)->line.frames_bad, 6);
	read_done(r);
	/* One that broke off and that nobody has ended since (PROTOCOL.md, section 11). */
	m->size = 0;
	recording(m, 100, 5000, false);
	recording(m, 200, 6000, true);
	r = read_it(m);
	assert_false(trace_totals(r->t)->ended);
	assert_int_equal(trace_totals(r->t)->line.frames_bad, 4);
	read_done(r);
	making_hello(m);
	r = read_it(m);
	assert_false(trace_totals(r->t)->ended);
	read_done(r);
	making_free(m);
}

/* The recorder's records are no frames of the line, and those of the line are counted even when the
 * statistics are older than they. */
static void frames_of_the_line(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	making_msg(m);
	making_add(m, AYP_KIND_RECORDING);
	((ayaprof_LineEvent *)making_msg(m))->has_stats = true;
	m->msg.line_event.stats.wire_bytes = 200000;
	making_add(m, AYP_KIND_LINE_EVENT);
	r = read_it(m);
	assert_int_equal(trace_totals(r->t)->line.frames, 0);
	assert_int_equal(trace_totals(r->t)->line.wire_bytes, 200000);
	read_done(r);
	for (int i = 0; i < 3; i++)
		making_hello(m);
	r = read_as(m, (struct read_trace){.live = true});
	assert_int_equal(trace_totals(r->t)->line.frames, 3);
	assert_int_equal(r->met, 1);
	read_done(r);
	making_free(m);
}

/* A board that drains its buffer long after the last event makes no longer recording. */
static void length_is_what_was_profiled(void **state)
{
	const struct ayp_event ev[] = {E(2000, 5, 0, F), X(6000, 5, 0, F)};
	struct making *m = making_new();
	struct read_trace *r;

	making_hello(m); /* start_ns 1000 */
	status(m, 3000, 0, 0);
	status(m, 91000, 2, 2);
	r = read_it(m);
	/* Two events are missing, so something is known to have happened, but not when. */
	assert_int_equal(trace_totals(r->t)->duration_ns, 90000); /* nothing better is known */
	read_done(r);
	making_events(m, 0, ev, COUNT(ev));
	making_goodbye(m, 2, 2);
	r = read_it(m);
	assert_int_equal(trace_totals(r->t)->origin_ns, 1000);
	assert_int_equal(trace_totals(r->t)->duration_ns, 5000);
	assert_int_equal(trace_since_origin(r->t, 0, 6000), 5000);
	assert_int_equal(trace_since_origin(r->t, 0, 10), 0);
	read_done(r);
	sample(m, 8000);
	r = read_it(m);
	assert_int_equal(trace_totals(r->t)->duration_ns, 7000);
	read_done(r);
	making_free(m);
}

/* Nothing says when a replay began but its first event. */
static void a_replay_begins_with_its_events(void **state)
{
	const struct ayp_event ev[] = {E(5000, 5, 0, F), X(6000, 5, 0, F)};
	struct making *m = making_new();
	ayaprof_Hello *h = making_msg(m);
	struct read_trace *r;

	h->protocol = h->protocol_min = AYP_PROTOCOL_VERSION;
	h->replay = true;
	h->start_ns = 777 * SECOND;
	making_add(m, AYP_KIND_HELLO);
	status(m, 778 * SECOND, 2, 2);
	making_events(m, 0, ev, COUNT(ev));
	r = read_it(m);
	assert_true(trace_totals(r->t)->has_time);
	assert_int_equal(trace_totals(r->t)->origin_ns, 5000);
	assert_int_equal(trace_totals(r->t)->duration_ns, 1000);
	read_done(r);
	making_free(m);
}

/* ---- boots ------------------------------------------------------------------------------------ */

static void boot(struct making *m, uint32_t session, const char *boot_id, uint64_t start_ns,
	int64_t wall_offset_ns)
{
	ayaprof_Hello *h = making_msg(m);

	m->session = session;
	h->protocol = h->protocol_min = AYP_PROTOCOL_VERSION;
	h->start_ns = start_ns;
	h->wall_offset_ns = wall_offset_ns;
	snprintf(h->boot_id, sizeof(h->boot_id), "%s", boot_id);
	making_add(m, AYP_KIND_HELLO);
}

static void heard(struct making *m, uint32_t session, uint64_t since_start_ns)
{
	ayaprof_LineEvent *e = making_msg(m);

	e->kind = ayaprof_LineEventKind_LINE_SESSION;
	e->session = session;
	e->since_start_ns = since_start_ns;
	making_add(m, AYP_KIND_LINE_EVENT);
}

static void run(struct making *m, int64_t start_wall_ns)
{
	ayaprof_Recording *rec = making_msg(m);

	rec->format_version = AYP_FORMAT_VERSION;
	rec->start_wall_ns = start_wall_ns;
	making_add(m, AYP_KIND_RECORDING);
}

static void one_event(struct making *m, uint64_t t_ns)
{
	const struct ayp_event ev = E(t_ns, 5, 0, F);

	making_events(m, 0, &ev, 1);
}

#define WALL (INT64_C(1700000000) * (int64_t)SECOND)

/* Boards without a clock all say that it is 1970. The desk knows better. */
static void boots_by_the_desk(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	run(m, WALL);
	heard(m, 7, 1 * SECOND);
	boot(m, 7, "a", 5 * SECOND, 0);
	one_event(m, 8 * SECOND);
	heard(m, 8, 21 * SECOND);
	boot(m, 8, "b", 5 * SECOND, 0);
	one_event(m, 6 * SECOND);
	/* The daemon was started again: one clock. */
	heard(m, 9, 30 * SECOND);
	boot(m, 9, "b", 13 * SECOND, WALL);
	one_event(m, 14 * SECOND);
	/* The recording was gone on with an hour later. */
	run(m, WALL + 3600 * (int64_t)SECOND);
	heard(m, 10, 1 * SECOND);
	boot(m, 10, "c", 4 * SECOND, 0);
	one_event(m, 4 * SECOND);
	for (int live = 0; live < 2; live++) {
		r = read_as(m, (struct read_trace){.live = live});
		assert_int_equal(trace_session(r->t, 0)->shift_ns, 0);
		assert_int_equal(trace_session(r->t, 1)->shift_ns, 20 * SECOND);
		assert_int_equal(trace_session(r->t, 2)->shift_ns, 20 * SECOND);
		assert_int_equal(trace_session(r->t, 3)->shift_ns, 3601 * SECOND);
		assert_int_equal(trace_totals(r->t)->duration_ns, 3600 * SECOND);
		read_done(r);
	}
	making_free(m);
}

/* Recordings from before: wall clocks that are right are believed, others are not. */
static void boots_by_wall_clocks(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	boot(m, 7, "a", 5 * SECOND, WALL);
	one_event(m, 8 * SECOND);
	boot(m, 8, "b", 5 * SECOND, WALL + 60 * (int64_t)SECOND);
	one_event(m, 6 * SECOND);
	boot(m, 9, "c", 5 * SECOND, 0); /* 1970 */
	one_event(m, 7 * SECOND);
	boot(m, 10, "d", 5 * SECOND, 2 * WALL);
	one_event(m, 6 * SECOND);
	r = read_it(m);
	assert_int_equal(trace_session(r->t, 1)->shift_ns, 60 * SECOND);
	/* Right behind the ones before. */
	assert_int_equal(trace_session(r->t, 2)->shift_ns, 61 * SECOND + 1);
	assert_int_equal(trace_session(r->t, 3)->shift_ns, 63 * SECOND + 2);
	read_done(r);
	making_free(m);
}

/* A desk that heard of the first board late must not lay the second one over it. */
static void boots_never_overlap(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	run(m, WALL);
	heard(m, 7, 1 * SECOND);
	boot(m, 7, "a", 5 * SECOND, 0);
	status(m, 505 * SECOND, 0, 0);
	one_event(m, 600 * SECOND);
	heard(m, 8, 21 * SECOND);
	boot(m, 8, "b", 5 * SECOND, 0);
	one_event(m, 6 * SECOND);
	r = read_it(m);
	assert_int_equal(trace_session(r->t, 1)->shift_ns, 595 * SECOND + 1);
	read_done(r);
	making_free(m);
}

/* More sessions than there is room for are told, not forgotten in silence. */
static void too_many_sessions(void **state)
{
	struct making *m = making_new();

	for (m->session = 1; m->session <= TRACE_MAX_SESSIONS + 5; m->session++) {
		making_msg(m);
		m->msg.status.taken = 1;
		making_add(m, AYP_KIND_STATUS);
		making_add(m, AYP_KIND_STATUS);
	}
	for (int live = 0; live < 2; live++) {
		struct read_trace *r =
			read_as(m, (struct read_trace){.live = live, .no_events = true});

		assert_int_equal(trace_session_count(r->t), TRACE_MAX_SESSIONS);
		assert_int_equal(trace_totals(r->t)->sessions_left_out, 5);
		assert_int_equal(r->notices[TRACE_NOTICE_SESSIONS], 1);
		assert_true(r->memory_peak < 64u << 20);
		read_done(r);
	}
	making_free(m);
}

/* ---- the desk's own port ---------------------------------------------------------------------- */

static void port_counters(struct making *m, uint64_t overrun, uint64_t refused)
{
	ayaprof_LineEvent *e = making_msg(m);

	e->kind = ayaprof_LineEventKind_LINE_STATS;
	e->has_stats = true;
	e->stats.has_uart = true;
	e->stats.uart.overrun = overrun;
	e->stats.frames_refused = refused;
	making_add(m, AYP_KIND_LINE_EVENT);
}

static void gap_behind(struct making *m, uint64_t first)
{
	const struct ayp_event ev[] = {
		E(1000 + first * 10, 5, 0, F), X(1005 + first * 10, 5, 0, F)};

	making_events(m, first, ev, COUNT(ev));
}

/* What is missing behind an overrun of the desk's port, or of its disk, is the desk's. */
static void overruns_of_the_host(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	making_msg(m);
	making_add(m, AYP_KIND_RECORDING);
	making_hello(m);
	gap_behind(m, 0);
	gap_behind(m, 5); /* 3 on the line */
	port_counters(m, 1, 0);
	gap_behind(m, 11); /* 4 for the port */
	port_counters(m, 1, 7);
	port_counters(m, 1, 7);
	gap_behind(m, 18); /* 5 for the disk */
	port_counters(m, 2, 7);
	((ayaprof_LineEvent *)making_msg(m))->kind = ayaprof_LineEventKind_LINE_DISCONNECTED;
	making_add(m, AYP_KIND_LINE_EVENT);
	gap_behind(m, 26); /* 6 while the line was away */
	making_goodbye(m, 28, 28);
	r = read_it(m);
	assert_int_equal(trace_totals(r->t)->lost[ayaprof_LossCause_LOSS_HOST_OVERRUN], 9);
	assert_int_equal(trace_totals(r->t)->lost[ayaprof_LossCause_LOSS_LINE], 9);
	assert_int_equal(r->n_losses, 4);
	assert_int_equal(r->losses[1].cause, ayaprof_LossCause_LOSS_HOST_OVERRUN);
	assert_int_equal(r->losses[1].first_ns, 1055);
	assert_int_equal(r->losses[1].last_ns, 1110);
	read_done(r);
	making_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_protocol_is_not_decoded),
		cmocka_unit_test(frames_of_neither_board_nor_recorder),
		cmocka_unit_test(recordings_joined),
		cmocka_unit_test(frames_of_the_line),
		cmocka_unit_test(length_is_what_was_profiled),
		cmocka_unit_test(a_replay_begins_with_its_events),
		cmocka_unit_test(boots_by_the_desk),
		cmocka_unit_test(boots_by_wall_clocks),
		cmocka_unit_test(boots_never_overlap),
		cmocka_unit_test(too_many_sessions),
		cmocka_unit_test(overruns_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
