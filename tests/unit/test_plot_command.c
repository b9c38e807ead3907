/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What people type at plot, and a drawing script that misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/commands.h"
#include "host/plot/python.h"
#include "host/base/times.h"

static void ranges_of_time(void **state)
{
	static const struct {
		const char *text;
		uint64_t from, to; /* from == to: refused */
	} cases[] = {
		{"1000000000-2000000000", 1000000000, 2000000000},
		{"=1000-2000", 1000, 2000},
		{"1s-2.5s", 1000000000, 2500000000},
		{"10ms-20ms", 10000000, 20000000},
		{"1.5us-2\xc2\xb5s", 1500, 2000},
		{"1min-61s", 60000000000, 61000000000},
		{"0.000000001s-2", 1, 2},
		{"3s-", 3000000000, UINT64_MAX},
		{"-5ms", 0, 5000000},
		{"2-1", 0, 0},
		{"5-5", 0, 0},
		{"-", 0, 0},
		{"", 0, 0},
		{"5", 0, 0},
		{"1x-2", 0, 0},
		{"1-2-3", 0, 0},
		{"99999999999s-999999999999s", 0, 0},
		{"99999999999999999999-", 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t from, to;

		assert_int_equal(
			times_parse_range(cases[i].text, &from, &to), cases[i].from != cases[i].to);
		if (cases[i].from != cases[i].to) {
			assert_int_equal(from, cases[i].from);
			assert_int_equal(to, cases[i].to);
		}
	}
}

static void shares(void **state)
{
	double s;

	assert_true(times_parse_share("0.05", &s) && s == 0.05);
	assert_true(times_parse_share("5%", &s) && s == 0.05);
	assert_true(times_parse_share("0", &s) && s == 0);
	assert_true(times_parse_share("5", &s) && s == 0.05);
	assert_true(times_parse_share("1", &s) && s == 1);
	assert_false(times_parse_share("101", &s));
	assert_false(times_parse_share("-0.1", &s));
	assert_false(times_parse_share("nan", &s));
	assert_false(times_parse_share("", &s));
	assert_false(times_parse_share("0.1x", &s));
}

static int run(const char *line)
{
	char copy[256], *argv[16], *rest = copy;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	while (argc < 15 && (argv[argc] = strsep(&rest, " ")) != NULL)
		argc++;
	argv[argc] = NULL;
	return cmd_plot(argc, argv);
}

static void wrong_usage_is_status_2(void **state)
{
	static const char *const wrong[] = {"plot", "plot a.pb b.pb", "plot a.pb -o a.jpg",
		"plot a.pb -f 2-1", "plot a.pb --bogus", "plot a.pb -f",
		"plot a.pb --ignored-cpus x", "plot a.pb --ignored-cpus 256",
		"plot a.pb --visible-threshold 107", "plot a.pb --vertical-label no"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(run(wrong[i]), EXIT_USAGE);
	/* Well said, but there is no such file: all these options were understood. */
	assert_int_equal(
		run("plot -s -s+ -mtx -f 1s-2s --ignored-cpus 0 1 2 /nonexistent/a.pb -o a.png"),
		EXIT_FAILED);
	assert_int_equal(
		run("plot --stack-merged --stack-per-cpu --memory --throughput --xdp --xdp-labels "
		    "--no-stack-labels --vertical-label 10us /nonexistent/a.pb"),
		EXIT_FAILED);
}

/* Ends with this status whatever we send; we live on and know why. */
static int misbehave(const char *python, struct plot_python *py)
{
	static const char zeros[1 << 20];
	char line[64];

	setenv("AYAPROF_PYTHON", python, 1);
	assert_int_equal(plot_python_start(py, "file", "x.png"), 0);
	assert_int_equal(plot_python_request(py, line, sizeof(line)), 0);
	assert_int_equal(plot_python_reply(py, zeros, sizeof(zeros)), -EPIPE);
	return plot_python_finish(py);
}

static void a_missing_interpreter_is_named(void **state)
{
	struct plot_python py;

	assert_int_equal(misbehave("/nonexistent/python", &py), 127);
	assert_non_null(strstr(py.error, "/nonexistent/python"));
	assert_non_null(strstr(py.error, "python3-matplotlib"));
	assert_null(strchr(py.error, '\n'));
}

static void a_script_that_dies_does_no_harm(void **state)
{
	struct plot_python py;

	assert_int_equal(misbehave("/bin/false", &py), 1);
	assert_int_equal(misbehave("/bin/true", &py), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_of_time),
		cmocka_unit_test(shares),
		cmocka_unit_test(wrong_usage_is_status_2),
		cmocka_unit_test(a_missing_interpreter_is_named),
		cmocka_unit_test(a_script_that_dies_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
