/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "host/base/cli.h"
#include "host/base/say.h"
#include "host/commands.h"
#include "host/views/info.h"
#include "host/views/live_screen.h"

enum { OPT_JSON, OPT_FOLLOW };

static const struct cli_option options[] = {
	[OPT_JSON] = {0, "json", NULL, "as JSON"},
	[OPT_FOLLOW] = {0, "follow", NULL,
		"go on as the recording grows, until its recorder ends or Ctrl-C"},
};

static const struct cli_spec spec = {
	.usage = "info run.pb [--json]",
	.about = "What is in a recording: the board, the sessions, how much arrived, and what was "
		 "lost, why and when.\n"
		 "Of one that is being written: what waits on the board is its backlog, and not "
		 "lost.\n"
		 "A run.pb of - is standard input.",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

struct info_view {
	struct info info;
	bool json, follow;
};

/* ---- what the recording gives ---------------------------------------------------------------- */

static void failed(struct info *in)
{
	in->recording.stop = -ENOMEM;
	say("not enough memory");
}

static void take_loss(void *ctx, const struct trace_loss *l)
{
	struct info *in = ctx;

	if (loss_list_take(&in->losses, l))
		failed(in);
}

static void take_sample(void *ctx, uint16_t session, const ayaprof_Sample *s)
{
	struct info *in = ctx;

	if (memory_samples_take(&in->memory, session, s))
		failed(in);
}

/* They are counted by the trace, if somebody wants them. */
static void count_call(void *ctx, const struct trace_call *c)
{
}

static void count_log(void *ctx, const struct trace_log *r)
{
}

static const struct trace_sink sink = {
	.call = count_call,
	.sample = take_sample,
	.loss = take_loss,
	.log = count_log,
};

static void release(struct info *in)
{
	loss_list_free(&in->losses);
	memory_samples_free(&in->memory);
}

static int restart(void *ctx)
{
	release(ctx);
	return 0;
}

/* ---- what is shown ---------------------------------------------------------------------------- */

static void look(struct info *in)
{
	in->totals = trace_totals(in->recording.trace);
	in->n_sessions = trace_session_count(in->recording.trace);
	loss_list_sum(&in->losses, &in->recording);
}

static void show(void *ctx)
{
	struct info *in = ctx;

	look(in);
	live_screen_begin();
	info_print(in);
	fflush(stdout);
}

static void print(struct info *in, bool json)
{
	look(in);
	loss_list_finish(&in->losses, &in->recording);
	if (json)
		info_print_json(in);
	else
		info_print(in);
}

/* ---- command -------------------------------------------------------------------------------- */

static bool set_option(void *ctx, struct cli *c, int option)
{
	struct info_view *v = ctx;

	if (option == OPT_JSON)
		v->json = true;
	else
		v->follow = true;
	return true;
}

static int read_recording(struct info_view *v, const char *input)
{
	bool live = v->follow && !v->json && live_screen_usable();
	const struct recording_follower follower = {.restart = restart, .show = live ? show : NULL};
	int err;

	if (!v->follow)
		return recording_read_figures(
			&v->info.recording, input, &sink, &v->info, RECORDING_PROGRESS);
	err = recording_follow(
		&v->info.recording, input, &sink, &v->info, &follower, RECORDING_PROGRESS);
	if (!err && live)
		live_screen_begin();
	return err;
}

int cmd_info(int argc, char **argv)
{
	struct info_view v = {0};
	const char *input;
	int got = cli_view(&spec, argc, argv, &input, set_option, &v), err;

	if (got != CLI_END)
		return got == CLI_HELP ? EXIT_OK : EXIT_USAGE;
	err = read_recording(&v, input);
	if (!err)
		print(&v.info, v.json);
	recording_close(&v.info.recording);
	release(&v.info);
	return err || say_output_failed() ? EXIT_FAILED : EXIT_OK;
}
