/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For host/recording/ only. */
#ifndef HOST_RECORDING_INTERNAL_H
#define HOST_RECORDING_INTERNAL_H

#include "host/recording/input.h"
#include "host/recording/reader.h"
#include "host/recording/recording.h"
#include "host/recording/seek_index.h"
#include "host/recording/workers.h"

struct recording_private {
	struct input input; /* fd -1: memory */
	struct reader *reader;
	struct workers *workers;
	const char *name; /* for messages */
	unsigned int flags;
	const struct trace_sink *sink;
	void *ctx;
	bool in_part;               /* only a range is wanted */
	struct seek_writer *writer; /* makes seek points in the second reading; or NULL */
	struct seek_index index;    /* of which a part is read */
};

/* realloc(3) and free(3). */
extern const struct trace_memory recording_memory;

/* All return 0 or a negative errno; recording.stop and out of memory are said by recording_said. */

/* Ready to be read: no trace yet. */
int recording_open(struct recording *r, const char *path, const struct trace_sink *sink, void *ctx,
	unsigned int flags, bool live);
/* An empty trace; the one before is gone. mute: its notices are not said. */
int recording_new_trace(struct recording *r, bool mute);
/* Both readings, from the beginning; what is odd is said. */
int recording_read_twice(struct recording *r);
/* By its seek points, if it has some. Returns 1, or 0: read it whole; or a negative errno. */
int recording_read_part(struct recording *r, uint64_t from_ns, uint64_t to_ns, bool figures);
/* The reading is over: complete, damaged, what was left out. */
void recording_finish(struct recording *r);
/* No recording at all? Says so. */
int recording_check_any(const struct recording *r);
/* Says what went wrong in reading, where nobody has yet. Returns err. */
int recording_said(const struct recording *r, int err);

#endif
