/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* run.pb to frames: whole, cut at every byte, with damage of every kind. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "host/recording/reader.h"
#include "tests/unit/make_recording.h"
#include "tests/unit/random.h"

#define FRAMES 20u

/* FRAMES names, each its own frame; where each ends. */
static struct making *twenty(size_t ends[FRAMES])
{
	struct making *r = making_new();

	for (uint32_t i = 0; i < FRAMES; i++) {
		char name[96];

		snprintf(name, sizeof(name), "name_%u_%.*s", i, (int)(i * 4),
			".........................................................................."
			"......");
		making_func(r, i, AYP_CLASS_KERNEL, name);
		ends[i] = r->size;
	}
	return r;
}

struct count {
	uint32_t frames;
	uint64_t damaged, damaged_bytes;
	bool tail;
	bool ascending; /* sequence numbers of what came */
};

static struct count read_all(const uint8_t *data, size_t size)
{
	struct count c = {.ascending = true};
	struct reader_frame f;
	struct reader *r;
	int64_t last = -1;

	assert_int_equal(reader_open_memory(&r, data, size), 0);
	while (reader_next(r, &f) == 1) {
		c.ascending &= (int64_t)f.header.seq > last;
		last = f.header.seq;
		c.frames++;
	}
	assert_int_equal(reader_position(r), size);
	c.damaged = reader_damaged(r);
	c.damaged_bytes = reader_damaged_bytes(r);
	c.tail = reader_tail_damaged(r);
	reader_close(r);
	return c;
}

static void whole_file(void **state)
{
	size_t ends[FRAMES];
	struct making *r = twenty(ends);
	struct count c = read_all(r->data, r->size);

	assert_int_equal(c.frames, FRAMES);
	assert_int_equal(c.damaged, 0);
	assert_false(c.tail);
	making_free(r);
}

static void cut_at_every_byte(void **state)
{
	size_t ends[FRAMES];
	struct making *r = twenty(ends);

	for (size_t cut = 0; cut < r->size; cut++) {
		struct count c = read_all(r->data, cut);
		uint32_t whole = 0;
		bool clean;

		while (whole < FRAMES && ends[whole] <= cut)
			whole++;
		clean = cut == 0 || (whole && ends[whole - 1] == cut);
		assert_int_equal(c.frames, whole);
		assert_int_equal(c.damaged, !clean);
		assert_int_equal(c.tail, !clean);
	}
	making_free(r);
}

/* A flipped bit costs the frame it is in: also in a length, which then points anywhere. */
static void every_bit_flipped(void **state)
{
	size_t ends[FRAMES];
	struct making *r = twenty(ends);

	for (size_t bit = 0; bit < r->size * 8; bit++) {
		struct count c;

		r->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		c = read_all(r->data, r->size);
		r->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(c.frames, FRAMES - 1);
		assert_true(c.ascending);
		assert_int_equal(c.damaged, 1);
	}
	making_free(r);
}

static void junk_between(void **state)
{
	size_t ends[FRAMES];
	struct making *r = twenty(ends);
	uint8_t junk[3000], *all = malloc(r->size + sizeof(junk));
	uint64_t random = 42;
	struct count c;

	assert_non_null(all);
	/* Bytes that look like the start of a record are the worst junk. */
	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] =
			random_below(&random, 3) ? RECORD_TAG : (uint8_t)random_below(&random, 256);
	memcpy(all, r->data, ends[9]);
	memcpy(all + ends[9], junk, sizeof(junk));
	memcpy(all + ends[9] + sizeof(junk), r->data + ends[9], r->size - ends[9]);
	c = read_all(all, r->size + sizeof(junk));
	assert_int_equal(c.frames, FRAMES);
	assert_int_equal(c.damaged, 1);
	assert_int_equal(c.damaged_bytes, sizeof(junk));
	assert_false(c.tail);
	free(all);
	making_free(r);
}

/* A file that grows by any number of bytes at a time: each frame comes once, as soon as it is whole, and its end so far
 * is no damage; but it is when nothing follows any more. */
static void growing(void **state)
{
	size_t ends[FRAMES], whole = 0;
	struct making *r = twenty(ends);
	uint64_t random = 7;
	char path[] = "/tmp/ayaprof-reader-XXXXXX";
	int fd = mkstemp(path);
	struct reader_frame f;
	struct reader *reader;

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(reader_open_fd(&reader, fd), 0);
	reader_growing(reader, true);
	for (size_t at = 0, n; at < r->size - 1; at += n) {
		n = 1 + random_below(&random, 40);
		n = n < r->size - 1 - at ? n : r->size - 1 - at;
		assert_int_equal(pwrite(fd, r->data + at, n, (off_t)at), n);
		while (reader_next(reader, &f) == 1)
			assert_int_equal(f.header.seq, whole++);
		assert_true(whole == FRAMES - 1 || ends[whole] > at + n);
		assert_true(whole == 0 || ends[whole - 1] <= at + n);
		assert_int_equal(reader_damaged(reader), 0);
		assert_false(reader_tail_damaged(reader));
	}
	assert_int_equal(whole, FRAMES - 1);
	reader_growing(reader, false);
	assert_int_equal(reader_next(reader, &f), 0);
	assert_int_equal(reader_damaged(reader), 1);
	assert_true(reader_tail_damaged(reader));
	reader_close(reader);
	close(fd);
	making_free(r);
}

/* The second reading is given what the first one was, whatever came meanwhile. */
static void read_again(void **state)
{
	size_t ends[FRAMES], n = 0;
	struct making *r = twenty(ends);
	char path[] = "/tmp/ayaprof-reader-XXXXXX";
	int fd = mkstemp(path);
	struct reader_frame f;
	struct reader *reader;

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, r->data, ends[10] + 1), ends[10] + 1);
	assert_int_equal(reader_open_fd(&reader, fd), 0);
	reader_growing(reader, true);
	while (reader_next(reader, &f) == 1)
		n++;
	assert_int_equal(n, 11);
	assert_int_equal(pwrite(fd, r->data, r->size, 0), r->size);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(reader_again(reader), 0);
		for (n = 0; reader_next(reader, &f) == 1; n++)
			assert_int_equal(f.header.seq, n);
		assert_int_equal(n, 11);
		assert_int_equal(reader_damaged(reader), 0);
	}
	reader_close(reader);
	close(fd);
	making_free(r);
}

static void not_files(void **state)
{
	struct reader *r;

	assert_int_equal(reader_open(&r, "/nonexistent/run.pb"), -ENOENT);
	assert_int_equal(reader_open(&r, "/"), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_file),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(every_bit_flipped),
		cmocka_unit_test(junk_between),
		cmocka_unit_test(growing),
		cmocka_unit_test(read_again),
		cmocka_unit_test(not_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
