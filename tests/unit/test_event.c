/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/event.h"

static void a_record_is_the_16_bytes_of_the_contract(void **state)
{
	static const uint8_t bytes[AYP_RECORD_SIZE] = {0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02,
		0x81, 0x14, 0x13, 0x12, 0xf1, 0x22, 0xe1, 0xfe, 0x02};
	const struct ayp_event ev = {.t_ns = 0x8102030405060708,
		.tid = 0xf1121314,
		.func = 0xe122,
		.cpu = 254,
		.kind = AYP_INSTANT,
		.nargs = 3,
		.arg = {1, 2, 3}};
	uint8_t out[AYP_RECORD_SIZE];
	struct ayp_event back;

	ayp_record_write(out, &ev);
	assert_memory_equal(out, bytes, sizeof(bytes));
	assert_int_equal(ayp_record_read(bytes, &back), 0);
	assert_int_equal(back.t_ns, ev.t_ns);
	assert_int_equal(back.tid, ev.tid);
	assert_int_equal(back.func, ev.func);
	assert_int_equal(back.cpu, ev.cpu);
	assert_int_equal(back.kind, ev.kind);
	assert_int_equal(back.nargs, 0);
}

static void a_record_of_an_unknown_kind_is_refused(void **state)
{
	uint8_t bytes[AYP_RECORD_SIZE] = {0};
	struct ayp_event ev;

	for (unsigned int kind = 0; kind < 256; kind++) {
		bytes[15] = (uint8_t)kind;
		assert_int_equal(ayp_record_read(bytes, &ev), kind <= 2 ? 0 : -1);
	}
}

static void every_class_has_a_complete_row(void **state)
{
	for (unsigned int c = 0; c < AYP_CLASS_COUNT; c++) {
		const struct ayp_class_info *info = ayp_class_info(c);

		assert_non_null(info->name);
		assert_non_null(info->description);
		assert_true(info->nargs <= AYP_EVENT_MAX_ARGS);
		for (unsigned int k = 0; k < AYP_EVENT_MAX_ARGS; k++)
			assert_int_equal(info->arg_names[k] != NULL, k < info->nargs);
		assert_true(!info->per_cpu || info->is_call);
		for (unsigned int other = 0; other < c; other++)
			assert_string_not_equal(info->name, ayp_class_info(other)->name);
	}
}

static void an_unknown_class_is_treated_as_unknown(void **state)
{
	assert_ptr_equal(ayp_class_info(AYP_CLASS_COUNT), ayp_class_info(AYP_CLASS_UNKNOWN));
	assert_ptr_equal(ayp_class_info(UINT32_MAX), ayp_class_info(AYP_CLASS_UNKNOWN));
	assert_string_equal(ayp_class_info(12345)->name, "unknown");
	assert_true(ayp_class_info(12345)->is_call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_the_16_bytes_of_the_contract),
		cmocka_unit_test(a_record_of_an_unknown_kind_is_refused),
		cmocka_unit_test(every_class_has_a_complete_row),
		cmocka_unit_test(an_unknown_class_is_treated_as_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
