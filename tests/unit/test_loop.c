/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The desk's event loop: descriptors of all kinds, times in order, signals that end everything. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/loop.h"

#define MS UINT64_C(1000000)

struct bench {
	struct loop *loop;
	struct loop_fd fd[3];
	struct loop_timer timer[200];
	int pipe[2], calls, order[200], n;
	unsigned int events;
};

static struct bench b;

static int set_up(void **state)
{
	memset(&b, 0, sizeof(b));
	assert_int_equal(loop_new(&b.loop), 0);
	assert_int_equal(pipe2(b.pipe, O_NONBLOCK | O_CLOEXEC), 0);
	return 0;
}

static int tear_down(void **state)
{
	loop_free(b.loop);
	close(b.pipe[0]);
	close(b.pipe[1]);
	return 0;
}

static void count(void *ctx, unsigned int events)
{
	b.calls++;
	b.events = events;
}

static void note(void *ctx)
{
	b.order[b.n++] = (int)((struct loop_timer *)ctx - b.timer);
}

static void timer(int i, uint64_t at)
{
	b.timer[i].due = note;
	b.timer[i].ctx = &b.timer[i];
	assert_int_equal(loop_timer_set(b.loop, &b.timer[i], at), 0);
}

static void turn(void)
{
	assert_int_equal(loop_turn(b.loop), 0);
}

static void reads_and_hangups(void **state)
{
	b.fd[0].ready = count;
	assert_int_equal(loop_watch(b.loop, &b.fd[0], b.pipe[0], LOOP_READ), 0);
	timer(0, loop_clock() + 5 * MS);
	turn();
	assert_int_equal(b.calls, 0);
	assert_int_equal(b.n, 1);
	assert_int_equal(write(b.pipe[1], "x", 1), 1);
	turn();
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.events, LOOP_READ);
	/* Not to be read now, but still told when the other end leaves. */
	assert_int_equal(loop_watch(b.loop, &b.fd[0], b.pipe[0], 0), 0);
	timer(0, loop_clock() + 5 * MS);
	turn();
	assert_int_equal(b.calls, 1);
	close(b.pipe[1]);
	b.pipe[1] = dup(b.pipe[0]);
	turn();
	assert_int_equal(b.calls, 2);
	assert_int_equal(b.events, LOOP_READ | LOOP_HUP);
	loop_unwatch(b.loop, &b.fd[0]);
	timer(0, loop_clock());
	turn();
	assert_int_equal(b.calls, 2);
}

/* epoll refuses them; a recorder reads captured bytes all the same. */
static void regular_files_are_always_ready(void **state)
{
	char name[] = "/tmp/test_loop.XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	b.fd[0].ready = count;
	assert_int_equal(loop_watch(b.loop, &b.fd[0], fd, LOOP_READ), 0);
	turn();
	turn();
	assert_int_equal(b.calls, 2);
	assert_int_equal(loop_watch(b.loop, &b.fd[0], fd, 0), 0);
	timer(0, loop_clock() + 5 * MS);
	turn();
	assert_int_equal(b.calls, 2);
	assert_int_equal(loop_watch(b.loop, &b.fd[0], fd, LOOP_READ), 0);
	turn();
	assert_int_equal(b.calls, 3);
	loop_unwatch(b.loop, &b.fd[0]);
	timer(0, loop_clock());
	turn();
	assert_int_equal(b.calls, 3);
	close(fd);
}

static void unwatch_all(void *ctx, unsigned int events)
{
	b.calls++;
	for (int i = 0; i < 3; i++)
		loop_unwatch(b.loop, &b.fd[i]);
}

/* Three are ready in one turn; the first one called takes the others away, and itself. */
static void unwatched_meanwhile_is_not_called(void **state)
{
	int second[2], third[2];

	assert_int_equal(pipe2(second, O_CLOEXEC), 0);
	assert_int_equal(pipe2(third, O_CLOEXEC), 0);
	for (int i = 0; i < 3; i++) {
		int *p = i == 0 ? b.pipe : i == 1 ? second : third;

		b.fd[i].ready = unwatch_all;
		assert_int_equal(write(p[1], "x", 1), 1);
		assert_int_equal(loop_watch(b.loop, &b.fd[i], p[0], LOOP_READ), 0);
	}
	turn();
	assert_int_equal(b.calls, 1);
	for (int i = 0; i < 2; i++) {
		close(second[i]);
		close(third[i]);
	}
}

static void timers_come_in_their_order(void **state)
{
	uint64_t base = loop_clock();
	uint32_t x = 7;

	for (int i = 0; i < 200; i++) {
		x = x * 1664525u + 1013904223u;
		timer(i, base + (x >> 16) % 1000);
	}
	for (int i = 0; i < 200; i += 3) /* moved */
		timer(i, base + (uint64_t)(1000 - i));
	for (int i = 1; i < 200; i += 3)
		loop_timer_stop(b.loop, &b.timer[i]);
	while (b.n < 133)
		turn();
	for (int i = 1; i < b.n; i++)
		assert_true(b.timer[b.order[i - 1]].at_ns <= b.timer[b.order[i]].at_ns);
	for (int i = 0; i < b.n; i++)
		assert_int_not_equal(b.order[i] % 3, 1);
	timer(0, loop_clock() + 5 * MS);
	turn();
	assert_int_equal(b.n, 134);
}

static void again(void *ctx)
{
	b.n++;
	loop_timer_set(b.loop, ctx, loop_clock());
}

/* One that sets itself for now does not starve descriptors. */
static void a_timer_set_anew_waits_for_the_next_turn(void **state)
{
	b.timer[0].due = again;
	b.timer[0].ctx = &b.timer[0];
	loop_timer_set(b.loop, &b.timer[0], 0);
	turn();
	assert_int_equal(b.n, 1);
	turn();
	assert_int_equal(b.n, 2);
}

static void signals_are_counted(void **state)
{
	static const int stops[] = {SIGHUP, SIGXCPU, SIGINT, SIGTERM};

	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(loop_catch_signals(b.loop), 0);
		raise(SIGXFSZ);
		raise(SIGPIPE);
		assert_int_equal(loop_signals(), 0);
		raise(stops[i]);
		turn(); /* or it would wait for ever */
		assert_int_equal(loop_signals(), 1);
		loop_free(b.loop);
		assert_int_equal(loop_new(&b.loop), 0);
	}
}

/* Wherever it hangs, and without its help. */
static void two_signals_end_what_hangs(void **state)
{
	uint64_t begun = loop_clock();
	int status;
	pid_t child = fork();

	if (!child) {
		struct sigaction act;

		loop_catch_signals(b.loop);
		raise(SIGTERM);
		raise(SIGINT);
		sigaction(SIGINT, NULL, &act);
		for (;;)
			pause();
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
	assert_true(loop_clock() - begun < 1000 * MS);
}

static void nohup_stays(void **state)
{
	signal(SIGHUP, SIG_IGN);
	assert_int_equal(loop_catch_signals(b.loop), 0);
	raise(SIGHUP);
	assert_int_equal(loop_signals(), 0);
	signal(SIGHUP, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_and_hangups, set_up, tear_down),
		cmocka_unit_test_setup_teardown(regular_files_are_always_ready, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			unwatched_meanwhile_is_not_called, set_up, tear_down),
		cmocka_unit_test_setup_teardown(timers_come_in_their_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_timer_set_anew_waits_for_the_next_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(signals_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_signals_end_what_hangs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nohup_stays, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
