/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/base/cli.h"
#include "host/base/say.h"
#include "host/commands.h"
#include "host/base/times.h"
#include "host/views/export.h"
#include "host/views/loss_list.h"
#include "target/base/output_file.h"

enum { OPT_FORMAT, OPT_OUTPUT, OPT_NAMES, OPT_FOLLOW, OPT_FILTER };

static const struct cli_option options[] = {
	[OPT_FORMAT] = {'f', "format", "FORMAT", "see below; -f A-B is --range A-B"},
	[OPT_OUTPUT] = {'o', "output", "OUT", "file to write; - for stdout"},
	[OPT_NAMES] = {0, "names", "FILE",
		"also write FUNC-ID NAME lines, for ayaprof-uart --replay --names.\n"
		"                            Ids are the first session's; functions of the same "
		"name "
		"in later\n                            sessions get the same ids, others free "
		"ones"},
	[OPT_FOLLOW] = {0, "follow", NULL,
		"go on as the recording grows, until its recorder ends or Ctrl-C"},
	[OPT_FILTER] = FILTER_CLI(0),
};

static const struct cli_spec spec = {
	.usage = "export run.pb -f FORMAT -o OUT [FILTER]...",
	.about = "Convert a recording. Ranges of lost events are marked in every format that can "
		 "say so.\n"
		 "A run.pb of - is standard input. Where there is nothing to export no file is "
		 "made.",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

static const char *const not_yet[] = {"perfetto", "pprof", "speedscope", "chrome"};

struct export_options {
	const char *format, *output, *names;
	bool follow;
	struct filter filter;
};

static bool set_option(void *ctx, struct cli *c, int option)
{
	struct export_options *opt = ctx;
	uint64_t from, to;

	switch (option) {
	case OPT_FORMAT:
		/* No format looks like a range of times. */
		if (times_parse_range(c->value, &from, &to))
			return filter_set(&opt->filter, c, FILTER_RANGE);
		opt->format = c->value;
		return true;
	case OPT_OUTPUT:
		opt->output = c->value;
		return true;
	case OPT_NAMES:
		opt->names = c->value;
		return true;
	case OPT_FOLLOW:
		opt->follow = true;
		return true;
	}
	return filter_set(&opt->filter, c, (enum filter_option)(option - OPT_FILTER));
}

static void print_formats(void)
{
	const struct export_ops *ops;

	printf("\nformats:\n");
	for (size_t i = 0; (ops = export_at(i)); i++)
		printf("  %-10s %s\n", ops->name, ops->summary);
	for (size_t i = 0; i < sizeof(not_yet) / sizeof(*not_yet); i++)
		printf("  %-10s not yet\n", not_yet[i]);
}

static void say_format(const char *name)
{
	char list[128] = "";
	const struct export_ops *ops;
	size_t at = 0;
	bool later = false;

	for (size_t i = 0; i < sizeof(not_yet) / sizeof(*not_yet); i++)
		later |= !strcmp(not_yet[i], name);
	for (size_t i = 0; (ops = export_at(i)) && at < sizeof(list); i++)
		at += (size_t)snprintf(
			list + at, sizeof(list) - at, "%s%s", i ? ", " : "", ops->name);
	say(later ? "export to %s is not there yet; there are: %s"
		  : "there is no format %s; there are: %s",
		name, list);
}

static int say_unwritable(const char *path, const char *why)
{
	say("cannot write %s: %s", path, why);
	return EXIT_FAILED;
}

/* ---- one output ------------------------------------------------------------------------------ */

struct output {
	const char *path;
	FILE *stream;
	struct output_file file; /* not of stdout */
};

static bool is_stdout(const struct output *o)
{
	return o->stream == stdout;
}

/* Returns an exit status. */
static int output_begin(struct output *o, const char *path)
{
	char why[OUTPUT_WHY] = "out of memory";

	*o = (struct output){.path = path, .stream = stdout};
	if (!strcmp(path, "-"))
		return EXIT_OK;
	if (output_file_begin(&o->file, path, 0666, "", why))
		return say_unwritable(path, why);
	o->stream = output_file_stream(&o->file);
	if (o->stream)
		return EXIT_OK;
	output_file_end(&o->file, false, why);
	return say_unwritable(path, why);
}

/* keep: else what stood there stays. Returns an exit status. */
static int output_end(struct output *o, bool keep)
{
	char why[OUTPUT_WHY];

	if (is_stdout(o))
		return say_output_failed() || !keep ? EXIT_FAILED : EXIT_OK;
	if (output_file_end(&o->file, keep, why) && keep)
		return say_unwritable(o->path, why);
	return keep ? EXIT_OK : EXIT_FAILED;
}

static int write_names(const char *path, const struct trace *t)
{
	struct output o;
	int status = output_begin(&o, path);

	if (status != EXIT_OK)
		return status;
	for (uint32_t i = 0; i < trace_func_count(t); i++) {
		const struct trace_func *f = trace_func(t, (uint16_t)i);

		if (f->named)
			fprintf(o.stream, "%" PRIu32 " %s\n", i, f->symbol);
	}
	return output_end(&o, true);
}

/* What could not be written in the end is said before the long way there. */
static bool can_write(const char *path)
{
	char why[OUTPUT_WHY];

	if (!path || !strcmp(path, "-") || !output_file_check(path, why))
		return true;
	say_unwritable(path, why);
	return false;
}

/* Returns 0, or a negative errno, which has been said. */
static int read_recording(struct exporter *x, struct recording *r, const char *input,
	const struct export_options *opt)
{
	const struct recording_follower follower = {0};
	const struct trace_sink sink = export_sink(x->ops);

	if (!opt->follow)
		return recording_read_range(r, input, &sink, x, x->filter->from_ns,
			x->filter->to_ns, RECORDING_PROGRESS);
	return recording_follow(r, input, &sink, x, &follower, RECORDING_PROGRESS);
}

/* Returns an exit status. */
static int run(struct exporter *x, const char *input, const struct export_options *opt)
{
	struct output o;
	int status = output_begin(&o, opt->output), err;

	if (status != EXIT_OK)
		return status;
	x->out = o.stream;
	err = export_begin(x);
	if (!err)
		err = read_recording(x, x->recording, input, opt);
	if (!err)
		err = export_end(x);
	/* What went wrong with the output itself output_end tells. */
	if (x->err && !ferror(o.stream))
		say("cannot export %s: %s", input, strerror(-x->err));
	if (!err && !x->written) {
		say("%s has no %s%s: nothing is exported", input, x->ops->content,
			x->filter->any ? " that the filter lets through" : "");
		err = -ENODATA;
	}
	status = output_end(&o, !err || ferror(o.stream));
	return err ? EXIT_FAILED : status;
}

static int run_all(const struct export_ops *ops, const char *input, struct export_options *opt)
{
	struct recording r = {0};
	struct exporter x = {.ops = ops, .recording = &r, .filter = &opt->filter};
	int status = run(&x, input, opt);
	uint64_t lost = status == EXIT_OK ? recording_lost(&r) : 0;

	if (status == EXIT_OK && opt->names)
		status = write_names(opt->names, r.trace);
	if (status == EXIT_OK && lost && !ops->lost)
		say("%s lost %" PRIu64 " events, which this format cannot mark", input, lost);
	export_free(&x);
	recording_close(&r);
	return status;
}

int cmd_export(int argc, char **argv)
{
	struct export_options opt = {0};
	const struct export_ops *ops;
	const char *input;
	int got, status;

	filter_init(&opt.filter);
	got = cli_view(&spec, argc, argv, &input, set_option, &opt);
	if (got == CLI_HELP)
		print_formats();
	if (got != CLI_END)
		return got == CLI_HELP ? EXIT_OK : EXIT_USAGE;
	if (!opt.format || !opt.output) {
		say("%s is missing (hostdec export --help)", opt.format ? "-o OUT" : "-f FORMAT");
		return EXIT_USAGE;
	}
	ops = export_find(opt.format);
	if (!ops) {
		say_format(opt.format);
		return EXIT_USAGE;
	}
	if (opt.filter.min_duration_ns && !ops->call) {
		say("%s has events, not calls: --min-duration is not for it", ops->name);
		return EXIT_USAGE;
	}
	if (output_same(input, opt.output) || output_same(input, opt.names)) {
		say("the output would overwrite %s", input);
		return EXIT_USAGE;
	}
	if (output_same(opt.output, opt.names)) {
		say("-o %s and --names %s are one file", opt.output, opt.names);
		return EXIT_USAGE;
	}
	if (!can_write(opt.output) || !can_write(opt.names))
		return EXIT_FAILED;
	status = run_all(ops, input, &opt);
	filter_free(&opt.filter);
	return status;
}
