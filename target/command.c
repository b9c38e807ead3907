/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/command.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/log.h"

#define EXIT_NOT_RUN 127

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void child(int go, int failed, char *const *argv, const sigset_t *mask)
{
	char byte;
	int err;

	/* EOF: the daemon has ended without letting us go. */
	if (read(go, &byte, 1) != 1)
		_exit(EXIT_NOT_RUN);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	err = errno;
	if (write(failed, &err, sizeof(err)) < 0)
		_exit(EXIT_NOT_RUN);
	_exit(EXIT_NOT_RUN);
}

int command_prepare(struct command *c, char *const *argv, const sigset_t *mask)
{
	int go[2] = {-1, -1}, failed[2] = {-1, -1}, err = 0;

	*c = (struct command){.go = -1, .failed = -1};
	if (pipe2(go, O_CLOEXEC) != 0 || pipe2(failed, O_CLOEXEC) != 0 || (c->pid = fork()) < 0) {
		err = -errno;
		log_error("cannot start %s: %s", argv[0], strerror(-err));
		c->pid = 0;
		close_end(&go[1]);
		close_end(&failed[0]);
	} else if (c->pid == 0) {
		close_end(&go[1]);
		close_end(&failed[0]);
		child(go[0], failed[1], argv, mask);
	}
	close_end(&go[0]);
	close_end(&failed[1]);
	c->go = go[1];
	c->failed = failed[0];
	return err;
}

int command_go(struct command *c, char *const *argv)
{
	int err = 0;
	ssize_t n;

	if (write(c->go, "", 1) != 1)
		err = errno;
	close_end(&c->go);
	/* Nothing comes, and the end is closed by exec, when all is well. */
	while (!err && (n = read(c->failed, &err, sizeof(err))) < 0 && errno == EINTR)
		;
	close_end(&c->failed);
	c->running = !err;
	if (err)
		log_error("cannot run %s: %s", argv[0], strerror(err));
	return -err;
}

bool command_reap(struct command *c)
{
	int status;

	if (!c->running || waitpid(c->pid, &status, WNOHANG) != c->pid)
		return false;
	c->running = false;
	c->exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return true;
}

void command_signal(const struct command *c, int signal)
{
	if (c->running)
		kill(c->pid, signal);
}

void command_release(struct command *c)
{
	if (c->pid <= 0)
		return;
	close_end(&c->go);
	close_end(&c->failed);
	if (!c->running)
		waitpid(c->pid, NULL, 0); /* ended, or ends at once: it reads the end of the pipe */
}
