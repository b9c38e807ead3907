/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/setup/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asm/ioctls.h>

#define SLOTS 8

enum what { NOTHING, A_NUMBER, A_TTY, A_RATE };

/* What to put back, and what is told of it: one message each, at most as large as a socket keeps
 * whole. */
struct setting {
	int slot, what;
	int before, set;
	uint32_t speed;
	struct termios2 tio;
	char path[256];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int to_guard = -1;
static pid_t starter; /* whose child it is: a COMMAND between fork and exec has none */
static bool used[SLOTS];

/* ---- the guard: only calls that are safe after a fork of a program with threads
 * ---------------- */

static int read_number(const char *path)
{
	char text[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int v = -1;

	for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		v = (v < 0 ? 0 : v) * 10 + text[i] - '0';
	if (fd >= 0)
		close(fd);
	return v;
}

static void put_back_number(const struct setting *s)
{
	char text[4];
	size_t at = sizeof(text);
	int fd, v = s->before;

	if (read_number(s->path) != s->set)
		return;
	fd = open(s->path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	do
		text[--at] = (char)('0' + v % 10);
	while ((v /= 10) && at);
	if (fd >= 0 && write(fd, text + at, sizeof(text) - at) < 0)
		_exit(1);
	if (fd >= 0)
		close(fd);
}

static void put_back_tty(const struct setting *s)
{
	int fd = open(s->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	const tcflag_t rate = CBAUD | (CBAUD << IBSHIFT) | CRTSCTS;
	struct termios2 now;

	if (fd < 0)
		return;
	if (!flock(fd, LOCK_EX | LOCK_NB) && !ioctl(fd, TCGETS2, &now) &&
		now.c_ospeed == s->speed) {
		now.c_cflag = (now.c_cflag & ~rate) | (s->tio.c_cflag & rate);
		now.c_ispeed = s->tio.c_ispeed;
		now.c_ospeed = s->tio.c_ospeed;
		ioctl(fd, TCSETS2, s->what == A_RATE ? &now : &s->tio);
	}
	close(fd);
}

static void put_back(const struct setting *s)
{
	if (s->what == A_NUMBER)
		put_back_number(s);
	else if (s->what == A_TTY || s->what == A_RATE)
		put_back_tty(s);
}

/* All but `keep`, standard output included: who waits for its end must not wait for us. */
static void close_others(int keep)
{
	struct rlimit r = {1024, 1024};
	rlim_t fd, end;

	if (keep && syscall(SYS_close_range, 0u, (unsigned int)keep - 1, 0u) == 0 &&
		syscall(SYS_close_range, (unsigned int)keep + 1, ~0u, 0u) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &r); /* before Linux 5.9 */
	end = r.rlim_cur < INT_MAX ? r.rlim_cur : INT_MAX;
	for (fd = 0; fd < end; fd++)
		if ((int)fd != keep)
			close((int)fd);
}

static void guard(int from)
{
	static struct setting settings[SLOTS], s;
	sigset_t all;
	ssize_t n;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "ayaprof-guard");
	close_others(from);
	if (chdir("/"))
		_exit(1);
	while ((n = read(from, &s, sizeof(s))) > 0 || (n < 0 && errno == EINTR))
		if (n == sizeof(s) && s.slot >= 0 && s.slot < SLOTS)
			settings[s.slot] = s;
	for (int i = 0; i < SLOTS; i++)
		put_back(&settings[i]);
	_exit(0);
}

/* ---- this side ------------------------------------------------------------------------------ */

/* A grandchild: nobody has to wait for it, and a COMMAND's end is not mistaken for its. */
static int start(void)
{
	int pair[2], status;
	pid_t child;

	if (to_guard >= 0 && starter == getpid())
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	child = fork();
	if (!child) {
		if (fork())
			_exit(0);
		guard(pair[1]);
	}
	close(pair[1]);
	if (child < 0) {
		close(pair[0]);
		return -EAGAIN;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	to_guard = pair[0];
	starter = getpid();
	return 0;
}

static int tell(const struct setting *s)
{
	return send(to_guard, s, sizeof(*s), MSG_NOSIGNAL) == sizeof(*s) ? 0 : -errno;
}

static int guard_setting(struct setting *s, const char *path)
{
	int err, slot = 0;

	if (snprintf(s->path, sizeof(s->path), "%s", path) >= (int)sizeof(s->path))
		return -ENAMETOOLONG;
	pthread_mutex_lock(&lock);
	while (slot < SLOTS && used[slot])
		slot++;
	s->slot = slot;
	err = slot < SLOTS ? start() : -EMFILE;
	if (!err)
		err = tell(s);
	if (!err)
		used[slot] = true;
	pthread_mutex_unlock(&lock);
	return err ? err : slot;
}

void guard_start(void)
{
	pthread_mutex_lock(&lock);
	start();
	pthread_mutex_unlock(&lock);
}

int guard_number(const char *path, int before, int set)
{
	struct setting s = {.what = A_NUMBER, .before = before, .set = set};

	return before < 0 || before > 255 ? -EINVAL : guard_setting(&s, path);
}

int guard_tty(const char *path, const struct termios2 *before, uint32_t set_speed, bool rate_only)
{
	struct setting s = {.what = rate_only ? A_RATE : A_TTY, .tio = *before, .speed = set_speed};
	char real[PATH_MAX];

	/* From another directory, and if the link that was given points elsewhere by then. */
	return realpath(path, real) ? guard_setting(&s, real) : -errno;
}

void guard_done(int handle)
{
	struct setting s = {.slot = handle, .what = NOTHING};

	if (handle < 0 || handle >= SLOTS)
		return;
	pthread_mutex_lock(&lock);
	if (used[handle])
		tell(&s);
	used[handle] = false;
	pthread_mutex_unlock(&lock);
}
