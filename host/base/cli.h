/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Options of a subcommand: one table is parsed and is its help text.
 */
#ifndef HOST_CLI_H
#define HOST_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cli_option {
	char letter;      /* 0: none */
	const char *name; /* long name */
	const char *arg;  /* what it takes, for the help; NULL: nothing */
	const char *help;
};

struct cli_spec {
	const char *usage; /* behind "hostdec " */
	const char *about; /* what it does, a paragraph */
	const struct cli_option *options;
	size_t n_options; /* at most CLI_MAX_OPTIONS */
	const char *more; /* examples, exit status...; NULL: nothing */
};

#define CLI_MAX_OPTIONS 32

enum cli_result {
	/* 0 and up: index of an option, its argument in cli.value */
	CLI_POSITIONAL = -1, /* cli.value */
	CLI_END = -2,
	CLI_HELP = -3,  /* printed; the command is done */
	CLI_ERROR = -4, /* said; wrong usage */
};

struct cli {
	const struct cli_spec *spec;
	int argc;
	char **argv;
	const char *value;
};

void cli_begin(struct cli *c, const struct cli_spec *spec, int argc, char **argv);
int cli_next(struct cli *c);
void cli_help(const struct cli_spec *spec);

/* Say what is wrong and where help is. Always returns CLI_ERROR. */
int cli_error(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Whole decimal number from 0 to max. */
bool cli_number(const char *text, uint64_t max, uint64_t *value);
/* Seconds, with a fraction if need be; greater than 0. */
bool cli_seconds(const char *text, double *value);

/* The usual shape of a view: options, then one recording. Calls `set` for each option with its
 * index and argument (false: it has said what is wrong). Returns CLI_END with *input set, CLI_HELP
 * or CLI_ERROR. */
int cli_view(const struct cli_spec *spec, int argc, char **argv, const char **input,
	bool (*set)(void *ctx, struct cli *c, int option), void *ctx);

#endif
