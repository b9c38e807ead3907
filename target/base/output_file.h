/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How both programs create the files that users name: a file is replaced by a whole one or not at
 * all; anything else (a device, a pipe, standard output under its name in /dev) is written into and
 * never replaced; nothing is emptied before there is something to put in its place; no name that
 * others can guess is opened in a directory that they can write to, but the one that was given.
 *
 * Functions return 0 (or a descriptor) or a negative errno with the reason, a phrase, in `why`.
 */
#ifndef TARGET_BASE_OUTPUT_FILE_H
#define TARGET_BASE_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define OUTPUT_WHY 200u

/* ---- written as a whole, at the end --------------------------------------------------------- */

struct output_file {
	int fd; /* to write to: of `temp`, or of what stands there, perhaps without blocking */
	FILE *stream;   /* output_file_stream's, which owns fd then; NULL: none */
	char *replaces; /* the file that `temp` becomes, links followed; NULL: written in place */
	char *temp;     /* in the same directory; NULL: written in place */
	bool cut;       /* in place, a regular file: what was there is to be cut off */
};

#define OUTPUT_FILE_NONE                                                                           \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Could it be written? Nothing is changed. A pipe that nobody reads yet is no error. */
int output_file_check(const char *path, char *why);
/* mode: of a file that is not there yet; one that is keeps its own. suffix: how the temporary name
 * ends, "" or e.g. ".png". A pipe gets a moment for its reader to come. */
int output_file_begin(
	struct output_file *f, const char *path, mode_t mode, const char *suffix, char *why);
/* All of it, waiting a few seconds at most for a pipe to have room. */
int output_file_write(struct output_file *f, const char *data, size_t len, char *why);
/* A stream that waits as long as it takes; NULL: out of memory. Not to be closed. */
FILE *output_file_stream(struct output_file *f);
/* The name under which another program can write it meanwhile: `temp` or `path`. */
const char *output_file_name(const struct output_file *f, const char *path);
/* keep: put it in place; else leave what was there. Releases f in either case. */
int output_file_end(struct output_file *f, bool keep, char *why);

/* ---- growing in place ----------------------------------------------------------------------- */

/*
 * A descriptor to write to from offset 0, on a file that keeps what it has until the caller cuts it
 * off, and is locked against other writers (flock) as long as the descriptor is open. Without
 * blocking where it is no regular file; a pipe gets a moment for its reader to come. created: there
 * was no such file. -EBUSY: another process has the lock.
 */
int output_open_in_place(const char *path, mode_t mode, bool *created, char *why);

/* Once, before any file is opened: started without standard input, output or error, a program would
 * open its next file in their place, and messages would end up in it. */
void output_fill_standard_streams(void);

/* ---- which is which ------------------------------------------------------------------------- */

/* Are two paths one file, or would they be once they exist? Links of both kinds are followed; "-"
 * and NULL are no paths, and devices may be written to by many. */
bool output_same(const char *a, const char *b);

#endif
