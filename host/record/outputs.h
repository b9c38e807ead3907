/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The files of a recording that is being made: the recording itself, the console's text, the line's bytes.
 *
 *     recorder -> hold, until the first valid frame -> queue -> writer's thread -> file
 *                (files that have something in them)  (base/writer.h)
 *
 * None holds up the reading of the port. A recording without room refuses frames, which then count as not
 * received; the others drop what does not fit, counted. Files are locked against other writers as long as
 * they are open; nothing that a file has is cut off before outputs_begin.
 */
#ifndef HOST_OUTPUTS_H
#define HOST_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/writer.h"

/* What the recorder itself has to say before the first frame comes; of more than that, the newest is dropped. */
#define OUTPUT_HELD_RECORDS 65536u
/* Console text and line bytes that wait for the first frame; of more than that, the newest is dropped. */
#define OUTPUT_HELD_BYTES 1048576u
#define OUTPUT_QUEUE      16777216u /* of the recording, and of the line's bytes */
#define OUTPUT_QUEUE_TEXT 1048576u

struct output {
	const char *name; /* for the user; the caller's */
	int fd;           /* -1: none, or its writer's */
	struct writer *writer;
	size_t queue; /* its size */
	bool replace; /* it has what another run wrote: that is cut off with the first bytes */
	bool holds;   /* until then bytes wait here: */
	uint8_t *held;
	size_t n_held, max_held;
	uint64_t dropped; /* bytes that found no room, here or in the queue */
	bool failed;      /* said */
};

/*
 * append: at the end of what is there. Locks the file, writes nothing; then output_start. 0, or a negative
 * errno after saying why. A NULL path is an output that takes nothing; "-" is standard output.
 */
int output_open(struct output *o, const char *path, bool append, size_t queue, size_t max_held);
/* wake_fd: writer.h. Bytes go out from now on, or from output_begin on if there are old ones. */
int output_start(struct output *o, int wake_fd);
/* There is something to put in the place of what was there. */
int output_begin(struct output *o);

/* False: they are dropped, and counted. At most WRITER_PIECE_MAX bytes, one piece. */
bool output_put(struct output *o, const void *data, size_t len);
bool output_has_room(const struct output *o, size_t len);
/* 0, or the negative errno that has ended it. */
int output_error(const struct output *o);
/* The same, as a phrase for the user. */
const char *output_why(int err);
/* All is in the file, or that takes longer than patience_ns without a byte getting through: false. */
bool output_drain(const struct output *o, uint64_t patience_ns);

/* Write what waits (not what is still held), close. Returns the error that ended it, or -ETIMEDOUT:
 * o->dropped says how much is gone. */
int output_close(struct output *o, uint64_t patience_ns);

#endif
