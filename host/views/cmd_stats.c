/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/cli.h"
#include "host/base/say.h"
#include "host/commands.h"
#include "host/recording/recording.h"
#include "host/views/filter.h"
#include "host/views/live_screen.h"
#include "host/views/loss_list.h"
#include "host/views/stats.h"
#include "host/views/stats_table.h"

enum { OPT_JSON, OPT_CSV, OPT_SORT, OPT_TOP, OPT_FOLLOW, OPT_FILTER };

static const struct cli_option options[] = {
	[OPT_JSON] = {0, "json", NULL, "as JSON, times in ns"},
	[OPT_CSV] = {0, "csv", NULL, "as CSV, times in ns"},
	[OPT_SORT] = {'s', "sort", "KEY",
		"name, kind, count, no_end, total, self, mean, p50, p90, p99, min, max, alloc, "
		"alloc_bytes or outstanding (total)"},
	[OPT_TOP] = {'n', "top", "N", "only the first N"},
	[OPT_FOLLOW] = {0, "follow", NULL,
		"go on as the recording grows, until its recorder ends or Ctrl-C"},
	[OPT_FILTER] = FILTER_CLI('f'),
};

static const struct cli_spec spec = {
	.usage = "stats run.pb [--json|--csv] [--sort KEY] [--top N] [FILTER]...",
	.about =
		"Times per function. total is from entry to exit, recursion counted once; self is\n"
		"total without the calls made from there. Calls whose exit is not in the "
		"recording\n"
		"(still running, lost, missed by the kernel) count, but have no times: no_end "
		"says\n"
		"how many. p50, p90 and p99 are right to 0.1 %, all else is exact. exact is the\n"
		"board's own count where it sends one: it is right whatever was lost on the way.\n"
		"With module memory: allocs and bytes that kernel memory was taken in while the\n"
		"function was the innermost profiled one, and what of it is outstanding.\n"
		"Names of C++ and Rust are shown as they were written; --json and --csv have the\n"
		"symbol, too. A run.pb of - is standard input.",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
	.more = "What a filter lets through counts with its whole time. The board's own counts "
		"and\n"
		"memory are of the whole recording: with a filter they are left out.\n\n"
		"example: hostdec stats run.pb --sort self --top 20",
};

struct stats_view {
	bool json, csv, follow;
	const struct stats_column *sort;
	uint64_t top;
	struct filter filter;
	struct recording recording;
	struct stats stats;
	struct memory_samples memory;
};

/* ---- what the recording gives ---------------------------------------------------------------- */

static void check(struct stats_view *v)
{
	if (v->stats.failed)
		v->recording.stop = -ENOMEM;
}

static void take_event(void *ctx, const struct trace_event *e)
{
	struct stats_view *v = ctx;

	if (e->kind == AYP_INSTANT && filter_event(&v->filter, v->recording.trace, e)) {
		stats_event(&v->stats, e);
		check(v);
	}
}

static void take_call(void *ctx, const struct trace_call *c)
{
	struct stats_view *v = ctx;

	if (filter_call(&v->filter, v->recording.trace, c)) {
		stats_call(&v->stats, c);
		check(v);
	}
}

static void take_sample(void *ctx, uint16_t session, const ayaprof_Sample *s)
{
	struct stats_view *v = ctx;

	if (memory_samples_take(&v->memory, session, s))
		v->recording.stop = -ENOMEM;
}

static const struct trace_sink sink = {
	.event = take_event,
	.call = take_call,
	.sample = take_sample,
};

static int restart(void *ctx)
{
	struct stats_view *v = ctx;

	stats_free(&v->stats);
	memory_samples_free(&v->memory);
	stats_init(&v->stats);
	return 0;
}

/* ---- what is shown ---------------------------------------------------------------------------- */

/* at_most: rows; 0: all. Returns 0 or -ENOMEM. */
static int print(const struct stats_view *v, uint64_t at_most)
{
	struct stats_table table = {.lost = recording_lost(&v->recording)};

	table.rows = stats_rows(&v->stats, v->recording.trace, !v->filter.any, &table.n);
	if (!table.rows)
		return -ENOMEM;
	memory_account(&table.memory, &v->memory);
	stats_sort(&table, v->sort);
	if (at_most && at_most < table.n)
		table.n = (size_t)at_most;
	if (v->json)
		stats_print_json(&table);
	else if (v->csv)
		stats_print_csv(&table);
	else
		stats_print(&table);
	free(table.rows);
	return 0;
}

static void show(void *ctx)
{
	const struct stats_view *v = ctx;
	unsigned int rows = live_screen_begin() - 2;

	(void)print(v, v->top && v->top < rows ? v->top : rows);
	fflush(stdout);
}

/* ---- command -------------------------------------------------------------------------------- */

static bool set_option(void *ctx, struct cli *c, int option)
{
	struct stats_view *v = ctx;

	switch (option) {
	case OPT_JSON:
		v->json = true;
		return true;
	case OPT_CSV:
		v->csv = true;
		return true;
	case OPT_SORT:
		v->sort = stats_column(c->value);
		if (v->sort)
			return true;
		cli_error(c, "cannot sort by %s", c->value);
		return false;
	case OPT_TOP:
		if (cli_number(c->value, UINT64_MAX, &v->top) && v->top)
			return true;
		cli_error(c, "--top takes a number from 1, not %s", c->value);
		return false;
	case OPT_FOLLOW:
		v->follow = true;
		return true;
	}
	return filter_set(&v->filter, c, (enum filter_option)(option - OPT_FILTER));
}

static int read_recording(struct stats_view *v, const char *input)
{
	const struct recording_follower follower = {
		.restart = restart,
		.show = !v->json && !v->csv && live_screen_usable() ? show : NULL,
	};

	if (!v->follow)
		return recording_read_range(&v->recording, input, &sink, v, v->filter.from_ns,
			v->filter.to_ns, RECORDING_PROGRESS);
	return recording_follow(&v->recording, input, &sink, v, &follower, RECORDING_PROGRESS);
}

static int run(struct stats_view *v, const char *input)
{
	size_t without;
	int err = read_recording(v, input);

	if (err) {
		if (v->recording.stop)
			say("not enough memory for the statistics of %s", input);
		return EXIT_FAILED;
	}
	if (v->follow && !v->json && !v->csv && live_screen_usable())
		live_screen_begin();
	if (print(v, v->top)) {
		say("not enough memory for the statistics of %s", input);
		return EXIT_FAILED;
	}
	without = stats_without_quantiles(&v->stats);
	if (without)
		say("p50, p90 and p99 of %zu functions are left out: they take more than %zu MiB "
		    "of memory",
			without, STATS_HISTOGRAM_BYTES >> 20);
	return say_output_failed() ? EXIT_FAILED : EXIT_OK;
}

int cmd_stats(int argc, char **argv)
{
	struct stats_view v = {.sort = stats_column("total")};
	const char *input;
	int got, status;

	filter_init(&v.filter);
	got = cli_view(&spec, argc, argv, &input, set_option, &v);
	if (got != CLI_END)
		return got == CLI_HELP ? EXIT_OK : EXIT_USAGE;
	if (v.json && v.csv) {
		say("--json or --csv, not both (hostdec stats --help)");
		return EXIT_USAGE;
	}
	stats_init(&v.stats);
	status = run(&v, input);
	recording_close(&v.recording);
	stats_free(&v.stats);
	memory_samples_free(&v.memory);
	filter_free(&v.filter);
	return status;
}
