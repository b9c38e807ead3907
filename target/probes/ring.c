/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/ring.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#define LOOK_EVERY_NS 20000000

/* A negative result ends the batch; the record it is returned for is consumed all the same. */
static int on_record(void *ctx, void *data, size_t size)
{
	struct ring *r = ctx;

	r->taken++;
	r->left--;
	if (size >= sizeof(struct ayp_rec))
		r->record(r->ctx, data, size);
	return r->left ? 0 : -ECANCELED;
}

static int watch(struct ring *r, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	return epoll_ctl(r->poll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int ring_open(struct ring *r, int map_fd, void (*record)(void *, const struct ayp_rec *, size_t),
	void *ctx)
{
	int err;

	*r = (struct ring){.poll_fd = -1, .timer_fd = -1, .record = record, .ctx = ctx};
	r->rb = ring_buffer__new(map_fd, on_record, r, NULL);
	if (!r->rb)
		return -errno;
	r->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (r->poll_fd < 0)
		return -errno;
	r->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (r->timer_fd < 0)
		return -errno;
	/* The ring edge-triggered: it would stay readable while other CPUs add to it, and the
	 * daemon would run for every single event. */
	err = watch(r, map_fd, EPOLLIN | EPOLLET);
	return err ? err : watch(r, r->timer_fd, EPOLLIN);
}

void ring_close(struct ring *r)
{
	ring_buffer__free(r->rb);
	if (r->poll_fd >= 0)
		close(r->poll_fd);
	if (r->timer_fd >= 0)
		close(r->timer_fd);
	*r = (struct ring){.poll_fd = -1, .timer_fd = -1};
}

int ring_start(struct ring *r)
{
	struct itimerspec every = {{0, LOOK_EVERY_NS}, {0, LOOK_EVERY_NS}};

	return timerfd_settime(r->timer_fd, 0, &every, NULL) ? -errno : 0;
}

unsigned int ring_take(struct ring *r, unsigned int max)
{
	struct epoll_event ev[2];
	uint64_t ticks;

	r->left = max;
	r->taken = 0;
	if (max)
		ring_buffer__consume(r->rb);
	if (r->left) {
		/* Nothing left: be silent until the next tick or wake-up. */
		if (read(r->timer_fd, &ticks, sizeof(ticks)) < 0)
			ticks = 0;
		epoll_wait(r->poll_fd, ev, 2, 0);
	}
	return r->taken;
}
