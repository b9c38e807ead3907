/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/base/cli.h"
#include "host/base/json.h"
#include "host/base/say.h"
#include "host/base/text.h"
#include "host/commands.h"
#include "host/recording/recording.h"
#include "host/views/call_lines.h"
#include "host/views/filter.h"

enum { OPT_JSON, OPT_CALLS, OPT_FOLLOW, OPT_FILTER };

static const struct cli_option options[] = {
	[OPT_JSON] = {0, "json", NULL, "as JSON, with priorities and the kernel's numbers"},
	[OPT_CALLS] = {0, "calls", NULL, "with all calls and instants, and their arguments"},
	[OPT_FOLLOW] = {0, "follow", NULL,
		"go on as the recording grows, until its recorder ends or Ctrl-C"},
	[OPT_FILTER] = FILTER_CLI('f'),
};

static const struct cli_spec spec = {
	.usage = "log run.pb [--calls] [--json] [FILTER]...",
	.about =
		"What the board's kernel said while it was profiled, as dmesg shows it: for boards "
		"run with\n"
		"--kmsg. The times are the kernel's own, seconds since boot. With --calls a line "
		"for\n"
		"each entry, exit and instant, too. A run.pb of - is standard input.",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

#define US_PER_S UINT64_C(1000000)

struct log_view {
	bool as_json, calls, follow;
	struct filter filter;
	struct recording recording;
	struct json json;
	uint64_t shown;
	uint16_t session; /* of the record before */
};

static void begin_json(struct log_view *v)
{
	if (v->json.out)
		return;
	json_begin(&v->json, stdout);
	json_array(&v->json, "records");
}

static void print_json(struct log_view *v, const struct trace_log *r)
{
	struct json *j = &v->json;

	begin_json(v);
	json_flat_object(j, NULL);
	json_uint(j, "session", r->session);
	json_uint(j, "seq", r->seq);
	json_uint(j, "t_us", r->t_us);
	json_uint(j, "facility", r->priority / 8);
	json_uint(j, "level", r->priority % 8);
	json_text(j, "text", r->text);
	json_bool(j, "cut", r->cut);
	json_close(j);
}

/* A record may have several lines: each gets the time, as in dmesg. */
static void print_record(const struct trace_log *r)
{
	const char *line = r->text;

	for (;;) {
		size_t len = strcspn(line, "\n");
		char raw[sizeof(((ayaprof_LogRecord *)0)->text)], clean[sizeof(raw)];

		len = len < sizeof(raw) ? len : sizeof(raw) - 1;
		memcpy(raw, line, len);
		raw[len] = '\0';
		text_clean(clean, sizeof(clean), raw);
		line += len;
		printf("[%5" PRIu64 ".%06" PRIu64 "] %s%s\n", r->t_us / US_PER_S,
			r->t_us % US_PER_S, clean, !*line && r->cut ? "..." : "");
		if (!*line || !*++line)
			return;
	}
}

/* Nobody takes it any more: the rest need not be read. */
static void check_output(struct log_view *v)
{
	if (ferror(stdout))
		v->recording.stop = -EIO;
}

static void take_log(void *ctx, const struct trace_log *r)
{
	struct log_view *v = ctx;

	if (!filter_time(&v->filter, v->recording.trace, r->session, r->t_us * 1000))
		return;
	if (v->as_json) {
		print_json(v, r);
	} else {
		if (r->session != v->session)
			printf("-- session %u\n", r->session + 1u);
		if (r->missed)
			printf("-- %" PRIu64 " missed\n", r->missed);
		print_record(r);
	}
	v->session = r->session;
	v->shown++;
	check_output(v);
}

static void take_event(void *ctx, const struct trace_event *e)
{
	struct log_view *v = ctx;

	/* How long a call takes is known at its end. */
	if (v->filter.min_duration_ns || !filter_event(&v->filter, v->recording.trace, e))
		return;
	v->shown++;
	call_lines_event(stdout, v->recording.trace, e);
	check_output(v);
}

static void take_call(void *ctx, const struct trace_call *c)
{
	struct log_view *v = ctx;

	if (!filter_call(&v->filter, v->recording.trace, c))
		return;
	v->shown++;
	call_lines_end(stdout, v->recording.trace, c);
	check_output(v);
}

static bool set_option(void *ctx, struct cli *c, int option)
{
	struct log_view *v = ctx;

	switch (option) {
	case OPT_JSON:
		v->as_json = true;
		return true;
	case OPT_CALLS:
		v->calls = true;
		return true;
	case OPT_FOLLOW:
		v->follow = true;
		return true;
	}
	return filter_set(&v->filter, c, (enum filter_option)(option - OPT_FILTER));
}

static void flush(void *ctx)
{
	fflush(stdout);
}

static int read_recording(struct log_view *v, const char *input)
{
	const struct recording_follower follower = {.show = flush};
	const struct trace_sink sink = {
		.log = take_log,
		.event = v->calls ? take_event : NULL,
		.call = v->calls ? take_call : NULL,
	};

	if (!v->follow && !v->calls)
		return recording_read_figures(&v->recording, input, &sink, v, RECORDING_PROGRESS);
	if (!v->follow)
		return recording_read_range(&v->recording, input, &sink, v, v->filter.from_ns,
			v->filter.to_ns, RECORDING_PROGRESS);
	return recording_follow(&v->recording, input, &sink, v, &follower, RECORDING_PROGRESS);
}

static int run(struct log_view *v, const char *input)
{
	int err = read_recording(v, input);

	if (!err && v->as_json) {
		begin_json(v);
		json_close(&v->json);
		json_uint(&v->json, "missed", trace_totals(v->recording.trace)->logs_missed);
		json_end(&v->json);
	}
	if (!err && !v->shown && v->calls)
		say("no calls in this recording%s", v->filter.any ? " pass the filter" : "");
	else if (!err && !v->shown && !v->as_json)
		say("no kernel messages in this recording: the board sends them with --kmsg new or "
		    "--kmsg all");
	return say_output_failed() || err ? EXIT_FAILED : EXIT_OK;
}

int cmd_log(int argc, char **argv)
{
	struct log_view v = {0};
	const char *input;
	int got, status;

	filter_init(&v.filter);
	got = cli_view(&spec, argc, argv, &input, set_option, &v);
	if (got != CLI_END)
		return got == CLI_HELP ? EXIT_OK : EXIT_USAGE;
	if (v.as_json && v.calls) {
		say("--json or --calls, not both (hostdec export -f json has the calls)");
		return EXIT_USAGE;
	}
	status = run(&v, input);
	recording_close(&v.recording);
	filter_free(&v.filter);
	return status;
}
