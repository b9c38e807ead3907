/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What linesim is told on its command line. */
#ifndef TESTS_LINESIM_OPTIONS_H
#define TESTS_LINESIM_OPTIONS_H

#include <stdint.h>
#include <stdio.h>

#include "tests/tools/linesim_fault.h"
#include "tests/tools/linesim_line.h"
#include "tests/tools/linesim_plan.h"

/* Strings are those of argv. */
struct settings {
	const char *board_link, *host_link, *control, *stats;
	struct line_rules rules;
	struct fault_options faults[2]; /* board to host, host to board */
	struct plan plan;
	uint64_t seed, buffer;
};

/* 0, 1 for --help, or -EINVAL when a line on standard error has told what is wrong. */
int options_parse(int argc, char **argv, struct settings *s);
void options_usage(FILE *f);

#endif
