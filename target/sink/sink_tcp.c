/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A TCP listener. Every client gets whole frames from the one that follows its connecting, out of a
 * buffer of its own (client.h). A frame is taken when it fits the buffers of those that keep up:
 * the only client, or the slowest of those that are about as fast as the others, sets the pace; one
 * that is much slower misses frames, which its host sees by their numbers. What clients send is not
 * understood, only that they send.
 *
 * Everybody who reaches the port may connect. So: so much is read from a client in a turn, and so
 * many are taken in; when all places are taken the one gives way that has shown least that it is a
 * host; who is turned away is told why; and a stream that introduces itself anew does so for all
 * who came within half a second.
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

#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/sink/client.h"

#define CLIENTS_MAX 8u
/* New connections in a tick; the rest waits in the kernel's queue, which is bounded. */
#define ACCEPTS_PER_TICK 4u
/* A stream that introduces itself begins a group of blocks and says all names again, to
 * everybody. */
#define INTRODUCE_NS (500 * NS_PER_MS)

struct sink_tcp {
	struct sink sink;
	const struct config *cfg;
	int listener, epoll;
	bool introduce_due;
	uint64_t introduced_ns;
	unsigned int accepts; /* in this tick */
	bool deaf;            /* the listener is not looked at until the next tick */
	uint64_t tick_ns;
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

static bool is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
	return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
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
	if (!is_loopback(&addr))
		log_warn("whoever reaches %s over the network can read all that is traced: nothing "
			 "asks who it is; "
			 "-l %u listens on this machine only, for ssh -L",
			name, s->cfg->listen_port);
	log_note("listening on %s", name);
	return 0;
}

/* ---- clients -------------------------------------------------------------------------------- */

static void watch(struct sink_tcp *s, struct client *c, int operation)
{
	struct epoll_event ev = {
		.events = client_events(c), .data.u32 = (uint32_t)(c - s->clients)};

	if (operation == EPOLL_CTL_MOD && ev.events == c->watched)
		return;
	c->watched = ev.events;
	epoll_ctl(s->epoll, operation, c->fd, &ev);
}

static void watch_listener(struct sink_tcp *s, bool deaf)
{
	struct epoll_event ev = {
		.events = deaf ? 0u : (unsigned int)EPOLLIN, .data.u32 = CLIENTS_MAX};

	if (deaf != s->deaf)
		epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->listener, &ev);
	s->deaf = deaf;
}

static void drop_client(struct sink_tcp *s, struct client *c, const char *why)
{
	if (c->missed)
		log_note("%s %s; it missed %llu frames for being slow", c->name, why,
			(unsigned long long)c->missed);
	else
		log_note("%s %s", c->name, why);
	client_end(c);
	s->sink.present = false;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		s->sink.present = s->sink.present || s->clients[i].fd >= 0;
}

static void send_to(struct sink_tcp *s, struct client *c, uint64_t now)
{
	if (client_send(c, now))
		drop_client(s, c, "has disconnected");
	else
		watch(s, c, EPOLL_CTL_MOD);
}

