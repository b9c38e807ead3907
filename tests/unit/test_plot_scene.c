/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Recordings into what is drawn of them: parts, colours, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/plot/scene.h"
#include "host/views/filter.h"
#include "tests/unit/make_recording.h"

#define OUTER 1u
#define INNER 2u
#define US    1000u

/* What a test draws, and all it is made of. */
struct drawn {
	struct making *made;
	struct recording rec;
	struct filter filter;
	struct plot_options opt;
	struct plot_scene *sc;
};

static int set_up(void **state)
{
	struct drawn *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	d->made = making_new();
	d->sc = calloc(1, sizeof(*d->sc));
	assert_non_null(d->sc);
	filter_init(&d->filter);
	plot_options_init(&d->opt);
	d->opt.filter = &d->filter;
	d->opt.input = "x.pb";
	d->opt.stack_per_cpu = true;
	making_hello(d->made);
	making_func(d->made, OUTER, AYP_CLASS_KERNEL, "outer");
	making_func(d->made, INNER, AYP_CLASS_KERNEL, "inner");
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	struct drawn *d = *state;

	plot_scene_free(d->sc);
	recording_close(&d->rec);
	filter_free(&d->filter);
	free(d->sc);
	making_free(d->made);
	free(d);
	return 0;
}

static struct ayp_event event(uint64_t t_us, uint32_t tid, uint16_t func, unsigned int kind)
{
	return (struct ayp_event){
		.t_ns = 1000 + t_us * US, .tid = tid, .func = func, .kind = (uint8_t)kind};
}

static int draw(struct drawn *d, uint64_t from_us, uint64_t to_us)
{
	int err;

	d->opt.has_filter = to_us > 0;
	d->opt.filter_from_ns = from_us * US;
	d->opt.filter_to_ns = to_us * US;
	assert_int_equal(plot_scene_begin(d->sc, &d->rec, &d->opt), 0);
	err = recording_read_memory(
		&d->rec, d->made->data, d->made->size, &plot_scene_sink, d->sc, RECORDING_MUTE);
	assert_true(err == 0 || err == -ECANCELED);
	err = plot_scene_finish(d->sc);
	if (!err)
		plot_scene_lay_out(d->sc, false);
	return err;
}

static const struct plot_span *of_row(const struct drawn *d, uint32_t depth, size_t i)
{
	const struct plot_rows *rows = &d->sc->per_cpu;

	assert_true(depth < rows->n_rows);
	assert_true(rows->first[depth] + i < rows->first[depth + 1]);
	return &d->sc->spans.span[rows->span[rows->first[depth] + i]];
}

static size_t in_row(const struct drawn *d, uint32_t depth)
{
	const struct plot_rows *rows = &d->sc->per_cpu;

	return depth < rows->n_rows ? rows->first[depth + 1] - rows->first[depth] : 0;
}

/* outer calls inner; another thread interrupts outer, which so has two stretches. */
static void put_interrupted(struct making *made)
{
	const struct ayp_event ev[] = {
		event(100, 5, OUTER, AYP_ENTRY),
		event(200, 5, INNER, AYP_ENTRY),
		event(500, 5, INNER, AYP_EXIT),
		event(600, 6, INNER, AYP_ENTRY),
		event(700, 6, INNER, AYP_EXIT),
		event(750, 5, INNER, AYP_ENTRY),
		event(800, 5, INNER, AYP_EXIT),
		event(900, 5, OUTER, AYP_EXIT),
	};

	making_events(made, 0, ev, 8);
	making_goodbye(made, 8, 8);
	making_end(made);
}

/* All stretches have the share of the whole call: outer spent 450 of 800 us itself. */
static void every_stretch_has_the_share_of_its_call(void **state)
{
	struct drawn *d = *state;

	put_interrupted(d->made);
	assert_int_equal(draw(d, 0, 0), 0);
	assert_int_equal(in_row(d, 0), 3);
	assert_in_range(plot_span_share(of_row(d, 0, 0)), 255 * 9 / 16 - 1, 255 * 9 / 16 + 1);
	assert_in_range(plot_span_share(of_row(d, 0, 2)), 255 * 9 / 16 - 1, 255 * 9 / 16 + 1);
	assert_int_equal(plot_span_share(of_row(d, 0, 1)), 255);
	assert_int_equal(of_row(d, 0, 2)->end_ns, 900 * US);
	assert_int_equal(of_row(d, 0, 0)->flags | of_row(d, 0, 2)->flags, 0);
}

