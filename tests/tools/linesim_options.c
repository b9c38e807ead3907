/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/tools/linesim_options.h"

#include <stdlib.h>
#include <string.h>

#define BACK "back-" /* before the name of a fault: from host to board */

struct row {
	const char *name, *argument, *help;
	int (*set)(void *field, const char *text); /* 0 or a negative errno */
	size_t offset;
};

/* ---- values --------------------------------------------------------------------------------- */

static int set_text(void *field, const char *text)
{
	*(const char **)field = text;
	return 0;
}

static int set_number(void *field, const char *text)
{
	char *end;
	double n = strtod(text, &end);

	if (*end || end == text || !(n >= 0))
		return -EINVAL;
	*(double *)field = n;
	return 0;
}

static int set_count(void *field, const char *text)
{
	char *end;

	*(uint64_t *)field = strtoull(text, &end, 10);
	return *end || end == text ? -EINVAL : 0;
}

/* Of two words; *field becomes true for the second. */
static int set_either(void *field, const char *text, const char *no, const char *yes)
{
	*(bool *)field = !strcmp(text, yes);
	return *(bool *)field || !strcmp(text, no) ? 0 : -EINVAL;
}

static int set_flow(void *field, const char *text)
{
	return set_either(field, text, "none", "rtscts");
}

static int set_text_at(void *field, const char *text)
{
	return set_either(field, text, "frames", "anywhere");
}

static int set_baud(void *field, const char *text)
{
	struct line_rules *rules = field;

	rules->by_tty = !strcmp(text, "tty");
	return rules->by_tty ? 0 : set_count(&rules->baud, text);
}

static int set_latency(void *field, const char *text)
{
	double ms;
	int err = set_number(&ms, text);

	if (!err)
		*(uint64_t *)field = (uint64_t)(ms * 1e6);
	return err;
}

/* WHEN[*TIMES]:COMMAND */
static int add_plan(struct plan *plan, enum plan_clock clock, bool again, const char *text)
{
	char *end;
	double when = strtod(text, &end);
	uint64_t times = again ? UINT64_MAX : 1;

	if (end == text || !(when >= 0) || (again && when < 1))
		return -EINVAL;
	if (again && *end == '*')
		times = strtoull(end + 1, &end, 10);
	return *end == ':' && times ? plan_add(plan, clock, when, times, end + 1) : -EINVAL;
}

static int set_at(void *field, const char *text)
{
	return add_plan(field, PLAN_SECONDS, false, text);
}

static int set_at_byte(void *field, const char *text)
{
	return add_plan(field, PLAN_BYTES, false, text);
}

static int set_every_byte(void *field, const char *text)
{
	return add_plan(field, PLAN_BYTES, true, text);
}

/* ---- tables --------------------------------------------------------------------------------- */

#define IN(field) offsetof(struct settings, field)

static const struct row rows[] = {
	{"board-link", "PATH", "link to the board's terminal", set_text, IN(board_link)},
	{"host-link", "PATH", "link to the host's terminal", set_text, IN(host_link)},
	{"baud", "N|tty",
		"10 bits a byte, each direction on its own; 0: not paced; tty: the rate that\n"
		"each terminal's program has set, and what is sent at another rate than\n"
		"the receiver's (3 %) arrives as garbage (115200)",
		set_baud, IN(rules)},
	{"max-baud", "N", "with --baud tty: above, everything is garbage (no limit)", set_count,
		IN(rules.max_baud)},
	{"latency", "MS", "every byte arrives so much later, as through a USB adapter (0)",
		set_latency, IN(rules.latency_ns)},
	{"seed", "N", "of every random choice (1)", set_count, IN(seed)},
	{"host-buffer", "N", "bytes a driver holds for a slow reader (1048576)", set_count,
		IN(buffer)},
	{"flow", "none|rtscts", "when that is full: bytes are lost (none), or the line waits",
		set_flow, IN(rules.rtscts)},
	{"at", "SEC:COMMAND", "run a command so long after the start", set_at, IN(plan)},
	{"at-byte", "N:COMMAND", "... once so many bytes were taken from the board", set_at_byte,
		IN(plan)},
	{"every-byte", "N[*TIMES]:COMMAND", "... every time so many more were taken",
		set_every_byte, IN(plan)},
	{"control", "FIFO", "read commands here instead of from standard input", set_text,
		IN(control)},
	{"stats", "FILE", "counts as JSON, written at exit", set_text, IN(stats)},
};

#define FAULT(field) offsetof(struct fault_options, field)

