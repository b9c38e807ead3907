/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/stream/spool.h"
#include "tests/unit/random.h"

static struct spool_item item_of(uint8_t priority, const uint8_t *payload, uint32_t len)
{
	return (struct spool_item){
		.kind = 3, .flags = 1, .priority = priority, .len = len, .payload = payload};
}

static void what_goes_in_comes_out(void **state)
{
	static const struct spool_share shares[] = {{0, 7}, {3, 2}};
	static const uint8_t payload[] = "frames";
	struct spool_item in = item_of(AYP_PRIORITY_EVENTS, payload, sizeof(payload)), out;
	struct spool s;

	in.shares = shares;
	in.n_shares = 2;
	in.events = 9;
	in.first_ns = 11;
	in.last_ns = 22;
	assert_int_equal(spool_init(&s, 1u << 20), 0);
	assert_false(spool_peek(&s, &out));
	assert_int_equal(spool_push(&s, &in), 0);
	assert_int_equal(s.events, 9);
	assert_true(spool_peek(&s, &out));
	assert_int_equal(out.kind, 3);
	assert_int_equal(out.flags, 1);
	assert_int_equal(out.priority, AYP_PRIORITY_EVENTS);
	assert_int_equal(out.events, 9);
	assert_int_equal(out.first_ns, 11);
	assert_int_equal(out.last_ns, 22);
	assert_int_equal(out.n_shares, 2);
	assert_memory_equal(out.shares, shares, sizeof(shares));
	assert_int_equal(out.len, sizeof(payload));
	assert_memory_equal(out.payload, payload, sizeof(payload));
	spool_pop(&s);
	assert_true(spool_empty(&s));
	assert_int_equal(s.events, 0);
	assert_int_equal(spool_bytes(&s), 0);
	spool_free(&s);
}

static void metadata_overtakes_events(void **state)
{
	struct spool s;
	struct spool_item out;

	spool_init(&s, 1u << 20);
	for (int p = AYP_PRIORITY_EVENTS; p >= AYP_PRIORITY_META; p--) {
		uint8_t byte = (uint8_t)p;
		struct spool_item in = item_of((uint8_t)p, &byte, 1);
		assert_int_equal(spool_push(&s, &in), 0);
	}
	for (int p = AYP_PRIORITY_META; p <= AYP_PRIORITY_EVENTS; p++) {
		assert_true(spool_peek(&s, &out));
		assert_int_equal(out.payload[0], p);
		spool_pop(&s);
	}
	spool_free(&s);
}

static void events_leave_room_for_metadata(void **state)
{
	static uint8_t payload[4096];
	struct spool_item events = item_of(AYP_PRIORITY_EVENTS, payload, sizeof(payload));
	struct spool_item names = item_of(AYP_PRIORITY_META, payload, sizeof(payload));
	struct spool_item totals = item_of(AYP_PRIORITY_AGGREGATE, payload, sizeof(payload));
	struct spool s;

	assert_int_equal(spool_init(&s, SPOOL_MIN_SIZE - 1), -EINVAL);
	spool_init(&s, SPOOL_MIN_SIZE);
	while (spool_push(&s, &events) == 0)
		;
	assert_true(spool_items(&s, AYP_PRIORITY_EVENTS) >= 7);
	assert_int_equal(spool_push(&s, &names), 0);
	assert_int_equal(spool_push(&s, &names), 0);
	assert_int_equal(spool_push(&s, &totals), 0);
	assert_true(spool_bytes(&s) <= SPOOL_MIN_SIZE);
	spool_free(&s);
}

static void refused_means_unchanged(void **state)
{
	static uint8_t payload[4096];
	struct spool_item in = item_of(AYP_PRIORITY_EVENTS, payload, sizeof(payload));
	struct spool s;
	size_t bytes, items, peak;

	spool_init(&s, SPOOL_MIN_SIZE);
	in.events = 5;
	while (spool_push(&s, &in) == 0)
		;
	bytes = spool_bytes(&s);
	items = spool_items(&s, AYP_PRIORITY_EVENTS);
	peak = s.peak;
	assert_false(spool_has_room(&s, AYP_PRIORITY_EVENTS, sizeof(payload), 0));
	assert_int_equal(spool_push(&s, &in), -ENOSPC);
	assert_int_equal(spool_bytes(&s), bytes);
	assert_int_equal(spool_items(&s, AYP_PRIORITY_EVENTS), items);
	assert_int_equal(s.events, 5 * items);
	assert_int_equal(s.peak, peak);
	assert_int_equal(peak, bytes);
	spool_pop(&s);
	spool_pop(&s);
	assert_int_equal(spool_push(&s, &in), 0);
	spool_free(&s);
}

