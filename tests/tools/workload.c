/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Programs to be profiled: each does a known thing a known number of times, so that tests can say what
 * must be counted. The functions below are exported, never inlined and never merged: probes find them.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROBED __attribute__((noinline, noclone, noipa))
/* Keeps a call from becoming a jump: its caller must still be there when it returns. */
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

PROBED uint32_t ayp_work(uint32_t x);
PROBED size_t parse_request(const char *text, uint32_t *numbers, size_t cap);
PROBED uint32_t compute_fold(uint32_t n);
PROBED uint32_t compute_reply(const uint32_t *numbers, size_t n);
PROBED uint32_t checksum_reply(const uint8_t *data, size_t len);
PROBED int send_reply(int out, int in, const uint8_t *data, size_t len);
PROBED int take_timer(void);
PROBED int take_bare_timer(long clock, long flags);
PROBED void leave_by_jump(jmp_buf back, int deep);
PROBED int serve_request(const char *text, int out, int in);

static int fail(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	return 1;
}

/* ---- user functions ----------------------------------------------------------------------------- */

uint32_t ayp_work(uint32_t x)
{
	KEEP_FRAME();
	return x * 2654435761u + 1;
}

static int run_calls(unsigned long n, const char *arg)
{
	volatile uint32_t x = 1;

	while (n--)
		x = ayp_work(x);
	return 0;
}

/* ---- system calls and processes ----------------------------------------------------------------- */

static int run_getppid(unsigned long n, const char *arg)
{
	while (n--)
		syscall(SYS_getppid);
	return 0;
}

static int run_forks(unsigned long n, const char *arg)
{
	int status;

	while (n--) {
		pid_t pid = fork();

		if (pid < 0)
			return fail("fork");
		if (pid == 0)
			_exit(0);
		if (waitpid(pid, &status, 0) != pid || status)
			return fail("waitpid");
	}
	return 0;
}

static int read_file(int dir, const char *name)
{
	char buf[16384];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	close(fd);
	return n < 0 ? -1 : 0;
}

/* Reads n regular files of the directory, from the beginning again when it has fewer. */
static int run_files(unsigned long n, const char *arg)
{
	const char *path = arg ? arg : "/usr/include";
	DIR *dir = opendir(path);
	unsigned long before = n + 1;
	struct dirent *e;

	if (!dir)
		return fail(path);
	while (n && n != before) { /* a whole turn without a file ends it */
		before = n;
		rewinddir(dir);
		while (n && (e = readdir(dir)))
			if (e->d_type == DT_REG && !read_file(dirfd(dir), e->d_name))
				n--;
	}
	closedir(dir);
	if (!n)
		return 0;
	fprintf(stderr, "workload: %s: no files there\n", path);
	return 1;
}

/* Makes the kernel allocate and free: pipes, directory streams, small files. */
static int run_alloc(unsigned long n, const char *arg)
{
	int fds[2];

	while (n--) {
		if (pipe2(fds, O_CLOEXEC))
			return fail("pipe");
		if (write(fds[1], "x", 1) != 1)
			return fail("write");
		close(fds[0]);
		close(fds[1]);
	}
	return 0;
}

/* A timer's memory goes by kfree_rcu(). */
int take_timer(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	KEEP_FRAME();
	return fd;
}

static int run_timers(unsigned long n, const char *arg)
{
	while (n--) {
		int fd = take_timer();

		if (fd < 0)
			return fail("timerfd_create");
		close(fd);
	}
	return 0;
}

/* Without a frame: the system call is made where the stack pointer stood when it was entered. */
int take_bare_timer(long clock, long flags)
{
#if defined(__x86_64__)
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(SYS_timerfd_create), "D"(clock), "S"(flags)
			 : "rcx", "r11", "memory");
	return (int)result;
#elif defined(__aarch64__)
	register long number __asm__("x8") = SYS_timerfd_create;
	register long first __asm__("x0") = clock;
	register long second __asm__("x1") = flags;

	__asm__ volatile("svc 0" : "+r"(first) : "r"(number), "r"(second) : "memory");
	return (int)first;
#else
	return timerfd_create((int)clock, (int)flags);
#endif
}

/* The compiler is not told that it does not return. */
static void (*volatile jump)(jmp_buf, int) = longjmp;

void leave_by_jump(jmp_buf back, int deep)
{
	if (deep)
		leave_by_jump(back, deep - 1);
	else
		jump(back, 1);
	KEEP_FRAME();
}

