/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Links that are plain descriptors. */
#include "host/link/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int open_path(struct link *l, int flags)
{
	l->fd = open(l->port, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (l->fd < 0)
		return link_fail(l, errno, "cannot open %s: %s", l->port, strerror(errno));
	return 0;
}

/* libserialport refuses ptys: it looks for them in /sys/class/tty and asks for modem lines. */
static int open_pty(struct link *l)
{
	struct termios t, *found = malloc(sizeof(*found));
	int err = open_path(l, O_RDWR);

	l->handle = NULL;
	if (err || !found) {
		free(found);
		link_close(l);
		return err ? err : link_fail(l, ENOMEM, "cannot open %s: no memory", l->port);
	}
	if (tcgetattr(l->fd, &t) < 0) {
		err = link_fail(l, errno, "%s does not answer like a terminal: %s", l->port,
			strerror(errno));
		free(found);
		link_close(l);
		return err;
	}
	*found = t;
	l->handle = found;
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	if (tcsetattr(l->fd, TCSANOW, &t) < 0) {
		err = link_fail(l, errno, "cannot make %s raw: %s", l->port, strerror(errno));
		link_close(l);
		return err;
	}
	return 0;
}

/* Whoever has this terminal next expects it as it was. */
static void close_pty(struct link *l)
{
	if (l->handle)
		tcsetattr(l->fd, TCSANOW, l->handle);
	free(l->handle);
	l->handle = NULL;
	close(l->fd);
}

/* A pipe without a writer yet is waited for: poll reports its end only after one has been there. */
static int open_read(struct link *l)
{
	return open_path(l, O_RDONLY);
}

/* stdin may be shared with other programs: neither made non-blocking nor closed. */
static int open_stdin(struct link *l)
{
	l->fd = STDIN_FILENO;
	return 0;
}

static void close_stdin(struct link *l)
{
}

const struct link_ops link_pty = {
	.name = "pty", .open = open_pty, .close = close_pty, .vanishes = true, .answers = true};
const struct link_ops link_stream = {.name = "pipe", .open = open_read};
const struct link_ops link_file = {.name = "file", .open = open_read, .whole = true};
const struct link_ops link_stdin = {.name = "stdin", .open = open_stdin, .close = close_stdin};
