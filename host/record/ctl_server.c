/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/ctl_server.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
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

/* A socket in our directory, named after a process that is not. */
static void remove_dead(const char *directory, const char *name)
{
	char path[CTL_PATH_MAX], *end;
	long pid = strtol(name, &end, 10);
	int n = snprintf(path, sizeof(path), "%s/%s", directory, name);

	if (pid <= 0 || *end || n < 0 || (size_t)n >= sizeof(path))
		return;
	if (pid == getpid() || (kill((pid_t)pid, 0) < 0 && errno == ESRCH))
		unlink(path);
}

static void remove_all_dead(const char *directory)
{
	DIR *d = opendir(directory);
	struct dirent *entry;

	while (d && (entry = readdir(d)) != NULL)
		remove_dead(directory, entry->d_name);
	if (d)
		closedir(d);
}

static void drop_client(struct ctl_server *s)
{
	if (s->client_fd <= 0)
		return;
	loop_timer_stop(s->loop, &s->patience);
	loop_unwatch(s->loop, &s->client);
	close(s->client_fd);
	s->client_fd = 0;
	s->len = 0;
	s->waits = false;
	if (s->listener_fd > 0)
		(void)loop_watch(s->loop, &s->listener, s->listener_fd, LOOP_READ);
}

static void on_patience(void *ctx)
{
	drop_client(ctx);
}

/* True: both lines are there. */
static bool split(struct ctl_server *s, const char **port, const char **command)
{
	char *end = memchr(s->text, '\n', s->len);
	char *rest = end ? end + 1 : NULL;
	char *second = rest ? memchr(rest, '\n', s->len - (size_t)(rest - s->text)) : NULL;

	if (!second)
		return false;
	*end = *second = '\0';
	*port = s->text;
	*command = rest;
	return true;
}

static void on_client(void *ctx, unsigned int events)
{
	struct ctl_server *s = ctx;
	const char *port, *command;
	ssize_t n = 0;

	if (!s->waits)
		n = recv(s->client_fd, s->text + s->len, sizeof(s->text) - s->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* It has gone, or says too much. */
	if (n <= 0) {
		drop_client(s);
		return;
	}
	s->len += (size_t)n;
	if (!split(s, &port, &command)) {
		if (s->len == sizeof(s->text))
			drop_client(s);
		return;
	}
	s->waits = true;
	loop_timer_stop(s->loop, &s->patience);
	(void)loop_watch(s->loop, &s->client, s->client_fd, 0);
	s->request(s->ctx, port, command);
}

void ctl_server_take(struct ctl_server *s, struct loop *loop, int fd)
{
	s->loop = loop;
	s->client_fd = fd;
	s->client.ready = on_client;
	s->patience.due = on_patience;
	s->client.ctx = s->patience.ctx = s;
	if (loop_watch(loop, &s->client, fd, LOOP_READ) ||
		loop_timer_set(loop, &s->patience, loop_clock() + CLIENT_NS))
		drop_client(s);
}

static void on_listener(void *ctx, unsigned int events)
{
	struct ctl_server *s = ctx;
	int fd = accept4(s->listener_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	/* The next one waits in the backlog. */
	loop_unwatch(s->loop, &s->listener);
	ctl_server_take(s, s->loop, fd);
}

static int listen_at(struct ctl_server *s, const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	s->listener_fd = fd;
	if (bind(s->listener_fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0)
		return -errno;
	memcpy(s->path, addr->sun_path, sizeof(s->path));
	if (listen(s->listener_fd, 4) != 0)
		return -errno;
	return loop_watch(s->loop, &s->listener, s->listener_fd, LOOP_READ);
}

int ctl_server_open(struct ctl_server *s, struct loop *loop)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char directory[CTL_PATH_MAX];
	int err = ctl_directory(directory, sizeof(directory), true), n;

	s->loop = loop;
	s->listener.ready = on_listener;
	s->listener.ctx = s;
	if (err)
		return err;
	n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%.80s/%d", directory, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	remove_all_dead(directory);
	err = listen_at(s, &addr);
	if (err)
		ctl_server_close(s);
	return err;
}

void ctl_server_close(struct ctl_server *s)
{
	int fd = s->listener_fd;

	s->listener_fd = 0;
	drop_client(s);
	if (fd > 0) {
		loop_unwatch(s->loop, &s->listener);
		close(fd);
	}
	if (*s->path)
		unlink(s->path);
	*s->path = '\0';
}

bool ctl_server_waits(const struct ctl_server *s)
{
	return s->waits;
}

void ctl_server_answer(struct ctl_server *s, int result, const char *text)
{
	char line[CTL_REQUEST_MAX];
	int n = snprintf(line, sizeof(line), "%d %s\n", result, text);

	if (n > 0 && s->waits)
		(void)!send(s->client_fd, line,
			(size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1, MSG_NOSIGNAL);
	drop_client(s);
}
