/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A TCP listener. Every client gets whole frames from the one that follows its connecting, out of a
 * buffer of its own. A frame is taken when it fits every client's buffer: the slowest one sets the
 * pace, and one that takes nothing at all for CLIENT_PATIENCE_NS is disconnected. What clients send
 * is read and ignored.
 */
#include "target/sink/sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "target/clock.h"
#include "target/log.h"

#define CLIENTS_MAX        8u
#define CLIENT_BUFFER      (256u << 10)
#define CLIENT_PATIENCE_NS (10 * NS_PER_S)

struct client {
	int fd; /* -1: free slot */
	uint8_t *buffer;
	size_t head, tail;
	uint64_t moved_ns; /* when it last took something, or had nothing to take */
	bool deaf;         /* it has closed its sending side */
	char name[64];
};

struct sink_tcp {
	struct sink sink;
	const struct config *cfg;
	int listener, epoll;
	struct client clients[CLIENTS_MAX];
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t parse_address(const char *text, uint16_t port, union address *a)
{
	memset(a, 0, sizeof(*a));
	if (strcmp(text, "*") == 0)
		text = "0.0.0.0";
	if (strcmp(text, "localhost") == 0)
		text = "127.0.0.1";
	if (inet_pton(AF_INET, text, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		return sizeof(a->v4);
	}
	if (inet_pton(AF_INET6, text, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(port);
		return sizeof(a->v6);
	}
	return 0;
}

static void format_address(const union address *a, char *text, size_t size)
{
	char addr[INET6_ADDRSTRLEN] = "?";

	if (a->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->v6.sin6_addr, addr, sizeof(addr));
		snprintf(text, size, "[%s]:%u", addr, ntohs(a->v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &a->v4.sin_addr, addr, sizeof(addr));
		snprintf(text, size, "%s:%u", addr, ntohs(a->v4.sin_port));
	}
}

static int listen_on(struct sink_tcp *s, const union address *addr, socklen_t len)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = CLIENTS_MAX};
	int on = 1;

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->listener = socket(addr->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->epoll < 0 || s->listener < 0)
		return -errno;
	setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s->listener, &addr->any, len) != 0 || listen(s->listener, CLIENTS_MAX) != 0 ||
		epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &ev) != 0)
		return -errno;
	return 0;
}

static int tcp_open(struct sink *sink)
{
	struct sink_tcp *s = (struct sink_tcp *)sink;
	union address addr;
	socklen_t len = parse_address(s->cfg->listen_addr, s->cfg->listen_port, &addr);
	char name[64];
	int err = len ? listen_on(s, &addr, len) : -EINVAL;

	if (!len) {
		log_error("%s is not an address: --listen takes a number, e.g. 0.0.0.0:%u",
			s->cfg->listen_addr, s->cfg->listen_port);
		return err;
	}
	format_address(&addr, name, sizeof(name));
	if (err) {
		log_error("cannot listen on %s: %s; choose another address or port with -l", name,
			strerror(-err));
		return err;
	}
	snprintf(sink->description, sizeof(sink->description), "tcp %s", name);
	log_note("listening on %s", name);
	return 0;
}

/* ---- clients -------------------------------------------------------------------------------- */

static size_t buffered(const struct client *c)
{
	return c->tail - c->head;
}

static void watch(struct sink_tcp *s, struct client *c, int operation)
{
	struct epoll_event ev = {
		.events = (c->deaf ? 0u : (unsigned int)EPOLLIN) |
			  (buffered(c) ? (unsigned int)EPOLLOUT : 0u),
		.data.u32 = (uint32_t)(c - s->clients),
	};

	epoll_ctl(s->epoll, operation, c->fd, &ev);
}

static void drop_client(struct sink_tcp *s, struct client *c, const char *why)
{
	log_note("%s %s", c->name, why);
	close(c->fd);
	free(c->buffer);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
	s->sink.present = false;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		s->sink.present = s->sink.present || s->clients[i].fd >= 0;
}

static void send_to(struct sink_tcp *s, struct client *c)
{
	bool had = buffered(c) > 0;

	while (buffered(c)) {
		ssize_t n =
			send(c->fd, c->buffer + c->head, buffered(c), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			drop_client(s, c, "has disconnected");
			return;
		}
		c->head += (size_t)n;
		c->moved_ns = now_ns();
	}
	if (had && !buffered(c))
		c->head = c->tail = 0;
}

