/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every kind of line a recording can come from: opened, read, gone, back again. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "host/link/link.h"

static const struct link_options opt = {.baud = 115200};

static int set_up(void **state)
{
	char *dir = strdup("/tmp/test_links.XXXXXX");

	assert_non_null(dir);
	assert_non_null(mkdtemp(dir));
	*state = dir;
	return 0;
}

static int tear_down(void **state)
{
	rmdir(*state);
	free(*state);
	return 0;
}

/* Wait until the link has something to say, then read. */
static ssize_t read_link(struct link *l, void *buf, size_t len)
{
	struct pollfd p = {.fd = l->fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
	return link_read(l, buf, len);
}

/* link_open with the waiting of its caller's loop. */
static int open_whole(struct link *l)
{
	int err = link_open(l);

	while (err == -EINPROGRESS) {
		struct pollfd p = {.fd = l->fd, .events = POLLOUT};

		assert_int_equal(poll(&p, 1, LINK_CONNECT_MS), 1);
		err = link_connected(l, false);
	}
	return err;
}

static void open_link(struct link *l, const char *port, const struct link_ops *kind)
{
	assert_int_equal(link_init(l, port, &opt), 0);
	assert_ptr_equal(l->ops, kind);
	assert_int_equal(open_whole(l), 0);
}

/* All values pass a pty, none is a signal or a line end; its other end may vanish. */
static void pty_is_raw(void **state)
{
	uint8_t all[256], got[256];
	char name[64];
	struct link l;
	int master, slave;

	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	assert_int_equal(openpty(&master, &slave, name, NULL, NULL), 0);
	open_link(&l, name, &link_pty);
	close(slave);
	assert_int_equal(link_read(&l, got, sizeof(got)), -EAGAIN);
	assert_int_equal(write(master, all, sizeof(all)), sizeof(all));
	assert_int_equal(read_link(&l, got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, all, sizeof(all));
	close(master);
	assert_int_equal(read_link(&l, got, sizeof(got)), 0);
	assert_true(l.ops->vanishes);
	link_close(&l);
	assert_true(link_open(&l) < 0);
	assert_non_null(strstr(l.error, name));
}

static void pty_is_left_as_found(void **state)
{
	struct termios before, during, after;
	char name[64];
	struct link l;
	int master, slave;

	assert_int_equal(openpty(&master, &slave, name, NULL, NULL), 0);
	assert_int_equal(tcgetattr(slave, &before), 0);
	assert_true(before.c_lflag & ICANON && before.c_lflag & ECHO);
	open_link(&l, name, &link_pty);
	assert_int_equal(tcgetattr(slave, &during), 0);
	assert_false(during.c_lflag & ICANON);
	link_close(&l);
	assert_int_equal(tcgetattr(slave, &after), 0);
	assert_int_equal(after.c_lflag, before.c_lflag);
	assert_int_equal(after.c_iflag, before.c_iflag);
	assert_int_equal(after.c_oflag, before.c_oflag);
	close(slave);
	close(master);
}

static void file_ends(void **state)
{
	char path[96], got[10];
	struct link l;
	int fd;

	snprintf(path, sizeof(path), "%s/bytes", (char *)*state);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "line", 4), 4);
	close(fd);
	open_link(&l, path, &link_file);
	assert_int_equal(read_link(&l, got, sizeof(got)), 4);
	assert_int_equal(read_link(&l, got, sizeof(got)), 0);
	assert_true(l.ops->whole);
	link_close(&l);
	unlink(path);
}

static void unix_socket(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char port[128], got[10];
	struct link l;
	int listener, peer;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/sock", (char *)*state);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
	for (int prefixed = 0; prefixed < 2;
		prefixed++) { /* unix:PATH, or a path that is a socket */
		snprintf(port, sizeof(port), "%s%s", prefixed ? "unix:" : "", addr.sun_path);
		open_link(&l, port, &link_unix);
		peer = accept(listener, NULL, NULL);
		assert_int_equal(write(peer, "abc", 3), 3);
		assert_int_equal(read_link(&l, got, sizeof(got)), 3);
		close(peer);
		assert_int_equal(read_link(&l, got, sizeof(got)), 0);
		link_close(&l);
	}
	close(listener);
	unlink(addr.sun_path);
}

static void tcp_socket(void **state)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	char port[64], got[10];
	struct link l;
	int listener = socket(AF_INET, SOCK_STREAM, 0), peer;

	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	snprintf(port, sizeof(port), "tcp:127.0.0.1:%d", ntohs(addr.sin_port));
	open_link(&l, port, &link_tcp);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(write(peer, "abc", 3), 3);
	assert_int_equal(read_link(&l, got, sizeof(got)), 3);
	close(peer);
	assert_int_equal(read_link(&l, got, sizeof(got)), 0);
	link_close(&l);
	close(listener);
	assert_int_equal(open_whole(&l), -ECONNREFUSED);
	assert_non_null(strstr(l.error, "refused"));
}

