/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Quantiles against sorting: to 0.1 % for all sizes of values and numbers of them; memory to its bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "host/base/histogram.h"
#include "tests/unit/random.h"

#define ROOM ((size_t)64 << 20)

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Nearest rank. */
static uint64_t exactly(const uint64_t *sorted, uint64_t n, unsigned int percent)
{
	return sorted[(n * percent + 99) / 100 - 1];
}

static void check(const uint64_t *values, uint64_t n)
{
	uint64_t *sorted = malloc(n * sizeof(*sorted));
	struct histogram h = {0};
	size_t room = ROOM;

	assert_non_null(sorted);
	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_value);
	for (uint64_t i = 0; i < n; i++)
		histogram_add(&h, values[i], &room);
	assert_int_equal(h.n, n);
	assert_int_equal(h.left_out, 0);
	for (unsigned int percent = 1; percent <= 100; percent++) {
		uint64_t is = histogram_quantile(&h, percent), should = exactly(sorted, n, percent);
		uint64_t off = is > should ? is - should : should - is;

		if (should < 2 * HISTOGRAM_CELLS)
			assert_int_equal(is, should);
		assert_true((double)off <= HISTOGRAM_ERROR * (double)should);
	}
	histogram_free(&h);
	free(sorted);
}

static void every_size(void **state)
{
	static uint64_t values[20000];
	uint64_t r = 12;

	for (unsigned int bits = 1; bits <= 64; bits++) {
		for (size_t i = 0; i < 500; i++)
			values[i] = random_next(&r) >> (64 - bits);
		check(values, 500);
	}
	/* All sizes at once. */
	for (size_t i = 0; i < 20000; i++)
		values[i] = random_next(&r) >> (random_next(&r) % 64);
	check(values, 20000);
	for (size_t n = 1; n < 300; n++)
		check(values, n);
}

static void ends_of_cells(void **state)
{
	static const uint64_t values[] = {0, 1, 511, 512, 513, 1023, 1024, 1025, 1026, 2047, 2048,
		4095, 4096, UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, INT64_MAX, UINT64_MAX,
		UINT64_MAX - 1, UINT64_C(1) << 63};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		check(&values[i], 1);
	check(values, sizeof(values) / sizeof(*values));
}

static void empty(void **state)
{
	struct histogram h = {0};

	assert_int_equal(histogram_quantile(&h, 50), 0);
	histogram_free(&h);
}

/* What many histograms take together stays within what they share; what was left out is counted. */
static void bounded(void **state)
{
	static struct histogram many[1000];
	size_t room = (size_t)1 << 20, left = 0;
	uint64_t r = 3;

	for (size_t i = 0; i < 100000; i++) {
		size_t before = room;

		histogram_add(&many[i % 1000], random_next(&r) >> (i % 64), &room);
		assert_true(room <= before);
	}
	for (size_t i = 0; i < 1000; i++) {
		left += many[i].left_out != 0;
		assert_int_equal(many[i].n + many[i].left_out, 100);
		histogram_free(&many[i]);
	}
	assert_true(left > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size),
		cmocka_unit_test(ends_of_cells),
		cmocka_unit_test(empty),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
