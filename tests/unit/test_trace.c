/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a trace makes of frames: order, books, sessions, messages; whatever their order. Names: test_trace_names.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/read_making.h"

enum { F = 1, G = 2, H = 3 };

#define SEQUENCER_BLOCKS 4100u /* more than wait on a line */

#define E(t, tid_, cpu_, func_)                                                                    \
	{                                                                                          \
		.t_ns = (t), .tid = (tid_), .func = (func_), .cpu = (cpu_), .kind = AYP_ENTRY      \
	}
#define X(t, tid_, cpu_, func_)                                                                    \
	{                                                                                          \
		.t_ns = (t), .tid = (tid_), .func = (func_), .cpu = (cpu_), .kind = AYP_EXIT       \
	}
#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof(*(a))))

static void names(struct making *m)
{
	making_func(m, F, AYP_CLASS_KERNEL, "f");
	making_func(m, G, AYP_CLASS_KERNEL, "g");
	making_func(m, H, AYP_CLASS_KERNEL, "h");
}

static uint64_t lost(const struct read_trace *r, ayaprof_LossCause cause)
{
	return trace_totals(r->t)->lost[cause];
}

static const struct trace_call *call_of(const struct read_trace *r, uint16_t func)
{
	for (size_t i = 0; i < r->n_calls; i++) {
		if (r->calls[i].func == func)
			return &r->calls[i];
	}
	fail_msg("no such call");
	return NULL;
}

/* Two events at a time, from `first` on, 10 ns apart. */
static void pair(struct making *m, uint64_t first)
{
	const struct ayp_event ev[] = {
		E(1000 + first * 10, 5, 0, F), X(1010 + first * 10, 5, 0, F)};

	making_events(m, first, ev, COUNT(ev));
}

static void status(struct making *m, uint64_t t_ns, uint64_t produced, uint64_t taken)
{
	ayaprof_Status *s = making_msg(m);

	s->t_ns = t_ns;
	s->produced = produced;
	s->taken = taken;
	making_add(m, AYP_KIND_STATUS);
}

static void told(struct making *m, ayaprof_LossCause cause, int cpu, uint64_t first_ns,
	uint64_t last_ns, uint64_t count)
{
	ayaprof_Loss *loss = making_msg(m);

	loss->ranges_count = 1;
	loss->ranges[0] = (ayaprof_LossRange){.cause = cause,
		.cpu_plus_1 = (uint32_t)(cpu + 1),
		.first_ns = first_ns,
		.last_ns = last_ns,
		.count = count};
	making_add(m, AYP_KIND_LOSS);
}

static void unknown_codec(struct making *m, uint64_t first, uint32_t count)
{
	ayaprof_Events *bad = making_msg(m);

	bad->first_index = first;
	bad->count = count;
	bad->codec = 99;
	making_add(m, AYP_KIND_EVENTS);
}

/* ---- order of blocks -------------------------------------------------------------------------- */

static void repeated_and_disordered_blocks(void **state)
{
	const struct ayp_event a[] = {E(100, 5, 0, F), E(110, 5, 0, G)},
			       b[] = {X(120, 5, 0, G), X(130, 5, 0, F)};

	for (int live = 0; live < 2; live++) {
		struct making *m = making_new();
		struct read_trace *r;

		names(m);
		making_events(m, 2, b, COUNT(b));
		making_events(m, 0, a, COUNT(a));
		making_events(m, 2, b, COUNT(b));
		making_goodbye(m, 4, 4);
		r = read_as(m, (struct read_trace){.live = live});
		assert_int_equal(r->n_events, 4);
		assert_int_equal(trace_totals(r->t)->lost_total, 0);
		assert_int_equal(trace_totals(r->t)->blocks_out_of_reach, 0);
		assert_int_equal(call_of(r, F)->start_ns, 100);
		assert_int_equal(call_of(r, F)->end_ns, 130);
		read_done(r);
		making_free(m);
	}
}

/* On a line nobody knows what comes. In a file it is known: a hole that nothing will fill holds
 * nobody up, and one that is filled late is waited for. */