/* ---- whose device ------------------------------------------------------------------------------ */

static void place(const char *dir, const char *name, const char *target)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	if (target)
		assert_int_equal(symlink(target, path), 0);
	else
		close(open(path, O_CREAT | O_WRONLY, 0600));
}

/* An adapter is found again under the name it has now; another one under its old name is not taken for it. */
static void adapter_under_another_name(void **state)
{
	char dir[128], by_id[160], usb0[192], usb1[192], link[IDENTITY_PATH], device[IDENTITY_PATH];
	static const char *const made[] = {
		"by-id/usb-maker-42", "by-id/usb-other-7", "by-id/dangling", "ttyUSB0", "ttyUSB1"};
	char *real = realpath(*state, NULL);

	assert_non_null(real);
	assert_in_range(snprintf(dir, sizeof(dir), "%s", real), 1, sizeof(dir) - 1);
	free(real);
	snprintf(by_id, sizeof(by_id), "%s/by-id", dir);
	snprintf(usb0, sizeof(usb0), "%s/ttyUSB0", dir);
	snprintf(usb1, sizeof(usb1), "%s/ttyUSB1", dir);
	assert_int_equal(mkdir(by_id, 0700), 0);
	place(dir, "ttyUSB0", NULL);
	place(by_id, "dangling", "../ttyUSB9");
	assert_false(identity_find(by_id, usb0, link));
	assert_false(identity_find("/nonexistent", usb0, link));
	place(by_id, "usb-maker-42", "../ttyUSB0");
	assert_false(identity_find(by_id, usb1, link));
	assert_true(identity_find(by_id, usb0, link));
	assert_string_equal(strrchr(link, '/'), "/usb-maker-42");
	identity_follow(usb0, link, device);
	assert_string_equal(device, usb0);
	/* Back as ttyUSB1, while another adapter has its name. */
	place(dir, "ttyUSB1", NULL);
	place(by_id, "usb-maker-42", "../ttyUSB1");
	place(by_id, "usb-other-7", "../ttyUSB0");
	identity_follow(usb0, link, device);
	assert_string_equal(device, usb1);
	/* Gone: the name counts, and then nothing does. */
	place(by_id, "usb-maker-42", "../ttyUSB8");
	identity_follow(usb0, link, device);
	assert_string_equal(device, usb0);
	identity_follow("/nonexistent/ttyUSB0", link, device);
	assert_string_equal(device, "/nonexistent/ttyUSB0");
	identity_follow(usb0, "", device);
	assert_string_equal(device, usb0);
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		snprintf(link, sizeof(link), "%s/%s", dir, made[i]);
		unlink(link);
	}
	rmdir(by_id);
}

/* Two recorders on one line would have half of it each. */
static void pty_is_ours_alone(void **state)
{
	char name[64];
	struct link first, second;
	int master, slave;

	assert_int_equal(openpty(&master, &slave, name, NULL, NULL), 0);
	open_link(&first, name, &link_pty);
	assert_int_equal(link_init(&second, name, &opt), 0);
	assert_int_equal(link_open(&second), -EBUSY);
	assert_non_null(strstr(second.error, "another program"));
	link_close(&first);
	assert_int_equal(link_open(&second), 0);
	link_close(&second);
	close(slave);
	close(master);
}

/* ---- counters --------------------------------------------------------------------------------- */

static ayaprof_UartErrors driver; /* what a driver that is none counts */
static bool driver_answers;

static int open_nothing(struct link *l)
{
	l->fd = open("/dev/null", O_RDWR);
	return 0;
}

static bool count(const struct link *l, ayaprof_UartErrors *counters)
{
	*counters = driver;
	return driver_answers;
}

/* From the first opening on, over all of them, whatever the driver had counted before. */
static void errors_of_the_port(void **state)
{
	static const struct link_ops ops = {.name = "test", .open = open_nothing, .errors = count};
	struct link l = {.ops = &ops, .fd = -1};
	ayaprof_UartErrors sum;

	driver_answers = true;
	driver = (ayaprof_UartErrors){.overrun = 100, .breaks = UINT32_MAX};
	assert_int_equal(link_open(&l), 0);
	assert_true(link_errors(&l, &sum));
	assert_int_equal(sum.overrun, 0);
	driver.overrun = 105;
	driver.breaks = 1; /* 32 bits have wrapped */
	driver.buffer_overrun = 2;
	link_close(&l);
	assert_true(link_errors(&l, &sum));
	driver = (ayaprof_UartErrors){.framing = 9}; /* another adapter comes back */
	assert_int_equal(link_open(&l), 0);
	driver.framing = 10;
	assert_true(link_errors(&l, &sum));
	assert_int_equal(sum.overrun, 5);
	assert_int_equal(sum.breaks, 2);
	assert_int_equal(sum.buffer_overrun, 2);
	assert_int_equal(sum.framing, 1);
	driver_answers = false; /* pulled out: the last that was known */
	link_close(&l);
	assert_true(link_errors(&l, &sum));
	assert_int_equal(sum.framing, 1);
}

