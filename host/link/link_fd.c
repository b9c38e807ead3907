/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Links that are plain descriptors. */
#include "host/link/link.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int open_path(struct link *l, const char *path, int flags)
{
	l->fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (l->fd < 0)
		return link_fail(l, errno, "cannot open %s: %s", l->port, strerror(errno));
	return 0;
}

/* Of a pty it has no meaning but for who looks at it from the other side. */
static void set_speed(struct termios2 *t, uint32_t baud)
{
	t->c_cflag &= ~(tcflag_t)(CBAUD | (CBAUD << IBSHIFT));
	t->c_cflag |= BOTHER | (BOTHER << IBSHIFT);
	t->c_ispeed = t->c_ospeed = baud;
}

static void make_raw(struct termios2 *t, uint32_t baud)
{
	t->c_iflag = t->c_oflag = t->c_lflag = 0;
	t->c_cflag = (t->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8 | CLOCAL | CREAD;
	t->c_cc[VMIN] = 1;
	t->c_cc[VTIME] = 0;
	set_speed(t, baud);
}

/* libserialport refuses ptys: it looks for them in /sys/class/tty and asks for modem lines. */
static int open_pty(struct link *l)
{
	struct termios2 t, *found = malloc(sizeof(*found));
	int err = open_path(l, l->device, O_RDWR);

	l->handle = NULL;
	if (err || !found) {
		free(found);
		link_close(l);
		return err ? err : link_fail(l, ENOMEM, "cannot open %s: no memory", l->port);
	}
	if (flock(l->fd, LOCK_EX | LOCK_NB) < 0) {
		err = link_in_use(l, NULL);
		free(found);
		link_close(l);
		return err;
	}
	if (ioctl(l->fd, TCGETS2, &t) < 0) {
		err = link_fail(l, errno, "%s does not answer like a terminal: %s", l->port,
			strerror(errno));
		free(found);
		link_close(l);
		return err;
	}
	*found = t;
	l->handle = found;
	make_raw(&t, l->opt.baud);
	if (ioctl(l->fd, TCSETS2, &t) < 0) {
		err = link_fail(l, errno, "cannot make %s raw: %s", l->port, strerror(errno));
		link_close(l);
		return err;
	}
	return 0;
}

static int set_rate_pty(struct link *l, uint32_t baud)
{
	struct termios2 t;

	if (ioctl(l->fd, TCGETS2, &t) < 0)
		return link_fail(l, errno, "cannot read the rate of %s", l->port);
	set_speed(&t, baud);
	if (ioctl(l->fd, TCSETS2, &t) < 0)
		return link_fail(l, errno, "cannot set the rate of %s", l->port);
	return 0;
}

/* Whoever has this terminal next expects it as it was. */
static void close_pty(struct link *l)
{
	if (l->handle)
		ioctl(l->fd, TCSETS2, l->handle);
	free(l->handle);
	l->handle = NULL;
	close(l->fd);
}

/* A pipe without a writer yet is waited for: poll reports its end only after one has been there. */
static int open_read(struct link *l)
{
	return open_path(l, l->port, O_RDONLY);
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

const struct link_ops link_pty = {.name = "pty",
	.by_path = true,
	.device = true,
	.open = open_pty,
	.close = close_pty,
	.set_rate = set_rate_pty,
	.vanishes = true,
	.answers = true};
const struct link_ops link_stream = {
	.name = "pipe", .open = open_read, .by_path = true, .waits = true};
const struct link_ops link_file = {
	.name = "file", .open = open_read, .by_path = true, .whole = true, .waits = true};
const struct link_ops link_stdin = {
	.name = "stdin", .open = open_stdin, .close = close_stdin, .waits = true};