static void take_client(struct sink_tcp *s)
{
	union address addr;
	socklen_t len = sizeof(addr);
	int fd = accept4(s->listener, &addr.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c = NULL;

	if (fd < 0)
		return;
	for (size_t i = 0; i < CLIENTS_MAX && !c; i++)
		if (s->clients[i].fd < 0)
			c = &s->clients[i];
	if (!c || (c->buffer = malloc(CLIENT_BUFFER)) == NULL) {
		log_warn(
			"a client was turned away: %s", c ? "out of memory" : "there are too many");
		close(fd);
		return;
	}
	c->fd = fd;
	c->moved_ns = now_ns();
	format_address(&addr, c->name, sizeof(c->name));
	watch(s, c, EPOLL_CTL_ADD);
	log_note("%s has connected", c->name);
	s->sink.present = true;
	s->sink.generation++;
}

static void hear_client(struct sink_tcp *s, struct client *c, uint32_t events)
{
	uint8_t ignored[512];
	ssize_t n;

	if (events & (EPOLLHUP | EPOLLERR)) {
		drop_client(s, c, "has disconnected");
		return;
	}
	if (events & EPOLLIN) {
		while ((n = recv(c->fd, ignored, sizeof(ignored), MSG_DONTWAIT)) > 0)
			;
		c->deaf = n == 0; /* it may still be listening: nc does so when its input ends */
	}
	if (events & EPOLLOUT)
		send_to(s, c);
	if (c->fd >= 0)
		watch(s, c, EPOLL_CTL_MOD);
}

/* ---- the sink ------------------------------------------------------------------------------- */

static bool make_room(struct sink_tcp *s, struct client *c, size_t len)
{
	if (CLIENT_BUFFER - buffered(c) < len)
		send_to(s, c);
	if (c->fd < 0)
		return true;
	if (CLIENT_BUFFER - buffered(c) < len) {
		watch(s, c, EPOLL_CTL_MOD);
		return false;
	}
	if (CLIENT_BUFFER - c->tail < len) {
		memmove(c->buffer, c->buffer + c->head, buffered(c));
		c->tail -= c->head;
		c->head = 0;
	}
	return true;
}

static ssize_t tcp_write(struct sink *sink, const uint8_t *frame, size_t at, size_t len)
{
	struct sink_tcp *s = (struct sink_tcp *)sink;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0 && !make_room(s, &s->clients[i], len))
			return -EAGAIN;
	if (!sink->present)
		return -ENOLINK;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];
		if (c->fd < 0)
			continue;
		if (!buffered(c))
			c->moved_ns = now_ns();
		memcpy(c->buffer + c->tail, frame, len);
		c->tail += len;
		send_to(s, c);
		if (c->fd >= 0 && buffered(c))
			watch(s, c, EPOLL_CTL_MOD);
	}
	return (ssize_t)len;
}

static int tcp_poll_fd(const struct sink *sink)
{
	return ((const struct sink_tcp *)sink)->epoll;
}

static short tcp_poll_events(struct sink *sink, bool want_room)
{
	return POLLIN;
}

static void tcp_poll_ready(struct sink *sink, short revents)
{
	struct sink_tcp *s = (struct sink_tcp *)sink;
	struct epoll_event events[CLIENTS_MAX + 1];
	int n = epoll_wait(s->epoll, events, CLIENTS_MAX + 1, 0);

	for (int i = 0; i < n; i++) {
		uint32_t who = events[i].data.u32;
		if (who == CLIENTS_MAX)
			take_client(s);
		else if (s->clients[who].fd >= 0)
			hear_client(s, &s->clients[who], events[i].events);
	}
}

static void tcp_tick(struct sink *sink, uint64_t now)
{
	struct sink_tcp *s = (struct sink_tcp *)sink;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];
		if (c->fd >= 0 && buffered(c) && now > c->moved_ns + CLIENT_PATIENCE_NS)
			drop_client(s, c, "takes nothing any more and was disconnected");
	}
}

static size_t tcp_unsent(const struct sink *sink)
{
	const struct sink_tcp *s = (const struct sink_tcp *)sink;
	size_t sum = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		sum += s->clients[i].fd >= 0 ? buffered(&s->clients[i]) : 0;
	return sum;
}

static void tcp_discard(struct sink *sink)
{
	struct sink_tcp *s = (struct sink_tcp *)sink;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		s->clients[i].head = s->clients[i].tail = 0;
}

static void tcp_free(struct sink *sink)
{
	struct sink_tcp *s = (struct sink_tcp *)sink;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (s->clients[i].fd >= 0)
			close(s->clients[i].fd);
		free(s->clients[i].buffer);
	}
	if (s->listener >= 0)
		close(s->listener);
	if (s->epoll >= 0)
		close(s->epoll);
	free(s);
}

static const struct sink_ops ops = {
	.open = tcp_open,
	.write = tcp_write,
	.poll_fd = tcp_poll_fd,
	.poll_events = tcp_poll_events,
	.poll_ready = tcp_poll_ready,
	.tick = tcp_tick,
	.unsent = tcp_unsent,
	.discard = tcp_discard,
	.free = tcp_free,
};

struct sink *sink_tcp_new(const struct config *cfg)
{
	struct sink_tcp *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->sink.ops = &ops;
	s->sink.format = SINK_LINE;
	s->sink.link = ayaprof_LinkMode_LINK_TCP;
	s->cfg = cfg;
	s->listener = s->epoll = -1;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		s->clients[i].fd = -1;
	return &s->sink;
}