/* A pipe that nobody writes to yet is not at its end. */
static void named_pipe(void **state)
{
	char path[96], got[10];
	struct link l;
	int fd;

	snprintf(path, sizeof(path), "%s/pipe", (char *)*state);
	assert_int_equal(mkfifo(path, 0600), 0);
	open_link(&l, path, &link_stream);
	struct pollfd p = {.fd = l.fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 0), 0);
	fd = open(path, O_WRONLY);
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(read_link(&l, got, sizeof(got)), 3);
	close(fd);
	assert_int_equal(read_link(&l, got, sizeof(got)), 0);
	link_close(&l);
	unlink(path);
}

/* ---- lock files ----------------------------------------------------------------------------- */

static void write_lock(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* As minicom and its like do it: a file with the process id. */
static void lock_files_are_heeded_and_left(void **state)
{
	char path[PATH_MAX], text[32], name[64], holder[CLAIM_HOLDER];
	struct claim c = {.path = ""};
	int master, slave;
	FILE *f;

	assert_int_equal(openpty(&master, &slave, name, NULL, NULL), 0);
	snprintf(path, sizeof(path), "%s/LCK..pts_%s", (char *)*state, strrchr(name, '/') + 1);
	assert_int_equal(claim_take(&c, *state, name, holder), 0);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_int_equal(strlen(text), 11);
	assert_int_equal(strtol(text, NULL, 10), getpid());
	claim_release(&c);
	assert_int_equal(access(path, F_OK), -1);

	/* Somebody's who lives: his, and it stays. */
	snprintf(text, sizeof(text), "%10ld\n", (long)getppid());
	write_lock(path, text);
	assert_int_equal(claim_take(&c, *state, name, holder), -EBUSY);
	snprintf(text, sizeof(text), "(pid %ld)", (long)getppid());
	assert_non_null(strstr(holder, text));
	claim_release(&c);
	assert_int_equal(access(path, F_OK), 0);

	/* Of one that is no more, or nobody's: ours. Process ids end at 2^22. */
	for (int i = 0; i < 3; i++) {
		static const char *const stale[] = {"   4194999\n", "", "minicom\n"};

		write_lock(path, stale[i]);
		assert_int_equal(claim_take(&c, *state, name, holder), 0);
		claim_release(&c);
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_int_equal(claim_take(&c, "/nonexistent", name, holder), 0);
	close(master);
	close(slave);
}

static void others_that_have_it_open_are_named(void **state)
{
	char name[64], text[CLAIM_HOLDER], pid[32];
	int master, slave, ready[2];
	pid_t child;
	char byte;

	assert_int_equal(openpty(&master, &slave, name, NULL, NULL), 0);
	assert_int_equal(pipe(ready), 0);
	assert_false(claim_holders(name, text, sizeof(text)));
	child = fork();
	if (child == 0) {
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_true(claim_holders(name, text, sizeof(text)));
	snprintf(pid, sizeof(pid), "test_links (pid %d)", (int)child);
	assert_string_equal(text, pid);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(master);
	close(slave);
	close(ready[0]);
	close(ready[1]);
}

static void ports_that_are_none(void **state)
{
	static const char *const ports[] = {
		"/nonexistent", "/", "tcp:", "tcp:host", "tcp::5", "unix:", "/dev/null"};

	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		struct link l;

		if (link_init(&l, ports[i], &opt) == 0)
			assert_true(link_open(&l) < 0);
		assert_true(l.fd < 0);
		assert_non_null(strstr(l.error, *ports[i] == 'u' ? "path" : ports[i]));
		assert_null(strchr(l.error, '\n'));
	}
}

int main(void)
{
#define link_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pty_is_raw),
		cmocka_unit_test(pty_is_left_as_found),
		link_test(file_ends),
		link_test(unix_socket),
		cmocka_unit_test(tcp_socket),
		link_test(named_pipe),
		link_test(adapter_under_another_name),
		cmocka_unit_test(pty_is_ours_alone),
		cmocka_unit_test(errors_of_the_port),
		link_test(lock_files_are_heeded_and_left),
		cmocka_unit_test(others_that_have_it_open_are_named),
		cmocka_unit_test(ports_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