static void holes_are_waited_for(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	names(m);
	pair(m, 2);
	for (uint64_t at = 6; at < 6 + 2 * SEQUENCER_BLOCKS; at += 2)
		pair(m, at);
	pair(m, 0);
	making_goodbye(m, 6 + 2 * SEQUENCER_BLOCKS, 6 + 2 * SEQUENCER_BLOCKS);
	r = read_it(m);
	assert_int_equal(trace_totals(r->t)->lost_total, 2); /* 4 and 5 */
	assert_int_equal(lost(r, ayaprof_LossCause_LOSS_LINE), 2);
	assert_int_equal(trace_totals(r->t)->blocks_out_of_reach, 0);
	assert_int_equal(r->events[0].e.t_ns, 1000);
	read_done(r);
	/* More waits than a line's window has. */
	r = read_as(m, (struct read_trace){.live = true});
	assert_int_equal(trace_totals(r->t)->blocks_out_of_reach, 1);
	assert_int_equal(trace_totals(r->t)->lost_total, 4);
	assert_int_equal(r->events[0].e.t_ns, 1020);
	read_done(r);
	making_free(m);
}

/* The first one of a place that can be read counts, also when others came before it and blocks
 * behind it came in between. */
static void readable_block_behind_an_unreadable_one(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	names(m);
	pair(m, 0);
	unknown_codec(m, 2, 2);
	pair(m, 4);
	pair(m, 6);
	pair(m, 2);
	pair(m, 8);
	making_goodbye(m, 10, 10);
	r = read_it(m);
	assert_int_equal(r->n_events, 10);
	assert_int_equal(trace_totals(r->t)->lost_total, 0);
	read_done(r);
	making_free(m);
}

static void impossible_blocks(void **state)
{
	static const struct {
		uint64_t first;
		uint32_t count;
	} bad[] = {{0, 0}, {0, AYP_BLOCK_MAX_EVENTS + 1}, {0, UINT32_MAX},
		{(UINT64_C(1) << 60) + 1, 1}, {UINT64_MAX, 1}};
	struct making *m = making_new();
	struct read_trace *r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ayaprof_Events *msg = making_msg(m);

		msg->first_index = bad[i].first;
		msg->count = bad[i].count;
		msg->codec = AYP_CODEC_COLUMNS;
		making_add(m, AYP_KIND_EVENTS);
	}
	for (int live = 0; live < 2; live++) {
		r = read_as(m, (struct read_trace){.live = live});
		assert_int_equal(trace_totals(r->t)->lost_total, 0);
		assert_int_equal(trace_totals(r->t)->frames_unknown, sizeof(bad) / sizeof(*bad));
		read_done(r);
	}
	making_free(m);
}

/* Events of two sessions that stand mixed in a file. */
static void mixed_sessions(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	for (uint64_t at = 0; at < 20; at += 2) {
		m->session = 7;
		pair(m, at);
		m->session = 8;
		pair(m, at);
	}
	r = read_it(m);
	assert_int_equal(r->n_events, 40);
	assert_int_equal(trace_session(r->t, 1)->delivered, 20);
	assert_int_equal(r->n_calls, 20);
	read_done(r);
	making_free(m);
}

/* More than any line has, a block of each in turn: some end early, and memory is bounded. */
static void many_mixed_sessions(void **state)
{
	struct making *m = making_new();

	for (uint64_t at = 0; at < 20; at += 2) {
		for (m->session = 1; m->session <= 300; m->session++)
			pair(m, at);
	}
	for (int live = 0; live < 2; live++) {
		struct read_trace *r = read_as(m, (struct read_trace){.live = live});

		assert_int_equal(trace_session_count(r->t), 300);
		assert_true(r->n_events >= 600);
		assert_true(trace_session(r->t, 299)->delivered > 0);
		assert_int_equal(r->n_events + 2 * trace_totals(r->t)->blocks_out_of_reach, 6000);
		assert_true(r->memory_peak < 32u << 20);
		read_done(r);
	}
	making_free(m);
}

/* Who wants no event gets none, and the first reading knows how many there are all the same. */
static void nothing_is_decoded_for_nobody(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	names(m);
	pair(m, 0);
	pair(m, 4);
	unknown_codec(m, 6, 1);
	making_goodbye(m, 9, 9);
	r = read_as(m, (struct read_trace){.no_events = true});
	assert_int_equal(trace_session(r->t, 0)->delivered, 4);
	assert_int_equal(trace_totals(r->t)->lost_total, 5);
	assert_int_equal(lost(r, ayaprof_LossCause_LOSS_UNDECODABLE), 1);
	assert_int_equal(trace_totals(r->t)->events, 0);
	assert_true(r->memory_peak < 2u << 20);
	read_done(r);
	making_free(m);
}

/* ---- losses ----------------------------------------------------------------------------------- */

