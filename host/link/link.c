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

static int open_absent(struct link *l)
{
	return link_fail(l, ENOENT,
		"cannot open %s: No such file or directory; --port takes a device, tcp:HOST:PORT, "
		"unix:PATH, - or a file of captured bytes",
		l->port);
}

const struct link_ops link_absent = {
	.name = "line", .open = open_absent, .by_path = true, .vanishes = true};

static const struct link_ops *by_prefix(const char *port)
{
	if (!strcmp(port, "-"))
		return &link_stdin;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (!strncmp(port, prefixes[i].prefix, strlen(prefixes[i].prefix)))
			return prefixes[i].ops;
	}
	return NULL;
}

/* What stands at l->device now. */
static int look_up(struct link *l)
{
	const struct link_ops *ops = by_prefix(l->port);
	char clean[128];
	struct stat st;

	if (!ops && stat(l->device, &st) == 0) {
		ops = choose_by_type(&st);
		if (!ops)
			return link_fail(l, EINVAL,
				"%s is a %s: --port takes a device, a socket, a pipe or a file",
				l->port, S_ISDIR(st.st_mode) ? "directory" : "block device");
	} else if (!ops && errno != ENOENT && errno != ENODEV && errno != ENXIO) {
		return link_fail(l, errno, "cannot open %s: %s", l->port, strerror(errno));
	}
	/* Once it has been there, it is one of these that has gone. */
	if (ops || !l->ops)
		l->ops = ops ? ops : &link_absent;
	text_clean(clean, sizeof(clean), l->port);
	if (l->ops->has_rate)
		snprintf(l->text, sizeof(l->text), "%s %s %u", l->ops->name, clean, l->opt.baud);
	else
		snprintf(l->text, sizeof(l->text), "%s %s", l->ops->name, clean);
	return ops ? 0 : open_absent(l);
}

int link_init(struct link *l, const char *port, const struct link_options *opt)
{
	int err;

	memset(l, 0, sizeof(*l));
	l->fd = -1;
	l->port = port;
	l->opt = *opt;
	identity_follow(l->port, l->identity, l->device);
	err = look_up(l);
	return err == -ENOENT ? 0 : err;
}

bool link_may_come(int err)
{
	switch (-err) {
	case ENOENT: /* not plugged in, not started yet */
	case ENODEV:
	case ENXIO:
	case EIO:
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
	case ETIMEDOUT:
	case EAGAIN:
		return true;
	default:
		return false;
	}
}

bool link_is(const struct link *l, const char *port)
{
	struct stat a, b;

	if (!strcmp(l->port, port))
		return true;
	if (by_prefix(l->port) || by_prefix(port) || stat(port, &b))
		return false;
	/* A device that is gone, or has another name by now, is the one that is open. */
	if (l->fd >= 0 ? fstat(l->fd, &a) : stat(l->device, &a))
		return false;
	if (S_ISCHR(a.st_mode) && S_ISCHR(b.st_mode))
		return a.st_rdev == b.st_rdev;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
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

int link_in_use(struct link *l, const char *holder)
{
	char found[CLAIM_HOLDER];

	if (!holder && claim_holders(l->device, found, sizeof(found)))
		holder = found;
	return link_fail(l, EBUSY, "%s is in use by %s: end that first", l->port,
		holder ? holder : "another program (fuser shows which)");
}

bool link_shared_with(const struct link *l, char *text, size_t size)
{
	return l->ops == &link_serial && claim_holders(l->device, text, size);
}

/* The lock file comes first: opening alone can reset a board that another program talks to. */
static int open_device(struct link *l)
{
	char holder[CLAIM_HOLDER];
	int err = claim_take(&l->claim, claim_dir(), l->device, holder);

	if (err)
		return link_in_use(l, holder);
	err = l->ops->open(l);
	if (err)
		claim_release(&l->claim);
	return err;
}

int link_open(struct link *l)
{
	int err = 0;

	if (l->ops->by_path) {
		identity_follow(l->port, l->identity, l->device);
		err = look_up(l);
	}
	if (!err)
		err = l->ops->device ? open_device(l) : l->ops->open(l);
	if (!err && l->ops->device)
		remember_device(l);
	if (err || !l->ops->errors)
		return err;
	l->before = l->errors;
	l->counts = l->ops->errors(l, &l->at_open);
	return err;
}

int link_connected(struct link *l, bool late)
{
	return l->ops->connected(l, late);
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
	claim_release(&l->claim);
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