static const struct row fault_rows[] = {
	{"ber", "P", "probability that a bit is flipped", set_number, FAULT(ber)},
	{"drop", "P", "... that a byte vanishes", set_number, FAULT(drop)},
	{"dup", "P", "... that it comes twice", set_number, FAULT(dup)},
	{"burst-gap", "N", "about every N bytes a burst of garbage (none)", set_number,
		FAULT(burst_gap)},
	{"burst-len", "N", "its bytes (16)", set_count, FAULT(burst_len)},
	{"text", "FILE", "lines to insert (over and over) as another writer of the UART would",
		set_text, FAULT(text_path)},
	{"text-gap", "N", "about every N bytes one line (0: only by command)", set_number,
		FAULT(text_gap)},
	{"text-at", "anywhere|frames", "at any byte, or only after a frame's closing 00 (frames)",
		set_text_at, FAULT(text_anywhere)},
	{"text-log", "FILE", "what was inserted, byte for byte", set_text, FAULT(text_log)},
};

#define ROWS(table) table, sizeof(table) / sizeof((table)[0])

/* ---- help ----------------------------------------------------------------------------------- */

static void usage_rows(FILE *f, const struct row *row, size_t n)
{
	for (; n--; row++) {
		const char *help = row->help, *eol;
		int used = fprintf(f, "  --%s %s", row->name, row->argument);

		for (; (eol = strchr(help, '\n')); help = eol + 1, used = 0)
			fprintf(f, "%*s%.*s\n", 28 - used, "", (int)(eol - help), help);
		fprintf(f, "%*s %s\n", 27 - used, "", help);
	}
}

void options_usage(FILE *f)
{
	fputs("usage: linesim --board-link PATH --host-link PATH [OPTION]...\n"
	      "Joins two pseudo terminals, whose paths become the given symbolic links, like a "
	      "null modem cable.\n",
		f);
	usage_rows(f, ROWS(rows));
	fputs("faults from board to host; with --" BACK "ber and so on, from host to board:\n", f);
	usage_rows(f, ROWS(fault_rows));
	fputs("commands, one a line; each is answered with `ok COMMAND` when it is done:\n"
	      "  unplug host|board [SEC]    the terminal vanishes (readers get EOF or EIO), for "
	      "good or for SEC\n"
	      "  plug host|board            a new terminal under the same link\n"
	      "  stall SEC                  nothing moves; the board feels back-pressure\n"
	      "  babble N                   N random bytes from the board\n"
	      "  text                       insert the next line\n"
	      "  ber P                      from now on\n"
	      "  drain                      answered when the board's bytes have arrived and the "
	      "host's program\n"
	      "                             has read them\n"
	      "  mark                       answered at once: for --at and --at-byte\n"
	      "  quit\n"
	      "As with a UART, what arrives while nobody has the host's port open, or while it is "
	      "unplugged, is\n"
	      "gone (and counted); a board keeps sending whether anybody listens. An unplugged "
	      "board loses nothing\n"
	      "by itself: its writes fail. Between the board and the line stands only the kernel's "
	      "terminal buffer\n"
	      "(about 4 to 20 KB), as in a serial driver. Standard output tells `ready BOARD "
	      "HOST`, then `open`\n"
	      "and `close` of each port as programs come and go.\n",
		f);
}

/* ---- parsing -------------------------------------------------------------------------------- */

static const struct row *row_named(const struct row *row, size_t n, const char *name)
{
	for (; n--; row++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

static int set_option(struct settings *s, const char *name, const char *value)
{
	size_t direction = !strncmp(name, BACK, strlen(BACK));
	const struct row *row = row_named(ROWS(rows), name);

	if (row)
		return row->set((char *)s + row->offset, value);
	row = row_named(ROWS(fault_rows), direction ? name + strlen(BACK) : name);
	return row ? row->set((char *)&s->faults[direction] + row->offset, value) : -ENOENT;
}

int options_parse(int argc, char **argv, struct settings *s)
{
	for (int i = 1; i < argc; i += 2) {
		if (!strcmp(argv[i], "--help"))
			return 1;
		if (strncmp(argv[i], "--", 2) || i + 1 == argc ||
			set_option(s, argv[i] + 2, argv[i + 1])) {
			fprintf(stderr, "linesim: cannot use %s %s; linesim --help tells more\n",
				argv[i], i + 1 < argc ? argv[i + 1] : "");
			return -EINVAL;
		}
	}
	if (s->board_link && s->host_link && s->buffer >= 4096)
		return 0;
	fputs("linesim: --board-link and --host-link are needed, and 4096 bytes of buffer\n",
		stderr);
	return -EINVAL;
}