static void nothing_is_paired_across_a_hole(void **state)
{
	const struct ayp_event before[] = {E(100, 5, 0, F), E(110, 6, 1, F), E(120, 0, 1, H)};
	const struct ayp_event behind[] = {
		X(200, 5, 0, F), X(210, 6, 1, F), E(220, 5, 0, G), X(230, 5, 0, G)};
	struct making *m = making_new();
	struct read_trace *r;

	making_hello(m);
	names(m);
	making_events(m, 0, before, COUNT(before));
	making_events(m, 103, behind, COUNT(behind));
	making_goodbye(m, 107, 107);
	making_end(m);
	r = read_it(m);
	assert_int_equal(r->n_events, 7);
	assert_int_equal(r->n_losses, 1);
	assert_int_equal(r->losses[0].cause, ayaprof_LossCause_LOSS_LINE);
	assert_int_equal(r->losses[0].count, 100);
	assert_int_equal(r->losses[0].first_ns, 120);
	assert_int_equal(r->losses[0].last_ns, 200);
	assert_true(r->events_before_loss[0] <= 3);
	assert_int_equal(trace_totals(r->t)->orphan_exits, 2);
	assert_int_equal(call_of(r, F)->end_ns, 120);
	assert_int_equal(call_of(r, F)->flags, TRACE_CALL_NO_EXIT);
	read_done(r);
	making_free(m);
}

static void books_of_every_cause(void **state)
{
	const struct ayp_event ev[] = {E(1000, 5, 0, F), X(2000, 5, 0, F)};
	struct making *m = making_new();
	ayaprof_Goodbye *bye;
	struct read_trace *r;

	making_events(m, 10, ev, COUNT(ev)); /* 0..9 went before the host listened */
	unknown_codec(m, 20, 4);             /* 12..19: the board dropped 5 of them */
	bye = making_msg(m);
	bye->has_status = true;
	bye->status.taken = 30;
	bye->status.produced = 37;
	bye->status.lost_count = 2;
	bye->status.lost[0] = (ayaprof_LossTotal){
		.cause = ayaprof_LossCause_LOSS_RING_FULL, .cpu_plus_1 = 1, .count = 7};
	bye->status.lost[1] =
		(ayaprof_LossTotal){.cause = ayaprof_LossCause_LOSS_SPOOL_FULL, .count = 5};
	making_add(m, AYP_KIND_GOODBYE);
	for (int live = 0; live < 2; live++) {
		r = read_as(m, (struct read_trace){.live = live});
		assert_int_equal(r->n_events, 2);
		assert_int_equal(trace_totals(r->t)->lost_total, 35);
		assert_int_equal(lost(r, ayaprof_LossCause_LOSS_RING_FULL), 7);
		assert_int_equal(lost(r, ayaprof_LossCause_LOSS_SPOOL_FULL), 5);
		assert_int_equal(lost(r, ayaprof_LossCause_LOSS_UNDECODABLE), 4);
		assert_int_equal(lost(r, ayaprof_LossCause_LOSS_LINE), 19);
		assert_int_equal(r->notices[TRACE_NOTICE_LATER_CODEC], 1);
		assert_false(trace_totals(r->t)->ended);
		read_done(r);
	}
	making_free(m);
}

/* The recording was cut before the status that would have counted the newest losses. */
static void loss_newer_than_the_status(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	pair(m, 0);
	status(m, 200, 2, 2);
	told(m, ayaprof_LossCause_LOSS_SPOOL_FULL, -1, 0, 0, 25);
	r = read_it(m);
	assert_int_equal(trace_session(r->t, 0)->produced, 27);
	assert_int_equal(lost(r, ayaprof_LossCause_LOSS_SPOOL_FULL), 25);
	assert_int_equal(trace_totals(r->t)->lost_total, 25);
	read_done(r);
	/* Nor does the file's having it twice make it more. */
	memcpy(m->data + m->size, m->data + m->frame_at, m->size - m->frame_at);
	m->size += m->size - m->frame_at;
	r = read_it(m);
	assert_int_equal(trace_totals(r->t)->lost_total, 25);
	read_done(r);
	/* But the next message that says the same does. */
	told(m, ayaprof_LossCause_LOSS_SPOOL_FULL, -1, 0, 0, 25);
	r = read_it(m);
	assert_int_equal(trace_totals(r->t)->lost_total, 50);
	read_done(r);
	making_free(m);
}

/* One row for one range, however often and between whatever it was told; rows by time, each before
 * the events behind it; a CPU that is known is told. */
