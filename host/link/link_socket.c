/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/link/link.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_MS 5000

/* connect(2) with a limit on patience. Returns 0 or a negative errno. */
static int connect_within(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int err;

	if (connect(fd, addr, len) == 0)
		return 0;
	if (errno != EINPROGRESS && errno != EAGAIN)
		return -errno;
	errno = 0;
	if (poll(&p, 1, CONNECT_MS) <= 0)
		return errno == EINTR ? -EINTR : -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
		return -errno;
	return -err;
}

static int connect_to(struct link *l, int family, int type, int protocol,
	const struct sockaddr *addr, socklen_t len)
{
	int err;

	l->fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (l->fd < 0)
		return -errno;
	err = connect_within(l->fd, addr, len);
	if (err)
		link_close(l);
	return err;
}

/* tcp:HOST:PORT; an IPv6 HOST stands in brackets. */
static int split_address(const char *port, char *host, size_t cap, const char **service)
{
	const char *from = port + strlen("tcp:"), *colon = strrchr(from, ':');
	size_t len;

	if (!colon || colon == from || !colon[1])
		return -EINVAL;
	len = (size_t)(colon - from);
	if (from[0] == '[' && from[len - 1] == ']') {
		from++;
		len -= 2;
	}
	if (!len || len >= cap)
		return -EINVAL;
	memcpy(host, from, len);
	host[len] = '\0';
	*service = colon + 1;
	return 0;
}

static int open_tcp(struct link *l)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found, *a;
	const char *service;
	char host[256];
	int err = split_address(l->port, host, sizeof(host), &service), got;

	if (err)
		return link_fail(l, EINVAL, "%s is not tcp:HOST:PORT", l->port);
	got = getaddrinfo(host, service, &hints, &found);
	if (got)
		return link_fail(l, EHOSTUNREACH, "cannot find %s: %s", l->port, gai_strerror(got));
	err = -EHOSTUNREACH;
	for (a = found; a && err && err != -EINTR; a = a->ai_next)
		err = connect_to(
			l, a->ai_family, a->ai_socktype, a->ai_protocol, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(found);
	if (err)
		return link_fail(l, -err,
			"cannot connect to %s: %s; is the board listening (--mode serve)?", l->port,
			strerror(-err));
	return 0;
}

static int open_unix(struct link *l)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *path = strncmp(l->port, "unix:", 5) ? l->port : l->port + 5;
	int err;

	if (!*path || strlen(path) >= sizeof(addr.sun_path))
		return link_fail(l, ENAMETOOLONG, "%s: a socket's path has 1 to %zu bytes", l->port,
			sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, path, strlen(path));
	err = connect_to(l, AF_UNIX, SOCK_STREAM, 0, (const struct sockaddr *)&addr, sizeof(addr));
	if (err)
		return link_fail(l, -err, "cannot connect to %s: %s", path, strerror(-err));
	return 0;
}

const struct link_ops link_tcp = {
	.name = "tcp", .open = open_tcp, .vanishes = true, .answers = true, .tells_presence = true};
const struct link_ops link_unix = {
	.name = "unix", .open = open_unix, .vanishes = true, .answers = true};
