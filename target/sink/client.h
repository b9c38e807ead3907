/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One client of the TCP listener: its socket, its buffer of whole frames, and what it may cost the
 * others.
 */
#ifndef TARGET_CLIENT_H
#define TARGET_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_BUFFER (256u << 10)
#define CLIENT_NAME   64u

struct client {
	int fd; /* -1: free place */
	uint8_t *buffer;
	size_t head, tail;
	uint64_t moved_ns;   /* when it last took something, or had nothing to take */
	uint64_t begun_ns;   /* when it connected */
	uint64_t spoke_ns;   /* when it last said a frame, 0: never; a host says one every second */
	bool closed;         /* it has closed its sending side */
	size_t heard;        /* bytes in this tick */
	uint64_t missed;     /* frames that were left out for it */
	bool behind;         /* they are being left out */
	int64_t patience_ns; /* so long it may still hold up the others */
	uint64_t blocked_ns; /* since when it does, 0: it does not */
	uint64_t earned_ns;  /* when its patience last grew */
	uint32_t watched;    /* epoll events asked for */
	char name[CLIENT_NAME];
};

/* Take the socket over. 0, or -ENOMEM and the socket is the caller's. */
int client_begin(struct client *c, int fd, const char *name, uint64_t now_ns);
/* Close and release. */
void client_end(struct client *c);
/* What to ask epoll for. */
uint32_t client_events(const struct client *c);

size_t client_buffered(const struct client *c);
bool client_has_room(const struct client *c, size_t len);
/* Queue a whole frame; false: left out, because it is behind. */
bool client_put(struct client *c, const uint8_t *frame, size_t len, uint64_t now_ns);
/* Pass on what the kernel takes. 0, or a negative errno: it is gone. */
int client_send(struct client *c, uint64_t now_ns);
/* There is no room for a frame that others could have. Is it waited for? One of `n` clients may
 * slow the others down by a tenth altogether; then it misses frames until half of its buffer is
 * free. */
bool client_holds_up(struct client *c, unsigned int n, uint64_t now_ns);

/* Read a little of what it says. */
void client_hear(struct client *c, uint64_t now_ns);
/* A tenth of a second has passed. */
void client_tick(struct client *c);
/* It has taken nothing for long, though there was something. */
bool client_is_stuck(const struct client *c, uint64_t now_ns);
/* Does it say every now and then that it reads, as a host does? */
bool client_is_host(const struct client *c, uint64_t now_ns);
/* Neither of them is a host: which one is missed less? */
bool client_gives_way_before(const struct client *c, const struct client *other);

#endif