static void rows_of_losses(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	names(m);
	for (uint64_t at = 0; at < 40; at += 2)
		pair(m, at);
	pair(m, 60);
	for (int i = 0; i < 15; i++) {
		told(m, ayaprof_LossCause_LOSS_RING_FULL, 1, 1205, 1215, 2);
		told(m, ayaprof_LossCause_LOSS_MAP_FULL, 2, 1105, 1115, 1);
	}
	told(m, ayaprof_LossCause_LOSS_SPOOL_FULL, -1, 1400, 1500, 12);
	making_goodbye(m, 62 + 30 + 15, 62);
	r = read_it(m);
	assert_int_equal(r->n_losses, 4);
	assert_int_equal(r->losses[0].cause, ayaprof_LossCause_LOSS_MAP_FULL);
	assert_int_equal(r->losses[0].count, 15);
	assert_int_equal(r->losses[0].cpu, 2);
	assert_int_equal(r->events_before_loss[0], 11);
	assert_int_equal(r->losses[1].cause, ayaprof_LossCause_LOSS_RING_FULL);
	assert_int_equal(r->losses[1].count, 30);
	assert_int_equal(r->losses[1].cpu, 1);
	assert_int_equal(r->events_before_loss[1], 21);
	/* Of the 20 that are missing in the indexes the board had dropped 12. */
	assert_int_equal(lost(r, ayaprof_LossCause_LOSS_SPOOL_FULL), 12);
	assert_int_equal(lost(r, ayaprof_LossCause_LOSS_LINE), 8);
	assert_int_equal(r->events_before_loss[3], 40);
	read_done(r);
	making_free(m);
}

/* What the board told to have dropped is missing where it was dropped, not where the line lost some. */
static void gaps_that_were_told(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	names(m);
	pair(m, 0);
	pair(m, 10); /* 8 missing */
	pair(m, 20); /* 8 more */
	told(m, ayaprof_LossCause_LOSS_SPOOL_FULL, -1, 1030, 1080, 8);
	making_goodbye(m, 22, 22);
	r = read_it(m);
	assert_int_equal(r->n_losses, 2);
	assert_int_equal(r->losses[0].cause, ayaprof_LossCause_LOSS_SPOOL_FULL);
	assert_int_equal(r->losses[1].cause, ayaprof_LossCause_LOSS_LINE);
	assert_int_equal(r->losses[1].first_ns, 1110);
	assert_int_equal(r->losses[1].last_ns, 1200);
	read_done(r);
	making_free(m);
}

/* What is lost in the kernel ends calls of its CPU, and nobody else's. */
static void kernel_loss_hits_its_cpu_only(void **state)
{
	const struct ayp_event ev[] = {E(100, 0, 0, F), E(110, 0, 1, G), E(120, 5, 2, H),
		X(400, 0, 0, F), X(410, 0, 1, G), X(420, 5, 2, H)};
	struct making *m = making_new();
	struct read_trace *r;

	names(m);
	making_events(m, 0, ev, COUNT(ev));
	told(m, ayaprof_LossCause_LOSS_RING_FULL, 1, 200, 300, 1);
	r = read_it(m);
	assert_int_equal(call_of(r, F)->end_ns, 400);
	assert_int_equal(call_of(r, G)->end_ns, 200);
	assert_int_equal(call_of(r, G)->flags, TRACE_CALL_NO_EXIT);
	assert_int_equal(call_of(r, H)->end_ns, 200);
	read_done(r);
	making_free(m);
}

/* A board that tells of each event which it lost alone is believed, in bounded memory. */
static void many_ranges(void **state)
{
	struct making *m = making_new();
	ayaprof_Loss *loss;
	struct read_trace *r;

	pair(m, 0);
	for (uint64_t i = 0; i < 3000; i++) {
		loss = making_msg(m);
		for (loss->ranges_count = 0; loss->ranges_count < 32; loss->ranges_count++)
			loss->ranges[loss->ranges_count] =
				(ayaprof_LossRange){.cause = ayaprof_LossCause_LOSS_RING_FULL,
					.first_ns = 5000000 - (i * 32 + loss->ranges_count) * 10,
					.last_ns = 5000000 - (i * 32 + loss->ranges_count) * 10 + 1,
					.count = 1};
		making_add(m, AYP_KIND_LOSS);
	}
	r = read_as(m, (struct read_trace){.no_events = true});
	assert_int_equal(lost(r, ayaprof_LossCause_LOSS_RING_FULL), 96000);
	assert_true(r->memory_peak < 16u << 20);
	read_done(r);
	making_free(m);
}

