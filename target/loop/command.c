/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/loop/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/base/log.h"

#define EXIT_NOT_RUN 127

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- can it be executed? -------------------------------------------------------------------- */

static int look_at(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return access(path, X_OK) ? -errno : 0;
}

/* As execvp goes through PATH: what may not be executed is remembered, what is not there is not. */
static int look_in_path(const char *name)
{
	const char *dir = getenv("PATH");
	int err = -ENOENT;

	if (!dir)
		return 0; /* where the library looks then is its own affair */
	for (;; dir++) {
		size_t len = strcspn(dir, ":");
		char path[PATH_MAX];
		int got = -ENAMETOOLONG;

		if (snprintf(path, sizeof(path), "%.*s%s%s", (int)len, dir, len ? "/" : "", name) <
			(int)sizeof(path))
			got = look_at(path);
		if (!got)
			return 0;
		if (got == -EACCES)
			err = got;
		dir += len;
		if (!*dir)
			return err;
	}
}

static int say_failed(const char *name, int err)
{
	log_error("cannot run %s: %s", name, strerror(-err));
	return err;
}

int command_look(char *const *argv)
{
	int err = strchr(argv[0], '/') ? look_at(argv[0]) : look_in_path(argv[0]);

	return err ? say_failed(argv[0], err) : 0;
}

/* ---- starting ------------------------------------------------------------------------------- */

static bool is_in_foreground(void)
{
	int tty = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
	bool yes = tty >= 0 && tcgetpgrp(tty) == getpgrp();

	if (tty >= 0)
		close(tty);
	return yes;
}

static enum command_group choose_group(void)
{
	if (getpgrp() == getpid())
		return COMMAND_OUR_JOB;
	return is_in_foreground() ? COMMAND_OTHERS_JOB : COMMAND_OWN_GROUP;
}

static void child(const struct command *c, int go, int failed, char *const *argv,
	const struct signals_found *found)
{
	char byte;
	int err;

	if (c->group == COMMAND_OWN_GROUP)
		setpgid(0, 0);
	/* EOF: the daemon has ended without letting us go. */
	if (read(go, &byte, 1) != 1)
		_exit(EXIT_NOT_RUN);
	signal_set_give_back(found);
	execvp(argv[0], argv);
	err = errno;
	if (write(failed, &err, sizeof(err)) < 0)
		_exit(EXIT_NOT_RUN);
	_exit(EXIT_NOT_RUN);
}

int command_prepare(struct command *c, char *const *argv, const struct signals_found *found)
{
	int go[2] = {-1, -1}, failed[2] = {-1, -1}, err = 0;

	*c = (struct command){.go = -1, .failed = -1, .group = choose_group()};
	if (pipe2(go, O_CLOEXEC) != 0 || pipe2(failed, O_CLOEXEC) != 0 || (c->pid = fork()) < 0) {
		err = -errno;
		log_error("cannot start %s: %s", argv[0], strerror(-err));
		c->pid = 0;
		close_end(&go[1]);
		close_end(&failed[0]);
	} else if (c->pid == 0) {
		close_end(&go[1]);
		close_end(&failed[0]);
		child(c, go[0], failed[1], argv, found);
	} else if (c->group == COMMAND_OWN_GROUP) {
		setpgid(c->pid, c->pid); /* whoever comes first: it is done before a signal */
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
	return err ? say_failed(argv[0], -err) : 0;
}

/* ---- until it ends -------------------------------------------------------------------------- */

bool command_reap(struct command *c)
{
	int status;

	if (!c->running || waitpid(c->pid, &status, WNOHANG) != c->pid)
		return false;
	c->running = false;
	c->ended = true;
	c->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	c->exit_status = c->signal ? 128 + c->signal : WEXITSTATUS(status);
	if (c->signal)
		log_note("the command was ended by %s%s", signal_set_name(c->signal),
			WCOREDUMP(status) ? " (core dumped)" : "");
	else if (c->exit_status)
		log_note("the command exited with status %d", c->exit_status);
	return true;
}

void command_signal(const struct command *c, int signal, bool from_terminal)
{
	if (!c->running)
		return;
	switch (c->group) {
	case COMMAND_OWN_GROUP:
		kill(-c->pid, signal);
		break;
	case COMMAND_OUR_JOB:
		if (!from_terminal)
			kill(0, signal);
		break;
	case COMMAND_OTHERS_JOB:
		if (!from_terminal)
			command_tree_signal(c->pid, getpgrp(), signal);
		break;
	}
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
