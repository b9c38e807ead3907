/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/options/options.h"

#include <string.h>

#define HELP_COLUMN 30u
#define HELP_WIDTH  100u

static const char head[] =
	"Usage: ayaprof-uart [OPTIONS] TTY [-- COMMAND [ARG]...]\n"
	"\n"
	"Profiles the running kernel and programs and streams what happens over a serial line,\n"
	"to be recorded and drawn by hostdec on another machine. With a COMMAND, the command is\n"
	"started when the probes are live, and profiling ends when it exits. Needs root, except\n"
	"for --replay.\n";

static const char tail[] =
	"\n"
	"SIZE is a number of bytes, or with K, M or G. Defaults are in brackets.\n"
	"\n"
	"SIGINT or SIGTERM: stop the probes, send what is left, say goodbye. A second one: drop\n"
	"what is left; it is counted, like all that is lost, and hostdec shows it. Other signals\n"
	"that would end the program do the same. A COMMAND and what it has started get SIGINT,\n"
	"SIGQUIT, SIGTERM and SIGHUP as from a terminal, and two seconds to end; it is left\n"
	"running when --duration is over.\n"
	"\n"
	"Files are written when there is something to put into them: what stood there before\n"
	"stays until then. A recording is locked while it is written, and only its owner's to\n"
	"read. Pipes and devices are written into, never replaced.\n"
	"\n"
	"Examples:\n"
	"  ayaprof-uart --check                         what this board can trace\n"
	"  ayaprof-uart -b 921600 /dev/ttyS1            profile until Ctrl-C\n"
	"  ayaprof-uart -M syscall,sched -d 10 /dev/ttyUSB0\n"
	"                                               ten seconds of calls and switches\n"
	"  ayaprof-uart -M none -p 'k:tcp_*' /dev/ttyS1 only some kernel functions\n"
	"  ayaprof-uart -p 'u:./app:parse_*' /dev/ttyS1 -- ./app data\n"
	"                                               a program's own functions\n"
	"  ayaprof-uart --mode log -o run.pb -d 5       into a file, without any line\n"
	"  ayaprof-uart --mode serve -l 0.0.0.0:5555    for hostdec --port tcp:BOARD:5555\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage; with a COMMAND that has ended its own, 128 "
	"+ N\n"
	"if it was ended by signal N, unless the profiler failed.\n";

/* Text from the current column on, broken between words. */
static void print_wrapped(FILE *out, const char *text)
{
	size_t room = HELP_WIDTH - HELP_COLUMN;

	while (strlen(text) > room) {
		size_t n = room;
		while (n > 0 && text[n] != ' ')
			n--;
		if (n == 0)
			n = room;
		fprintf(out, "%.*s\n%*s", (int)n, text, (int)HELP_COLUMN, "");
		text += n + (text[n] == ' ');
	}
	fprintf(out, "%s\n", text);
}

static void print_row(FILE *out, const struct option_row *row)
{
	char left[80];
	int n;

	if (row->letter)
		n = snprintf(left, sizeof(left), "  -%c, --%s%s%s", row->letter, row->name,
			row->arg ? " " : "", row->arg ? row->arg : "");
	else
		n = snprintf(left, sizeof(left), "      --%s%s%s", row->name, row->arg ? " " : "",
			row->arg ? row->arg : "");
	if (n + 2 > (int)HELP_COLUMN)
		fprintf(out, "%s\n%*s", left, (int)HELP_COLUMN, "");
	else
		fprintf(out, "%-*s", (int)HELP_COLUMN, left);
	print_wrapped(out, row->help);
}

void options_help(FILE *out)
{
	fputs(head, out);
	for (const struct option_row *row = option_rows; row->name; row++) {
		if (row->group)
			fprintf(out, "\n%s:\n", row->group);
		print_row(out, row);
	}
	fputs(tail, out);
}
