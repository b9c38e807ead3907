/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Threads for a trace: all work is done, once, by the time it has been waited for, in whatever order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "host/recording/workers.h"
#include "tests/unit/random.h"

#define WORKS 200u

struct piece {
	unsigned int times;
	uint64_t sum;
};

static void work(void *arg)
{
	struct piece *p = arg;

	p->times++;
	for (uint64_t i = 0; i < 20000; i++)
		p->sum += i * i;
}

static void all_done_once(void **state)
{
	static struct piece pieces[WORKS];
	void *handles[WORKS];
	struct trace_threads t;
	struct workers *workers;
	uint64_t random = 5;

	assert_int_equal(workers_new(&workers), 0);
	t = workers_interface(workers);
	if (!workers) {
		/* One processor: there is nothing to wait for. */
		assert_null(t.start);
		return;
	}
	assert_true(t.n >= 1 && t.n <= WORKERS_MAX);
	/* More than are kept at a time. */
	for (size_t i = 0; i < WORKS; i++)
		handles[i] = t.start(t.ctx, work, &pieces[i]);
	for (size_t left = WORKS; left; left--) {
		size_t i = random_below(&random, (uint32_t)left);
		void *handle = handles[i];

		handles[i] = handles[left - 1];
		if (handle)
			t.wait(t.ctx, handle);
	}
	for (size_t i = 0; i < WORKS; i++) {
		assert_int_equal(pieces[i].times, 1);
		assert_int_equal(pieces[i].sum, pieces[0].sum);
	}
	workers_free(workers);
}

static void without_work(void **state)
{
	struct workers *workers;

	assert_int_equal(workers_new(&workers), 0);
	workers_free(workers);
	workers_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_done_once),
		cmocka_unit_test(without_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
