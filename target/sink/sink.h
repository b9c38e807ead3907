/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where finished frames go: a serial line, a file, TCP clients. Nothing here blocks.
 *
 * A sink may lose its other end and find it again by itself (poll_ready, tick). Each time it does
 * so, and each time a receiver joins, `generation` changes: the frame in hand is then sent again
 * from its start, and the stream introduces itself anew.
 */
#ifndef TARGET_SINK_H
#define TARGET_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/base/config.h"
#include "proto/message.h"

enum sink_format {
	SINK_LINE, /* frames with delimiters, COBS */
	SINK_FILE, /* records of a RecordingFile */
};

struct sink;
struct sink_ops {
	/* 0, or a negative errno after one line on stderr. */
	int (*open)(struct sink *s);
	/* Take bytes of one frame, beginning at `at` of its `len`. Returns how many were taken (>
	 * 0), or -EAGAIN: no room now; -ENOLINK: nobody there, also if it went away just now. */
	ssize_t (*write)(struct sink *s, const uint8_t *frame, size_t at, size_t len);
	/* What the other end has said: > 0 bytes, -EAGAIN: nothing now, -ENOLINK: nobody there.
	 * NULL: such a sink cannot be listened to. */
	ssize_t (*read)(struct sink *s, uint8_t *buf, size_t len);
	/* What to poll for: a descriptor or -1, and events. want_room: there is something to write.
	 */
	int (*poll_fd)(const struct sink *s);
	short (*poll_events)(struct sink *s, bool want_room);
	void (*poll_ready)(struct sink *s, short revents);
	/* When to be looked at again, though no descriptor says so (CLOCK_MONOTONIC), 0: no wish.
	 * NULL: never. */
	uint64_t (*next_ns)(const struct sink *s, bool want_room);
	/* Time passes; called at least every SINK_TICK_NS. */
	void (*tick)(struct sink *s, uint64_t now_ns);
	/* Bytes taken that have not left this machine yet, as far as it is known. */
	size_t (*unsent)(const struct sink *s);
	/* Run at another rate from now on, and read back that it does. 0 or a negative errno, and
	 * the rate is as before. NULL: no serial line. */
	int (*set_rate)(struct sink *s, uint32_t baud);
	/* Forget what has not left yet, so that close does not wait for it. */
	void (*discard)(struct sink *s);
	/* What the driver counted since the sink was made; false: it does not count. NULL: no such.
	 */
	bool (*errors)(struct sink *s, ayaprof_UartErrors *sum);
	/* Leave the device as it was found, without waiting and without releasing anything: the
	 * program is about to be cut off. NULL: there is nothing to do. */
	void (*restore)(struct sink *s);
	/* Close and release. */
	void (*free)(struct sink *s);
};

#define SINK_TICK_NS 100000000ull

/* Implementations embed this as their first member. */
struct sink {
	const struct sink_ops *ops;
	enum sink_format format;
	ayaprof_LinkMode link;
	char description[160]; /* set by open, e.g. "serial /dev/ttyS1 115200" */
	uint32_t baud;         /* rate really set, 0: not a serial line */
	uint64_t bytes_per_s;  /* what the line can carry; 0: more than is worth counting */
	unsigned int generation;
	uint64_t reopened; /* times the other end came back */
	bool text;         /* SINK_LINE: frames as lines of text (framing/textframe.h) */
	bool listens;      /* somebody reads: poll for that, too */
	bool present;      /* somebody or something is there to write to */
	int error;         /* negative errno of what keeps it from working now, 0: nothing */
};

/* NULL: out of memory. Strings of cfg must outlive the sink. */
struct sink *sink_tty_new(const struct config *cfg);
struct sink *sink_file_new(const struct config *cfg);
struct sink *sink_tcp_new(const struct config *cfg);

#endif
