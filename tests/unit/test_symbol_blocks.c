/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A packed symbol table finds what a search of the plain one finds, in whatever order the symbols came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/probes/symbol_blocks.h"

#define SYMBOLS 20011
#define OWNERS  7

struct plain {
	uint64_t address;
	char name[24], owner[8];
};
static struct plain all[SYMBOLS];

static uint64_t seed = 1;
static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

/* The kernel's in order, far above its modules'; the modules' in none, and two modules share a range. */
static void make(void)
{
	uint64_t address = 0xffffffff81000000u;
	size_t i;

	for (i = 0; i < SYMBOLS; i++) {
		size_t owner = i < SYMBOLS / 2 ? 0 : 1 + i * (OWNERS - 1) / SYMBOLS;

		address += 1 + draw(4000);
		if (owner)
			address = 0xffff800000000000u + (owner / 2 << 24) + draw(1u << 22);
		all[i].address = address;
		snprintf(all[i].name, sizeof(all[i].name), "symbol_%zu", i);
		snprintf(all[i].owner, sizeof(all[i].owner), owner ? "module%zu" : "", owner);
	}
}

static const struct plain *look(uint64_t address)
{
	const struct plain *best = NULL;
	size_t i;

	for (i = 0; i < SYMBOLS; i++)
		if (all[i].address <= address && (!best || all[i].address > best->address))
			best = &all[i];
	return best;
}

static void check(struct symbol_blocks *s, uint64_t address)
{
	const char *owner = NULL, *name = symbol_blocks_find(s, address, &owner);
	const struct plain *wanted = look(address), *found;
	size_t number;

	if (!wanted) {
		assert_null(name);
		return;
	}
	assert_non_null(name);
	assert_int_equal(sscanf(name, "symbol_%zu", &number), 1);
	found = &all[number];
	/* Of several at one address any is right. */
	assert_int_equal(found->address, wanted->address);
	assert_string_equal(name, found->name);
	assert_string_equal(owner, found->owner);
}

static void finds_the_same(void **state)
{
	struct symbol_blocks *s = symbol_blocks_new();
	size_t i;

	make();
	assert_non_null(s);
	for (i = 0; i < SYMBOLS; i++)
		assert_true(symbol_blocks_add(s, all[i].address, all[i].name, all[i].owner));
	assert_true(symbol_blocks_seal(s));
	for (i = 0; i < SYMBOLS; i += 17) {
		check(s, all[i].address);
		check(s, all[i].address + draw(5000));
		check(s, all[i].address - 1);
	}
	check(s, 0);
	check(s, UINT64_MAX);
	assert_true(symbol_blocks_size(s) < SYMBOLS * 12);
	symbol_blocks_free(s);
}

static void none_and_odd_ones(void **state)
{
	struct symbol_blocks *s = symbol_blocks_new();
	char name[600], owner[100];
	const char *found;

	assert_non_null(s);
	assert_true(symbol_blocks_seal(s));
	assert_null(symbol_blocks_find(s, 1, &found));
	symbol_blocks_free(s);

	s = symbol_blocks_new();
	assert_non_null(s);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memset(owner, 'o', sizeof(owner) - 1);
	owner[sizeof(owner) - 1] = '\0';
	/* Longer than any that a kernel has: left out. */
	assert_true(symbol_blocks_add(s, 5, name, ""));
	assert_true(symbol_blocks_add(s, 6, "short", owner));
	name[511] = '\0';
	assert_true(symbol_blocks_add(s, UINT64_MAX, name, "m"));
	assert_true(symbol_blocks_add(s, 7, "", "m"));
	assert_true(symbol_blocks_seal(s));
	assert_false(symbol_blocks_add(s, 8, "late", "m"));
	assert_null(symbol_blocks_find(s, 6, &found));
	assert_string_equal(symbol_blocks_find(s, 8, &found), "");
	assert_string_equal(symbol_blocks_find(s, UINT64_MAX, &found), name);
	assert_string_equal(found, "m");
	symbol_blocks_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_same),
		cmocka_unit_test(none_and_odd_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
