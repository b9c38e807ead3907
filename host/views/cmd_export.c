/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/base/cli.h"
#include "host/commands.h"
#include "host/views/export.h"
#include "host/base/say.h"
#include "target/base/output_file.h"

enum { OPT_FORMAT, OPT_OUTPUT, OPT_NAMES };

static const struct cli_option options[] = {
	[OPT_FORMAT] = {'f', "format", "FORMAT", "see below"},
	[OPT_OUTPUT] = {'o', "output", "OUT", "file to write; - for stdout"},
	[OPT_NAMES] = {0, "names", "FILE",
		"also write FUNC-ID NAME lines, for ayaprof-uart --replay --names.\n"
		"                            Ids are the first session's; functions of the same "
		"name "
		"in later\n                            sessions get the same ids, others free "
		"ones"},
};

static const struct cli_spec spec = {
	.usage = "export run.pb -f FORMAT -o OUT",
	.about = "Convert a recording. Ranges of lost events are marked in every format that can "
		 "say so.",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

static const char *const not_yet[] = {"perfetto", "pprof", "speedscope", "chrome"};

struct export_options {
	const char *format, *output, *names;
};

static bool set_option(void *ctx, struct cli *c, int option)
{
	struct export_options *opt = ctx;
	const char **fields[] = {[OPT_FORMAT] = &opt->format,
		[OPT_OUTPUT] = &opt->output,
		[OPT_NAMES] = &opt->names};

	*fields[option] = c->value;
	return true;
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

static void write_names(FILE *out, const struct model *m)
{
	for (uint32_t i = 0; i < model_func_count(m); i++) {
		const struct model_func *f = model_func(m, (uint16_t)i);

		if (f->named)
			fprintf(out, "%" PRIu32 " %s\n", i, f->symbol);
	}
}

static int say_unwritable(const char *path, const char *why)
{
	say("cannot write %s: %s", path, why);
	return EXIT_FAILED;
}

/* Write one output. Returns an exit status. */
static int write_output(const char *path, const struct model *m, const struct export_ops *ops)
{
	bool is_stdout = !strcmp(path, "-");
	char why[OUTPUT_WHY] = "out of memory";
	struct output_file file;
	FILE *out = stdout;
	int err = 0;

	if (!is_stdout && output_file_begin(&file, path, 0666, "", why))
		return say_unwritable(path, why);
	if (!is_stdout && !(out = output_file_stream(&file))) {
		output_file_end(&file, false, why);
		return say_unwritable(path, why);
	}
	if (ops)
		err = export_run(ops, m, out);
	else
		write_names(out, m);
	if (is_stdout)
		return say_output_failed() || err ? EXIT_FAILED : EXIT_OK;
	snprintf(why, sizeof(why), "%s", strerror(-err));
	if (output_file_end(&file, !err, why) || err)
		return say_unwritable(path, why);
	return EXIT_OK;
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

int cmd_export(int argc, char **argv)
{
	struct export_options opt = {0};
	const struct export_ops *ops;
	const char *input;
	struct model m;
	int got = cli_view(&spec, argc, argv, &input, set_option, &opt), status;

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
	if (model_load(&m, input, true))
		return EXIT_FAILED;
	status = write_output(opt.output, &m, ops);
	if (status == EXIT_OK && opt.names)
		status = write_output(opt.names, &m, NULL);
	if (status == EXIT_OK && m.lost_total && !ops->lost)
		say("%s lost %" PRIu64 " events, which this format cannot mark", input,
			m.lost_total);
	model_free(&m);
	return status;
}
