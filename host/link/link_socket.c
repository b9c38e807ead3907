/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/link/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A board that loses its power says nothing: the other end is asked when it has been silent for so long, so
 * often, and given up when it does not acknowledge (tcp(7)). In seconds. */
#define SILENT_S   5
#define ASK_S      2
#define ASK        3
#define UNACKED_MS 10000

/* Connecting; of tcp, which may have several addresses. */
struct connecting {
	struct addrinfo *found, *next;
};

static void keep_alive(int fd)
{
	const int on = 1, silent = SILENT_S, every = ASK_S, times = ASK, unacked = UNACKED_MS;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &silent, sizeof(silent));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked, sizeof(unacked));
}

/* 0, -EINPROGRESS, or another negative errno and no descriptor. */
static int connect_to(struct link *l, int family, int type, int protocol,
	const struct sockaddr *addr, socklen_t len)
{
	int err;

	l->fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (l->fd < 0)
		return -errno;
	if (family != AF_UNIX)
		keep_alive(l->fd);
	if (connect(l->fd, addr, len) == 0)
		return 0;
	err = -errno;
	if (err == -EINPROGRESS)
		return err;
	close(l->fd);
	l->fd = -1;
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

static void forget(struct link *l)
{
	struct connecting *c = l->handle;

	if (c) {
		freeaddrinfo(c->found);
		free(c);
	}
	l->handle = NULL;
}

static int cannot_connect(struct link *l, int err)
{
	forget(l);
	return link_fail(l, -err,
		"cannot connect to %s: %s; is the board listening (--mode serve)?", l->port,
		strerror(-err));
}

/* The addresses that are left, one after another. err: of the one before. */
static int try_next(struct link *l, int err)
{
	struct connecting *c = l->handle;

	while (c->next) {
		const struct addrinfo *a = c->next;

		c->next = a->ai_next;
		err = connect_to(
			l, a->ai_family, a->ai_socktype, a->ai_protocol, a->ai_addr, a->ai_addrlen);
		if (!err)
			forget(l);
		if (!err || err == -EINPROGRESS)
			return err;
	}
	return cannot_connect(l, err);
}

static int open_tcp(struct link *l)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct connecting *c;
	const char *service;
	char host[256];
	int err = split_address(l->port, host, sizeof(host), &service), got;

	if (err)
		return link_fail(l, EINVAL, "%s is not tcp:HOST:PORT", l->port);
	c = calloc(1, sizeof(*c));
	if (!c)
		return link_fail(l, ENOMEM, "cannot open %s: no memory", l->port);
	got = getaddrinfo(host, service, &hints, &c->found);
	if (got) {
		free(c);
		return link_fail(l, EHOSTUNREACH, "cannot find %s: %s", l->port, gai_strerror(got));
	}
	c->next = c->found;
	l->handle = c;
	return try_next(l, -EHOSTUNREACH);
}

static int tcp_connected(struct link *l, bool late)
{
	socklen_t size = sizeof(int);
	int err = ETIMEDOUT;

	if (!late && getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
		err = errno;
	if (!err) {
		forget(l);
		return 0;
	}
	close(l->fd);
	l->fd = -1;
	return try_next(l, -err);
}

static void close_tcp(struct link *l)
{
	forget(l);
	close(l->fd);
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
	.name = "tcp",
	.open = open_tcp,
	.connected = tcp_connected,
	.close = close_tcp,
	.vanishes = true,
	.answers = true,
	.waits = true,
	.tells_presence = true,
};
const struct link_ops link_unix = {.name = "unix",
	.open = open_unix,
	.by_path = true,
	.vanishes = true,
	.answers = true,
	.waits = true};
