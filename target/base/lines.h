/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Text files that are given to us (--names), line by line: regular ones only, so that nobody is
 * waited for, and lines of a bounded length, so that a file of any size costs no memory.
 */
#ifndef TARGET_BASE_LINES_H
#define TARGET_BASE_LINES_H

#include <stddef.h>
#include <stdio.h>

#define LINES_MAX 4096u /* bytes of a line, with its end */

struct lines {
	FILE *file;
	unsigned int number; /* of the line that was read last, from 1 */
	char text[LINES_MAX];
};

/* 0 or a negative errno (-EINVAL: it is no regular file). */
int lines_open(struct lines *l, const char *path);
/* The next line without its end, in l->text: 1; 0 at the end of the file; -E2BIG it is too long,
 * -EILSEQ it has a NUL byte, or another negative errno. */
int lines_next(struct lines *l);
void lines_close(struct lines *l);

/* What is wrong with a line, in words; for errors of lines_next. */
const char *lines_why(int err);

#endif
