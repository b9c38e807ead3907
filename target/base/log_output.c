/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/base/log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind { KIND_UNKNOWN, KIND_PLAIN, KIND_SOCKET, KIND_NONBLOCKING, KIND_POLLED };

static enum kind kind;
static int out = STDERR_FILENO;
static bool cut; /* the last line was written in part */
static unsigned long long unread;

/* A terminal or pipe gets an open file of our own, whose flags are nobody else's. */
static enum kind look(void)
{
	struct stat st;
	int fd;

	if (fstat(STDERR_FILENO, &st) != 0)
		return KIND_PLAIN;
	if (S_ISSOCK(st.st_mode))
		return KIND_SOCKET;
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return KIND_PLAIN;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return KIND_POLLED;
	out = fd;
	return KIND_NONBLOCKING;
}

static ssize_t write_some(const char *text, size_t len)
{
	struct pollfd p = {.fd = out, .events = POLLOUT};

	if (kind == KIND_SOCKET)
		return send(out, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* A pipe that polls writable takes a line whole (pipe(7): PIPE_BUF). */
	if (kind == KIND_POLLED && poll(&p, 1, 0) != 1)
		return -1;
	return write(out, text, len);
}

bool log_output_try(const char *text, size_t len)
{
	size_t at = 0;

	if (kind == KIND_UNKNOWN)
		kind = look();
	while (at < len) {
		ssize_t n = write_some(text + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	cut = at > 0 ? text[at - 1] != '\n' && at < len : cut;
	return at == len;
}

static bool tell_unread(void)
{
	char line[128];
	int n;

	if (!unread)
		return true;
	n = snprintf(line, sizeof(line),
		"%sayaprof-uart: warning: %llu lines are missing here: nobody read them\n",
		cut ? "\n" : "", unread);
	if (!log_output_try(line, (size_t)n))
		return false;
	unread = 0;
	return true;
}

void log_output_line(const char *line, size_t len)
{
	if (!tell_unread() || !log_output_try(line, len))
		unread++;
}
