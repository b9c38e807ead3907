/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/source/names.h"
#include "tests/unit/random.h"

#define FUNC   ayaprof_Table_TABLE_FUNC
#define TASK   ayaprof_Table_TABLE_TASK
#define SYMBOL ayaprof_Table_TABLE_SYMBOL
#define ALL    (~0u)

static void functions(void **state)
{
	struct names *n = names_new();
	int first = names_reserve_funcs(n, 3);
	int next = names_add_func(n, AYP_CLASS_USER, "main", "app");
	const struct name *name;

	assert_int_equal(first, 0);
	assert_int_equal(next, 3);
	assert_int_equal(names_func_count(n), 4);
	assert_null(names_get(n, FUNC, 1));
	assert_int_equal(names_set_func(n, 1, AYP_CLASS_KERNEL, "vfs_read", NULL), 0);
	assert_int_equal(names_set_func(n, 4, AYP_CLASS_KERNEL, "beyond", NULL), -EINVAL);
	name = names_get(n, FUNC, 1);
	assert_string_equal(name->text, "vfs_read");
	assert_int_equal(name->cls, AYP_CLASS_KERNEL);
	assert_null(name->owner_name);
	name = names_get(n, FUNC, 3);
	assert_string_equal(name->owner_name, "app");
	assert_null(names_get(n, FUNC, 4));
	assert_int_equal(names_reserve_funcs(n, 65532), 4);
	assert_int_equal(names_reserve_funcs(n, 1), -ENOSPC);
	assert_int_equal(names_set(n, FUNC, 1, 0, "not this way", NULL), -EINVAL);
	names_free(n);
}

static void told_once_when_used(void **state)
{
	struct names *n = names_new();
	int all = names_listen(n, ALL), tasks = names_listen(n, NAMES_TABLE(TASK));

	names_set(n, TASK, 100, 99, "worker", NULL);
	names_add_func(n, AYP_CLASS_SYSCALL, "read", NULL);
	assert_null(names_news_at(n, all, 0));
	assert_true(names_use(n, FUNC, 0));
	assert_true(names_use(n, FUNC, 0));
	assert_true(names_use(n, TASK, 100));
	assert_false(names_use(n, TASK, 101));
	assert_string_equal(names_news_at(n, all, 0)->text, "read");
	assert_string_equal(names_news_at(n, all, 1)->text, "worker");
	assert_null(names_news_at(n, all, 2));
	names_news_announced(n, all, 1);
	assert_string_equal(names_news_at(n, all, 0)->text, "worker");
	names_news_announced(n, all, 5);
	assert_null(names_news_at(n, all, 0));
	names_use(n, FUNC, 0);
	assert_null(names_news_at(n, all, 0));
	/* The other listener hears of its tables only, and in its own time. */
	assert_string_equal(names_news_at(n, tasks, 0)->text, "worker");
	assert_null(names_news_at(n, tasks, 1));
	assert_int_equal(names_used_count(n), 2);
	assert_string_equal(names_used_at(n, 0)->text, "read");
	assert_null(names_used_at(n, 2));
	names_free(n);
}

static void told_again_when_it_changes(void **state)
{
	struct names *n = names_new();
	int me = names_listen(n, ALL);

	names_set(n, TASK, 7, 7, "sh", NULL);
	names_use(n, TASK, 7);
	names_news_announced(n, me, 1);
	names_set(n, TASK, 7, 7, "sh", NULL);
	assert_null(names_news_at(n, me, 0));
	names_set_task(n, 7, 7, "cat", 1009);
	assert_int_equal(names_get(n, TASK, 7)->since_ns, 1009);
	assert_int_equal(names_get(n, TASK, 7)->owner, 7);
	assert_string_equal(names_news_at(n, me, 0)->text, "cat");
	names_set(n, TASK, 7, 7, "dog", NULL); /* before it was told: still once */
	assert_string_equal(names_news_at(n, me, 0)->text, "dog");
	assert_null(names_news_at(n, me, 1));
	assert_int_equal(names_used_count(n), 1);
	names_free(n);
}

static void told_again_after_a_long_pause(void **state)
{
	struct names *n = names_new();
	int me = names_listen(n, ALL);

	names_set(n, TASK, 7, 7, "cron", NULL);
	names_use(n, TASK, 7);
	names_news_announced(n, me, 1);
	for (unsigned int i = 0; i < NAMES_IDLE_TICKS; i++)
		names_tick(n);
	assert_true(names_recent(n, names_get(n, TASK, 7)));
	names_use(n, TASK, 7);
	assert_null(names_news_at(n, me, 0));
	for (unsigned int i = 0; i <= NAMES_IDLE_TICKS; i++)
		names_tick(n);
	assert_false(names_recent(n, names_get(n, TASK, 7)));
	names_use(n, TASK, 7);
	assert_string_equal(names_news_at(n, me, 0)->text, "cron");
	names_free(n);
}

/* Ten times as many tasks as there is room for: the idle ones give way, the one in use never does,
 * and the table finds exactly the newest of each id. */
static void tasks_are_bounded(void **state)
{
	struct names *n = names_new();
	uint64_t seed = 7;
	char text[32];
	int me = names_listen(n, ALL);

	names_set(n, TASK, 1, 1, "init", NULL);
	for (uint32_t i = 0; i < 10 * NAMES_MAX_TASKS; i++) {
		uint32_t tid = 2 + random_below(&seed, 1u << 22);

		snprintf(text, sizeof(text), "task-%u", tid);
		assert_int_equal(names_set(n, TASK, tid, tid, text, NULL), 0);
		names_use(n, TASK, tid);
		names_use(n, TASK, 1);
		assert_string_equal(names_get(n, TASK, tid)->text, text);
		assert_int_equal(names_get(n, TASK, tid)->id, tid);
		if (i % 1000 == 0)
			names_tick(n);
	}
	assert_non_null(names_get(n, TASK, 1));
	assert_string_equal(names_get(n, TASK, 1)->text, "init");
	assert_true(names_used_count(n) <= NAMES_MAX_TASKS);
	for (size_t i = 0; i < names_used_count(n); i++) {
		const struct name *e = names_used_at(n, i);
		assert_ptr_equal(names_get(n, TASK, e->id), e);
	}
	for (size_t i = 0; names_news_at(n, me, i); i++)
		assert_true(i < NAMES_MAX_TASKS);
	names_free(n);
}

static void symbols_are_bounded(void **state)
{
	struct names *n = names_new();

	for (uint32_t i = 0; i < NAMES_MAX_OTHERS; i++)
		assert_int_equal(names_set(n, SYMBOL, i, 0, "symbol", NULL), 0);
	assert_int_equal(names_set(n, SYMBOL, NAMES_MAX_OTHERS, 0, "symbol", NULL), -ENOSPC);
	assert_null(names_get(n, SYMBOL, NAMES_MAX_OTHERS));
	assert_int_equal(names_set(n, SYMBOL, 3, 0, "renamed", NULL), 0);
	assert_string_equal(names_get(n, SYMBOL, 3)->text, "renamed");
	names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions),
		cmocka_unit_test(told_once_when_used),
		cmocka_unit_test(told_again_when_it_changes),
		cmocka_unit_test(told_again_after_a_long_pause),
		cmocka_unit_test(tasks_are_bounded),
		cmocka_unit_test(symbols_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
