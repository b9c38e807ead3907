/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The board's books of losses: exact, and never more than a message holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "framing/framing.h"
#include "target/stream/losses.h"
#include "tests/unit/random.h"

/* Every cause on every CPU of the largest machine. */
static struct losses *all_rows(uint64_t max)
{
	struct losses *l = calloc(1, sizeof(*l));
	uint64_t random = 1;

	assert_non_null(l);
	for (int c = 0; c < LOSSES_CAUSES; c++) {
		for (int cpu = -1; cpu < (int)LOSSES_CPUS - 1; cpu++)
			losses_add(l, (ayaprof_LossCause)c, cpu,
				max - random_next(&random) % (max / 2), 5, 9);
	}
	return l;
}

static void status_holds_all(void **state)
{
	struct losses *l = all_rows(1u << 20);
	uint64_t sum[LOSSES_CAUSES] = {0};
	ayaprof_Status status = {0};

	losses_fill_status(l, &status);
	assert_in_range(
		status.lost_count, LOSSES_CAUSES, sizeof(status.lost) / sizeof(*status.lost));
	for (pb_size_t i = 0; i < status.lost_count; i++)
		sum[status.lost[i].cause] += status.lost[i].count;
	for (int c = 0; c < LOSSES_CAUSES; c++)
		assert_int_equal(sum[c], l->total[c]);
	free(l);
}

/* The final books must fit a frame, on the worst machine after a year at a million a second. */
static void largest_goodbye_fits(void **state)
{
	struct losses *l = all_rows(UINT64_C(1) << 45);
	struct ayp_message_ctx *ctx = ayp_message_ctx_new();
	ayaprof_Goodbye *bye = calloc(1, sizeof(*bye)), *got = calloc(1, sizeof(*got));
	uint8_t payload[FRAMING_MAX_PAYLOAD], flags;
	uint64_t random = 7;
	int len;

	assert_true(ctx && bye && got);
	bye->has_status = true;
	losses_fill_status(l, &bye->status);
	bye->status.taken_by_cpu_count = 256;
	for (int cpu = 0; cpu < 256; cpu++)
		bye->status.taken_by_cpu[cpu] =
			(UINT64_C(1) << 45) - random_next(&random) % (UINT64_C(1) << 44);
	memset(bye->reason, 'r', sizeof(bye->reason) - 1);
	len = ayp_message_encode(ctx, AYP_KIND_GOODBYE, bye, payload, sizeof(payload), &flags);
	assert_true(len > 0);
	assert_int_equal(
		ayp_message_decode(ctx, AYP_KIND_GOODBYE, flags, payload, (size_t)len, got), 0);
	assert_int_equal(got->status.lost_count, bye->status.lost_count);
	assert_int_equal(got->status.taken_by_cpu_count, 256);
	ayp_message_ctx_free(ctx);
	free(bye);
	free(got);
	free(l);
}

/* Told in as many messages as it takes, each range once. */
static void ranges_are_told_once(void **state)
{
	struct losses *l = all_rows(1000);
	uint64_t told = 0;
	ayaprof_Loss msg;

	while (l->unreported) {
		losses_take_ranges(l, &msg);
		for (pb_size_t i = 0; i < msg.ranges_count; i++)
			told += msg.ranges[i].count;
	}
	assert_int_equal(told, losses_total(l));
	losses_take_ranges(l, &msg);
	assert_int_equal(msg.ranges_count, 0);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_holds_all),
		cmocka_unit_test(largest_goodbye_fits),
		cmocka_unit_test(ranges_are_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
