/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Blocks that build on one another, in a recording: what is missing costs what it must, exactly. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/make_recording.h"

#include "tests/unit/loaded.h"
#include "host/recording/reader.h"
#include "host/record/recorder_books.h"

#define BLOCKS    12u
#define PER_BLOCK 50u
#define PER_GROUP 4u

static struct {
	uint8_t bytes[1024];
	size_t size;
	struct ayp_block_info info;
} blocks[BLOCKS];

static uint64_t time_of(uint32_t i)
{
	return 1000000 + i * 700 + i * i % 97;
}

/* Three groups of four blocks. */
static int setup(void **state)
{
	const struct ayp_block_config config = {.codec = AYP_CODEC_ADAPTIVE, .target_bytes = 900};
	struct ayp_block_encoder *e =
		ayp_block_encoder_init(malloc(ayp_block_encoder_size(AYP_CODEC_ADAPTIVE)), &config);

	if (!e)
		return -1;
	for (uint32_t b = 0; b < BLOCKS; b++) {
		if (b % PER_GROUP == 0)
			ayp_block_encoder_restart(e);
		for (uint32_t i = b * PER_BLOCK; i < (b + 1) * PER_BLOCK; i++)
			(void)ayp_block_encoder_put(e, &(struct ayp_event){.t_ns = time_of(i),
							       .tid = 5,
							       .func = (uint16_t)(i / 2 % 7),
							       .kind = (uint8_t)(i % 2)});
		blocks[b].size = ayp_block_encoder_cut(
			e, blocks[b].bytes, sizeof(blocks[b].bytes), &blocks[b].info);
		if (blocks[b].info.count != PER_BLOCK)
			return -1;
	}
	free(e);
	return 0;
}

static void add(struct making *r, uint32_t b)
{
	ayaprof_Events *msg = making_msg(r);

	msg->first_index = b * PER_BLOCK;
	msg->count = PER_BLOCK;
	msg->codec = AYP_CODEC_ADAPTIVE;
	msg->block.size = (pb_size_t)blocks[b].size;
	memcpy(msg->block.bytes, blocks[b].bytes, blocks[b].size);
	making_add(r, AYP_KIND_EVENTS);
}

static void finish(struct making *r)
{
	making_goodbye(r, BLOCKS * PER_BLOCK, BLOCKS * PER_BLOCK);
	making_end(r);
}

static void load(struct making *r, struct loaded *m)
{
	assert_int_equal(loaded_memory(m, r->data, r->size), 0);
	assert_int_equal(m->n_events + m->totals->lost_total, BLOCKS * PER_BLOCK);
}

/* The blocks of a set are there, to the last event, and no others. */
static void check_events(const struct loaded *m, uint32_t set)
{
	size_t at = 0;

	for (uint32_t b = 0; b < BLOCKS; b++) {
		if (!(set >> b & 1))
			continue;
		for (uint32_t i = b * PER_BLOCK; i < (b + 1) * PER_BLOCK; i++, at++) {
			assert_true(at < m->n_events);
			assert_int_equal(m->events[at].t_ns, time_of(i));
			assert_int_equal(m->events[at].func, i / 2 % 7);
		}
	}
	assert_int_equal(at, m->n_events);
}

/* Blocks that can be decoded when one is missing. */
static uint32_t without(uint32_t missing)
{
	uint32_t set = 0;

	for (uint32_t b = 0; b < BLOCKS; b++)
		if (b / PER_GROUP != missing / PER_GROUP || b < missing)
			set |= 1u << b;
	return set;
}

static uint64_t recorder_delivered(const struct making *r, uint64_t *line)
{
	struct recorder_books books;
	struct recorder_state totals = {0};
	struct reader *reader;
	struct reader_frame f;

	assert_int_equal(recorder_books_init(&books), 0);
	assert_int_equal(reader_open_memory(&reader, r->data, r->size), 0);
	while (reader_next(reader, &f) == 1)
		if (f.header.session)
			recorder_books_frame(&books, &f.header, f.payload, f.payload_len);
	reader_close(reader);
	recorder_books_settle(&books);
	recorder_books_totals(&books, false, &totals);
	recorder_books_free(&books);
	*line = totals.lost_by_cause[ayaprof_LossCause_LOSS_LINE];
	return totals.events;
}

static void a_lost_block_costs_the_rest_of_its_group_as_line_loss(void **state)
{
	for (uint32_t missing = 0; missing < BLOCKS; missing++) {
		struct making *r = making_new();
		uint64_t cost = (PER_GROUP - missing % PER_GROUP) * PER_BLOCK, line;
		struct loaded m;

		making_hello(r);
		for (uint32_t b = 0; b < BLOCKS; b++)
			if (b != missing)
				add(r, b);
		finish(r);
		load(r, &m);
		check_events(&m, without(missing));
		assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_LINE], cost);
		assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_UNDECODABLE], 0);
		/* and whoever only counts agrees */
		assert_int_equal(recorder_delivered(r, &line), m.n_events);
		assert_int_equal(line, cost);
		loaded_free(&m);
		making_free(r);
	}
}

static void a_damaged_block_is_undecodable_and_the_rest_is_line_loss(void **state)
{
	struct making *r = making_new();
	struct loaded m;

	making_hello(r);
	blocks[5].bytes[blocks[5].size / 2] ^= 0x10;
	for (uint32_t b = 0; b < BLOCKS; b++)
		add(r, b);
	blocks[5].bytes[blocks[5].size / 2] ^= 0x10;
	finish(r);
	load(r, &m);
	check_events(&m, without(5));
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_UNDECODABLE], PER_BLOCK);
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_LINE], 2 * PER_BLOCK);
	loaded_free(&m);
	making_free(r);
}

static void blocks_are_decoded_in_the_order_of_their_indexes(void **state)
{
	static const uint8_t order[] = {0, 2, 2, 0, 1, 3, 1, 7, 6, 5, 4, 8, 9, 8, 11, 10, 0};
	struct making *r = making_new();
	struct loaded m;

	making_hello(r);
	for (size_t i = 0; i < sizeof(order); i++)
		add(r, order[i]);
	finish(r);
	load(r, &m);
	check_events(&m, (1u << BLOCKS) - 1);
	assert_int_equal(m.totals->lost_total, 0);
	loaded_free(&m);
	making_free(r);
}

/* The state of one session is nothing to build on in another. */
static void sessions_do_not_mix(void **state)
{
	struct making *r = making_new();
	struct loaded m;

	making_hello(r);
	add(r, 0);
	add(r, 1);
	r->session++;
	r->seq = 0;
	making_hello(r);
	add(r, 2);
	finish(r);
	assert_int_equal(loaded_memory(&m, r->data, r->size), 0);
	check_events(&m, 3);
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_LINE], BLOCKS * PER_BLOCK);
	loaded_free(&m);
	making_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_block_costs_the_rest_of_its_group_as_line_loss),
		cmocka_unit_test(a_damaged_block_is_undecodable_and_the_rest_is_line_loss),
		cmocka_unit_test(blocks_are_decoded_in_the_order_of_their_indexes),
		cmocka_unit_test(sessions_do_not_mix),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
