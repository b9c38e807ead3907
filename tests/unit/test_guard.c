/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Settings are put back even if the daemon has no chance to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <asm/ioctls.h>

#include "target/setup/guard.h"

#define TRIES 6000 /* of 10 ms */

static char path[] = "/tmp/guard.XXXXXX";

static void write_number(int v)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "%d\t4\t1\t7\n", v);
	fclose(f);
}

static int number(void)
{
	FILE *f = fopen(path, "r");
	int v = -1;

	assert_non_null(f);
	if (fscanf(f, "%d", &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

static void moment(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static int make_file(void **state)
{
	int fd;

	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	write_number(7);
	return 0;
}

static int remove_file(void **state)
{
	return remove(path);
}

/* A child does `what` and is killed; *gone reads its end when the guard has ended, too. */
static void in_a_killed_child(void (*what)(void), int *gone)
{
	int alive[2], ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(alive), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(alive[0]);
		what();
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(alive[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	*gone = alive[0];
}

static void change(void)
{
	if (guard_number(path, 7, 1) < 0)
		_exit(1);
	write_number(1);
}

static void change_and_restore(void)
{
	int handle = guard_number(path, 7, 1);

	write_number(1);
	write_number(5);
	guard_done(handle);
	handle = guard_number(path, 5, 4);
	guard_done(handle);
	write_number(1);
}

static void changed_by_others(void)
{
	change();
	write_number(3);
}

static void is_put_back(void **state)
{
	char c;
	int gone, tries;

	in_a_killed_child(change, &gone);
	/* The guard has none of the child's descriptors: this pipe ended with the child. */
	assert_int_equal(read(gone, &c, 1), 0);
	close(gone);
	for (tries = 0; number() != 7 && tries < TRIES; tries++)
		moment();
	assert_int_equal(number(), 7);
}

/* Two in a row: when the second one's is back, the first guard has had its chance, too. */
static void not_twice(void **state)
{
	static char first[sizeof(path)];
	int gone, tries;

	in_a_killed_child(change_and_restore, &gone);
	close(gone);
	memcpy(first, path, sizeof(path));
	assert_int_equal(make_file(NULL), 0);
	in_a_killed_child(change, &gone);
	close(gone);
	for (tries = 0; number() != 7 && tries < TRIES; tries++)
		moment();
	remove_file(NULL);
	memcpy(path, first, sizeof(path));
	assert_int_equal(number(), 1);
}

static void not_over_others(void **state)
{
	static char first[sizeof(path)];
	int gone, tries;

	in_a_killed_child(changed_by_others, &gone);
	close(gone);
	memcpy(first, path, sizeof(path));
	assert_int_equal(make_file(NULL), 0);
	in_a_killed_child(change, &gone);
	close(gone);
	for (tries = 0; number() != 7 && tries < TRIES; tries++)
		moment();
	remove_file(NULL);
	memcpy(path, first, sizeof(path));
	assert_int_equal(number(), 3);
}

static int master = -1;
static char slave[64];

static int slave_speed(void)
{
	int fd = open(slave, O_RDWR | O_NOCTTY);
	struct termios2 tio;

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, TCGETS2, &tio), 0);
	close(fd);
	return (int)tio.c_ospeed;
}

static void change_rate(void)
{
	int fd = open(slave, O_RDWR | O_NOCTTY);
	struct termios2 tio;

	if (fd < 0 || ioctl(fd, TCGETS2, &tio))
		_exit(1);
	if (guard_tty(slave, &tio, 230400, false) < 0)
		_exit(1);
	tio.c_cflag = (tio.c_cflag & ~(tcflag_t)CBAUD) | BOTHER;
	tio.c_ospeed = tio.c_ispeed = 230400;
	if (ioctl(fd, TCSETS2, &tio))
		_exit(1);
}

static void a_line_is_put_back(void **state)
{
	int gone, tries, before;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	assert_int_equal(ptsname_r(master, slave, sizeof(slave)), 0);
	before = slave_speed();
	in_a_killed_child(change_rate, &gone);
	close(gone);
	for (tries = 0; slave_speed() != before && tries < TRIES; tries++)
		moment();
	assert_int_equal(slave_speed(), before);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_put_back, make_file, remove_file),
		cmocka_unit_test_setup_teardown(not_twice, make_file, remove_file),
		cmocka_unit_test_setup_teardown(not_over_others, make_file, remove_file),
		cmocka_unit_test(a_line_is_put_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
