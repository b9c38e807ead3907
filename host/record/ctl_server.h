/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where `hostdec ctl` finds a recording that is being made: a socket of its own in a directory of the user's,
 * named after the recording's process. A request is "PORT\nCOMMAND\n", PORT empty or the line it is meant
 * for; the answer "RESULT TEXT\n", RESULT 0, a negative errno, or 1: that is another line.
 */
#ifndef HOST_CTL_SERVER_H
#define HOST_CTL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/loop.h"

#define CTL_REQUEST_MAX 512u
#define CTL_PATH_MAX    108u /* of a socket's address */

struct ctl_server {
	/* Called with a request, valid until the answer; ctl_server_answer may be called at once or later, and is
	 * not needed when the client has gone. */
	void (*request)(void *ctx, const char *port, const char *command);
	void *ctx;
	/* the server's */
	char path[CTL_PATH_MAX];
	struct loop *loop;
	struct loop_fd listener, client;
	struct loop_timer patience; /* with a client that says nothing */
	int listener_fd, client_fd; /* 0: none; one at a time */
	char text[CTL_REQUEST_MAX];
	size_t len;
	bool waits; /* the client, for its answer */
};

/* The user's directory; made if `make`. 0 or a negative errno. */
int ctl_directory(char *path, size_t size, bool make);

/* `request` and `ctx` are set, everything else 0. 0 or a negative errno: a recording does well without.
 * Sockets of processes that were killed are removed. */
int ctl_server_open(struct ctl_server *s, struct loop *loop);
/* Also after an open that failed. */
void ctl_server_close(struct ctl_server *s);
/* Serve this connection now; it becomes the server's. What ctl_server_open does with those that come, and
 * tests with their own: *s is then `request` and `ctx`, everything else 0. */
void ctl_server_take(struct ctl_server *s, struct loop *loop, int fd);
bool ctl_server_waits(const struct ctl_server *s);
void ctl_server_answer(struct ctl_server *s, int result, const char *text);

#endif
