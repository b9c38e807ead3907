/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/python.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FINISH_MS 5000

static const char script[] = {
#include "host/flameline_py.inc"
};

static const char *interpreter(void)
{
	const char *own = getenv("AYAPROF_PYTHON");

	return own && own[0] ? own : PLOT_PYTHON;
}

static void __attribute__((noreturn)) child(const char *mode, const char *output, int request_fd,
	int reply_fd, int error_fd, pid_t parent)
{
	const char *python = interpreter();
	char request[16], reply[16], text[256];
	int null = open("/dev/null", O_RDONLY), n;

	/* A window whose data source is gone is of no use. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	/* stdout is for the path of the picture; what toolkits print there joins their errors. */
	if (null < 0 || dup2(null, 0) < 0 || dup2(error_fd, 1) < 0 || dup2(error_fd, 2) < 0 ||
		fcntl(request_fd, F_SETFD, 0) < 0 || fcntl(reply_fd, F_SETFD, 0) < 0)
		_exit(1);
	signal(SIGPIPE, SIG_DFL);
	snprintf(request, sizeof(request), "%d", request_fd);
	snprintf(reply, sizeof(reply), "%d", reply_fd);
	execlp(python, python, "-c", script, mode, request, reply, output ? output : "",
		(char *)NULL);
	n = snprintf(text, sizeof(text),
		"cannot run %.100s: %s; install Debian's python3 and python3-matplotlib, or set "
		"AYAPROF_PYTHON",
		python, strerror(errno));
	if (write(2, text, (size_t)n) < 0)
		_exit(126);
	_exit(127);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int set_nonblock(int fd)
{
	return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int plot_python_start(struct plot_python *py, const char *mode, const char *output)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	int request[2] = {-1, -1}, reply[2] = {-1, -1}, error[2] = {-1, -1}, err = 0;
	pid_t self = getpid();

	memset(py, 0, sizeof(*py));
	if (pipe2(request, O_CLOEXEC) || pipe2(reply, O_CLOEXEC) || pipe2(error, O_CLOEXEC))
		err = -errno;
	if (!err)
		err = set_nonblock(request[0]);
	if (!err)
		err = set_nonblock(reply[1]);
	if (!err)
		err = set_nonblock(error[0]);
	if (!err) {
		py->pid = fork();
		if (py->pid < 0)
			err = -errno;
		else if (py->pid == 0)
			child(mode, output, request[1], reply[0], error[1], self);
	}
	close_fd(&request[1]);
	close_fd(&reply[0]);
	close_fd(&error[1]);
	py->request_fd = request[0];
	py->reply_fd = reply[1];
	py->error_fd = error[0];
	if (err) {
		close_fd(&py->request_fd);
		close_fd(&py->reply_fd);
		close_fd(&py->error_fd);
		return err;
	}
	sigaction(SIGPIPE, &ignore, &py->old_pipe);
	return 0;
}

/* Keep the end of what the script complains about, so that it never blocks on saying it. */
static void take_errors(struct plot_python *py)
{
	char more[1024];
	ssize_t n = read(py->error_fd, more, sizeof(more));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_fd(&py->error_fd);
		return;
	}
	if (py->error_len + (size_t)n >= sizeof(py->error)) {
		size_t drop = py->error_len + (size_t)n - sizeof(py->error) + 1;

		memmove(py->error, py->error + drop, py->error_len - drop);
		py->error_len -= drop;
	}
	memcpy(py->error + py->error_len, more, (size_t)n);
	py->error_len += (size_t)n;
	py->error[py->error_len] = 0;
}

/* Wait until fd is ready for `events`, meanwhile taking errors. > 0 ready, 0 time is up, -errno. */
static int wait_for(struct plot_python *py, int fd, short events, int timeout_ms)
{
	for (;;) {
		struct pollfd p[2] = {{fd, events, 0}, {py->error_fd, POLLIN, 0}};
		int n = poll(p, 2, timeout_ms);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		if (p[1].revents)
			take_errors(py);
		if (n == 0 || p[0].revents)
			return n;
		if (fd < 0 && py->error_fd < 0)
			return 1;
	}
}

int plot_python_request(struct plot_python *py, char *line, size_t cap)
{
	size_t len = 0;

	for (;;) {
		int n = wait_for(py, py->request_fd, POLLIN, -1);
		ssize_t got;

		if (n < 0)
			return n;
		/* A request is one short line and the next comes only after the answer. */
		got = read(py->request_fd, line + len, cap - 1 - len);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		len += (size_t)got;
		if (line[len - 1] == '\n') {
			line[len - 1] = 0;
			return (int)len;
		}
		if (len == cap - 1)
			return -EPROTO;
	}
}

int plot_python_reply(struct plot_python *py, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(py->reply_fd, at, len);

		if (n > 0) {
			at += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			int err = wait_for(py, py->reply_fd, POLLOUT, -1);

			if (err < 0)
				return err;
		} else if (n < 0 && errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static void keep_last_line(struct plot_python *py)
{
	char *last;

	while (py->error_len &&
		(py->error[py->error_len - 1] == '\n' || py->error[py->error_len - 1] == ' '))
		py->error[--py->error_len] = 0;
	last = strrchr(py->error, '\n');
	if (last) {
		py->error_len = strlen(last + 1);
		memmove(py->error, last + 1, py->error_len + 1);
	}
}

int plot_python_finish(struct plot_python *py)
{
	int status = 0;

	close_fd(&py->request_fd);
	close_fd(&py->reply_fd);
	/* Its end of the error pipe closes when it ends. */
	if (py->error_fd >= 0 && wait_for(py, -1, 0, FINISH_MS) <= 0)
		kill(py->pid, SIGKILL);
	while (waitpid(py->pid, &status, 0) < 0 && errno == EINTR)
		;
	close_fd(&py->error_fd);
	sigaction(SIGPIPE, &py->old_pipe, NULL);
	keep_last_line(py);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
