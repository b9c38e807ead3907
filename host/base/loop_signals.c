/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/loop_signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "host/base/loop.h"

static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGXCPU};
/* write(2) and tcsetattr(3) tell what these would. */
static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGTTOU};

#define N_STOPS   (sizeof(stops) / sizeof(*stops))
#define N_IGNORED (sizeof(ignored) / sizeof(*ignored))

static volatile sig_atomic_t count, last;
static int event_fd = -1;
static struct sigaction was[N_STOPS], was_ignored[N_IGNORED], was_alarm;

/* Whoever is still here hangs: in a file system without its server, in a look-up of a name. As the last
 * signal would have ended it. */
static void on_alarm(int number)
{
	sigset_t set;

	signal((int)last, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, (int)last);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise((int)last);
}

static void on_stop(int number)
{
	const struct itimerval grace = {.it_value.tv_usec = LOOP_GRACE_MS * 1000};
	int err = errno;
	uint64_t one = 1;

	last = number;
	count = count + 1;
	/* Once: whoever goes on pressing Ctrl-C does not put the end off. */
	if (count == 2)
		setitimer(ITIMER_REAL, &grace, NULL);
	(void)!write(event_fd, &one, sizeof(one));
	errno = err;
}

int loop_signals_catch(void)
{
	/* Without SA_RESTART: what waits in the kernel comes back and looks. */
	struct sigaction act = {.sa_handler = on_stop}, ign = {.sa_handler = SIG_IGN},
			 alarm = {.sa_handler = on_alarm};

	event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (event_fd < 0)
		return -errno;
	count = 0;
	sigaction(SIGALRM, &alarm, &was_alarm);
	for (size_t i = 0; i < N_STOPS; i++) {
		sigaction(stops[i], NULL, &was[i]);
		/* Under nohup it stays ignored. Scripts start what they stop by SIGINT with that ignored. */
		if (stops[i] != SIGHUP || was[i].sa_handler != SIG_IGN)
			sigaction(stops[i], &act, NULL);
	}
	for (size_t i = 0; i < N_IGNORED; i++)
		sigaction(ignored[i], &ign, &was_ignored[i]);
	return event_fd;
}

void loop_signals_heard(void)
{
	uint64_t n;

	(void)!read(event_fd, &n, sizeof(n));
}

void loop_signals_restore(void)
{
	for (size_t i = 0; i < N_STOPS; i++)
		sigaction(stops[i], &was[i], NULL);
	for (size_t i = 0; i < N_IGNORED; i++)
		sigaction(ignored[i], &was_ignored[i], NULL);
	/* A second signal's alarm stays: the end may hang yet. */
	if (count < 2)
		sigaction(SIGALRM, &was_alarm, NULL);
	close(event_fd);
	event_fd = -1;
}

unsigned int loop_signals(void)
{
	return (unsigned int)count;
}
