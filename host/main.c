/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "host/commands.h"
#include "host/base/say.h"
#include "target/base/nearest.h"
#include "target/base/output_file.h"

static const struct command commands[] = {
	{"record", "record what a board sends (the default when the first argument is an option)",
		cmd_record},
	{"info", "what is in a recording, how complete it is", cmd_info},
	{"stats", "a table of times per function", cmd_stats},
	{"plot", "draw call stacks, memory, throughput, packets", cmd_plot},
	{"log", "what the board's kernel said meanwhile", cmd_log},
	{"export", "convert a recording to another format", cmd_export},
	{"top", "live table on the terminal (not yet)", cmd_top},
	{"ctl", "talk to the board through the hostdec that records it", cmd_ctl},
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

static void help(void)
{
	printf("usage: hostdec COMMAND [ARGUMENTS]\n"
	       "       hostdec --port PORT [-b BAUD] -o run.pb      record, the usual way in\n\n"
	       "Record what the profiler on a board sends over a line, and look at "
	       "it.\n\ncommands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].summary);
	printf("\nhostdec COMMAND --help tells more; hostdec --version says which one this is.\n\n"
	       "  board$ ayaprof-uart -b 3000000 /dev/ttyS1\n"
	       "  desk$  hostdec --port /dev/ttyUSB0 -b 3000000 -o run.pb\n"
	       "  desk$  hostdec stats run.pb\n"
	       "  desk$  hostdec plot run.pb -s+ -m -t -o run.png\n");
}

/* What was meant, if it can be guessed. Always EXIT_USAGE. */
static int say_no_command(const char *name)
{
	struct nearest near;
	char text[NEAREST_KEPT * NEAREST_NAME];
	struct stat st;

	if (stat(name, &st) == 0) {
		say("%s is a file; what of it? hostdec info %s shows what is in it (hostdec "
		    "--help)",
			name, name);
		return EXIT_USAGE;
	}
	nearest_init(&near, name);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		nearest_offer(&near, commands[i].name);
	nearest_text(&near, text, sizeof(text));
	say("there is no command %s%s%s%s (hostdec --help)", name, *text ? "; did you mean " : "",
		text, *text ? "?" : "");
	return EXIT_USAGE;
}

/* "hostdec help stats" is "hostdec stats --help". */
static int help_on(const char *name)
{
	char option[] = "--help";
	const struct command *command = find(name);

	return command ? command->run(2, (char *[]){(char *)command->name, option, NULL})
		       : say_no_command(name);
}

int main(int argc, char **argv)
{
	const struct command *command;

	output_fill_standard_streams();
	if (argc < 2) {
		say("which command? record, info, stats, plot, log, export, ctl (hostdec --help)");
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help") && argc > 2)
		return help_on(argv[2]);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help();
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("hostdec %s\n", AYAPROF_VERSION);
		return EXIT_OK;
	}
	if (argv[1][0] == '-')
		return cmd_record(argc, argv);
	command = find(argv[1]);
	if (!command)
		return say_no_command(argv[1]);
	return command->run(argc - 1, argv + 1);
}
