/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where line bytes come from: a serial device, a pty, a pipe, a socket, a file with captured bytes.
 * The recorder knows only this interface. Chosen by looking at the path (link_new).
 */
#ifndef HOST_LINK_H
#define HOST_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/link/claim.h"
#include "host/link/identity.h"
#include "proto/message.h"

struct link_options {
	uint32_t baud; /* serial devices */
	bool rtscts;
};

struct link;

struct link_ops {
	const char *name; /* "serial", "pty"..., for descriptions */
	/* Open and set l->fd, non-blocking. Returns 0 or a negative errno with l->error filled; -EINPROGRESS: */
	int (*open)(struct link *l);
	/* l->fd is writable, or has taken too long (late). Returns as open does. NULL: opens at once. */
	int (*connected)(struct link *l, bool late);
	void (*close)(struct link *l); /* NULL: close(l->fd) */
	/* Another rate on the open link. NULL: it has none. 0 or a negative errno with l->error filled. */
	int (*set_rate)(struct link *l, uint32_t baud);
	/* Counters of the driver, from wherever they began; false: it has none. NULL: no such. */
	bool (*errors)(const struct link *l, ayaprof_UartErrors *counters);
	bool by_path;  /* what stands at link.device decides, and may be another thing each time */
	bool device;   /* opened as link.device, which is where the port's name leads */
	bool vanishes; /* the other end may go away and come back: open again */
	bool has_rate; /* link_options.baud means something */
	bool tells_presence; /* the other end wants to know that somebody reads, and may turn us away */
	bool answers;        /* bytes can go to the other end, too */
	bool whole;          /* all of it is there already: its end is the end */
	bool waits; /* the other end holds back what is not read, so that nothing is lost by being slow */
	bool zero_is_nothing; /* a read of 0 bytes ends it only together with POLLHUP or POLLERR */
};

struct link {
	const struct link_ops *ops;
	struct link_options opt;
	const char *port;                  /* as the user wrote it; the caller's */
	int fd;                            /* for poll; -1: closed */
	void *handle;                      /* of the implementation */
	bool counts;                       /* the driver has counters: */
	ayaprof_UartErrors at_open;        /* when it was opened */
	ayaprof_UartErrors before, errors; /* since link_init: of earlier openings, of all */
	char identity[IDENTITY_PATH];      /* of a device: what it was when first opened, or "" */
	char device[IDENTITY_PATH];        /* of a device: under which name it was opened last */
	struct claim claim;                /* of a device, while it is open */
	char text[160];                    /* what it is, e.g. "serial /dev/ttyUSB0 115200" */
	char error[256];                   /* why the last open failed: what, why, what to do */
};

/* Fill in a closed link for `port`. What is not there yet may come: then l->ops is link_absent's. Returns 0,
 * or -EINVAL with l->error filled: it is no line, and will be none. */
int link_init(struct link *l, const char *port, const struct link_options *opt);

/* 0, or a negative errno with l->error filled. -EINPROGRESS: link_connected is to be called when l->fd can be
 * written, or after LINK_CONNECT_MS. What the port is, is looked up anew each time. */
int link_open(struct link *l);
#define LINK_CONNECT_MS 5000
/* late: it took too long. As link_open; -EINPROGRESS also with another l->fd. */
int link_connected(struct link *l, bool late);
void link_close(struct link *l);
/* Of link_open: could the same port be opened later, without anybody's doing on this side? */
bool link_may_come(int err);
/* Is `port`, as another program's user has it, this link's? By name, or by device number and inode. */
bool link_is(const struct link *l, const char *port);

/* Read what is there. Returns > 0; -EAGAIN: nothing now; 0: the other end is gone, or all is read.
 */
ssize_t link_read(struct link *l, void *buf, size_t len);

/* Write what fits. Returns > 0; -EAGAIN: nothing now; another negative errno: it cannot be. */
ssize_t link_write(struct link *l, const void *buf, size_t len);

/* 0 or a negative errno with l->error filled; the rate is then as before. */
int link_set_rate(struct link *l, uint32_t baud);
/* What the port has counted while it was ours, since link_init. False: it does not count. */
bool link_errors(struct link *l, ayaprof_UartErrors *sum);

/* Fill l->error in open functions. Returns -err. */
int link_fail(struct link *l, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same for a device that another program has; `holder`: in words, NULL: to be looked for. */
int link_in_use(struct link *l, const char *holder);
/* Of an open serial device: who else has it open, and may read what we then miss. False: nobody. */
bool link_shared_with(const struct link *l, char *text, size_t size);

extern const struct link_ops link_absent; /* link.c: nothing is there under this name */
extern const struct link_ops link_serial; /* link_serial.c: through libserialport */
extern const struct link_ops link_pty;    /* link_fd.c */
extern const struct link_ops link_stream;
extern const struct link_ops link_file;
extern const struct link_ops link_stdin;
extern const struct link_ops link_tcp; /* link_socket.c */
extern const struct link_ops link_unix;

#endif
