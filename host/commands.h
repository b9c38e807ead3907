/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Subcommands of hostdec. Each parses its own arguments (argv[0] is its name) and returns the exit
 * status of CONTRACT section 3: 0 done, 1 failed, 2 wrong usage, 3 incomplete under --strict. */
#ifndef HOST_COMMANDS_H
#define HOST_COMMANDS_H

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INCOMPLETE = 3 };

struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
};

int cmd_record(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_ctl(int argc, char **argv);

#endif
