/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where a recording comes from: a file, or a pipe. A recording is read twice, so what comes through a
 * pipe is kept in a file without a name meanwhile (host/base/temp_file.h).
 */
#ifndef HOST_RECORDING_INPUT_H
#define HOST_RECORDING_INPUT_H

#include <stdbool.h>

struct input {
	int fd;   /* a regular file, to be read from its beginning with pread(2) */
	int pipe; /* what it is copied from, until that has ended; -1: fd is the file itself */
	const char *name; /* for messages */
	bool is_named;    /* that is its path */
};

/* path: "-" is standard input. live: take of a pipe what comes with input_more, else all of it now.
 * Returns 0, or a negative errno after one line that says what is wrong. */
int input_open(struct input *in, const char *path, bool live);
void input_close(struct input *in);

/* Wait at most wait_ms for more of a pipe and keep it. Returns 1 (there may be more), 0 (that was all) or a
 * negative errno, said. */
int input_more(struct input *in, int wait_ms);

/* Is somebody writing it? A recorder holds a lock (flock) on its file. */
bool input_being_written(const struct input *in);

#endif