/* ---- messages --------------------------------------------------------------------------------- */

static void say_record(ayaprof_Log *log, uint64_t seq, const char *text)
{
	ayaprof_LogRecord *r = &log->records[log->records_count++];

	r->seq = seq;
	r->t_us = seq * 1000;
	r->priority = 6;
	snprintf(r->text, sizeof(r->text), "%s", text);
}

/* In the kernel's order whatever the frames' order was, what is missing told by the numbers. */
static void kernel_messages(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	making_hello(m);
	say_record(making_msg(m), 10, "late");
	making_add(m, AYP_KIND_LOG);
	say_record(making_msg(m), 4, "first");
	say_record(&m->msg.log, 5, "second\n\x1b[31mline");
	making_add(m, AYP_KIND_LOG);
	say_record(making_msg(m), 5, "second again");
	making_add(m, AYP_KIND_LOG);
	m->session = 8;
	making_hello(m);
	say_record(making_msg(m), 5, "of another run");
	making_add(m, AYP_KIND_LOG);
	r = read_it(m);
	assert_int_equal(r->n_logs, 4);
	assert_string_equal(r->logs[0].text, "first");
	assert_int_equal(r->logs[0].r.missed, 0);
	assert_int_equal(r->logs[1].r.seq, 5);
	assert_string_equal(r->logs[1].text, "second\n\x1b[31mline");
	assert_string_equal(r->logs[2].text, "late");
	assert_int_equal(r->logs[2].r.missed, 4);
	assert_int_equal(r->logs[3].r.session, 1);
	assert_int_equal(r->logs[3].r.missed, 0);
	assert_int_equal(trace_totals(r->t)->logs_missed, 4);
	assert_int_equal(trace_totals(r->t)->frames_unknown, 0);
	read_done(r);
	making_free(m);
}

static void sample(struct making *m, uint64_t t_ns, uint64_t bytes)
{
	ayaprof_Samples *s = making_msg(m);

	s->samples_count = 1;
	s->samples[0].t_ns = t_ns;
	s->samples[0].memory_count = 1;
	s->samples[0].memory[0].alloc_bytes = bytes;
	making_add(m, AYP_KIND_SAMPLES);
}

static void samples_in_order(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	making_hello(m);
	sample(m, 2000, 20);
	sample(m, 4000, 40);
	sample(m, 3000, 30);
	sample(m, 4000, 40);
	sample(m, 4000, 41); /* of the same moment, but not the same */
	r = read_it(m);
	assert_int_equal(r->n_samples, 4);
	assert_int_equal(r->samples[1].memory[0].alloc_bytes, 30);
	assert_int_equal(r->samples[3].memory[0].alloc_bytes, 41);
	assert_int_equal(trace_totals(r->t)->samples, 4);
	read_done(r);
	making_free(m);
}

/* ---- whatever happens ------------------------------------------------------------------------- */

/* A bit of everything. */
static struct making *all_sorts(void)
{
	struct making *m = making_new();

	making_msg(m);
	making_add(m, AYP_KIND_RECORDING);
	for (m->session = 7; m->session < 9; m->session++) {
		making_hello(m);
		names(m);
		making_name_since(m, 5, 5, 1000, "sh");
		making_name_since(m, 5, 5, 2000, "cat");
		making_name(m, ayaprof_Table_TABLE_SYMBOL, 9, 0, "_ZN1a1bEv");
		pair(m, 0);
		pair(m, 6);
		pair(m, 4);
		unknown_codec(m, 10, 2);
		pair(m, 10);
		told(m, ayaprof_LossCause_LOSS_RING_FULL, 0, 1020, 1030, 3);
		told(m, ayaprof_LossCause_LOSS_SPOOL_FULL, 0, 1020, 1030, 1);
		sample(m, 1000, 1);
		say_record(making_msg(m), 1, "hello");
		making_add(m, AYP_KIND_LOG);
		status(m, 4000, 20, 15);
		making_goodbye(m, 21, 16);
	}
	making_end(m);
	return m;
}

static void memory_runs_out(void **state)
{
	struct making *m = all_sorts();

	for (int live = 0; live < 2; live++) {
		size_t failed = 0;

		for (size_t at = 1;; at++) {
			struct read_trace r = {.live = live, .fail_at = at, .later = at % 2};

			read_trace_any(&r, m->data, m->size);
			if (!r.err)
				read_trace_check(&r);
			else
				assert_int_equal(r.err, -ENOMEM);
			failed += r.err != 0;
			read_trace_free(&r);
			if (r.memory_calls < at)
				break;
		}
		assert_true(failed > 50);
	}
	making_free(m);
}