/* 64 records of 64 bytes are the 4096 of this queue: the last must not make it look empty. */
static void full_is_not_empty(void **state)
{
	static const uint8_t payload[32];
	struct spool_item in = item_of(AYP_PRIORITY_CONTROL, payload, sizeof(payload));
	struct spool s;
	size_t n = 0;

	spool_init(&s, SPOOL_MIN_SIZE);
	assert_int_equal(s.queues[AYP_PRIORITY_CONTROL].size, 4096);
	while (spool_push(&s, &in) == 0)
		n++;
	assert_int_equal(n, 63);
	assert_int_equal(spool_bytes(&s), 63 * 64);
	for (; n > 0; n--)
		spool_pop(&s);
	assert_true(spool_empty(&s));
	spool_free(&s);
}

/* Against a list that cannot be wrong: order, content and counts, through many turns of the rings.
 */
struct shadow {
	uint32_t number, len;
	uint16_t n_shares;
};

static void traffic(size_t size, uint32_t phase)
{
	static struct shadow queue[SPOOL_PRIORITIES][8192];
	static uint8_t payload[4096];
	static struct spool_share shares[256];
	size_t head[SPOOL_PRIORITIES] = {0}, tail[SPOOL_PRIORITIES] = {0};
	uint64_t seed = 42, refused = 0, turned = 0;
	struct spool s;

	spool_init(&s, size);
	for (uint32_t i = 0; i < 200 * phase; i++) {
		struct spool_item item;
		unsigned int p =
			random_below(&seed, 4) ? AYP_PRIORITY_EVENTS : random_below(&seed, 3);

		/* Phases of filling and of emptying. */
		if (random_below(&seed, 10) < (i / phase % 2 ? 3 : 6)) {
			uint32_t len = random_below(&seed, 20)
					       ? random_below(&seed, 300)
					       : random_below(&seed, sizeof(payload));
			struct shadow next = {i, len, (uint16_t)random_below(&seed, 5)};
			size_t queued = (tail[p] - head[p]) % 8192;

			memset(payload, (int)(i & 0xff), len);
			shares[0].count = (uint16_t)i;
			item = item_of((uint8_t)p, payload, len);
			item.first_ns = i;
			item.shares = shares;
			item.n_shares = next.n_shares;
			assert_int_equal(queued, spool_items(&s, p));
			if (spool_push(&s, &item)) {
				refused++;
				continue;
			}
			queue[p][tail[p]++ % 8192] = next;
			continue;
		}
		if (!spool_peek(&s, &item)) {
			turned++;
			continue;
		}
		for (unsigned int q = 0; q < item.priority; q++)
			assert_int_equal(head[q], tail[q]);
		const struct shadow *want = &queue[item.priority][head[item.priority]++ % 8192];
		assert_int_equal(item.first_ns, want->number);
		assert_int_equal(item.len, want->len);
		assert_int_equal(item.n_shares, want->n_shares);
		if (want->n_shares)
			assert_int_equal(item.shares[0].count, (uint16_t)want->number);
		for (uint32_t b = 0; b < item.len; b++)
			assert_int_equal(item.payload[b], want->number & 0xff);
		spool_pop(&s);
	}
	/* Both ends were met, or the traffic proves nothing. */
	assert_true(refused > 100);
	assert_true(turned > 100);
	spool_free(&s);
}

static void random_traffic(void **state)
{
	traffic(SPOOL_MIN_SIZE, 1000);
	traffic(4 * SPOOL_MIN_SIZE, 5000); /* queues widen while they turn */
}

/* However much passes through it, a queue in which little waits keeps to little memory. */
static void little_that_waits_takes_little(void **state)
{
	static uint8_t payload[2000];
	struct spool_item in = item_of(AYP_PRIORITY_EVENTS, payload, sizeof(payload));
	struct spool s;

	spool_init(&s, 4u << 20);
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(spool_push(&s, &in), 0);
		if (i >= 20)
			spool_pop(&s);
	}
	assert_true(s.queues[AYP_PRIORITY_EVENTS].extent < 128u << 10);
	spool_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(metadata_overtakes_events),
		cmocka_unit_test(events_leave_room_for_metadata),
		cmocka_unit_test(refused_means_unchanged),
		cmocka_unit_test(full_is_not_empty),
		cmocka_unit_test(random_traffic),
		cmocka_unit_test(little_that_waits_takes_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
