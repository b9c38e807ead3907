/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/sink/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <asm/ioctls.h>
#include <linux/serial.h>

#include "target/setup/guard.h"

/* Receivers sample the middle of a bit: beyond about 2 % per side the last bit of a byte is read
 * wrong. */
#define TOLERANCE_PERCENT 2u

struct advice {
	int err;
	const char *text;
};

static const struct advice open_advice[] = {
	{ENOENT, "no such device; is it plugged in and its driver loaded? (ls /dev/tty*)"},
	{ENXIO, "there is no hardware behind this device; try another /dev/tty*"},
	{ENODEV, "there is no hardware behind this device; try another /dev/tty*"},
	{EIO, "there is no hardware behind this device; try another /dev/tty*"},
	{EACCES, "permission denied; run as root or join the device's group (often dialout)"},
	{EBUSY, "in use by another program (fuser shows which)"},
	{EISDIR, "is a directory, not a serial device; to write a file use --mode log -o FILE"},
};

static int fail(int err, const char *path, char *why, size_t why_size)
{
	const char *text = strerror(-err);

	for (size_t i = 0; i < sizeof(open_advice) / sizeof(open_advice[0]); i++)
		if (open_advice[i].err == -err)
			text = open_advice[i].text;
	snprintf(why, why_size, "%s: %s", path, text);
	return err;
}

static void set_raw(struct termios2 *tio, uint32_t baud, bool rtscts)
{
	tio->c_iflag = IGNBRK;
	tio->c_oflag = 0;
	tio->c_lflag = 0;
	/* No HUPCL: dropping DTR when closing resets many adapters' boards. */
	tio->c_cflag = CS8 | CREAD | CLOCAL | BOTHER | (BOTHER << IBSHIFT) | (rtscts ? CRTSCTS : 0);
	tio->c_ispeed = baud;
	tio->c_ospeed = baud;
	memset(tio->c_cc, 0, sizeof(tio->c_cc));
	tio->c_cc[VMIN] = 1;
}

/* The 8250's default base rate is 115200: it divides it by 0 for more and ends at 9600, silently.
 */
static void explain_rate(
	int fd, const char *path, uint32_t asked, uint32_t got, char *why, size_t why_size)
{
	struct serial_struct serial;
	char base[128] = "";

	if (ioctl(fd, TIOCGSERIAL, &serial) == 0 && serial.baud_base > 0 &&
		(uint32_t)serial.baud_base < asked)
		snprintf(base, sizeof(base),
			" (its base rate is %d; setserial %.40s baud_base may raise it)",
			serial.baud_base, path);
	snprintf(why, why_size,
		"%s: asked for %u baud, the driver made it %u%s; choose another rate with -b", path,
		asked, got, base);
}

static bool is_near(uint32_t got, uint32_t baud)
{
	uint32_t difference = got > baud ? got - baud : baud - got;

	return (uint64_t)difference * 100 <= (uint64_t)baud * TOLERANCE_PERCENT;
}

static void set_speed(struct termios2 *tio, uint32_t baud)
{
	tio->c_cflag &= ~(tcflag_t)(CBAUD | (CBAUD << IBSHIFT));
	tio->c_cflag |= BOTHER | (BOTHER << IBSHIFT);
	tio->c_ispeed = tio->c_ospeed = baud;
}

