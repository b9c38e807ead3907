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

static struct model m;
static struct model_session sessions[2];
static ayaprof_Sample samples[N];
static uint8_t sample_session[N];

static int set_up(void **state)
{
	memset(&m, 0, sizeof(m));
	memset(sessions, 0, sizeof(sessions));
	memset(samples, 0, sizeof(samples));
	memset(sample_session, 0, sizeof(sample_session));
	m.sessions = sessions;
	m.n_sessions = 1;
	m.samples = samples;
	m.sample_session = sample_session;
	m.origin_ns = 1000;
	return 0;
}

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

static void memory_sample(size_t i, uint64_t t, uint64_t kmalloc_alloc, uint64_t kmalloc_free)
{
	samples[i].t_ns = t;
	samples[i].memory_count = 1;
	samples[i].memory[0].alloc_bytes = kmalloc_alloc;
	samples[i].memory[0].free_bytes = kmalloc_free;
	m.n_samples = i + 1;
}

/* One sample in thousands peaks: it must be in a picture of 100 columns. */
static void memory_keeps_the_peak(void **state)
{
	struct plot_view v = {0, (uint64_t)N * MS, 100};
	struct plot_memory mem;
	struct plot_reply r;
	const double *pairs;
	size_t count, top = 0;

	for (size_t i = 0; i < N; i++)
		memory_sample(i, 1000 + i * MS, 1000 * i + (i == 3210 ? 99000000 : 0),
			1000 * i - (i ? 500 : 0));
	assert_int_equal(plot_memory_build(&mem, &m), 0);
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
	struct plot_memory mem;
	struct plot_reply r;
	const double *pairs;
	size_t count;

	memory_sample(0, 1000, 4096, 0);
	memory_sample(1, 1000 + 100 * MS, 8192, 0);
	assert_int_equal(plot_memory_build(&mem, &m), 0);
	assert_int_equal(plot_reply_start(&r), 0);
	plot_memory_reply(&mem, &v, &r, "p0");
	pairs = array(&r, "p0.total", &count);
	assert_int_equal(count, 4);
	assert_true(pairs[0] == 0 && pairs[1] == 4096);
	assert_true(pairs[2] == 100.0 * MS && pairs[3] == 8192);
	plot_reply_free(&r);
	plot_memory_free(&mem);
}

static void traffic_sample(size_t i, uint64_t t, uint32_t ifindex, uint64_t rx, uint64_t tx)
{
	samples[i].t_ns = t;
	samples[i].interfaces_count = 1;
	samples[i].interfaces[0].ifindex = ifindex;
	samples[i].interfaces[0].rx_bytes = rx;
	samples[i].interfaces[0].tx_bytes = tx;
	m.n_samples = i + 1;
}

/* Rate times time is the traffic, whether every sample has a column or hundreds share one. */
static void traffic_adds_up_at_any_width(void **state)
{
	static const uint32_t widths[] = {7, 100, 16000};
	struct plot_traffic tr;

	for (size_t i = 0; i < N; i++)
		traffic_sample(i, 1000 + i * MS, 2, i * i, 3 * i);
	assert_int_equal(plot_traffic_build(&tr, &m), 0);
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
	struct plot_traffic tr;
	const double *rate;
	struct plot_reply r;
	size_t n;

	m.n_sessions = 2;
	sessions[0].has_hello = sessions[1].has_hello = true;
	sessions[0].hello.start_ns = 1000;
	sessions[1].hello.start_ns = 1000 + 2000ull * MS;
	sample_session[1] = 1;
	traffic_sample(0, 1000 + 1000ull * MS, 2, 125000, 0);
	traffic_sample(1, 1000 + 3000ull * MS, 2, 250000, 0);
	assert_int_equal(plot_traffic_build(&tr, &m), 0);
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
	struct plot_traffic tr;

	samples[0].t_ns = 1000;
	samples[1].t_ns = 1000 + 1000 * MS;
	samples[1].interfaces_count = samples[0].interfaces_count = 12;
	for (uint32_t i = 0; i < 12; i++) {
		samples[0].interfaces[i].ifindex = samples[1].interfaces[i].ifindex = i + 1;
		samples[1].interfaces[i].rx_bytes = 1000 * (i + 1);
	}
	m.n_samples = 2;
	assert_int_equal(plot_traffic_build(&tr, &m), 0);
	assert_int_equal(tr.n_ifaces, PLOT_IFACES_MAX);
	assert_int_equal(tr.n_other, 12 - PLOT_IFACES_MAX);
	assert_int_equal(tr.iface[0].ifindex, 12); /* busiest first */
	assert_true(tr.total[tr.n - 1] == 78000);
	plot_traffic_free(&tr);
}

/* A nanosecond of loss among hours is still seen; a million losses side by side are one range. */
static void losses_are_seen_and_bounded(void **state)
{
	static struct model_loss losses[10002];
	struct plot_view v = {0, 3600ull * 1000 * MS, 1000};
	const double *x0, *x1;
	struct plot_reply r;
	size_t n;

	memset(losses, 0, sizeof(losses));
	for (size_t i = 0; i < 10000; i++)
		losses[i] = (struct model_loss){.cpu = 2,
			.first_ns = 1000 + i * MS,
			.last_ns = 1000 + i * MS + 5,
			.count = 3};
	losses[10000] = (struct model_loss){.cpu = -1,
		.first_ns = 1000 + 1800ull * 1000 * MS,
		.last_ns = 1000 + 1800ull * 1000 * MS,
		.count = 1};
	losses[10001] = (struct model_loss){.cpu = -1, .count = 50}; /* when is not known */
	m.losses = losses;
	m.n_losses = 10002;
	assert_int_equal(plot_reply_start(&r), 0);
	assert_int_equal(plot_lost_reply(&m, &v, &r), 0);
	x0 = array(&r, "lost.x0", &n);
	assert_int_equal(n, 2);
	x1 = array(&r, "lost.x1", &n);
	for (size_t i = 0; i < n; i++)
		assert_true(x1[i] - x0[i] >= 1.0 * (double)(v.to_ns / v.width_px));
	assert_true(x0[0] <= 1800e9 && x1[0] >= 1800e9);
	assert_true(number(&r, "lost.events") == 30051);
	plot_reply_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(memory_keeps_the_peak, set_up),
		cmocka_unit_test_setup(memory_reaches_into_the_view, set_up),
		cmocka_unit_test_setup(traffic_adds_up_at_any_width, set_up),
		cmocka_unit_test_setup(traffic_of_two_sessions_is_not_joined, set_up),
		cmocka_unit_test_setup(every_interface_is_in_the_total, set_up),
		cmocka_unit_test_setup(losses_are_seen_and_bounded, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