/* After each jump out of functions, a timer that none of them took; and one that a function takes. */
static int run_jumps(unsigned long n, const char *arg)
{
	static jmp_buf back;
	volatile unsigned long left = n;

	for (; left; left--) {
		int fds[2], i;

		if (!setjmp(back))
			leave_by_jump(back, left % 3);
		fds[0] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
		fds[1] = take_bare_timer(CLOCK_MONOTONIC, TFD_CLOEXEC);
		for (i = 0; i < 2; i++) {
			if (fds[i] < 0)
				return fail("timerfd_create");
			close(fds[i]);
		}
	}
	return 0;
}

/* All at once, until a signal ends it; in processes that the usual limit on files suits. */
static int run_held(unsigned long n, const char *arg)
{
	unsigned long here;
	pid_t next;

	for (here = 0; n && here < 900; here++, n--)
		if (take_timer() < 0)
			return fail("timerfd_create");
	fflush(stdout);
	next = n ? fork() : 1;
	if (next < 0)
		return fail("fork");
	if (!next) {
		for (here += 64; here > 2; here--)
			close((int)here);
		return run_held(n, arg);
	}
	if (!n) {
		puts("held");
		fflush(stdout);
	}
	pause();
	return 0;
}

/* ---- loopback ----------------------------------------------------------------------------------- */

/* A TCP connection over 127.0.0.1; 0 or -1 with errno. */
static int loopback_pair(int *out, int *in)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || *out < 0 || bind(listener, (struct sockaddr *)&addr, len) ||
		listen(listener, 1) || getsockname(listener, (struct sockaddr *)&addr, &len) ||
		connect(*out, (struct sockaddr *)&addr, len))
		return -1;
	*in = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	return *in < 0 ? -1 : 0;
}

static int receive(int fd, uint8_t *buf, size_t len)
{
	while (len) {
		ssize_t n = read(fd, buf, len);

		if (n <= 0)
			return -1;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static int run_loopback(unsigned long bytes, const char *arg)
{
	uint8_t buf[4096] = {0};
	int out, in;

	if (loopback_pair(&out, &in))
		return fail("loopback connection");
	while (bytes) {
		size_t n = bytes < sizeof(buf) ? bytes : sizeof(buf);

		if (write(out, buf, n) != (ssize_t)n || receive(in, buf, n))
			return fail("loopback");
		bytes -= n;
	}
	close(out);
	close(in);
	return 0;
}

/* ---- what probes cost ----------------------------------------------------------------------------- */

#define ROUNDS 101

static int connected_to_itself(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) ||
		getsockname(fd, (struct sockaddr *)&addr, &len) ||
		connect(fd, (struct sockaddr *)&addr, len))
		return -1;
	return fd;
}

