/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/ctl_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENT_NS UINT64_C(2000000000) /* for its words */

int ctl_directory(char *path, size_t size, bool make)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	int n;

	if (runtime && *runtime == '/')
		n = snprintf(path, size, "%s/hostdec", runtime);
	else
		n = snprintf(path, size, "/tmp/hostdec-%u", (unsigned int)getuid());
	if (n < 0 || (size_t)n >= size)
		return -ENAMETOOLONG;
	if (make && mkdir(path, 0700) != 0 && errno != EEXIST)
		return -errno;
	/* In /tmp anybody may have been there before. */
	if (lstat(path, &st) != 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 077))
		return -EPERM;
	return 0;
}

int ctl_server_open(struct ctl_server *s)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char directory[CTL_PATH_MAX];
	int err = ctl_directory(directory, sizeof(directory), true), n;

	*s = (struct ctl_server){.listener = -1, .client = -1};
	if (err)
		return err;
	n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%.80s/%d", directory, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->listener < 0)
		return -errno;
	unlink(addr.sun_path); /* of a process that had our number and was killed */
	if (bind(s->listener, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
		listen(s->listener, 4) != 0) {
		err = -errno;
		close(s->listener);
		s->listener = -1;
		return err;
	}
	memcpy(s->path, addr.sun_path, sizeof(addr.sun_path));
	return 0;
}

static void drop_client(struct ctl_server *s)
{
	if (s->client >= 0)
		close(s->client);
	s->client = -1;
	s->len = 0;
	s->complete = false;
}

void ctl_server_close(struct ctl_server *s)
{
	drop_client(s);
	if (s->listener < 0)
		return;
	close(s->listener);
	s->listener = -1;
	unlink(s->path);
}

int ctl_server_fd(const struct ctl_server *s)
{
	if (s->complete)
		return -1;
	return s->client >= 0 ? s->client : s->listener;
}

bool ctl_server_waits(const struct ctl_server *s)
{
	return s->complete;
}

bool ctl_server_hear(struct ctl_server *s, uint64_t now, const char **port, const char **command)
{
	ssize_t n;
	char *end, *second;

	if (s->listener < 0 || s->complete)
		return false;
	if (s->client < 0) {
		s->client = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		s->since_ns = now;
		if (s->client < 0)
			return false;
	}
	n = recv(s->client, s->request + s->len, sizeof(s->request) - 1 - s->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && now - s->since_ns < CLIENT_NS)
		return false;
	if (n <= 0) {
		drop_client(s);
		return false;
	}
	s->len += (size_t)n;
	s->request[s->len] = '\0';
	end = strchr(s->request, '\n');
	second = end ? strchr(end + 1, '\n') : NULL;
	if (!second) {
		if (s->len == sizeof(s->request) - 1)
			drop_client(s);
		return false;
	}
	*end = *second = '\0';
	*port = s->request;
	*command = end + 1;
	s->complete = true;
	return true;
}

void ctl_server_answer(struct ctl_server *s, int result, const char *text)
{
	char line[CTL_REQUEST_MAX];
	int n = snprintf(line, sizeof(line), "%d %s\n", result, text);

	if (n > 0 && s->client >= 0)
		(void)!send(s->client, line,
			(size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1, MSG_NOSIGNAL);
	drop_client(s);
}
