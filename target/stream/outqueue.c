/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/outqueue.h"

#include <assert.h>

#include "framing/framing.h"

#define RESUME_FRACTION 16u
#define SHARES_MAX      256u

int outqueue_init(struct outqueue *q, size_t size)
{
	*q = (struct outqueue){0};
	return spool_init(&q->spool, size);
}

void outqueue_free(struct outqueue *q)
{
	spool_free(&q->spool);
}

int outqueue_post(struct outqueue *q, unsigned int kind, unsigned int priority, uint8_t flags,
	const uint8_t *payload, size_t len)
{
	struct spool_item item = {
		.kind = (uint8_t)kind,
		.flags = flags,
		.priority = (uint8_t)priority,
		.len = (uint32_t)len,
		.payload = payload,
	};

	assert(priority < SPOOL_PRIORITIES && len <= FRAMING_MAX_PAYLOAD);
	return spool_push(&q->spool, &item);
}

bool outqueue_has_room(const struct outqueue *q, unsigned int kind, size_t len)
{
	return spool_has_room(&q->spool, ayp_kind_info(kind)->priority, len, 0);
}

bool outqueue_has_event_room(const struct outqueue *q, size_t bytes)
{
	size_t used = spool_bytes_of(&q->spool, AYP_PRIORITY_EVENTS);
	/* The end of the ring may stay unused for want of one record's length. */
	size_t slack = 2 * (FRAMING_MAX_PAYLOAD + SHARES_MAX * sizeof(struct spool_share));

	return used + bytes + slack <= spool_events_size(&q->spool);
}

bool outqueue_takes_events(struct outqueue *q)
{
	size_t size = spool_events_size(&q->spool);

	if (q->shedding)
		q->shedding = spool_bytes_of(&q->spool, AYP_PRIORITY_EVENTS) >
			      size - size / RESUME_FRACTION;
	return !q->shedding;
}

void outqueue_lose(struct outqueue *q, ayaprof_LossCause cause, const struct spool_item *item)
{
	for (unsigned int i = 0; i < item->n_shares; i++)
		losses_add(&q->losses, cause, item->shares[i].cpu, item->shares[i].count,
			item->first_ns, item->last_ns);
}

void outqueue_post_events(struct outqueue *q, const struct spool_item *item)
{
	assert(item->priority == AYP_PRIORITY_EVENTS && item->n_shares <= SHARES_MAX);
	if (outqueue_takes_events(q) && spool_push(&q->spool, item) == 0)
		return;
	q->shedding = true;
	outqueue_lose(q, ayaprof_LossCause_LOSS_SPOOL_FULL, item);
}

void outqueue_abandon(struct outqueue *q)
{
	struct spool_item item;

	while (spool_peek(&q->spool, &item)) {
		outqueue_lose(q, ayaprof_LossCause_LOSS_ABANDONED, &item);
		spool_pop(&q->spool);
	}
}
