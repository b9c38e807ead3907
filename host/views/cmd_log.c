/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/base/cli.h"
#include "host/base/json.h"
#include "host/base/say.h"
#include "host/base/text.h"
#include "host/commands.h"
#include "host/model/model.h"

enum { OPT_JSON };

static const struct cli_option options[] = {
	[OPT_JSON] = {0, "json", NULL, "as JSON, with priorities and the kernel's numbers"},
};

static const struct cli_spec spec = {
	.usage = "log run.pb [--json]",
	.about =
		"What the board's kernel said while it was profiled, as dmesg shows it: for boards "
		"run with\n"
		"--kmsg. The times are the kernel's own, seconds since boot.",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

#define US_PER_S UINT64_C(1000000)

static void print_json(const struct model *m)
{
	struct json j;

	json_begin(&j, stdout);
	json_uint(&j, "missed", m->logs_missed);
	json_array(&j, "records");
	for (size_t i = 0; i < m->n_logs; i++) {
		const struct model_log *r = &m->logs[i];

		json_flat_object(&j, NULL);
		json_uint(&j, "session", r->session);
		json_uint(&j, "seq", r->seq);
		json_uint(&j, "t_us", r->t_us);
		json_uint(&j, "facility", r->priority / 8);
		json_uint(&j, "level", r->priority % 8);
		json_text(&j, "text", r->text);
		json_bool(&j, "cut", r->cut);
		json_close(&j);
	}
	json_close(&j);
	json_end(&j);
}

/* A record may have several lines: each gets the time, as in dmesg. */
static void print_record(const struct model_log *r)
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

static void print_text(const struct model *m)
{
	for (size_t i = 0; i < m->n_logs; i++) {
		const struct model_log *r = &m->logs[i];

		if (i && r->session != r[-1].session)
			printf("-- session %u\n", r->session + 1u);
		if (r->missed)
			printf("-- %" PRIu64 " missed\n", r->missed);
		print_record(r);
	}
	if (!m->n_logs)
		say("no kernel messages in this recording: the board sends them with --kmsg new or "
		    "--kmsg all");
}

static bool set_option(void *ctx, struct cli *c, int option)
{
	*(bool *)ctx = true; /* there is only --json */
	return true;
}

int cmd_log(int argc, char **argv)
{
	const char *input;
	struct model m;
	bool json = false;
	int got = cli_view(&spec, argc, argv, &input, set_option, &json);

	if (got != CLI_END)
		return got == CLI_HELP ? EXIT_OK : EXIT_USAGE;
	if (model_load(&m, input, true))
		return EXIT_FAILED;
	if (json)
		print_json(&m);
	else
		print_text(&m);
	model_free(&m);
	return say_output_failed() ? EXIT_FAILED : EXIT_OK;
}
