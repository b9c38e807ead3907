/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/link/link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host/base/text.h"

static const struct {
	const char *prefix;
	const struct link_ops *ops;
} prefixes[] = {
	{"tcp:", &link_tcp},
	{"unix:", &link_unix},
};

/* Unix98 pty slaves: Documentation/admin-guide/devices.txt in the kernel, majors 136 to 143. */
static bool is_pty(dev_t device)
{
	return major(device) >= 136 && major(device) <= 143;
}

static const struct link_ops *choose_by_type(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return &link_file;
	if (S_ISSOCK(st->st_mode))
		return &link_unix;
	if (S_ISFIFO(st->st_mode))
		return &link_stream;
	if (S_ISCHR(st->st_mode))
		return is_pty(st->st_rdev) ? &link_pty : &link_serial;
	return NULL;
}

static const struct link_ops *choose(struct link *l)
{
	const struct link_ops *ops;
	struct stat st;

	if (!strcmp(l->port, "-"))
		return &link_stdin;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (!strncmp(l->port, prefixes[i].prefix, strlen(prefixes[i].prefix)))
			return prefixes[i].ops;
	}
	if (stat(l->port, &st) < 0) {
		link_fail(l, errno,
			"cannot open %s: %s; --port takes a device, tcp:HOST:PORT, unix:PATH, - or "
			"a file of captured bytes",
			l->port, strerror(errno));
		return NULL;
	}
	ops = choose_by_type(&st);
	if (!ops)
		link_fail(l, EINVAL,
			"%s is a %s: --port takes a device, a socket, a pipe or a file", l->port,
			S_ISDIR(st.st_mode) ? "directory" : "block device");
	return ops;
}

int link_init(struct link *l, const char *port, const struct link_options *opt)
{
	char clean[128];

	memset(l, 0, sizeof(*l));
	l->fd = -1;
	l->port = port;
	l->opt = *opt;
	l->ops = choose(l);
	if (!l->ops)
		return -EINVAL;
	text_clean(clean, sizeof(clean), port);
	if (l->ops->has_rate)
		snprintf(l->text, sizeof(l->text), "%s %s %u", l->ops->name, clean, opt->baud);
	else
		snprintf(l->text, sizeof(l->text), "%s %s", l->ops->name, clean);
	return 0;
}

/* ---- counters ------------------------------------------------------------------------------- */

static const size_t counter_at[] = {
	offsetof(ayaprof_UartErrors, overrun),
	offsetof(ayaprof_UartErrors, framing),
	offsetof(ayaprof_UartErrors, parity),
	offsetof(ayaprof_UartErrors, breaks),
	offsetof(ayaprof_UartErrors, buffer_overrun),
};

/* The kernel's counters are 32 bits wide and run on from opening to opening. */
static void add_since(
	ayaprof_UartErrors *sum, const ayaprof_UartErrors *then, const ayaprof_UartErrors *now)
{
	for (size_t i = 0; i < sizeof(counter_at) / sizeof(*counter_at); i++) {
		uint32_t a = (uint32_t) * (const uint64_t *)((const char *)then + counter_at[i]);
		uint32_t b = (uint32_t) * (const uint64_t *)((const char *)now + counter_at[i]);

		*(uint64_t *)((char *)sum + counter_at[i]) += b - a;
	}
}

bool link_errors(struct link *l, ayaprof_UartErrors *sum)
{
	ayaprof_UartErrors now;

	if (l->fd >= 0 && l->counts && l->ops->errors(l, &now)) {
		l->errors = l->before;
		add_since(&l->errors, &l->at_open, &now);
	}
	*sum = l->errors;
	return l->counts;
}

/* Adapters come back under other names. The name given counts until it has led somewhere once. Through all
 * links, also the user's: libserialport takes none. */
static void remember_device(struct link *l)
{
	if (!*l->identity && !identity_find("/dev/serial/by-id", l->device, l->identity) &&
		!identity_find("/dev/serial/by-path", l->device, l->identity))
		*l->identity = '\0';
}

int link_open(struct link *l)
{
	int err;

	if (l->ops->device)
		identity_follow(l->port, l->identity, l->device);
	err = l->ops->open(l);
	if (!err && l->ops->device)
		remember_device(l);
	if (err || !l->ops->errors)
		return err;
	l->before = l->errors;
	l->counts = l->ops->errors(l, &l->at_open);
	return err;
}

void link_close(struct link *l)
{
	ayaprof_UartErrors sum;

	if (l->fd < 0)
		return;
	link_errors(l, &sum);
	if (l->ops->close)
		l->ops->close(l);
	else
		close(l->fd);
	l->fd = -1;
}

ssize_t link_read(struct link *l, void *buf, size_t len)
{
	ssize_t n;

	do
		n = read(l->fd, buf, len);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	/* A pty whose master closed and a pulled-out device answer EIO, a reset connection
	 * ECONNRESET: whatever it is, nothing more comes from this descriptor. */
	return errno == EAGAIN || errno == EWOULDBLOCK ? -EAGAIN : 0;
}

ssize_t link_write(struct link *l, const void *buf, size_t len)
{
	ssize_t n;

	if (!l->ops->answers || l->fd < 0)
		return -EPIPE;
	do
		n = write(l->fd, buf, len);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	return n < 0 && errno != EWOULDBLOCK ? -errno : -EAGAIN;
}

int link_set_rate(struct link *l, uint32_t baud)
{
	if (l->fd < 0 || !l->ops->set_rate)
		return link_fail(l, EOPNOTSUPP, "%s has no rate to change", l->port);
	return l->ops->set_rate(l, baud);
}

int link_fail(struct link *l, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->error, sizeof(l->error), fmt, ap);
	va_end(ap);
	return -err;
}
