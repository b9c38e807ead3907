/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The command line and the configuration file: one table of options (options.c), which also prints
 * the help and names the keys of the file.
 */
#ifndef TARGET_OPTIONS_OPTIONS_H
#define TARGET_OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "target/base/config.h"

#define OPTIONS_MAX 64u
#define OPTIONS_WHY 200u

enum options_result {
	OPTIONS_RUN,   /* config is complete and free of contradictions */
	OPTIONS_DONE,  /* help or version was printed: exit 0 */
	OPTIONS_USAGE, /* one line on stderr said what is wrong: exit 2 */
};

/* Where a value came from; a later source does not override an earlier one. */
enum options_origin { ORIGIN_NONE, ORIGIN_COMMAND_LINE, ORIGIN_FILE };

struct options {
	struct config config;
	const char *config_file;
	enum options_origin origin[OPTIONS_MAX]; /* by row of the table */
	enum options_origin from;                /* of what is being set now */
	bool help, version;
	char **owned; /* strings that the config points into */
	size_t n_owned;
};

struct option_row {
	const char *name;
	char letter;       /* 0: only the long form */
	const char *arg;   /* NULL: a flag */
	const char *group; /* heading in the help, on the first row of a group */
	bool not_in_file;
	/* 0, or a negative errno with `why` saying what is wrong with the value. */
	int (*set)(struct options *o, const char *value, char *why);
	const char *help;
};

enum options_result options_read(struct options *o, int argc, char **argv);
void options_free(struct options *o);

/* ---- between the files of this unit ---- */

/* The table; ends with a row without name. */
extern const struct option_row option_rows[];
int option_index(const char *name); /* -1: no such option */
/* Set by row, unless an earlier origin has. */
int option_set(struct options *o, int row, const char *value, char *why);
/* A copy that lives as long as o; NULL: out of memory. */
char *options_keep(struct options *o, const char *text);
/* 0, -ENOENT..., or -EINVAL, after one line naming file and line. */
int options_read_file(struct options *o, const char *path);
/* Contradictions and defaults that depend on other options. 0 or -EINVAL after one line. */
int options_check(struct options *o);
void options_help(FILE *out);

#endif
