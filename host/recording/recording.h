/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A recording, out of a file or a pipe, into a trace (host/trace/trace.h): what the commands that read have in
 * common. Here are the operating system's parts that a trace has none of: files, threads, memory, messages.
 *
 * A recording is read twice, see trace.h, and not beyond where it ended when it was read first. Sinks are called in
 * the second reading; they find the trace in recording.trace.
 */
#ifndef HOST_RECORDING_H
#define HOST_RECORDING_H

#include "host/trace/trace.h"

enum recording_flags {
	RECORDING_PROGRESS = 1u << 0, /* a percentage on a terminal for long files */
	RECORDING_MUTE = 1u << 1,     /* say nothing of what is odd or left out */
};

struct recording_private;

struct recording {
	struct trace *trace;
	bool being_written; /* a recorder is at it: this is what there was up to now */
	/* When it has been read: */
	bool complete;    /* ended in order */
	uint64_t damaged; /* stretches of the file that were skipped */
	/* A sink that can do no more sets a negative errno: nothing more is read. */
	int stop;
	struct recording_private *priv;
};

/* Read a recording; path "-" is standard input. Never fails on damage: it is counted. Returns 0, or a negative errno
 * after printing one line: it cannot be read, it is none, there is no memory; or, nothing said, what a sink has set
 * recording.stop to. Closed with recording_close in any case. */
int recording_read(struct recording *r, const char *path, const struct trace_sink *sink, void *ctx,
	unsigned int flags);
/* The same from memory, without threads. */
int recording_read_memory(struct recording *r, const void *data, size_t len,
	const struct trace_sink *sink, void *ctx, unsigned int flags);
/*
 * Only what a range of times needs, ns since the origin of views, both ends included: events and segments
 * from shortly before it to shortly after it, calls that run at any moment of it, and all samples, logs and
 * losses. Where the recording has seek points (seek_index.h) the rest is not read; where it has none it is
 * read whole, and gets them for the next time. Otherwise as recording_read.
 */
int recording_read_range(struct recording *r, const char *path, const struct trace_sink *sink,
	void *ctx, uint64_t from_ns, uint64_t to_ns, unsigned int flags);
/* Only its figures, samples, logs and losses: no events and no calls, where they can be had without. */
int recording_read_figures(struct recording *r, const char *path, const struct trace_sink *sink,
	void *ctx, unsigned int flags);
void recording_close(struct recording *r);

/* Of a recording that is still being written (follow.c). */
struct recording_follower {
	/* About once a second while it grows, and at least once before it is over. NULL: nothing */
	void (*show)(void *ctx);
	/* The sink is given everything once more, from the beginning: what it has counts no longer. Returns 0 or a
	 * negative errno. NULL: do not read again, what has been given stands. */
	int (*restart)(void *ctx);
};

/*
 * Go on reading as it grows, until its recorder is done or has gone, or the user wants to stop; then, with restart,
 * read what there is in the ordinary way: what is shown at last is what recording_read shows. The first time it is
 * read once, as it comes: names are what is known by then. A pipe is followed until it ends. Otherwise as recording_read.
 */
int recording_follow(struct recording *r, const char *path, const struct trace_sink *sink,
	void *ctx, const struct recording_follower *f, unsigned int flags);

#endif
