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

#define CTL_REQUEST_MAX 512u
#define CTL_PATH_MAX    108u /* of a socket's address */

struct ctl_server {
	char path[CTL_PATH_MAX];
	int listener, client; /* -1: none */
	char request[CTL_REQUEST_MAX];
	size_t len;
	bool complete; /* the request; split by '\0' */
	uint64_t since_ns;
};

/* The user's directory; made if `make`. 0 or a negative errno. */
int ctl_directory(char *path, size_t size, bool make);

/* 0 or a negative errno: a recording does well without. */
int ctl_server_open(struct ctl_server *s);
void ctl_server_close(struct ctl_server *s);
/* What to poll for reading; -1: nothing. */
int ctl_server_fd(const struct ctl_server *s);
/* Take a client, and its words. *port and *command are set and valid until the answer when a request is
 * complete: then true. */
bool ctl_server_hear(
	struct ctl_server *s, uint64_t now_ns, const char **port, const char **command);
/* Somebody waits for an answer. */
bool ctl_server_waits(const struct ctl_server *s);
void ctl_server_answer(struct ctl_server *s, int result, const char *text);

#endif
