/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bytes to a descriptor through a queue of fixed size, written by a thread of its own: a full disk that
 * hangs, a pipe that nobody reads, a terminal stopped by Ctrl-S hold up nobody else.
 *
 *     writer_put -> [ piece | piece | piece ] -> thread -> write(2)
 *
 * A piece is written with one write(2), if the descriptor takes it so, and is either in a regular file as
 * a whole or, when that fails, not at all. The queue's memory is touched as far as it fills.
 */
#ifndef HOST_WRITER_H
#define HOST_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRITER_PIECE_MAX 65536u

struct writer_options {
	int fd;           /* may be non-blocking, or become so by another program's doing */
	bool keep_open;   /* writer_close leaves fd open */
	size_t size;      /* of the queue, bytes; at least two of the longest pieces */
	const char *path; /* of a regular file: -ESTALE when it is there no more, or another one is.
			     NULL: not looked at. The caller's */
	int wake_fd; /* an eventfd(2) that is written to when an error has come, or room after writer_put
			had none; 0: none */
};

struct writer;

/* 0 or a negative errno; then fd is still the caller's. */
int writer_new(struct writer **w, const struct writer_options *opt);

/* Queue all of it, at most WRITER_PIECE_MAX bytes. False: there is no room, or writing has failed; these
 * bytes count as dropped. */
bool writer_put(struct writer *w, const void *data, size_t len);
/* Would so many bytes find room? Nothing is counted. */
bool writer_has_room(struct writer *w, size_t len);

struct writer_state {
	int error;                 /* a negative errno that has ended writing, or 0 */
	uint64_t written, dropped; /* bytes; those in the queue when an error came are dropped */
	size_t waiting;            /* bytes in the queue, or being written */
	uint64_t progress_ns; /* loop_clock() of the last bytes that got through, or of the start */
};
struct writer_state writer_state(struct writer *w);

/*
 * Wait until all is written, as long as bytes get through at least every `patience_ns`, and no second
 * signal comes (loop.h); then close, and free w. What is left is dropped. Returns what state.error was, or
 * -ETIMEDOUT when something was left. A thread that hangs is left behind.
 */
int writer_close(struct writer *w, uint64_t patience_ns, struct writer_state *last);
/* The same without closing: wait until the queue is empty. */
bool writer_drain(struct writer *w, uint64_t patience_ns);

#endif
