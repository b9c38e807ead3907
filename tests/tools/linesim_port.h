/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One end of the simulated line: a pseudo terminal under a stable link, which can be unplugged. The
 * simulator does not hold the user's side open, so that it sees programs come and go. Part of linesim.c.
 */
#ifndef TESTS_LINESIM_PORT_H
#define TESTS_LINESIM_PORT_H

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int ioctl(int fd, unsigned long request, ...); /* <sys/ioctl.h> clashes with <asm/termbits.h> */

#define PORT_XOFF 0x13

struct port {
	const char *name, *link;
	int master; /* -1: unplugged */
	bool open;  /* some program has the other side open */
	unsigned int opens;
	unsigned int speed; /* what that program set, 0 before */
	char slave[64];
};

/* Throw away what the last user left unread. */
static inline void port_flush(struct port *p)
{
	int fd = open(p->slave, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	ioctl(fd, TCFLSH, TCIFLUSH);
	close(fd);
}

/* A new terminal, raw, under the link. 0 or a negative errno. */
static inline int port_plug(struct port *p)
{
	struct termios2 t;
	int err;

	if (p->master >= 0)
		return -EEXIST;
	p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p->master < 0)
		return -errno;
	if (grantpt(p->master) || unlockpt(p->master) ||
		ptsname_r(p->master, p->slave, sizeof(p->slave)) || ioctl(p->master, TCGETS2, &t))
		goto fail;
	/* No echo and no translation from the first byte on, as on a UART nobody has logged in to. */
	t.c_iflag = t.c_oflag = t.c_lflag = 0;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (ioctl(p->master, TCSETS2, &t))
		goto fail;
	/* Any user may use the port, as the group dialout does. */
	if (chmod(p->slave, 0666) && errno != EPERM)
		goto fail;
	port_flush(p); /* opened and closed once, a pty tells by POLLHUP that nobody has it open */
	p->open = false;
	unlink(p->link);
	if (symlink(p->slave, p->link))
		goto fail;
	return 0;
fail:
	err = -errno;
	close(p->master);
	p->master = -1;
	return err;
}

static inline void port_unplug(struct port *p)
{
	if (p->master < 0)
		return;
	unlink(p->link);
	close(p->master);
	p->master = -1;
	p->open = false;
}

/* Bytes that the program on the other side has not read yet; 0 when that cannot be seen (an ordinary
 * user and a port that is open exclusively). */
static inline int port_unread(struct port *p)
{
	int n = 0, fd = p->open ? open(p->slave, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	ioctl(fd, FIONREAD, &n);
	close(fd);
	return n;
}

/* Its program cannot write for a while, as behind a full buffer: XON/XOFF, which nobody uses here, needs
 * no second descriptor of a port that is open exclusively. */
static inline void port_hold(struct port *p, bool hold)
{
	struct termios2 t;

	if (ioctl(p->master, TCGETS2, &t))
		return;
	t.c_iflag = hold ? t.c_iflag | IXON : t.c_iflag & ~(tcflag_t)IXON; /* off also resumes */
	t.c_cc[VSTOP] = hold ? PORT_XOFF : 0;
	if (ioctl(p->master, TCSETS2, &t) || !hold || write(p->master, (char[]){PORT_XOFF}, 1) != 1)
		return;
	poll(NULL, 0, 1); /* a kernel worker reads it */
}

/* Has somebody opened or closed it? True when that changed; says so on standard output. */
static inline bool port_look(struct port *p)
{
	struct pollfd fd = {.fd = p->master};
	struct termios2 t;

	if (p->master < 0)
		return false;
	poll(&fd, 1, 0);
	bool open = !(fd.revents & POLLHUP);

	if (open && !ioctl(p->master, TCGETS2, &t))
		p->speed = t.c_ospeed;
	if (open == p->open)
		return false;
	p->open = open;
	p->opens += open;
	printf("%s %s\n", open ? "open" : "close", p->name);
	if (!open)
		port_flush(p);
	return true;
}

#endif
