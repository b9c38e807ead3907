/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The drawing script as a child process, with a pipe each for its requests, our answers and its
 * complaints. Whatever it does (dies, hangs at its end, writes endless errors) the caller gets an
 * end and one line of text.
 */
#ifndef HOST_PLOT_PYTHON_H
#define HOST_PLOT_PYTHON_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PLOT_PYTHON                                                                                \
	"/usr/bin/python3" /* sees Debian's packages, which the first one in PATH may not */

/* Exit status of the script: no toolkit could open a window. */
#define PLOT_PYTHON_NO_WINDOW 3

struct plot_python {
	pid_t pid;
	int request_fd, reply_fd, error_fd;
	char error[2048]; /* the end of what it wrote on stderr */
	size_t error_len;
	struct sigaction old_pipe;
};

/* mode: "file" (output: where) or "window". 0 or -errno. Finish after success. */
int plot_python_start(struct plot_python *py, const char *mode, const char *output);

/* Next line it asks, without its newline. Its length; 0 when it has closed the pipe; -errno. */
int plot_python_request(struct plot_python *py, char *line, size_t cap);

/* 0, or -errno: -EPIPE when it does not listen any more. */
int plot_python_reply(struct plot_python *py, const void *data, size_t len);

/* Close the pipes and wait for it, a few seconds at most. Returns its exit status, or 128 + signal.
 * py->error then is its last line. */
int plot_python_finish(struct plot_python *py);

#endif
