/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/sink/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "target/base/clock.h"

#define STUCK_NS (10 * NS_PER_S)
/* A host says something every second; its machine may be busy, or the network slow. */
#define HOST_SILENCE_NS (10 * NS_PER_S)
/* Far more than acknowledgements take; the rest waits in the sender's kernel. */
#define HEAR_PER_TURN 2048u
#define HEAR_PER_TICK 8192u
/* Of every second the others may wait a tenth for all slow ones together; saved up for so long. */
#define PATIENCE_SHARE  10u
#define PATIENCE_MAX_NS ((int64_t)(2 * NS_PER_S))

int client_begin(struct client *c, int fd, const char *name, uint64_t now)
{
	uint8_t *buffer = malloc(CLIENT_BUFFER);

	if (!buffer)
		return -ENOMEM;
	*c = (struct client){
		.fd = fd, .buffer = buffer, .moved_ns = now, .begun_ns = now, .earned_ns = now};
	snprintf(c->name, sizeof(c->name), "%s", name);
	return 0;
}

void client_end(struct client *c)
{
	close(c->fd);
	free(c->buffer);
	*c = (struct client){.fd = -1};
}

uint32_t client_events(const struct client *c)
{
	bool hears = !c->closed && c->heard < HEAR_PER_TICK;

	return (hears ? (uint32_t)EPOLLIN : 0u) | (client_buffered(c) ? (uint32_t)EPOLLOUT : 0u);
}

/* ---- frames to it --------------------------------------------------------------------------- */

size_t client_buffered(const struct client *c)
{
	return c->tail - c->head;
}

/* Who is behind needs none. */
bool client_has_room(const struct client *c, size_t len)
{
	return c->behind || CLIENT_BUFFER - client_buffered(c) >= len;
}

static void catch_up(struct client *c)
{
	if (client_buffered(c) <= CLIENT_BUFFER / 2)
		c->behind = false;
}

bool client_put(struct client *c, const uint8_t *frame, size_t len, uint64_t now)
{
	catch_up(c);
	c->blocked_ns = 0;
	if (c->behind || CLIENT_BUFFER - client_buffered(c) < len) {
		c->behind = true;
		c->missed++;
		return false;
	}
	if (CLIENT_BUFFER - c->tail < len) {
		memmove(c->buffer, c->buffer + c->head, client_buffered(c));
		c->tail -= c->head;
		c->head = 0;
	}
	if (!client_buffered(c))
		c->moved_ns = now;
	memcpy(c->buffer + c->tail, frame, len);
	c->tail += len;
	return true;
}

int client_send(struct client *c, uint64_t now)
{
	while (client_buffered(c)) {
		ssize_t n = send(c->fd, c->buffer + c->head, client_buffered(c),
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n < 0)
			return -errno;
		c->head += (size_t)n;
		c->moved_ns = now;
	}
	c->head = c->tail = 0;
	return 0;
}

bool client_holds_up(struct client *c, unsigned int n, uint64_t now)
{
	c->patience_ns += (int64_t)((now - c->earned_ns) / PATIENCE_SHARE / (n ? n : 1));
	c->earned_ns = now;
	if (c->patience_ns > PATIENCE_MAX_NS)
		c->patience_ns = PATIENCE_MAX_NS;
	if (c->blocked_ns)
		c->patience_ns -= (int64_t)(now - c->blocked_ns);
	c->blocked_ns = now;
	if (c->patience_ns > 0)
		return true;
	c->patience_ns = 0;
	return false;
}

bool client_is_stuck(const struct client *c, uint64_t now)
{
	return client_buffered(c) && now > c->moved_ns + STUCK_NS;
}

/* ---- what it says --------------------------------------------------------------------------- */

/* Not understood: but a host's frames are separated by zeros (text frames by line ends), and are
 * short. */
void client_hear(struct client *c, uint64_t now)
{
	uint8_t data[HEAR_PER_TURN];
	ssize_t n = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n == 0)
		c->closed = true; /* it may still be listening: nc does so when its input ends */
	if (n <= 0)
		return;
	c->heard += (size_t)n;
	for (ssize_t i = 1; i < n; i++)
		if (data[i] == 0 && data[i - 1] != 0)
			c->spoke_ns = now;
}

void client_tick(struct client *c)
{
	c->heard = 0;
}

bool client_is_host(const struct client *c, uint64_t now)
{
	return c->spoke_ns && now - c->spoke_ns < HOST_SILENCE_NS;
}

/* Who leaves most lying; else who has been there for longest. */
bool client_gives_way_before(const struct client *c, const struct client *other)
{
	size_t a = client_buffered(c) / 4096, b = client_buffered(other) / 4096;

	return a != b ? a > b : c->begun_ns < other->begun_ns;
}
