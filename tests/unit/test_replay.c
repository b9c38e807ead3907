/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/replay/replay_names.h"
#include "target/source/source.h"

#define RECORDS 10000u

static void classes_by_name(void **state)
{
	static const struct {
		const char *name;
		enum ayp_class cls;
	} rows[] = {
		{"sys_read", AYP_CLASS_SYSCALL},
		{"sys_466", AYP_CLASS_SYSCALL},
		{"sys_fillrect", AYP_CLASS_REPLAY},
		{"sys_", AYP_CLASS_REPLAY},
		{"sys_466_end", AYP_CLASS_REPLAY},
#ifdef __x86_64__
		{"ia32_sys_waitpid", AYP_CLASS_SYSCALL},
		{"sys_waitpid", AYP_CLASS_SYSCALL},
		{"x32_sys_preadv2", AYP_CLASS_SYSCALL},
		{"arm_sys_sync_file_range2", AYP_CLASS_SYSCALL},
#endif
		{"ia32_sys_fillrect", AYP_CLASS_REPLAY},
		{"irq_36", AYP_CLASS_HARDIRQ},
		{"irq_enter_rcu", AYP_CLASS_REPLAY},
		{"irq_", AYP_CLASS_REPLAY},
		{"softirq_NET_RX", AYP_CLASS_SOFTIRQ},
		{"softirq_init", AYP_CLASS_REPLAY},
		{"local_timer", AYP_CLASS_TIMER},
		{"sched_switch", AYP_CLASS_SWITCH},
		{"sched_switcher", AYP_CLASS_REPLAY},
		{"tcp_sendmsg", AYP_CLASS_REPLAY},
		{"do_sys_openat2", AYP_CLASS_REPLAY},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (replay_guess_class(rows[i].name) != rows[i].cls)
			fail_msg("%s is taken for class %d", rows[i].name,
				replay_guess_class(rows[i].name));
}

/* ---- a recording and who reads it ----------------------------------------------------------- */

struct reader {
	char path[32];
	struct config config;
	struct names *names;
	struct source_sink sink;
	struct source *source;
	uint8_t records[RECORDS][AYP_RECORD_SIZE];
	size_t n, got;
};

static void on_event(void *ctx, const struct ayp_event *ev)
{
	struct reader *r = ctx;
	uint8_t record[AYP_RECORD_SIZE];

	ayp_record_write(record, ev);
	assert_true(r->got < r->n);
	assert_memory_equal(record, r->records[r->got], sizeof(record));
	assert_int_equal(ev->nargs, 0);
	assert_non_null(names_get(r->names, ayaprof_Table_TABLE_FUNC, ev->func));
	r->got++;
}

static void write_file(char *path, const void *data, size_t n)
{
	int fd;

	memcpy(path, "/tmp/test-replay-XXXXXX", sizeof("/tmp/test-replay-XXXXXX"));
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), (ssize_t)n);
	close(fd);
}

static int open_reader(struct reader *r, const void *data, size_t size)
{
	write_file(r->path, data, size);
	r->config.replay_file = r->path;
	r->names = names_new();
	r->sink = (struct source_sink){.ctx = r, .event = on_event};
	r->source = replay_source_new(&r->config, r->names, &r->sink);
	assert_non_null(r->source);
	return r->source->ops->start(r->source);
}

static void close_reader(struct reader *r)
{
	r->source->ops->free(r->source);
	names_free(r->names);
	unlink(r->path);
	free(r);
}

static struct reader *new_reader(size_t n)
{
	struct reader *r = calloc(1, sizeof(*r));

	for (size_t i = 0; i < n; i++) {
		struct ayp_event ev = {
			.t_ns = 5000000000ull + i * 1000,
			.tid = (uint32_t)i % 7,
			.func = i % 3 ? (uint16_t)(i % 100) : 65535,
			.cpu = (uint8_t)(i % 4),
			.kind = (uint8_t)(i % 3),
		};
		ayp_record_write(r->records[i], &ev);
	}
	r->n = n;
	return r;
}

