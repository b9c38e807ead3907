/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A recording as a whole: whose frames count, what is understood, how long and how complete it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/loaded.h"
#include "host/base/say.h"
#include "tests/unit/make_recording.h"

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

static void load(struct making *r, struct loaded *m)
{
	uint64_t produced = 0, rows = 0;

	assert_int_equal(loaded_memory(m, r->data, r->size), 0);
	for (size_t i = 0; i < trace_session_count(m->trace); i++)
		produced += trace_session(m->trace, i)->produced;
	for (size_t i = 0; i < m->n_losses; i++)
		rows += m->losses[i].count;
	/* Whatever a test does to a recording, the books balance. */
	assert_int_equal(produced, m->n_events + m->totals->lost_total);
	assert_int_equal(rows, m->totals->lost_total);
}

static void add_status(struct making *r, uint64_t t_ns, uint64_t produced, uint64_t taken)
{
	ayaprof_Status *status = making_msg(r);

	status->t_ns = t_ns;
	status->produced = produced;
	status->taken = taken;
	making_add(r, AYP_KIND_STATUS);
}

static void add_spool_loss(struct making *r, uint64_t count)
{
	ayaprof_Loss *loss = making_msg(r);

	loss->ranges_count = 1;
	loss->ranges[0] =
		(ayaprof_LossRange){.cause = ayaprof_LossCause_LOSS_SPOOL_FULL, .count = count};
	making_add(r, AYP_KIND_LOSS);
}

static void add_hello_of_later_protocol(struct making *r)
{
	ayaprof_Hello *h = making_msg(r);

	h->protocol = h->protocol_min = 9;
	h->start_ns = 1;
	making_add(r, AYP_KIND_HELLO);
}

/* The rules of such a session are not known: nothing it seems to say may be shown, on either side
 * of the hello that says so. */
static void later_protocol_is_not_decoded(void **state)
{
	const struct ayp_event ev[] = {E(1000, 5, 0, F), X(1100, 5, 0, F)};
	struct making *r = making_new();
	ayaprof_Samples *samples;
	struct loaded m;

	r->session = 9;
	for (int half = 0; half < 2; half++) {
		making_events(r, half ? 50 : 0, ev, COUNT(ev));
		making_func(r, F, AYP_CLASS_USER, "not this");
		add_spool_loss(r, 9);
		add_status(r, 90000, 400, 300);
		samples = making_msg(r);
		samples->samples_count = 1;
		samples->samples[0].t_ns = 90000;
		making_add(r, AYP_KIND_SAMPLES);
		if (!half)
			add_hello_of_later_protocol(r);
	}
	making_goodbye(r, 400, 300);
	r->session = 7;
	making_hello(r);
	making_func(r, F, AYP_CLASS_KERNEL, "f");
	making_events(r, 0, ev, COUNT(ev));
	making_goodbye(r, 3, 3);
	say_mute(true);
	load(r, &m);
	say_mute(false);
	assert_int_equal(trace_session_count(m.trace), 2);
	assert_int_equal(trace_session(m.trace, 0)->needs_protocol, 9);
	assert_int_equal(trace_session(m.trace, 0)->produced, 0);
	assert_false(trace_session(m.trace, 0)->has_goodbye);
	assert_int_equal(trace_session(m.trace, 1)->needs_protocol, 0);
	assert_int_equal(m.n_events, 2);
	assert_int_equal(m.n_samples, 0);
	assert_int_equal(m.totals->lost_total, 1);
	assert_int_equal(m.totals->origin_ns, 1000);
	assert_int_equal(m.totals->duration_ns, 100);
	assert_string_equal(trace_func(m.trace, m.events[0].func)->name, "f");
	for (uint32_t i = 0; i < trace_func_count(m.trace); i++)
		assert_string_not_equal(trace_func(m.trace, (uint16_t)i)->name, "not this");
	loaded_free(&m);
	making_free(r);
}

