/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What waits for the line: encoded payloads in bounded memory, one queue per priority.
 *
 * Every priority has memory of its own, so that events never crowd out the metadata they need. An
 * item is stored whole or refused whole; the spool itself never drops anything. Allocated once; of
 * a queue's memory no more is touched than was ever needed at once.
 */
#ifndef TARGET_SPOOL_H
#define TARGET_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"

#define SPOOL_PRIORITIES (AYP_PRIORITY_EVENTS + 1)
#define SPOOL_MIN_SIZE   (64u << 10)

/* How many events of an item are of which CPU: for the books, should the item be dropped. */
struct spool_share {
	uint16_t cpu;
	uint16_t count;
};

struct spool_item {
	uint8_t kind;     /* enum ayp_kind */
	uint8_t flags;    /* of the frame */
	uint8_t priority; /* enum ayp_priority */
	uint16_t n_shares;
	uint32_t len;
	uint32_t events; /* sum of the shares */
	uint64_t first_ns, last_ns;
	const struct spool_share *shares;
	const uint8_t *payload;
};

struct spool_queue {
	uint8_t *mem;
	size_t size;       /* of mem */
	size_t extent;     /* of the part in use: grows when it is full, never shrinks */
	size_t head, tail; /* head == tail: empty; one aligned cell always stays free */
	size_t items;
};

struct spool {
	struct spool_queue queues[SPOOL_PRIORITIES];
	uint8_t *mem;
	size_t size;
	size_t peak;     /* most bytes ever in use */
	uint64_t events; /* waiting */
};

/* size: of everything, at least SPOOL_MIN_SIZE. Returns 0, -EINVAL or -ENOMEM. */
int spool_init(struct spool *s, size_t size);
void spool_free(struct spool *s);

/* Copy an item in. 0, or -ENOSPC and nothing is changed. */
int spool_push(struct spool *s, const struct spool_item *item);
/* Whether an item with that payload and so many shares would be taken now. */
bool spool_has_room(const struct spool *s, unsigned int priority, size_t len, size_t n_shares);

/* The next item for the line, lowest priority number first. False when empty. The pointers in *item
 * are valid until the next push or pop. */
bool spool_peek(const struct spool *s, struct spool_item *item);
/* Remove the item that peek shows. */
void spool_pop(struct spool *s);

size_t spool_items(const struct spool *s, unsigned int priority);
/* Bytes in use, of one priority or of all, and the room events have altogether. */
size_t spool_bytes_of(const struct spool *s, unsigned int priority);
size_t spool_bytes(const struct spool *s);
size_t spool_events_size(const struct spool *s);
bool spool_empty(const struct spool *s);

#endif
