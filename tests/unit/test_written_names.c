/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names that do not fit, names as compilers make them, names that were meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/demangle.h"
#include "proto/name.h"
#include "target/base/nearest.h"
#include "target/probes/spec.h"

static void cut_names_stay_different(void **state)
{
	char a[120], b[120], x[96], y[96];

	assert_false(name_fit(x, sizeof(x), "short"));
	assert_string_equal(x, "short");
	memset(a, 'a', sizeof(a));
	a[95] = '\0';
	assert_false(name_fit(x, sizeof(x), a));
	assert_string_equal(x, a);
	a[95] = 'a';
	a[119] = '\0';
	memcpy(b, a, sizeof(b));
	b[118] = 'b';
	assert_true(name_fit(x, sizeof(x), a));
	assert_true(name_fit(y, sizeof(y), b));
	assert_int_equal(strlen(x), 95);
	assert_string_not_equal(x, y);
	assert_memory_equal(x, y, 78);
	assert_int_equal(x[78], '~');
}

static void characters_are_not_cut(void **state)
{
	char name[200] = "", field[24];

	for (int i = 0; i < 60; i++)
		strncat(name, "\xe2\x82\xac", sizeof(name) - strlen(name) - 1);
	assert_true(name_fit(field, sizeof(field), name));
	assert_memory_equal(field, "\xe2\x82\xac\xe2\x82\xac~", 7);
	assert_int_equal(strlen(field), 6 + 17);
}

static void names_as_they_were_written(void **state)
{
#ifndef AYAPROF_DEMANGLE
	skip();
#endif
	static const struct {
		const char *symbol, *written, *bare;
	} cases[] = {
		{"_ZN3app3net4sendEi", "app::net::send(int)", "app::net::send"},
		{"_ZN3app3net4sendEi@V1", "app::net::send(int)@V1", "app::net::send@V1"},
		{"_ZN3app5twiceIiEET_S1_", "app::twice<int>(int)", "app::twice<int>"},
		/* Rust, the older way and the newer */
		{"_ZN4core3fmt5write17h01234567890abcdeE", "core::fmt::write", "core::fmt::write"},
		{"_RNvCs1234_7mycrate3foo", "mycrate::foo", "mycrate::foo"},
	};
	char text[DEMANGLE_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(demangle(cases[i].symbol, true, text));
		assert_string_equal(text, cases[i].written);
		assert_true(demangle(cases[i].symbol, false, text));
		assert_string_equal(text, cases[i].bare);
	}
	assert_false(demangle("main", true, text));
	assert_false(demangle("_Z", true, text));
	assert_false(demangle("_start", true, text));
}

/* 40 times twice as long: a few hundred bytes that stand for terabytes. */
static void a_name_that_explodes_is_given_up(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char name[1024] = "_Z1fI1aIiiEE", text[DEMANGLE_MAX];

	for (int i = 0; i < 36; i++) {
		char part[16];

		snprintf(part, sizeof(part), "1aIS%c_S%c_E", digits[i], digits[i]);
		strncat(name, part, sizeof(name) - strlen(name) - 1);
	}
	assert_false(demangle(name, true, text) && strlen(text) >= DEMANGLE_MAX);
}

/* A type of 2^40 identifiers that are not ASCII, by references back; `crate` shifts where it gets too long. */
static void explosion_of_rust(char *name, size_t cap, unsigned int crate)
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t last, n;

	n = (size_t)snprintf(name, cap, "_RINvC%u%.*s1f", crate, (int)crate, digits + 10);
	last = n;
	n += (size_t)snprintf(name + n, cap - n, "NtC1bu7caf_dma");
	for (int i = 0; i < 40; i++) {
		/* Of what stands behind "_R"; numbers of base 62 are one less. */
		size_t at = last - 2 - 1;
		char back[8];

		snprintf(
			back, sizeof(back), "%.*s%c_", at >= 62, &digits[at / 62], digits[at % 62]);
		last = n;
		n += (size_t)snprintf(name + n, cap - n, "TB%sB%sE", back, back);
	}
	snprintf(name + n, cap - n, "E");
}

static void a_name_that_explodes_leaves_no_memory_behind(void **state)
{
#ifndef AYAPROF_DEMANGLE
	skip();
#endif
	char name[2048], text[DEMANGLE_MAX];
	size_t before;

	assert_true(demangle("_RNvC1bu7caf_dma", true, text));
	assert_string_equal(text, "b::caf\xc3\xa9");
	before = mallinfo2().uordblks;
	for (unsigned int crate = 1; crate < 40; crate++) {
		explosion_of_rust(name, sizeof(name), crate);
		assert_false(demangle(name, true, text));
	}
	assert_int_equal(mallinfo2().uordblks, before);
}

static void specifications_match(void **state)
{
	assert_true(spec_matches("psum", "psum.constprop.0"));
	assert_false(spec_matches("psum", "psum_all"));
	assert_true(spec_matches_user("parse_*", "parse_all"));
#ifdef AYAPROF_DEMANGLE
	assert_true(spec_matches_user("app::net::*", "_ZN3app3net4sendEi"));
	assert_true(spec_matches_user("app::net::send", "_ZN3app3net4sendEi"));
	assert_true(spec_matches_user("app::net::send(int)", "_ZN3app3net4sendEi"));
	assert_false(spec_matches_user("app::net::send(char)", "_ZN3app3net4sendEi"));
	assert_true(spec_matches_user("app::twice", "_ZN3app5twiceIiEET_S1_"));
	assert_true(spec_matches_user("_ZN3app3net*", "_ZN3app3net4sendEi"));
#endif
	assert_null(spec_wrong_pattern("a[bc]*"));
	assert_null(spec_wrong_pattern("a[]b]"));
	assert_null(spec_wrong_pattern("operator\\[]"));
	assert_non_null(spec_wrong_pattern("ma[in"));
	assert_non_null(spec_wrong_pattern("main\\"));
}

static void the_nearest_names(void **state)
{
	static const char *const names[] = {
		"tcp_sendmsg", "tcp_recvmsg", "udp_sendmsg", "kfree", "tcp_sendmsg_locked", "x"};
	struct nearest n;
	char text[400];

	nearest_init(&n, "tcp_sendmgs");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		nearest_offer(&n, names[i]);
	nearest_text(&n, text, sizeof(text));
	assert_memory_equal(text, "tcp_sendmsg", 11);
	assert_null(strstr(text, "kfree"));
	nearest_init(&n, "quite_different_*");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		nearest_offer(&n, names[i]);
	assert_string_equal(nearest_text(&n, text, sizeof(text)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_names_stay_different),
		cmocka_unit_test(characters_are_not_cut),
		cmocka_unit_test(names_as_they_were_written),
		cmocka_unit_test(a_name_that_explodes_is_given_up),
		cmocka_unit_test(a_name_that_explodes_leaves_no_memory_behind),
		cmocka_unit_test(specifications_match),
		cmocka_unit_test(the_nearest_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