static double round_of(unsigned long n, int datagrams, char *buf, size_t len)
{
	struct timespec from, to;
	unsigned long i;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < n; i++)
		if (datagrams < 0)
			syscall(SYS_getppid);
		else if (send(datagrams, buf, len, 0) < 0 || recv(datagrams, buf, len, 0) < 0)
			return -1;
	clock_gettime(CLOCK_MONOTONIC, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       (double)n;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Rounds with pauses, in which who collects events keeps up; prints nanoseconds a turn: the least and the
 * median. */
static int run_timed(unsigned long n, const char *what)
{
	const struct timespec pause = {.tv_nsec = 25 * 1000 * 1000};
	int datagrams = what && !strcmp(what, "datagram") ? connected_to_itself() : -1;
	double ns[ROUNDS];
	char buf[64] = "";

	if (!what || (datagrams < 0 && strcmp(what, "getppid") != 0)) {
		errno = what ? errno : EINVAL;
		return fail("timed: getppid or datagram");
	}
	for (int i = 0; i < ROUNDS; i++) {
		nanosleep(&pause, NULL);
		ns[i] = round_of(n, datagrams, buf, sizeof(buf));
		if (ns[i] < 0)
			return fail("datagram");
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	printf("%.1f %.1f\n", ns[0], ns[ROUNDS / 2]);
	return 0;
}

/* ---- a small server, for pictures ---------------------------------------------------------------- */

size_t parse_request(const char *text, uint32_t *numbers, size_t cap)
{
	size_t n = 0;

	for (char *end; n < cap && *text; text = *end ? end + 1 : end)
		numbers[n++] = (uint32_t)strtoul(text, &end, 10);
	KEEP_FRAME();
	return n;
}

uint32_t compute_fold(uint32_t n)
{
	uint32_t sum = n;

	for (uint32_t i = 0; i < 400 * (n + 1); i++)
		sum = sum * 31 + (i ^ n);
	if (n)
		sum += compute_fold(n - 1);
	KEEP_FRAME();
	return sum;
}

uint32_t compute_reply(const uint32_t *numbers, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum ^= compute_fold(numbers[i] % 6);
	KEEP_FRAME();
	return sum;
}

uint32_t checksum_reply(const uint8_t *data, size_t len)
{
	uint32_t a = 1, b = 0;

	for (size_t i = 0; i < len; i++) {
		a = (a + data[i]) % 65521;
		b = (b + a) % 65521;
	}
	KEEP_FRAME();
	return b << 16 | a;
}

int send_reply(int out, int in, const uint8_t *data, size_t len)
{
	uint8_t back[8192];
	int err = len <= sizeof(back) && write(out, data, len) == (ssize_t)len
			  ? receive(in, back, len)
			  : -1;

	KEEP_FRAME();
	return err;
}

int serve_request(const char *text, int out, int in)
{
	uint32_t numbers[8];
	uint8_t *reply = malloc(8192);
	int err = -1;

	if (reply) {
		size_t n = parse_request(text, numbers, 8);

		memset(reply, (int)compute_reply(numbers, n), 8192);
		uint32_t sum = checksum_reply(reply, 8192);

		memcpy(reply, &sum, sizeof(sum));
		err = send_reply(out, in, reply, 2048 + sum % 4096);
		free(reply);
	}
	KEEP_FRAME();
	return err;
}

/* Requests in groups with pauses, a few files and forks between: something of everything. */
static int run_mix(unsigned long seconds, const char *arg)
{
	static const char *const requests[] = {"1,4,2", "5,3", "2,2,2,2", "0,5,1,3,4"};
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	struct timespec now, end;
	int out, in;

	if (loopback_pair(&out, &in))
		return fail("loopback connection");
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)seconds;
	for (unsigned int turn = 0;; turn++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec ||
			(now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec))
			break;
		for (unsigned int i = 0; i < 4; i++)
			if (serve_request(requests[(turn + i) % 4], out, in))
				return fail("request");
		run_calls(3, NULL);
		run_alloc(5, NULL);
		if (turn % 4 == 0 && run_files(7, NULL))
			return 1;
		if (turn % 16 == 0 && run_forks(1, NULL))
			return 1;
		nanosleep(&pause, NULL);
	}
	close(out);
	close(in);
	return 0;
}

/* As root without a right: for good, and in COMMAND's children, too. */
static int run_without(unsigned long n, const char *arg)
{
	if (prctl(PR_CAPBSET_DROP, n, 0, 0, 0))
		return fail("capability");
	execl("/bin/sh", "sh", "-c", arg ? arg : ":", (char *)NULL);
	return fail("/bin/sh");
}

static const struct workload {
	const char *name, *usage;
	int (*run)(unsigned long n, const char *arg);
} workloads[] = {
	{"calls", "N          call ayp_work() N times", run_calls},
	{"getppid", "N        N getppid system calls", run_getppid},
	{"forks", "N          fork and reap N children", run_forks},
	{"files", "N [DIR]    open, read and close N files of DIR (/usr/include)", run_files},
	{"alloc", "N          N pipes: kernel memory comes and goes", run_alloc},
	{"timers", "N         N timerfds, opened and closed", run_timers},
	{"jumps", "N          N times out of a function by longjmp, then two timerfds", run_jumps},
	{"held", "N           N timerfds, kept until a signal comes", run_held},
	{"loopback", "BYTES   send so much over TCP on 127.0.0.1", run_loopback},
	{"timed", "N WHAT    101 times N of getppid or datagram, with pauses: prints ns a turn",
		run_timed},
	{"without", "N COMMAND  run a shell's COMMAND without capability N", run_without},
	{"mix", "SECONDS      all of them and a small server with nested functions", run_mix},
};
#define N_WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

int main(int argc, char **argv)
{
	char *end = NULL;
	unsigned long n = argc >= 3 ? strtoul(argv[2], &end, 10) : 0;

	for (size_t i = 0; end && end != argv[2] && !*end && i < N_WORKLOADS; i++)
		if (!strcmp(argv[1], workloads[i].name))
			return workloads[i].run(n, argv[3]);
	fputs("usage: workload NAME N [DIR]\n", stderr);
	for (size_t i = 0; i < N_WORKLOADS; i++)
		fprintf(stderr, "  %s %s\n", workloads[i].name, workloads[i].usage);
	return 2;
}
