/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the host prints of strings and numbers it did not choose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "host/base/csv.h"
#include "host/base/idmap.h"
#include "host/base/json.h"
#include "host/base/text.h"

static void cleaned(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"tcp_v4_rcv", "tcp_v4_rcv"},
		{"a\x1b]0;x\x07"
		 "b\n\r\t",
			"a?]0;x?b???"},
		{"w\xc3\xb6rld \xe2\x82\xac \xf0\x9f\x98\x80",
			"w\xc3\xb6rld \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\x80\xff\xc3", "???"},
		{"\xc0\xaf", "??"},      /* overlong */
		{"\xed\xa0\x80", "???"}, /* surrogate */
		{"\xc2\x9b"
		 "31m",
			"?31m"},           /* C1 control: CSI */
		{"x\xe2\x80\xaey", "x?y"}, /* right-to-left override */
		{"", ""},
	};
	char got[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(text_clean(got, sizeof(got), cases[i].in), strlen(cases[i].out));
		assert_string_equal(got, cases[i].out);
	}
	/* Never half a character at the end. */
	assert_int_equal(text_clean(got, 4, "ab\xe2\x82\xac"), 2);
	assert_string_equal(got, "ab");
}

static void human_numbers(void **state)
{
	char t[TEXT_NUMBER];

	assert_string_equal(text_duration(t, 0), "0 ns");
	assert_string_equal(text_duration(t, 999), "999 ns");
	assert_string_equal(text_duration(t, 1500), "1.50 us");
	assert_string_equal(text_duration(t, 123456789), "123.5 ms");
	assert_string_equal(text_duration(t, 61000000000), "61.00 s");
	assert_string_equal(text_bytes(t, 437647), "437.6 kB");
}

static void json_is_json(void **state)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct json j;

	json_begin(&j, f);
	json_text(&j, "a\"b", "back\\slash \x01");
	json_array(&j, "list");
	json_flat_object(&j, NULL);
	json_uint(&j, "n", UINT64_MAX);
	json_bool(&j, "t", true);
	json_close(&j);
	json_int(&j, NULL, -5);
	json_close(&j);
	json_array(&j, "empty");
	json_close(&j);
	json_real(&j, "nan", 0.0 / 0.0);
	json_end(&j);
	fclose(f);
	assert_string_equal(text, "{\n  \"a\\\"b\": \"back\\\\slash ?\",\n  \"list\": [\n    "
				  "{\"n\": 18446744073709551615, \"t\": true},\n"
				  "    -5\n  ],\n  \"empty\": [],\n  \"nan\": null\n}\n");
	free(text);
}

static void csv_is_csv(void **state)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	csv_text(f, "plain");
	csv_text(f, "a,\"b\"");
	fclose(f);
	assert_string_equal(text, "plain\"a,\"\"b\"\"\"");
	free(text);
}

static void map_holds_all(void **state)
{
	struct idmap map = {0};
	uint32_t v = 0;

	assert_false(idmap_get(&map, 0, &v));
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(idmap_put(&map, (uint64_t)i << 20, i), 0);
	assert_int_equal(idmap_put(&map, 0, 77), 0);
	assert_int_equal(map.n, 100000);
	for (uint32_t i = 1; i < 100000; i++)
		assert_true(idmap_get(&map, (uint64_t)i << 20, &v) && v == i);
	assert_true(idmap_get(&map, 0, &v) && v == 77);
	assert_false(idmap_get(&map, 1, &v));
	idmap_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cleaned),
		cmocka_unit_test(human_numbers),
		cmocka_unit_test(json_is_json),
		cmocka_unit_test(csv_is_csv),
		cmocka_unit_test(map_holds_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
