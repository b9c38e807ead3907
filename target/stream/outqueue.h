/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a channel has still to send, and the ledger of what it could not: a spool and its losses. It
 * knows nothing of lines, frames or time.
 *
 * Events that do not fit the spool are dropped as a whole block, the newest, and from then on all
 * events until 1/16 of the spool is free again: whole windows of events, rather than random holes.
 */
#ifndef TARGET_OUTQUEUE_H
#define TARGET_OUTQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/stream/losses.h"
#include "target/stream/spool.h"

struct outqueue {
	struct spool spool;
	struct losses losses;
	bool shedding; /* events are dropped until there is room again */
};

/* As spool_init. */
int outqueue_init(struct outqueue *q, size_t size);
void outqueue_free(struct outqueue *q);

/* Queue one message. `priority`: its kind's, or that of what it has to stay in order with. 0, or
 * -ENOSPC: not now. */
int outqueue_post(struct outqueue *q, unsigned int kind, unsigned int priority, uint8_t flags,
	const uint8_t *payload, size_t len);
/* Could a payload of that size be queued with kind's priority? */
bool outqueue_has_room(const struct outqueue *q, unsigned int kind, size_t len);

/* Whether events are taken at the moment, rather than dropped until there is room again. */
bool outqueue_takes_events(struct outqueue *q);
/* Queue a block of events, or drop it and count it as lost. */
void outqueue_post_events(struct outqueue *q, const struct spool_item *item);
/* Could blocks of together `bytes` be queued without one being dropped? */
bool outqueue_has_event_room(const struct outqueue *q, size_t bytes);

/* Count the events of an item as lost. */
void outqueue_lose(struct outqueue *q, ayaprof_LossCause cause, const struct spool_item *item);
/* Drop everything that waits, counted as abandoned. */
void outqueue_abandon(struct outqueue *q);

#endif