static void assert_same_results(const struct read_trace *a, const struct read_trace *b)
{
	assert_int_equal(a->n_events, b->n_events);
	assert_int_equal(a->n_calls, b->n_calls);
	assert_int_equal(a->n_losses, b->n_losses);
	for (size_t i = 0; i < a->n_events; i++) {
		assert_int_equal(a->events[i].e.t_ns, b->events[i].e.t_ns);
		assert_int_equal(a->events[i].e.session, b->events[i].e.session);
		assert_int_equal(a->events[i].e.func, b->events[i].e.func);
	}
	for (size_t i = 0; i < a->n_calls; i++) {
		assert_int_equal(a->calls[i].id, b->calls[i].id);
		assert_int_equal(a->calls[i].end_ns, b->calls[i].end_ns);
	}
	for (size_t i = 0; i < a->n_losses; i++) {
		assert_int_equal(a->losses[i].first_ns, b->losses[i].first_ns);
		assert_int_equal(a->losses[i].count, b->losses[i].count);
	}
}

/* Jobs may run whenever they like. */
static void threads_change_nothing(void **state)
{
	struct making *m = making_new();
	struct read_trace *a, *b;

	for (m->session = 7; m->session < 9; m->session++) {
		names(m);
		for (uint64_t at = 0; at < 2000; at += 2) {
			if (at % 34)
				pair(m, at);
		}
	}
	a = read_it(m);
	b = read_as(m, (struct read_trace){.later = true});
	assert_int_equal(a->n_events, 2 * (2000 - 2 * 59));
	assert_same_results(a, b);
	read_done(a);
	read_done(b);
	making_free(m);
}

/* Blocks that build on one another, in more jobs than one: those wait for one another. */
static void groups_longer_than_a_job(void **state)
{
	const struct ayp_block_config config = {.codec = AYP_CODEC_ADAPTIVE, .target_bytes = 100};
	void *mem = malloc(ayp_block_encoder_size(AYP_CODEC_ADAPTIVE));
	struct ayp_block_encoder *e;
	struct making *m = making_new();
	struct read_trace *r;

	assert_non_null(mem);
	e = ayp_block_encoder_init(mem, &config);
	for (uint32_t i = 0; i < 2000; i += 2) {
		const struct ayp_event ev[] = {E(1000 + i, 5, 0, F), X(1000 + i + i % 7, 5, 0, F)};
		ayaprof_Events *msg = making_msg(m);
		struct ayp_block_info info;

		for (int k = 0; k < 2; k++)
			assert_true(ayp_block_encoder_put(e, &ev[k]) >= 0);
		msg->block.size = (pb_size_t)ayp_block_encoder_cut(
			e, msg->block.bytes, sizeof(msg->block.bytes), &info);
		msg->first_index = i;
		msg->count = info.count;
		msg->codec = info.codec;
		making_add(m, AYP_KIND_EVENTS);
	}
	for (int later = 0; later < 2; later++) {
		r = read_as(m, (struct read_trace){.later = later});
		assert_int_equal(r->n_events, 2000);
		assert_int_equal(trace_totals(r->t)->lost_total, 0);
		read_done(r);
	}
	free(mem);
	making_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeated_and_disordered_blocks),
		cmocka_unit_test(holes_are_waited_for),
		cmocka_unit_test(readable_block_behind_an_unreadable_one),
		cmocka_unit_test(impossible_blocks),
		cmocka_unit_test(mixed_sessions),
		cmocka_unit_test(many_mixed_sessions),
		cmocka_unit_test(nothing_is_decoded_for_nobody),
		cmocka_unit_test(nothing_is_paired_across_a_hole),
		cmocka_unit_test(books_of_every_cause),
		cmocka_unit_test(loss_newer_than_the_status),
		cmocka_unit_test(rows_of_losses),
		cmocka_unit_test(gaps_that_were_told),
		cmocka_unit_test(kernel_loss_hits_its_cpu_only),
		cmocka_unit_test(many_ranges),
		cmocka_unit_test(kernel_messages),
		cmocka_unit_test(samples_in_order),
		cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(threads_change_nothing),
		cmocka_unit_test(groups_longer_than_a_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
