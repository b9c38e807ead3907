/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The ring buffer's reading end: records in bounded batches, and a descriptor that says when to
 * look. */
#ifndef TARGET_PROBES_RING_H
#define TARGET_PROBES_RING_H

#include <stddef.h>

#include "bpf/events.h"

struct ring_buffer;

struct ring {
	struct ring_buffer *rb;
	int poll_fd, timer_fd;
	void (*record)(void *ctx, const struct ayp_rec *rec, size_t size);
	void *ctx;
	unsigned int left, taken; /* of the batch at hand */
};

/* `record` gets each record, complete and of a size its kind allows; the memory is the ring's own
 * and is gone when it returns. */
int ring_open(struct ring *r, int map_fd, void (*record)(void *, const struct ayp_rec *, size_t),
	void *ctx);
void ring_close(struct ring *r);

/* Start the clock that makes the descriptor readable every few milliseconds: programs wake nobody
 * until the ring fills (see wake_flags in common.bpf.h). */
int ring_start(struct ring *r);

/* Take at most `max` records. Returns how many; fewer than max: the ring is empty or its next
 * record is still being written. */
unsigned int ring_take(struct ring *r, unsigned int max);

#endif