static void all_records_in_order(void **state)
{
	struct reader *r = new_reader(RECORDS);
	struct source *s;
	uint64_t sum = 0;
	uint32_t func = 0;
	ayaprof_Aggregate rows[16];
	size_t n;

	assert_int_equal(open_reader(r, r->records, sizeof(r->records)), 0);
	s = r->source;
	assert_int_equal(s->start_ns, 5000000000ull);
	assert_int_equal(s->ops->activate(s), 0);
	while (s->ops->consume(s, 333, 0) > 0)
		;
	assert_int_equal(s->ops->consume(s, 333, 0), -ENODATA);
	assert_int_equal(r->got, RECORDS);
	assert_int_equal(s->ops->produced(s), RECORDS);
	/* Kind 1, every third record, ends what another one began. */
	while ((n = s->ops->totals(s, &func, rows, 16)) > 0)
		for (size_t i = 0; i < n; i++)
			sum += rows[i].count;
	assert_int_equal(sum, RECORDS - RECORDS / 3);
	close_reader(r);
}

static void at_the_recorded_times(void **state)
{
	struct reader *r = new_reader(2000);
	struct source *s;
	uint64_t begun, due;

	r->config.replay_rate = REPLAY_REALTIME;
	assert_int_equal(open_reader(r, r->records, 2000 * AYP_RECORD_SIZE), 0);
	s = r->source;
	begun = now_ns();
	s->ops->activate(s);
	assert_int_equal(s->ops->consume(s, 2000, begun), 0);
	due = s->ops->next_due_ns(s);
	assert_true(due >= begun);
	/* 1 ms later what happened within 1 ms is due: records are 1 us apart. */
	assert_int_equal(s->ops->consume(s, 2000, due + 1000000), 1001);
	assert_int_equal(s->ops->next_due_ns(s), due + 1001000);
	s->ops->deactivate(s);
	assert_int_equal(s->ops->consume(s, 2000, due + 10000000), -ENODATA);
	assert_int_equal(s->ops->produced(s), 1001);
	close_reader(r);
}

static void a_damaged_record_ends_it(void **state)
{
	struct reader *r = new_reader(100);

	r->records[60][15] = 9;
	assert_int_equal(open_reader(r, r->records, 100 * AYP_RECORD_SIZE), 0);
	r->source->ops->activate(r->source);
	assert_int_equal(r->source->ops->consume(r->source, 1000, 0), 60);
	assert_int_equal(r->source->ops->consume(r->source, 1000, 0), -EBADMSG);
	assert_int_equal(r->source->ops->produced(r->source), 60);
	close_reader(r);
}

static void what_is_no_recording(void **state)
{
	static const struct {
		const char *data;
		size_t n;
		int err;
	} rows[] = {
		{"", 0, -EBADMSG},
		{"short", 5, -EBADMSG},
		{"just some text that is long enough", 34, -EBADMSG},
		{"\xfd"
		 "7zXZ\0\0\4\0\0\0\0\0\0\0\0",
			16, -EBADMSG},
		{"\x1f\x8b\x08\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, -EBADMSG},
		{"\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0tail", 20, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reader *r = new_reader(1);
		assert_int_equal(open_reader(r, rows[i].data, rows[i].n), rows[i].err);
		close_reader(r);
	}
}

static void names_files(void **state)
{
	static const struct {
		const char *text;
		int err;
	} rows[] = {
		{"0 vfs_read\n65535 operator new(unsigned long)\n\n# comment\n7\tspaced\r\n", 0},
		{"0\n", -EINVAL},
		{"x vfs_read\n", -EINVAL},
		{"65536 beyond\n", -EINVAL},
		{"-1 negative\n", -EINVAL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct names *names = names_new();
		char path[32];

		names_reserve_funcs(names, NAMES_MAX_FUNCS);
		write_file(path, rows[i].text, strlen(rows[i].text));
		assert_int_equal(replay_names_load(names, path), rows[i].err);
		if (!rows[i].err) {
			assert_string_equal(names_get(names, ayaprof_Table_TABLE_FUNC, 65535)->text,
				"operator new(unsigned long)");
			assert_string_equal(
				names_get(names, ayaprof_Table_TABLE_FUNC, 7)->text, "spaced");
		}
		unlink(path);
		names_free(names);
	}
}

static int quiet(void **state)
{
	log_set_verbosity(-1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_by_name),
		cmocka_unit_test(all_records_in_order),
		cmocka_unit_test(at_the_recorded_times),
		cmocka_unit_test(a_damaged_record_ends_it),
		cmocka_unit_test(what_is_no_recording),
		cmocka_unit_test(names_files),
	};

	return cmocka_run_group_tests(tests, quiet, NULL);
}
