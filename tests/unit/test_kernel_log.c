/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Records of /dev/kmsg, and the console log level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/setup/console.h"
#include "target/source/kmsg.h"
#include "tests/unit/random.h"

static bool parse(const char *text, ayaprof_LogRecord *r)
{
	return kmsg_parse(text, strlen(text), r);
}

static void fields(void **state)
{
	ayaprof_LogRecord r;

	assert_true(parse("6,339,5140900,-;NET: Registered protocol family 10\n", &r));
	assert_int_equal(r.priority, 6);
	assert_int_equal(r.seq, 339);
	assert_int_equal(r.t_us, 5140900);
	assert_string_equal(r.text, "NET: Registered protocol family 10");
	assert_false(r.cut);
	/* A fragment's flags, a facility, fields that later kernels add, and a dictionary. */
	assert_true(parse("30,18446744073709551615,0,c,caller=T1,x;a;b,c\n SUBSYSTEM=acpi\n", &r));
	assert_int_equal(r.priority, 30);
	assert_true(r.seq == UINT64_MAX);
	assert_string_equal(r.text, "a;b,c");
	assert_true(parse("0,1,2;", &r));
	assert_string_equal(r.text, "");
}

static void escapes(void **state)
{
	ayaprof_LogRecord r;

	assert_true(parse("6,1,1,-;two\\x0alines, \\x5c, \\xc3\\xa4 and \\xff\\xc3(\\x00\n", &r));
	assert_string_equal(r.text, "two\nlines, \\, \xc3\xa4 and ?"
				    "?(?");
	assert_true(parse("6,1,1,-;\\x1b[2J\\xzz \\x4\n", &r)); /* the host neutralises ESC */
	assert_string_equal(r.text, "\x1b[2J\\xzz \\x4");
	/* Overlong, surrogate, beyond Unicode, cut off. */
	assert_true(
		parse("6,1,1,-;\\xc0\\xaf \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80 \\xe2\\x82", &r));
	assert_string_equal(r.text, "?? ??? ???? ??");
}

static void long_text_is_cut_between_characters(void **state)
{
	char line[2000] = "6,1,1,-;";
	ayaprof_LogRecord r;
	size_t cap = sizeof(r.text);

	memset(line + 8, 'x', cap - 1);
	line[8 + cap - 1] = '\n';
	assert_true(parse(line, &r));
	assert_int_equal(strlen(r.text), cap - 1);
	assert_false(r.cut);
	line[8 + cap - 1] = 'x';
	line[8 + cap] = '\n';
	assert_true(parse(line, &r));
	assert_int_equal(strlen(r.text), cap - 1);
	assert_true(r.cut);
	memcpy(line + 8 + cap - 3, "\\xe2\\x82\\xac\n", 13); /* three bytes where two have room */
	assert_true(parse(line, &r));
	assert_int_equal(strlen(r.text), cap - 3);
	assert_true(r.cut);
}

static void what_is_no_record(void **state)
{
	static const char *const none[] = {"", "\n", "6", "6,1", "6,1,1", "6,1,1,-", "6,1,1,-\n;x",
		"x,1,1,-;t", ",1,1,-;t", "6,,1,-;t", "6,-1,1,-;t", "4294967296,1,1,-;t",
		"6,18446744073709551616,1,-;t", " KEY=value\n"};
	uint64_t rnd = 7;
	ayaprof_LogRecord r;
	char junk[300];

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_false(parse(none[i], &r));
	for (int i = 0; i < 20000; i++) { /* whatever it is, the result is in bounds */
		size_t len = random_below(&rnd, sizeof(junk)), head = 0;

		for (size_t k = 0; k < len; k++)
			junk[k] = "6,;-\\x0fe\n\xff"[random_below(&rnd, 11)];
		if (i % 2 && len > 8) {
			memcpy(junk, "6,1,1,-;", 8);
			head = 8;
		}
		if (kmsg_parse(junk, len, &r))
			assert_true(strlen(r.text) < sizeof(r.text));
		else
			assert_int_equal(head, 0);
	}
}

/* ---- console log level ---------------------------------------------------------------------- */

static char path[64];

static void put(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int level(void)
{
	FILE *file = fopen(path, "r");
	int value = -1;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &value), 1);
	fclose(file);
	return value;
}

static void level_is_lowered_and_restored(void **state)
{
	struct console c = {0};

	put("7\n"); /* in a file a shorter number would leave the rest */
	assert_int_equal(console_quiet(&c, path), 0);
	assert_int_equal(level(), 1);
	console_restore(&c);
	assert_int_equal(level(), 7);
	put("3\n");
	console_restore(&c); /* twice: nothing */
	assert_int_equal(level(), 3);
}

static void level_of_somebody_else_is_left_alone(void **state)
{
	struct console c = {0};

	put("7\n");
	assert_int_equal(console_quiet(&c, path), 0);
	put("4\n"); /* dmesg -n 4 meanwhile */
	console_restore(&c);
	assert_int_equal(level(), 4);
	put("1\n"); /* quiet already: stays so */
	assert_int_equal(console_quiet(&c, path), 0);
	console_restore(&c);
	assert_int_equal(level(), 1);
}

static void level_that_cannot_be_set(void **state)
{
	struct console c = {0};

	assert_true(console_quiet(&c, "/nonexistent/printk") < 0);
	console_restore(&c);
	put("no number\n");
	assert_true(console_quiet(&c, path) < 0);
	assert_true(kmsg_open("/nonexistent/kmsg", false) < 0);
}

static int make_file(void **state)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/test-console-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(escapes),
		cmocka_unit_test(long_text_is_cut_between_characters),
		cmocka_unit_test(what_is_no_record),
		cmocka_unit_test(level_is_lowered_and_restored),
		cmocka_unit_test(level_of_somebody_else_is_left_alone),
		cmocka_unit_test(level_that_cannot_be_set),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
