/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define QUEUE_EXTENT (64u << 10) /* of the part of a queue in use, at first */
#define ALIGN(n)     (((n) + 7u) & ~(size_t)7u)

/* What stands in the ring; shares and payload follow. total 0: the rest up to the end is unused. */
struct record {
	uint32_t total; /* with this header, aligned */
	uint32_t len;
	uint32_t events;
	uint16_t n_shares;
	uint8_t kind;
	uint8_t flags;
	uint64_t first_ns, last_ns;
};
_Static_assert(sizeof(struct record) % 8 == 0, "records are laid out by 8 bytes");

/* Shares of the memory in 1/16; at least so many bytes. Control gets little: there is little. */
static const struct {
	size_t sixteenths, least, most;
} layout[SPOOL_PRIORITIES] = {
	[AYP_PRIORITY_META] = {2, 16u << 10, 256u << 10},
	[AYP_PRIORITY_AGGREGATE] = {1, 12u << 10, 128u << 10},
	[AYP_PRIORITY_CONTROL] = {0, 4u << 10, 4u << 10},
	/* events: what is left */
};

static void set_up(struct spool_queue *q, uint8_t *mem, size_t size)
{
	*q = (struct spool_queue){
		.mem = mem, .size = size, .extent = size < QUEUE_EXTENT ? size : QUEUE_EXTENT};
}

int spool_init(struct spool *s, size_t size)
{
	size_t at = 0;

	memset(s, 0, sizeof(*s));
	if (size < SPOOL_MIN_SIZE)
		return -EINVAL;
	size &= ~(size_t)7u;
	/* Anonymous pages cost nothing until they are written, unlike what a heap may hand out. */
	s->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->mem == MAP_FAILED) {
		s->mem = NULL;
		return -ENOMEM;
	}
	s->size = size;
	for (unsigned int p = 0; p < AYP_PRIORITY_EVENTS; p++) {
		size_t share = ALIGN(size / 16 * layout[p].sixteenths);
		share = share < layout[p].least ? layout[p].least : share;
		share = share > layout[p].most ? layout[p].most : share;
		set_up(&s->queues[p], s->mem + at, share);
		at += share;
	}
	set_up(&s->queues[AYP_PRIORITY_EVENTS], s->mem + at, size - at);
	return 0;
}

void spool_free(struct spool *s)
{
	if (s->mem)
		munmap(s->mem, s->size);
	memset(s, 0, sizeof(*s));
}

static size_t record_size(size_t len, size_t n_shares)
{
	return ALIGN(sizeof(struct record) + n_shares * sizeof(struct spool_share) + len);
}

/* Where `need` bytes would go if so much memory was in use; false if nowhere. *wrap: past an unused
 * end, to the beginning. */
static bool place(const struct spool_queue *q, size_t extent, size_t need, bool *wrap)
{
	*wrap = false;
	if (q->tail < q->head)
		return need < q->head + (extent - q->extent) - q->tail;
	/* The end itself may be filled only if tail then does not meet a head at 0. */
	if (q->tail + need < extent || (q->tail + need == extent && q->head > 0))
		return true;
	*wrap = true;
	return need < q->head;
}

/* What stands at the end of the part in use stays at its end. */
static void widen(struct spool_queue *q, size_t extent)
{
	size_t by = extent - q->extent;

	if (q->tail < q->head) {
		memmove(q->mem + q->head + by, q->mem + q->head, q->extent - q->head);
		q->head += by;
	}
	q->extent = extent;
}

static bool make_room(struct spool_queue *q, size_t need, bool *wrap)
{
	if (!place(q, q->size, need, wrap))
		return false;
	while (!place(q, q->extent, need, wrap))
		widen(q, q->extent < q->size / 2 ? 2 * q->extent : q->size);
	return true;
}

static size_t queue_bytes(const struct spool_queue *q)
{
	return q->tail >= q->head ? q->tail - q->head : q->extent - q->head + q->tail;
}

int spool_push(struct spool *s, const struct spool_item *item)
{
	struct spool_queue *q = &s->queues[item->priority];
	size_t need = record_size(item->len, item->n_shares), used;
	size_t shares_size = item->n_shares * sizeof(struct spool_share);
	struct record r = {
		.total = (uint32_t)need,
		.len = item->len,
		.events = item->events,
		.n_shares = item->n_shares,
		.kind = item->kind,
		.flags = item->flags,
		.first_ns = item->first_ns,
		.last_ns = item->last_ns,
	};
	bool wrap;

	if (!make_room(q, need, &wrap))
		return -ENOSPC;
	if (wrap) {
		memset(q->mem + q->tail, 0, sizeof(r.total)); /* the "unused" mark */
		q->tail = 0;
	}
	memcpy(q->mem + q->tail, &r, sizeof(r));
	if (shares_size)
		memcpy(q->mem + q->tail + sizeof(r), item->shares, shares_size);
	if (item->len)
		memcpy(q->mem + q->tail + sizeof(r) + shares_size, item->payload, item->len);
	q->tail += need;
	if (q->tail == q->extent)
		q->tail = 0;
	q->items++;
	s->events += item->events;
	used = spool_bytes(s);
	if (used > s->peak)
		s->peak = used;
	return 0;
}

bool spool_has_room(const struct spool *s, unsigned int priority, size_t len, size_t n_shares)
{
	bool wrap;

	return place(
		&s->queues[priority], s->queues[priority].size, record_size(len, n_shares), &wrap);
}

static const struct record *first_record(const struct spool_queue *q)
{
	const struct record *r = (const void *)(q->mem + q->head);

	return r->total ? r : (const void *)q->mem;
}

static int first_priority(const struct spool *s)
{
	for (int p = 0; p < SPOOL_PRIORITIES; p++)
		if (s->queues[p].items)
			return p;
	return -1;
}

bool spool_peek(const struct spool *s, struct spool_item *item)
{
	int p = first_priority(s);
	const struct record *r;

	if (p < 0)
		return false;
	r = first_record(&s->queues[p]);
	*item = (struct spool_item){
		.kind = r->kind,
		.flags = r->flags,
		.priority = (uint8_t)p,
		.n_shares = r->n_shares,
		.len = r->len,
		.events = r->events,
		.first_ns = r->first_ns,
		.last_ns = r->last_ns,
		.shares = (const void *)(r + 1),
		.payload = (const uint8_t *)(r + 1) + r->n_shares * sizeof(struct spool_share),
	};
	return true;
}

void spool_pop(struct spool *s)
{
	int p = first_priority(s);
	struct spool_queue *q;
	const struct record *r;

	if (p < 0)
		return;
	q = &s->queues[p];
	r = first_record(q);
	s->events -= r->events;
	q->head = (size_t)((const uint8_t *)r - q->mem) + r->total;
	if (q->head == q->extent)
		q->head = 0;
	/* Starting over from the beginning keeps the pages of a line that keeps up few. */
	if (--q->items == 0)
		q->head = q->tail = 0;
}

size_t spool_items(const struct spool *s, unsigned int priority)
{
	return s->queues[priority].items;
}

size_t spool_bytes_of(const struct spool *s, unsigned int priority)
{
	return queue_bytes(&s->queues[priority]);
}

size_t spool_bytes(const struct spool *s)
{
	size_t sum = 0;

	for (int p = 0; p < SPOOL_PRIORITIES; p++)
		sum += queue_bytes(&s->queues[p]);
	return sum;
}

size_t spool_events_size(const struct spool *s)
{
	return s->queues[AYP_PRIORITY_EVENTS].size;
}

bool spool_empty(const struct spool *s)
{
	return first_priority(s) < 0;
}
