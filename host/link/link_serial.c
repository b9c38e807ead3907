/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Serial devices, through libserialport: it knows the platform's ways with exclusive access and
 * rates. */
#include "host/link/link.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <linux/serial.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct handle {
	struct sp_port *port;
	struct termios2 found; /* settings before, for whoever has the device next */
	bool has_found;
	bool locked; /* it is ours alone */
};

/* libserialport's own words; SP_ERR_FAIL leaves them to the system. */
static int fail(struct link *l, const char *what)
{
	int err = sp_last_error_code();
	char *text = sp_last_error_message();

	if (err <= 0)
		err = EIO;
	link_fail(l, err, "%s %s: %s", what, l->port, text && *text ? text : strerror(err));
	sp_free_error_message(text);
	return -err;
}

/* sp_set_baudrate returns success while the driver clips; only the driver knows what it set. */
static int check_rate(struct link *l, uint32_t want)
{
	struct termios2 t;
	uint32_t got;

	if (ioctl(l->fd, TCGETS2, &t) < 0)
		return link_fail(
			l, errno, "cannot read the rate of %s back: %s", l->port, strerror(errno));
	got = t.c_ospeed;
	/* Divisors are whole numbers: a UART tolerates two percent of difference. */
	if (got > want + want / 50 || got < want - want / 50)
		return link_fail(l, ERANGE,
			"%s runs at %u instead of %u baud: its driver or clock cannot do that "
			"rate; choose another with -b",
			l->port, got, want);
	return 0;
}

static int set_up(struct link *l)
{
	struct handle *h = l->handle;
	struct sp_port *port = h->port;

	if (sp_get_port_handle(port, &l->fd) != SP_OK)
		return fail(l, "no descriptor for");
	/* Not all versions of libserialport do. TIOCEXCL keeps everybody but root out, flock whoever asks. */
	if (flock(l->fd, LOCK_EX | LOCK_NB) < 0 || ioctl(l->fd, TIOCEXCL) < 0)
		return link_in_use(l, NULL);
	h->locked = true;
	if (sp_set_baudrate(port, (int)l->opt.baud) != SP_OK)
		return fail(l, "cannot set the rate of");
	if (sp_set_bits(port, 8) != SP_OK || sp_set_parity(port, SP_PARITY_NONE) != SP_OK ||
		sp_set_stopbits(port, 1) != SP_OK)
		return fail(l, "cannot set 8N1 on");
	if (sp_set_flowcontrol(port, l->opt.rtscts ? SP_FLOWCONTROL_RTSCTS : SP_FLOWCONTROL_NONE) !=
		SP_OK)
		return fail(l, "cannot set flow control of");
	return check_rate(l, l->opt.baud);
}

static void close_serial(struct link *l)
{
	struct handle *h = l->handle;

	if (h->has_found && h->locked)
		ioctl(l->fd, TCSETS2, &h->found);
	if (h->locked)
		ioctl(l->fd, TIOCNXCL);
	sp_close(h->port);
	sp_free_port(h->port);
	free(h);
	l->handle = NULL;
	l->fd = -1;
}

/* sp_open makes the device raw, so before it is seen whether somebody has it, and its settings are read.
 * Both are open for a moment: a close between them would drop DTR, which resets some boards. */
static int open_port(struct link *l, struct handle *h)
{
	int fd = open(l->device, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), err = 0;

	h->has_found = fd >= 0 && ioctl(fd, TCGETS2, &h->found) == 0;
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		err = link_in_use(l, NULL);
	else if (fd >= 0)
		flock(fd, LOCK_UN); /* newer versions of libserialport take the lock themselves */
	if (!err && sp_open(h->port, SP_MODE_READ_WRITE) != SP_OK)
		err = sp_last_error_code() == EBUSY ? link_in_use(l, NULL) : fail(l, "cannot open");
	if (fd >= 0)
		close(fd);
	return err;
}

static int open_serial(struct link *l)
{
	struct handle *h = calloc(1, sizeof(*h));
	int err = 0;

	if (!h) {
		err = link_fail(l, ENOMEM, "cannot open %s: no memory", l->port);
	} else if (sp_get_port_by_name(l->device, &h->port) != SP_OK) {
		err = fail(l, "not a serial device:");
	} else {
		err = open_port(l, h);
		if (err)
			sp_free_port(h->port);
	}
	if (err) {
		free(h);
		return err;
	}
	l->handle = h;
	err = set_up(l);
	if (err)
		close_serial(l);
	return err;
}

static int set_rate_serial(struct link *l, uint32_t baud)
{
	struct handle *h = l->handle;
	struct termios2 before;
	int err;

	if (ioctl(l->fd, TCGETS2, &before) < 0)
		return link_fail(l, errno, "cannot read the rate of %s", l->port);
	if (sp_set_baudrate(h->port, (int)baud) != SP_OK)
		err = fail(l, "cannot set the rate of");
	else
		err = check_rate(l, baud);
	if (err)
		ioctl(l->fd, TCSETS2, &before);
	return err;
}

static bool serial_errors(const struct link *l, ayaprof_UartErrors *counters)
{
	struct serial_icounter_struct c = {0};

	if (ioctl(l->fd, TIOCGICOUNT, &c) < 0)
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

const struct link_ops link_serial = {
	.name = "serial",
	.by_path = true,
	.device = true,
	.open = open_serial,
	.close = close_serial,
	.set_rate = set_rate_serial,
	.errors = serial_errors,
	.vanishes = true,
	.answers = true,
	.has_rate = true,
	.zero_is_nothing = true, /* libserialport sets VMIN and VTIME to 0 */
};
