/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Outputs that block, fail, vanish: whoever writes to them goes on, and knows how much is gone. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/loop.h"
#include "host/base/writer.h"

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)

static char path[64];

static int open_file(void)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/test_writer.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	return fd;
}

static struct writer *writer(int fd, size_t size, int wake)
{
	struct writer_options opt = {.fd = fd, .size = size, .path = path, .wake_fd = wake};
	struct writer *w;

	assert_int_equal(writer_new(&w, &opt), 0);
	return w;
}

/* Through a ring that is much shorter, pieces of all lengths. */
static void all_in_order(void **state)
{
	static uint8_t sent[300000], got[sizeof(sent) + 1];
	struct writer *w = writer(open_file(), 10007, 0);
	struct writer_state s;
	size_t at = 0;
	int fd;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 2654435761u >> 13);
	while (at < sizeof(sent)) {
		size_t len = 1 + at * 7919 % 4000;

		if (len > sizeof(sent) - at)
			len = sizeof(sent) - at;
		if (writer_has_room(w, len)) {
			assert_true(writer_put(w, sent + at, len));
			at += len;
		}
	}
	assert_int_equal(writer_close(w, 10 * SECOND, &s), 0);
	assert_int_equal(s.written, sizeof(sent));
	assert_int_equal(s.dropped + s.waiting, 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, got, sizeof(got)), sizeof(sent));
	assert_memory_equal(got, sent, sizeof(sent));
	close(fd);
	unlink(path);
}

/* Nobody reads: nobody waits, all that does not fit is counted; its reader comes late and has the rest whole. */
static void a_reader_that_sleeps(void **state)
{
	int p[2], wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pollfd poll_wake = {.fd = wake, .events = POLLIN};
	static uint8_t buf[65536];
	uint64_t begun = loop_clock(), put = 0, read_bytes = 0;
	struct writer_state s;
	struct writer *w;
	ssize_t n;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	*path = '\0';
	w = writer(p[1], 100000, wake);
	for (int i = 0; i < 100; i++)
		put += writer_put(w, buf, 10000) ? 10000 : 0;
	assert_true(loop_clock() - begun < SECOND);
	s = writer_state(w);
	assert_int_equal(s.dropped, 1000000 - put);
	assert_true(s.dropped > 700000);
	assert_int_equal(s.written + s.waiting, put);
	assert_false(writer_has_room(w, 60000));
	while (read_bytes < put && (n = read(p[0], buf, sizeof(buf))) > 0)
		read_bytes += (uint64_t)n;
	assert_int_equal(read_bytes, put);
	assert_int_equal(poll(&poll_wake, 1, 5000), 1); /* there is room again */
	assert_int_equal(writer_close(w, SECOND, &s), 0);
	close(p[0]);
	close(wake);
}

static void a_reader_that_never_comes(void **state)
{
	int p[2];
	static uint8_t buf[65536];
	uint64_t begun = loop_clock();
	struct writer_state s;
	struct writer *w;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	w = writer(p[1], 200000, 0);
	for (int i = 0; i < 3; i++)
		assert_true(writer_put(w, buf, 60000));
	assert_int_equal(writer_close(w, 100 * MS, &s), -ETIMEDOUT);
	assert_int_equal(s.written + s.dropped, 180000);
	assert_true(s.dropped > 0);
	assert_true(loop_clock() - begun < SECOND);
	close(p[0]); /* and now its thread ends, too */
}

/* What another program does to a terminal or pipe that is shared. */
static void not_blocking_is_not_the_end(void **state)
{
	int p[2];
	static uint8_t buf[65536];
	uint64_t read_bytes = 0;
	struct writer_state s;
	struct writer *w;

	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	w = writer(p[1], 400000, 0);
	for (int i = 0; i < 6; i++)
		assert_true(writer_put(w, buf, 60000));
	for (uint64_t begun = loop_clock();
		read_bytes < 360000 && loop_clock() - begun < 5 * SECOND;) {
		ssize_t n = read(p[0], buf, sizeof(buf));

		read_bytes += n > 0 ? (uint64_t)n : 0;
	}
	assert_int_equal(read_bytes, 360000);
	assert_int_equal(writer_close(w, SECOND, &s), 0);
	assert_int_equal(s.written, 360000);
	close(p[0]);
}

/* The end of the room: what is there ends with a whole piece, the error is told. */
static void no_room_on_the_disk(void **state)
{
	struct rlimit old, limit;
	static uint8_t buf[3000];
	struct writer_state s;
	struct writer *w;
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = (struct rlimit){8000, old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &limit);
	w = writer(open_file(), 100000, 0);
	for (int i = 0; i < 5; i++)
		writer_put(w, buf, sizeof(buf));
	assert_int_equal(writer_close(w, SECOND, &s), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(s.written, 6000);
	assert_int_equal(s.dropped, 9000);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 6000);
	unlink(path);
}

static void a_file_that_is_removed_is_noticed(void **state)
{
	int wake = eventfd(0, EFD_CLOEXEC);
	struct pollfd p = {.fd = wake, .events = POLLIN};
	struct writer *w = writer(open_file(), 100000, wake);

	assert_true(writer_put(w, "x", 1));
	unlink(path);
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(writer_state(w).error, -ESTALE);
	assert_false(writer_put(w, "x", 1));
	assert_int_equal(writer_close(w, SECOND, NULL), -ESTALE);
	close(wake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_in_order),
		cmocka_unit_test(a_reader_that_sleeps),
		cmocka_unit_test(a_reader_that_never_comes),
		cmocka_unit_test(not_blocking_is_not_the_end),
		cmocka_unit_test(no_room_on_the_disk),
		cmocka_unit_test(a_file_that_is_removed_is_noticed),
	};

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
