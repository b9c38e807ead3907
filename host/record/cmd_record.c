/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "host/base/cli.h"
#include "host/commands.h"
#include "host/record/record_loop.h"

enum {
	OPT_PORT,
	OPT_BAUD,
	OPT_FLOW,
	OPT_OUTPUT,
	OPT_APPEND,
	OPT_DURATION,
	OPT_CONSOLE,
	OPT_RAW,
	OPT_FOLLOW,
	OPT_STRICT,
	OPT_NO_RECONNECT,
	OPT_NEGOTIATE,
	OPT_LISTEN_ONLY,
	OPT_NO_RESTORE,
	OPT_QUIET,
};

static const struct cli_option options[] = {
	[OPT_PORT] = {'p', "port", "PORT",
		"where the board is heard: a serial device, a pty, tcp:HOST:PORT,\n                "
		"            unix:PATH, - for stdin, or a file of captured line bytes"},
	[OPT_BAUD] = {'b', "baud", "N", "rate of a serial device (115200)"},
	[OPT_FLOW] = {0, "flow", "none|rtscts", "flow control of a serial device (none)"},
	[OPT_OUTPUT] = {'o', "output", "FILE",
		"the recording; one that is there is replaced when the first frame arrives"},
	[OPT_APPEND] = {0, "append", NULL,
		"go on in the recording if it is there; what it has is not asked for again"},
	[OPT_DURATION] = {'d', "duration", "SEC", "end after so many seconds"},
	[OPT_CONSOLE] = {0, "console", "FILE|-",
		"text found between frames, unchanged and in order (what a board sends with "
		"--kmsg\n"
		"                            is in the recording: hostdec log shows it)"},
	[OPT_RAW] = {0, "raw", "FILE", "every byte as it was received"},
	[OPT_FOLLOW] = {0, "follow", NULL,
		"go on when the board has said goodbye: it may start again"},
	[OPT_STRICT] = {0, "strict", NULL,
		"exit 3 if anything was lost or the board had not finished"},
	[OPT_NO_RECONNECT] = {0, "no-reconnect", NULL,
		"end when the line goes away or is not there yet, instead of waiting for it"},
	[OPT_NEGOTIATE] = {0, "negotiate", "N",
		"begin at --baud, then have the board and this side change to rate N together;\n"
		"                            back by itself when they do not hear each other"},
	[OPT_LISTEN_ONLY] = {0, "listen-only", NULL,
		"send nothing to the board; what the line damages is then not sent again"},
	[OPT_NO_RESTORE] = {0, "no-restore", NULL,
		"count damaged frames as lost, also those that could be repaired, or freed from\n"
		"                            console text"},
	[OPT_QUIET] = {'q', "quiet", NULL, "no live status line"},
};

static const struct cli_spec spec = {
	.usage = "record --port PORT [-b BAUD] -o run.pb [OPTIONS]",
	.about = "Record what a board's ayaprof-uart sends. Ends when the board says goodbye, on "
		 "Ctrl-C, after\n"
		 "--duration, or when a file or stdin ends. Whatever happens, the file is readable "
		 "up to its end.",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
	.more = "examples:\n"
		"  hostdec --port /dev/ttyUSB0 -b 3000000 -o run.pb\n"
		"  hostdec --port tcp:board:5555 -o run.pb --duration 10\n"
		"  hostdec --port /dev/ttyUSB0 -o run.pb --console -      (board's console on the "
		"same line)\n"
		"then: hostdec info run.pb, hostdec stats run.pb, hostdec plot run.pb -s+ -m -t\n"
		"\nexit status: 0 recorded, 1 failed or no frame arrived, 2 wrong usage, 3 "
		"incomplete and --strict",
};

static bool set_flow(struct cli *c, struct record_options *opt)
{
	opt->link.rtscts = !strcmp(c->value, "rtscts");
	if (opt->link.rtscts || !strcmp(c->value, "none"))
		return true;
	cli_error(c, "--flow is none or rtscts, not %s", c->value);
	return false;
}

static bool set_option(struct cli *c, int option, struct record_options *opt)
{
	uint64_t n;

	switch (option) {
	case OPT_PORT:
		opt->port = c->value;
		return true;
	case OPT_BAUD:
		if (cli_number(c->value, 100000000, &n) && n) {
			opt->link.baud = (uint32_t)n;
			return true;
		}
		cli_error(c, "--baud takes a rate like 115200, not %s", c->value);
		return false;
	case OPT_NEGOTIATE:
		if (cli_number(c->value, 100000000, &n) && n) {
			opt->negotiate = (uint32_t)n;
			return true;
		}
		cli_error(c, "--negotiate takes a rate like 921600, not %s", c->value);
		return false;
	case OPT_FLOW:
		return set_flow(c, opt);
	case OPT_OUTPUT:
		opt->files.output = c->value;
		return true;
	case OPT_APPEND:
		return opt->files.append = true;
	case OPT_DURATION:
		if (cli_seconds(c->value, &opt->duration_s))
			return true;
		cli_error(c, "--duration takes seconds, not %s", c->value);
		return false;
	case OPT_CONSOLE:
		opt->files.console = c->value;
		return true;
	case OPT_RAW:
		opt->files.raw = c->value;
		return true;
	case OPT_FOLLOW:
		return opt->follow = true;
	case OPT_STRICT:
		return opt->strict = true;
	case OPT_NO_RECONNECT:
		return opt->no_reconnect = true;
	case OPT_LISTEN_ONLY:
		return opt->listen_only = true;
	case OPT_NO_RESTORE:
		return opt->files.no_restore = true;
	case OPT_QUIET:
		return opt->quiet = true;
	}
	return true;
}

int cmd_record(int argc, char **argv)
{
	struct record_options opt = {.link.baud = 115200};
	struct cli c;
	int got;

	cli_begin(&c, &spec, argc, argv);
	while ((got = cli_next(&c)) != CLI_END) {
		if (got == CLI_HELP)
			return EXIT_OK;
		if (got == CLI_POSITIONAL)
			cli_error(&c,
				"what is %s? the line is named with --port, the recording with -o",
				c.value);
		if (got < 0 || !set_option(&c, got, &opt))
			return EXIT_USAGE;
	}
	if (!opt.port) {
		cli_error(&c, "which line? --port is missing");
		return EXIT_USAGE;
	}
	if (!opt.files.output) {
		cli_error(&c, "where to? -o FILE is missing");
		return EXIT_USAGE;
	}
	return record_run(&opt);
}
