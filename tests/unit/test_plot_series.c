/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Memory, traffic and losses as curves: amounts and extremes survive the reduction to pixels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/plot/series.h"

#define N  5000u
#define MS 1000000u

static ayaprof_Sample sample;

static const double *array(const struct plot_reply *r, const char *name, size_t *count)
{
	size_t at = 0;

	for (size_t i = 0; i < r->n_arrays; i++) {
		*count = r->arrays[i].count;
		if (!strcmp(r->arrays[i].name, name))
			return (const double *)(const void *)(r->blob + at);
		at += (r->arrays[i].count * (r->arrays[i].type[2] - '0') + 7) & ~(size_t)7;
	}
	fail_msg("no array %s", name);
	return NULL;
}

static double number(struct plot_reply *r, const char *key)
{
	char quoted[64];
	const char *at;

	assert_int_equal(plot_reply_finish(r), 0);
	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = strstr(r->text, quoted);
	assert_non_null(at);
	return strtod(at + strlen(quoted), NULL);
}

static void memory_sample(struct plot_memory *mem, uint16_t session, uint64_t t,
	uint64_t kmalloc_alloc, uint64_t kmalloc_free)
{
	memset(&sample, 0, sizeof(sample));
	sample.memory_count = 1;
	sample.memory[0].alloc_bytes = kmalloc_alloc;
	sample.memory[0].free_bytes = kmalloc_free;
	assert_int_equal(plot_memory_add(mem, session, t, &sample), 0);
}

/* One sample in thousands peaks: it must be in a picture of 100 columns. */
static void memory_keeps_the_peak(void **state)
{
	struct plot_view v = {0, (uint64_t)N * MS, 100};
	struct plot_memory mem = {0};
	struct plot_reply r;
	const double *pairs;
	size_t count, top = 0;

	for (size_t i = 0; i < N; i++)
		memory_sample(&mem, 0, i * MS, 1000 * i + (i == 3210 ? 99000000 : 0),
			1000 * i - (i ? 500 : 0));
	assert_int_equal(plot_reply_start(&r), 0);
	plot_memory_reply(&mem, &v, &r, "p0");
	pairs = array(&r, "p0.kmalloc", &count);
	assert_in_range(count / 2, 100, 400);
	for (size_t i = 0; i < count; i += 2)
		if (pairs[i + 1] > pairs[top + 1])
			top = i;
	assert_true(pairs[top] == 3210.0 * MS && pairs[top + 1] == 99000500);
	plot_reply_free(&r);
	plot_memory_free(&mem);
}

/* The value in force when the view begins comes from the sample before it. */
static void memory_reaches_into_the_view(void **state)
{
	struct plot_view v = {50 * MS, 60 * MS, 100};
	struct plot_memory mem = {0};
	struct plot_reply r;
	const double *pairs;
	size_t count;

	memory_sample(&mem, 0, 0, 4096, 0);
	memory_sample(&mem, 0, 100 * MS, 8192, 0);
	assert_int_equal(plot_reply_start(&r), 0);
	plot_memory_reply(&mem, &v, &r, "p0");
	pairs = array(&r, "p0.total", &count);
	assert_int_equal(count, 4);
	assert_true(pairs[0] == 0 && pairs[1] == 4096);
	assert_true(pairs[2] == 100.0 * MS && pairs[3] == 8192);
	plot_reply_free(&r);
	plot_memory_free(&mem);
}

static void traffic_sample(struct plot_traffic *tr, uint16_t session, uint64_t start, uint64_t t,
	uint32_t ifindex, uint64_t rx, uint64_t tx)
{
	memset(&sample, 0, sizeof(sample));
	sample.interfaces_count = 1;
	sample.interfaces[0].ifindex = ifindex;
	sample.interfaces[0].rx_bytes = rx;
	sample.interfaces[0].tx_bytes = tx;
	assert_int_equal(plot_traffic_add(tr, session, start, t, &sample), 0);
}