/* Only what touches a part is kept; also the call that has it within. */
static void a_part_has_what_touches_it(void **state)
{
	struct drawn *d = *state;

	put_interrupted(d->made);
	assert_int_equal(draw(d, 300, 400), 0);
	assert_int_equal(in_row(d, 0), 1);
	assert_int_equal(in_row(d, 1), 1);
	assert_int_equal(d->sc->from_ns, 300 * US);
	assert_int_equal(d->sc->to_ns, 400 * US);
	assert_int_equal(d->sc->n_panels, 1);
	assert_string_equal(d->sc->panels[0].note, "");
}

static void a_part_beyond_the_end_is_none(void **state)
{
	struct drawn *d = *state;

	put_interrupted(d->made);
	assert_int_equal(draw(d, 901, 1000), -ERANGE);
}

static void a_part_may_end_beyond_the_end(void **state)
{
	struct drawn *d = *state;

	put_interrupted(d->made);
	assert_int_equal(draw(d, 800, 100000), 0);
	assert_int_equal(in_row(d, 0), 1);
	assert_int_equal(d->sc->to_ns, 900 * US + 1);
}

/* Nothing is read behind a part, and a call that goes on there is whole as far as it can be seen. */
static void reading_stops_behind_a_part(void **state)
{
	struct drawn *d = *state;
	static struct ayp_event ev[200];
	uint64_t first = 0;

	for (uint32_t block = 0; block < 400; block++) {
		for (uint32_t i = 0; i < 200; i += 2) {
			uint64_t t = 1000 + block * 1000 + i * 5;

			ev[i] = event(t, 7, INNER, AYP_ENTRY);
			ev[i + 1] = event(t + 3, 7, INNER, AYP_EXIT);
			if (block == 0 && i == 0)
				ev[1] = event(t + 3, 5, OUTER, AYP_ENTRY);
			if (block == 399 && i == 198)
				ev[i] = event(t, 5, OUTER, AYP_EXIT);
			if (block == 0 || block == 399)
				ev[i].cpu = ev[i + 1].cpu = ev[i].tid == 5 || ev[i + 1].tid == 5;
		}
		making_events(d->made, first, ev, 200);
		first += 200;
	}
	making_goodbye(d->made, first, first);
	making_end(d->made);
	assert_int_equal(draw(d, 20000, 21000), 0);
	assert_true(d->sc->stopped);
	assert_true(trace_totals(d->rec.trace)->events < first / 2);
	assert_int_equal(d->sc->losses.n, 0);
	assert_int_equal(d->sc->losses.undated, 0);
	assert_int_equal(d->sc->per_cpu.n_lanes, 2);
	for (size_t i = 0; i < d->sc->spans.n; i++)
		assert_int_equal(d->sc->spans.span[i].flags & PLOT_SPAN_UNFINISHED, 0);
}

static void short_calls_can_be_left_out(void **state)
{
	struct drawn *d = *state;

	put_interrupted(d->made);
	d->filter.any = true;
	d->filter.min_duration_ns = 200 * US;
	assert_int_equal(draw(d, 0, 0), 0);
	assert_int_equal(in_row(d, 0), 2); /* not that of the other thread */
	assert_int_equal(in_row(d, 1), 1);
}

static void functions_can_be_chosen(void **state)
{
	struct drawn *d = *state;

	put_interrupted(d->made);
	d->filter.any = true;
	d->filter.func = "out*";
	assert_int_equal(draw(d, 0, 0), 0);
	assert_int_equal(in_row(d, 0), 2);
	assert_int_equal(in_row(d, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			every_stretch_has_the_share_of_its_call, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_part_has_what_touches_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_part_beyond_the_end_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_part_may_end_beyond_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reading_stops_behind_a_part, set_up, tear_down),
		cmocka_unit_test_setup_teardown(short_calls_can_be_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(functions_can_be_chosen, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
