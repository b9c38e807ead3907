/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The table in which a kernel program finds the function that begins at an address. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "target/probes/function_target.h"
#include "target/probes/places.h"

/* Functions as in a kernel: in order, some bytes apart, at multiples of `align`. */
static struct place *kernel_text(size_t n, uint32_t align, uint32_t seed)
{
	struct place *p = calloc(n, sizeof(*p));
	uint32_t at = 0x80010000u;

	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		at += align * (1 + (seed >> 16) % 512);
		p[i] = (struct place){.low = at, .func = (uint32_t)i + 7};
	}
	return p;
}

static void check_found(size_t n, uint32_t align, uint32_t seed)
{
	struct place *p = kernel_text(n, align, seed);
	size_t buckets = places_buckets(n);
	struct ayp_place_bucket *b = calloc(buckets, sizeof(*b));
	uint32_t factor = 0, shift = 0;

	assert_non_null(b);
	assert_int_equal(places_fill(b, buckets, p, n, &factor, &shift), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(places_find(b, factor, shift, p[i].low), p[i].func);
		if (align > 1)
			assert_int_equal(places_find(b, factor, shift, p[i].low + 1), -1);
	}
	assert_int_equal(places_find(b, factor, shift, 0x1000), -1);
	free(b);
	free(p);
}

static void every_function_is_found(void **state)
{
	static const size_t sizes[] = {
		1, 2, 3, 17, 223, 500, 1015, 2048, FUNCTION_TARGETS_MAX, 12000};
	static const uint32_t aligns[] = {1, 2, 4, 16, 64};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (size_t k = 0; k < sizeof(aligns) / sizeof(*aligns); k++)
			for (uint32_t seed = 1; seed <= 5; seed++)
				check_found(sizes[i], aligns[k], seed);
}

static void what_never_fits_is_told(void **state)
{
	struct place same[AYP_PLACES_IN_BUCKET + 1];
	struct ayp_place_bucket b[16];
	uint32_t factor, shift;

	for (uint32_t i = 0; i <= AYP_PLACES_IN_BUCKET; i++)
		same[i] = (struct place){.low = 0x1234, .func = i};
	assert_int_equal(
		places_fill(b, 16, same, AYP_PLACES_IN_BUCKET + 1, &factor, &shift), -ENOSPC);
}

static void buckets_are_few_and_enough(void **state)
{
	for (size_t n = 1; n <= FUNCTION_TARGETS_MAX; n++) {
		size_t buckets = places_buckets(n);

		assert_int_equal(buckets & (buckets - 1), 0);
		assert_true(buckets >= 2 && buckets >= 2 * n && (buckets == 2 || buckets < 4 * n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_function_is_found),
		cmocka_unit_test(what_never_fits_is_told),
		cmocka_unit_test(buckets_are_few_and_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