/* Rate times time is the traffic, whether every sample has a column or hundreds share one. */
static void traffic_adds_up_at_any_width(void **state)
{
	static const uint32_t widths[] = {7, 100, 16000};
	struct plot_traffic tr = {0};

	for (size_t i = 0; i < N; i++)
		traffic_sample(&tr, 0, UINT64_MAX, i * MS, 2, i * i, 3 * i);
	plot_traffic_finish(&tr, 0);
	assert_int_equal(tr.n_ifaces, 1);
	for (size_t w = 0; w < 3; w++) {
		struct plot_view v = {0, (uint64_t)N * MS, widths[w]};
		const double *t, *rate;
		struct plot_reply r;
		double bytes = 0;
		size_t n;

		assert_int_equal(plot_reply_start(&r), 0);
		plot_traffic_reply(&tr, &v, &r, "p0");
		t = array(&r, "p0.t", &n);
		rate = array(&r, "p0.in0", &n);
		assert_in_range(n, 2, w < 2 ? widths[w] + 3 : N);
		for (size_t i = 1; i < n; i++)
			bytes += rate[i] * (t[i] - t[i - 1]) / 8e9;
		assert_true(fabs(bytes - (double)(N - 1) * (N - 1)) < 1);
		plot_reply_free(&r);
	}
	plot_traffic_free(&tr);
}

/* Counters start at 0 with each session; the time between two sessions has no rate. */
static void traffic_of_two_sessions_is_not_joined(void **state)
{
	struct plot_view v = {0, 4000ull * MS, 1000};
	struct plot_traffic tr = {0};
	const double *rate;
	struct plot_reply r;
	size_t n;

	traffic_sample(&tr, 0, 0, 1000ull * MS, 2, 125000, 0);
	traffic_sample(&tr, 1, 2000ull * MS, 3000ull * MS, 2, 250000, 0);
	plot_traffic_finish(&tr, 0);
	assert_int_equal(plot_reply_start(&r), 0);
	plot_traffic_reply(&tr, &v, &r, "p0");
	rate = array(&r, "p0.in0", &n);
	assert_int_equal(n, 4);
	assert_true(isnan(rate[0]) && isnan(rate[2]));
	assert_true(rate[1] == 1e6 && rate[3] == 2e6);
	plot_reply_free(&r);
	plot_traffic_free(&tr);
}

/* More interfaces than colours: the total still has them all. */
static void every_interface_is_in_the_total(void **state)
{
	struct plot_traffic tr = {0};

	memset(&sample, 0, sizeof(sample));
	sample.interfaces_count = 12;
	for (uint32_t i = 0; i < 12; i++)
		sample.interfaces[i].ifindex = i + 1;
	assert_int_equal(plot_traffic_add(&tr, 0, UINT64_MAX, 0, &sample), 0);
	for (uint32_t i = 0; i < 12; i++)
		sample.interfaces[i].rx_bytes = 1000 * (i + 1);
	assert_int_equal(plot_traffic_add(&tr, 0, UINT64_MAX, 1000 * MS, &sample), 0);
	plot_traffic_finish(&tr, 0);
	assert_int_equal(tr.n_ifaces, PLOT_IFACES_MAX);
	assert_int_equal(tr.n_other, 12 - PLOT_IFACES_MAX);
	assert_int_equal(tr.iface[0].ifindex, 12); /* busiest first */
	assert_true(tr.total[tr.n - 1] == 78000);
	plot_traffic_free(&tr);
}