/* Session 0 is the recorder's, and the recorder has no other. */
static void frames_of_neither_board_nor_recorder(void **state)
{
	const struct ayp_event ev[] = {E(1000, 5, 0, F), X(1100, 5, 0, F)};
	const struct framing_header end = {.kind = AYP_KIND_RECORDING_END, .session = 5};
	struct making *r = making_new();
	struct loaded m;
	uint8_t body[FRAMING_MIN_BODY];

	making_msg(r);
	making_add(r, AYP_KIND_RECORDING);
	r->session = 0;
	making_events(r, 0, ev, COUNT(ev));
	r->session = 7;
	making_msg(r);
	making_add(r, AYP_KIND_CONTROL);
	assert_int_equal(framing_body_write(body, sizeof(body), &end, NULL, 0), sizeof(body));
	r->size += record_head(r->data + r->size, sizeof(body));
	memcpy(r->data + r->size, body, sizeof(body));
	r->size += sizeof(body);
	load(r, &m);
	assert_int_equal(trace_session_count(m.trace), 0);
	assert_int_equal(m.n_events, 0);
	assert_false(m.recording.complete);
	loaded_free(&m);
	making_free(r);
}

static void add_recording(struct making *r, uint64_t frames, uint64_t bytes, bool ended)
{
	making_msg(r);
	making_add(r, AYP_KIND_RECORDING);
	((ayaprof_LineEvent *)making_msg(r))->has_stats = true;
	r->msg.line_event.stats =
		(ayaprof_LineStats){.frames = frames, .wire_bytes = bytes, .frames_bad = 1};
	making_add(r, AYP_KIND_LINE_EVENT);
	making_hello(r);
	((ayaprof_RecordingEnd *)making_msg(r))->has_stats = true;
	r->msg.end.stats =
		(ayaprof_LineStats){.frames = frames, .wire_bytes = bytes, .frames_bad = 3};
	if (ended)
		making_add(r, AYP_KIND_RECORDING_END);
}

static void recordings_joined(void **state)
{
	struct making *r = making_new();
	struct loaded m;

	add_recording(r, 100, 5000, true);
	add_recording(r, 200, 6000, true);
	load(r, &m);
	assert_true(m.recording.complete);
	assert_int_equal(m.totals->line.frames, 300);
	assert_int_equal(m.totals->line.wire_bytes, 11000);
	assert_int_equal(m.totals->line.frames_bad, 6);
	loaded_free(&m);
	r->size = 0;
	add_recording(r, 100, 5000, false);
	add_recording(r, 200, 6000, true);
	load(r, &m);
	assert_false(m.recording.complete); /* the first one was cut off */
	assert_int_equal(m.totals->line.frames_bad, 4);
	loaded_free(&m);
	making_free(r);
}

/* The recorder's records are no frames of the line, and those of the line are counted even when the
 * statistics are older than they. */
static void frames_of_the_line(void **state)
{
	struct making *r = making_new();
	struct loaded m;

	making_msg(r);
	making_add(r, AYP_KIND_RECORDING);
	((ayaprof_LineEvent *)making_msg(r))->has_stats = true;
	r->msg.line_event.stats.wire_bytes = 200000;
	making_add(r, AYP_KIND_LINE_EVENT);
	load(r, &m);
	assert_int_equal(m.totals->line.frames, 0);
	assert_int_equal(m.totals->line.wire_bytes, 200000);
	loaded_free(&m);
	for (int i = 0; i < 3; i++)
		making_hello(r);
	load(r, &m);
	assert_int_equal(m.totals->line.frames, 3);
	loaded_free(&m);
	making_free(r);
}

/* A board that drains its buffer long after the last event makes no longer recording. */
static void length_is_what_was_profiled(void **state)
{
	const struct ayp_event ev[] = {E(2000, 5, 0, F), X(6000, 5, 0, F)};
	struct making *r = making_new();
	struct loaded m;

	making_hello(r); /* start_ns 1000 */
	add_status(r, 3000, 0, 0);
	add_status(r, 91000, 2, 2);
	load(r, &m);
	assert_int_equal(m.totals->duration_ns, 90000); /* nothing better is known */
	loaded_free(&m);
	making_events(r, 0, ev, COUNT(ev));
	making_goodbye(r, 2, 2);
	load(r, &m);
	assert_int_equal(m.totals->origin_ns, 1000);
	assert_int_equal(m.totals->duration_ns, 5000);
	loaded_free(&m);
	making_msg(r);
	r->msg.samples.samples_count = 1;
	r->msg.samples.samples[0].t_ns = 8000;
	making_add(r, AYP_KIND_SAMPLES);
	load(r, &m);
	assert_int_equal(m.totals->duration_ns, 7000);
	loaded_free(&m);
	making_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_protocol_is_not_decoded),
		cmocka_unit_test(frames_of_neither_board_nor_recorder),
		cmocka_unit_test(recordings_joined),
		cmocka_unit_test(frames_of_the_line),
		cmocka_unit_test(length_is_what_was_profiled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
