/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Frames that may have to be sent again: none is lost or changed, whatever is acknowledged in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "target/stream/window.h"
#include "tests/unit/random.h"

#define SIZE (1u << 20)

/* A frame's bytes follow from its number. */
static size_t frame_of(uint32_t seq, uint8_t *wire)
{
	uint64_t seed = seq + 1;
	size_t len = 1 + random_below(&seed, random_below(&seed, 4) ? 300 : 4000);

	for (size_t i = 0; i < len; i++)
		wire[i] = (uint8_t)(seq + i);
	return len;
}

static void is_frame(const uint8_t *wire, size_t len, uint32_t seq)
{
	static uint8_t want[4096];

	assert_int_equal(len, frame_of(seq, want));
	assert_memory_equal(wire, want, len);
}

/* Says that of the frames from `next` on one run is missing, one has arrived. */
static void acknowledge(struct window *w, uint32_t next, uint32_t missing, uint32_t arrived)
{
	ayaprof_Ack ack = {.next_seq = next, .receiver = 1};
	bool gone;

	if (arrived) {
		ack.missing_count = 2;
		ack.missing[0] = missing;
		ack.missing[1] = arrived;
	}
	assert_int_equal(window_acknowledge(w, &ack, &gone), 0);
}

/* Every frame that is told to be missing is had again, byte for byte, until it has arrived. */
static void what_is_missing_is_there(void **state)
{
	static uint8_t wire[4096];
	unsigned int resent = 0, full = 0;
	uint64_t seed = 9;
	struct window w;

	assert_int_equal(window_init(&w, SIZE), 0);
	for (uint32_t round = 0; round < 60000; round++) {
		/* Phases of a host that is slow, and of one that is quick. */
		bool slow = round / 5000 % 2;
		uint32_t kept = w.end - w.first;
		size_t len = frame_of(w.end, wire);

		if (window_has_room(&w, len, false))
			window_add(&w, wire, len);
		else
			full++;
		if (random_below(&seed, slow ? 40 : 4) || kept < 4)
			continue;
		if (slow || random_below(&seed, 3)) {
			acknowledge(&w, w.first + random_below(&seed, slow ? 4 : kept), 0, 0);
			continue;
		}
		acknowledge(&w, w.first, 2, kept - 2);
		for (uint32_t seq = w.first; w.lost; seq++) {
			const uint8_t *again = window_resend(&w, &len);

			is_frame(again, len, seq);
			resent++;
		}
	}
	while (w.first != w.end) {
		const uint8_t *again = window_resend_newest(&w, &(size_t){0});

		is_frame(w.mem + w.slots[w.first % WINDOW_FRAMES].at,
			w.slots[w.first % WINDOW_FRAMES].len, w.first);
		assert_non_null(again);
		acknowledge(&w, w.first + 1, 0, 0);
	}
	assert_true(resent > 1000 && full > 100);
	assert_true(w.extent > WINDOW_EXTENT);
	window_free(&w);
}

static void little_that_waits_takes_little(void **state)
{
	static uint8_t wire[2000];
	struct window w;

	assert_int_equal(window_init(&w, SIZE), 0);
	for (uint32_t seq = 0; seq < 5000; seq++) {
		assert_true(window_has_room(&w, sizeof(wire), false));
		window_add(&w, wire, sizeof(wire));
		if (seq >= 20)
			acknowledge(&w, seq - 20, 0, 0);
	}
	assert_true(w.extent < 128u << 10);
	window_free(&w);
}

/* Without a host the oldest give way, within what is allowed. */
static void the_oldest_give_way(void **state)
{
	static uint8_t wire[4096];
	struct window w;

	assert_int_equal(window_init(&w, SIZE), 0);
	for (uint32_t seq = 0; seq < 5000; seq++) {
		size_t len = frame_of(seq, wire);

		window_make_room(&w, len, seq < 2500 ? 100u << 10 : SIZE);
		window_add(&w, wire, len);
		for (uint32_t kept = w.first; seq % 100 == 0 && kept != w.end; kept++)
			is_frame(w.mem + w.slots[kept % WINDOW_FRAMES].at,
				w.slots[kept % WINDOW_FRAMES].len, kept);
		if (seq == 2499)
			assert_true(w.extent <= 128u << 10);
	}
	assert_true(w.end - w.first > 500);
	window_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_missing_is_there),
		cmocka_unit_test(little_that_waits_takes_little),
		cmocka_unit_test(the_oldest_give_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