/* Put the settings into force and read back what became of them. */
static int apply(struct tty *t, const char *path, const struct tty_options *opt,
	struct termios2 *tio, char *why, size_t why_size)
{
	if (ioctl(t->fd, TCSETS2, tio) != 0 || ioctl(t->fd, TCGETS2, tio) != 0) {
		int err = -errno;
		snprintf(why, why_size, "%s: the driver refuses %u baud 8N1: %s", path, opt->baud,
			strerror(-err));
		return err;
	}
	if (opt->baud && !is_near(tio->c_ospeed, opt->baud)) {
		explain_rate(t->fd, path, opt->baud, tio->c_ospeed, why, why_size);
		return -ERANGE;
	}
	if (opt->rtscts && !(tio->c_cflag & CRTSCTS)) {
		snprintf(why, why_size, "%s: the driver has no RTS/CTS; use --flow none", path);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int set_up_shared(struct tty *t, const char *path, const struct tty_options *opt,
	struct termios2 *tio, char *why, size_t why_size)
{
	if (!opt->baud && !opt->rtscts)
		return 0;
	if (opt->baud)
		set_speed(tio, opt->baud);
	if (opt->rtscts)
		tio->c_cflag |= CRTSCTS;
	t->changed = true;
	return apply(t, path, opt, tio, why, why_size);
}

static int set_up_alone(struct tty *t, const char *path, const struct tty_options *opt,
	struct termios2 *tio, char *why, size_t why_size)
{
	int err;

	if (ioctl(t->fd, TIOCEXCL) != 0)
		return fail(-EBUSY, path, why, why_size);
	set_raw(tio, opt->baud ? opt->baud : tio->c_ospeed, opt->rtscts);
	err = apply(t, path, opt, tio, why, why_size);
	if (!err)
		ioctl(t->fd, TCFLSH, TCIOFLUSH);
	return err;
}

static int set_up(struct tty *t, const char *path, const struct tty_options *opt, uint32_t *got,
	char *why, size_t why_size)
{
	struct termios2 tio;
	int err;

	if (ioctl(t->fd, TCGETS2, &t->before) != 0) {
		snprintf(why, why_size,
			"%s: not a serial device; to write the recording to a file use --mode log "
			"-o FILE",
			path);
		return -ENOTTY;
	}
	if (flock(t->fd, LOCK_EX | LOCK_NB) != 0)
		return fail(-EBUSY, path, why, why_size);
	tio = t->before;
	err = opt->shared ? set_up_shared(t, path, opt, &tio, why, why_size)
			  : set_up_alone(t, path, opt, &tio, why, why_size);
	*got = tio.c_ospeed;
	return err;
}

/* A shared device may have been set otherwise meanwhile: only what we changed goes back. */
static void restore(const struct tty *t)
{
	const tcflag_t ours = CBAUD | (CBAUD << IBSHIFT) | CRTSCTS;
	struct termios2 tio = t->before;

	if (t->shared && (!t->changed || ioctl(t->fd, TCGETS2, &tio) != 0))
		return;
	tio.c_cflag = (tio.c_cflag & ~ours) | (t->before.c_cflag & ours);
	tio.c_ispeed = t->before.c_ispeed;
	tio.c_ospeed = t->before.c_ospeed;
	ioctl(t->fd, TCSETS2, &tio);
	if (!t->shared)
		ioctl(t->fd, TIOCNXCL);
}

/* For a daemon that cannot restore it: a console on the line would be left at our rate. */
static void keep_guard(struct tty *t, const char *path, uint32_t speed)
{
	int before = t->guard;

	t->guard = guard_tty(path, &t->before, speed, t->shared);
	guard_done(before);
}

int tty_open(struct tty *t, const char *path, const struct tty_options *opt, uint32_t *got,
	char *why, size_t why_size)
{
	int err;

	t->shared = opt->shared;
	t->changed = false;
	t->guard = -1;
	/* O_NONBLOCK also keeps open from waiting for a carrier before CLOCAL is set. */
	t->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0)
		return fail(-errno, path, why, why_size);
	err = set_up(t, path, opt, got, why, why_size);
	if (err) {
		if (err != -ENOTTY && err != -EBUSY)
			restore(t);
		close(t->fd);
		t->fd = -1;
	} else if (!t->shared || t->changed) {
		keep_guard(t, path, *got);
	}
	return err;
}

int tty_set_rate(struct tty *t, uint32_t baud, uint32_t *got)
{
	struct termios2 before, tio;
	char path[128];
	int err = 0;

	if (ioctl(t->fd, TCGETS2, &before) != 0)
		return -errno;
	tio = before;
	set_speed(&tio, baud);
	if (ioctl(t->fd, TCSETS2, &tio) != 0 || ioctl(t->fd, TCGETS2, &tio) != 0)
		err = -errno;
	else if (!is_near(tio.c_ospeed, baud))
		err = -ERANGE;
	if (err)
		ioctl(t->fd, TCSETS2, &before);
	else
		*got = tio.c_ospeed;
	if (!err)
		keep_guard(t, ttyname_r(t->fd, path, sizeof(path)) ? "" : path, tio.c_ospeed);
	return err;
}

bool tty_errors(const struct tty *t, ayaprof_UartErrors *counters)
{
	struct serial_icounter_struct c = {0};

	if (t->fd < 0 || ioctl(t->fd, TIOCGICOUNT, &c) != 0)
		return false;
	*counters = (ayaprof_UartErrors){
		.overrun = (uint32_t)c.overrun,
		.framing = (uint32_t)c.frame,
		.parity = (uint32_t)c.parity,
		.breaks = (uint32_t)c.brk,
		.buffer_overrun = (uint32_t)c.buf_overrun,
	};
	return true;
}

size_t tty_unsent(const struct tty *t)
{
	int n = 0;

	return t->fd >= 0 && ioctl(t->fd, TIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

void tty_discard(const struct tty *t)
{
	if (t->fd >= 0 && !t->shared)
		ioctl(t->fd, TCFLSH, TCOFLUSH);
}

void tty_restore(const struct tty *t)
{
	if (t->fd < 0)
		return;
	tty_discard(t);
	restore(t);
}

void tty_close(struct tty *t)
{
	if (t->fd < 0)
		return;
	restore(t);
	guard_done(t->guard);
	close(t->fd);
	t->fd = -1;
}