static void turn_away(int fd, const char *why)
{
	char line[160];
	int n = snprintf(line, sizeof(line), "%s%s\n", AYP_REFUSAL, why);

	log_warn("a client was turned away: %s", why);
	if (send(fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

/* A place for a new client: a free one, or that of the one who is missed least. NULL: all are hosts
 * that listen. */
static struct client *make_place(struct sink_tcp *s, uint64_t now)
{
	struct client *least = NULL;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].fd < 0)
			return &s->clients[i];
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (!client_is_host(&s->clients[i], now) &&
			(!least || client_gives_way_before(&s->clients[i], least)))
			least = &s->clients[i];
	if (least)
		drop_client(s, least,
			"gives way to another client: it does not say that it is a host that "
			"reads");
	return least;
}

static void take_client(struct sink_tcp *s, uint64_t now)
{
	union address addr;
	socklen_t len = sizeof(addr);
	int fd = accept4(s->listener, &addr.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c;
	char name[CLIENT_NAME];

	if (fd < 0) {
		/* No descriptors left, say: it would stay readable, and be asked again and
		 * again. */
		watch_listener(s, errno != EAGAIN);
		return;
	}
	watch_listener(s, ++s->accepts >= ACCEPTS_PER_TICK);
	format_address(&addr, name, sizeof(name));
	c = make_place(s, now);
	if (!c || client_begin(c, fd, name, now)) {
		turn_away(fd,
			c ? "the board is out of memory" : "too many hosts are connected already");
		shutdown(fd, SHUT_WR);
		close(fd);
		return;
	}
	watch(s, c, EPOLL_CTL_ADD);
	log_note("%s has connected", c->name);
	s->sink.present = true;
	s->introduce_due = true;
}

static void introduce(struct sink_tcp *s, uint64_t now)
{
	if (!s->introduce_due || now - s->introduced_ns < INTRODUCE_NS)
		return;
	s->introduce_due = false;
	s->introduced_ns = now;
	s->sink.generation++;
}

static void hear_client(struct sink_tcp *s, struct client *c, uint32_t events, uint64_t now)
{
	if (events & (EPOLLHUP | EPOLLERR)) {
		drop_client(s, c, "has disconnected");
		return;
	}
	if (events & EPOLLIN)
		client_hear(c, now);
	if (events & EPOLLOUT)
		send_to(s, c, now);
	else
		watch(s, c, EPOLL_CTL_MOD);
}

/* ---- the sink ------------------------------------------------------------------------------- */

/* Somebody else could have the frame now. */
static bool others_wait(const struct sink_tcp *s, size_t len)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0 && !s->clients[i].behind &&
			client_has_room(&s->clients[i], len))
			return true;
	return false;
}

/* True if the frame waits for a client: for all of them, or for one that may hold up the others a
 * little longer. */
static bool waits_for_slow_ones(struct sink_tcp *s, size_t len, uint64_t now)
{
	bool others, waits = false;
	unsigned int n = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];
		if (c->fd >= 0 && !client_has_room(c, len))
			send_to(s, c, now);
		n += c->fd >= 0;
	}
	others = others_wait(s, len);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];
		if (c->fd >= 0 && !client_has_room(c, len))
			waits = !others || client_holds_up(c, n, now) || waits;
	}
	return waits;
}

static ssize_t tcp_write(struct sink *sink, const uint8_t *frame, size_t at, size_t len)
{
	struct sink_tcp *s = (struct sink_tcp *)sink;
	uint64_t now = now_ns();

	if (waits_for_slow_ones(s, len, now))
		return -EAGAIN;
	if (!sink->present)
		return -ENOLINK;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];
		if (c->fd < 0)
			continue;
		if (client_put(c, frame, len, now))
			send_to(s, c, now);
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
	uint64_t now = now_ns();
	bool knocks = false;

	for (int i = 0; i < n; i++) {
		uint32_t who = events[i].data.u32;
		if (who == CLIENTS_MAX)
			knocks = true;
		else if (s->clients[who].fd >= 0)
			hear_client(s, &s->clients[who], events[i].events, now);
	}
	if (knocks) /* last: it may put another client into a place */
		take_client(s, now);
	introduce(s, now);
}

static void tcp_tick(struct sink *sink, uint64_t now)
{
	struct sink_tcp *s = (struct sink_tcp *)sink;

	introduce(s, now);
	if (now - s->tick_ns < SINK_TICK_NS)
		return;
	s->tick_ns = now;
	s->accepts = 0;
	watch_listener(s, false);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];
		if (c->fd < 0)
			continue;
		if (client_is_stuck(c, now)) {
			drop_client(s, c, "takes nothing any more and was disconnected");
			continue;
		}
		client_tick(c);
		watch(s, c, EPOLL_CTL_MOD);
	}
}

/* Who has missed something for being slow is not waited for at the end, unless there is nobody
 * else. */
static size_t tcp_unsent(const struct sink *sink)
{
	const struct sink_tcp *s = (const struct sink_tcp *)sink;
	size_t all = 0, quick = 0;
	bool any = false;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *c = &s->clients[i];
		if (c->fd < 0)
			continue;
		all += client_buffered(c);
		quick += c->missed ? 0 : client_buffered(c);
		any = any || !c->missed;
	}
	return any ? quick : all;
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

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0)
			client_end(&s->clients[i]);
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