/* A nanosecond of loss among hours is still seen; a million losses side by side are one range. */
static void losses_are_seen_and_bounded(void **state)
{
	struct plot_losses losses = {0};
	struct plot_view v = {0, 3600ull * 1000 * MS, 1000};
	const double *x0, *x1;
	struct plot_reply r;
	size_t n;

	for (size_t i = 0; i < 10000; i++)
		assert_int_equal(plot_losses_add(&losses, i * MS, i * MS + 5, 2, 3), 0);
	assert_int_equal(
		plot_losses_add(&losses, 1800ull * 1000 * MS, 1800ull * 1000 * MS, -1, 1), 0);
	losses.undated = 50; /* when is not known */
	assert_int_equal(plot_reply_start(&r), 0);
	assert_int_equal(plot_losses_reply(&losses, &v, &r), 0);
	x0 = array(&r, "lost.x0", &n);
	assert_int_equal(n, 2);
	x1 = array(&r, "lost.x1", &n);
	for (size_t i = 0; i < n; i++)
		assert_true(x1[i] - x0[i] >= 1.0 * (double)(v.to_ns / v.width_px));
	assert_true(x0[0] <= 1800e9 && x1[0] >= 1800e9);
	assert_true(number(&r, "lost.events") == 30051);
	plot_reply_free(&r);
	plot_losses_free(&losses);
}

/* ---- more than is kept ---------------------------------------------------------------------- */

static double highest(const double *pairs, size_t count)
{
	double top = 0;

	for (size_t i = 0; i < count; i += 2)
		top = pairs[i + 1] > top ? pairs[i + 1] : top;
	return top;
}

/* A peak of one sample among a million, two thinnings later. */
static void a_long_recording_keeps_the_peak(void **state)
{
	uint64_t n = 4 * (uint64_t)PLOT_MEMORY_MAX;
	struct plot_view v = {0, n * MS, 100};
	struct plot_memory mem = {0};
	struct plot_reply r;
	const double *pairs;
	size_t count;

	for (uint64_t i = 0; i < n; i++)
		memory_sample(&mem, 0, i * MS, 5000 + (i == 321001 ? 99000000 : i % 100), 0);
	assert_in_range(mem.n, PLOT_MEMORY_MAX / 4, PLOT_MEMORY_MAX);
	assert_int_equal(plot_reply_start(&r), 0);
	plot_memory_reply(&mem, &v, &r, "p0");
	pairs = array(&r, "p0.kmalloc", &count);
	assert_true(highest(pairs, count) == 99005000);
	plot_reply_free(&r);
	plot_memory_free(&mem);
}

/* Breaks between sessions without end, and interfaces without end. */
static void samples_of_any_kind_stay_bounded(void **state)
{
	struct plot_memory mem = {0};
	struct plot_traffic tr = {0};

	for (uint32_t i = 0; i < 2 * PLOT_MEMORY_MAX; i++)
		memory_sample(&mem, i % 4096, i * (uint64_t)MS, i, 0);
	assert_in_range(mem.n, 1, PLOT_MEMORY_MAX);
	for (uint32_t i = 0; i < 30000; i++)
		traffic_sample(&tr, i % 4096, 0, (i + 1) * (uint64_t)MS, i % 300, i, i);
	assert_int_equal(tr.n_known, PLOT_IFACES_KNOWN_MAX);
	assert_in_range(tr.cap * tr.n_known, 1, PLOT_TRAFFIC_MAX);
	for (size_t i = 1; i < tr.n; i++)
		assert_true(tr.t_ns[i - 1] <= tr.t_ns[i]);
	plot_memory_free(&mem);
	plot_traffic_free(&tr);
}

/* What is moved is the same, however many moments were left out. */
static void a_long_recording_keeps_its_traffic(void **state)
{
	uint64_t n = PLOT_TRAFFIC_MAX + 1000;
	struct plot_view v = {0, (n + 1) * MS, 1000};
	struct plot_traffic tr = {0};
	const double *t, *rate;
	struct plot_reply r;
	double bytes = 0;
	size_t count;

	for (uint64_t i = 0; i <= n; i++)
		traffic_sample(&tr, 0, UINT64_MAX, i * MS, 2, 100 * i, 0);
	plot_traffic_finish(&tr, 0);
	assert_in_range(tr.n, PLOT_TRAFFIC_MAX / 4, PLOT_TRAFFIC_MAX);
	assert_int_equal(plot_reply_start(&r), 0);
	plot_traffic_reply(&tr, &v, &r, "p0");
	t = array(&r, "p0.t", &count);
	rate = array(&r, "p0.in0", &count);
	for (size_t i = 1; i < count; i++)
		bytes += rate[i] * (t[i] - t[i - 1]) / 8e9;
	assert_true(fabs(bytes - 100.0 * (double)n) < 1);
	plot_reply_free(&r);
	plot_traffic_free(&tr);
}

