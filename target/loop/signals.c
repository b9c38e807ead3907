/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/loop/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "target/base/clock.h"
#include "target/base/log.h"

#define STACK_BYTES (128u << 10)

static struct {
	sigset_t set;
	int ends[2]; /* of the pipe to the loop */
	const char *volatile doing;
	volatile int status;
	void (*volatile restore)(void *ctx);
	void *volatile ctx;
} signals = {.ends = {-1, -1}, .doing = "starting", .status = 1};

/* Probes are removed when the last descriptor of theirs is closed, which may take the kernel a
 * minute; a process that ends waits for that. So another one, which shares the descriptors and
 * nothing else, outlives us and has that to do. */
static void leave_descriptors(void)
{
	pid_t us = getpid();
	struct timespec moment = {.tv_nsec = 5 * (long)NS_PER_MS};

	if (syscall(SYS_clone, CLONE_FILES, NULL, NULL, NULL, NULL) != 0)
		return;
	while (getppid() == us)
		nanosleep(&moment, NULL);
	_exit(0);
}

static void cut_off(void)
{
	if (signals.restore)
		signals.restore(signals.ctx);
	log_warn("ended at once, in the middle of %s", signals.doing);
	leave_descriptors();
	_exit(signals.status);
}

/* Nothing is waited for if the loop does not empty the pipe: what counts is counted here. */
static void pass_on(const siginfo_t *info)
{
	struct signals_seen seen = {info->si_signo, info->si_code};

	if (write(signals.ends[1], &seen, sizeof(seen)) < 0)
		return;
}

static void *take(void *unused)
{
	uint64_t until = 0; /* when to end it, 0: never yet */
	unsigned int asked = 0;

	for (;;) {
		uint64_t now = now_ns(), left = until > now ? until - now : 0;
		struct timespec patience = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
		siginfo_t info;
		int got = until ? sigtimedwait(&signals.set, &info, &patience)
				: sigwaitinfo(&signals.set, &info);

		if (got < 0 && errno == EAGAIN)
			cut_off();
		if (got < 0)
			continue;
		/* Our own: passed on to a process group that we are in, too. */
		if (info.si_code == SI_USER && info.si_pid == getpid())
			continue;
		pass_on(&info);
		if (got != SIGCHLD && ++asked == 2)
			until = now_ns() + SIGNALS_PATIENCE_MS * NS_PER_MS;
		if (until && now_ns() >= until)
			cut_off();
	}
	return NULL;
}

int signals_start(const sigset_t *set, sigset_t *before)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, mask;
	int err;

	signals.set = *set;
	if (pipe2(signals.ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return -errno;
	sigprocmask(SIG_BLOCK, set, before);
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_BLOCK, &all, &mask);
	err = pthread_create(&thread, &attr, take, NULL);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	pthread_attr_destroy(&attr);
	return err ? -err : signals.ends[0];
}

bool signals_next(struct signals_seen *seen)
{
	return read(signals.ends[0], seen, sizeof(*seen)) == sizeof(*seen);
}

void signals_doing(const char *what)
{
	signals.doing = what;
}

void signals_set_status(int status)
{
	signals.status = status;
}

void signals_set_restore(void (*restore)(void *ctx), void *ctx)
{
	signals.ctx = ctx;
	signals.restore = restore;
}