/* A session that another one interrupts goes on where it was: nothing is counted twice. */
static void a_session_that_comes_back_is_not_counted_again(void **state)
{
	struct plot_traffic tr = {0};

	traffic_sample(&tr, 0, 0, 1 * MS, 2, 1000, 0);
	traffic_sample(&tr, 1, 1 * MS, 2 * MS, 2, 10, 0);
	traffic_sample(&tr, 0, 0, 3 * MS, 2, 1500, 0);
	traffic_sample(&tr, 0, 0, 4 * MS, 2, 1700, 0);
	plot_traffic_finish(&tr, 0);
	assert_int_equal(tr.n, 6); /* both starts are moments */
	assert_true(tr.iface[0].sum == 1210);
	plot_traffic_free(&tr);
}

/* All packets are counted, each at its place to a grain, and those of each interface for itself. */
static void packets_beyond_the_bound_are_counted(void **state)
{
	uint64_t n = 3 * (uint64_t)PLOT_PACKETS_MAX;
	struct plot_view all = {0, n * 100, 1000}, half = {0, n * 50, 1000};
	struct plot_packets p = {0};
	uint64_t of[2] = {0, 0};

	for (uint64_t i = 0; i < n; i++) {
		const uint64_t arg[4] = {i % 3 == 0, 60, 0x0800, 5};

		assert_int_equal(plot_packets_add(&p, 0, i * 100, arg, 4, true), 0);
	}
	plot_packets_finish(&p);
	assert_in_range(p.n, PLOT_PACKETS_MAX / 4, PLOT_PACKETS_MAX);
	assert_int_equal(p.total, n);
	assert_int_equal(plot_packets_count(&p, &all), n);
	assert_in_range(plot_packets_count(&p, &half), n / 2 - 64, n / 2 + 64);
	for (size_t i = 0; i < p.n; i++)
		of[p.ifindex[p.packet[i].source]] += p.packet[i].count;
	assert_int_equal(of[1], n / 3);
	plot_packets_free(&p);
}

static void losses_without_end_are_counted(void **state)
{
	uint32_t n = 3 * PLOT_LOSSES_MAX;
	struct plot_view v = {0, (uint64_t)n * MS, 1000};
	struct plot_losses losses = {0};
	struct plot_reply r;

	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(plot_losses_add(&losses, (uint64_t)i * MS, (uint64_t)i * MS + 10,
					 (int)(i % 3) - 1, 7),
			0);
	assert_in_range(losses.n, 1, PLOT_LOSSES_MAX);
	assert_int_equal(plot_reply_start(&r), 0);
	assert_int_equal(plot_losses_reply(&losses, &v, &r), 0);
	assert_true(number(&r, "lost.events") == 7.0 * n);
	plot_reply_free(&r);
	plot_losses_free(&losses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_keeps_the_peak),
		cmocka_unit_test(memory_reaches_into_the_view),
		cmocka_unit_test(traffic_adds_up_at_any_width),
		cmocka_unit_test(traffic_of_two_sessions_is_not_joined),
		cmocka_unit_test(every_interface_is_in_the_total),
		cmocka_unit_test(losses_are_seen_and_bounded),
		cmocka_unit_test(a_long_recording_keeps_the_peak),
		cmocka_unit_test(samples_of_any_kind_stay_bounded),
		cmocka_unit_test(a_long_recording_keeps_its_traffic),
		cmocka_unit_test(a_session_that_comes_back_is_not_counted_again),
		cmocka_unit_test(packets_beyond_the_bound_are_counted),
		cmocka_unit_test(losses_without_end_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
