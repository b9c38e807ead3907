/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "host/base/grow.h"
#include "host/base/loop_signals.h"

#define READY_MAX 32
#define MS        UINT64_C(1000000)

struct loop {
	int epoll;
	uint64_t now_ns;
	struct epoll_event ready[READY_MAX]; /* of this turn; data.ptr NULL: unwatched meanwhile */
	int n_ready;
	struct loop_fd *always;   /* regular files */
	struct loop_fd *walk;     /* the next of them to be called in this turn */
	struct loop_timer **heap; /* [1 .. n_timers], the first one due at 1 */
	size_t n_timers, cap_timers;
	struct loop_fd signals;
	bool catches;
};

uint64_t loop_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t loop_now(const struct loop *l)
{
	return l->now_ns;
}

int loop_new(struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		err = -errno;
		free(l);
		return err;
	}
	l->now_ns = loop_clock();
	*out = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->catches)
		loop_signals_restore();
	close(l->epoll);
	free(l->heap);
	free(l);
}

/* ---- descriptors ---------------------------------------------------------------------------- */

static uint32_t epoll_events(unsigned int events)
{
	return (events & LOOP_READ ? EPOLLIN : 0u) | (events & LOOP_WRITE ? EPOLLOUT : 0u);
}

static unsigned int loop_events(uint32_t events)
{
	unsigned int is =
		(events & EPOLLIN ? LOOP_READ : 0u) | (events & EPOLLOUT ? LOOP_WRITE : 0u);

	return events & (EPOLLHUP | EPOLLERR) ? is | LOOP_HUP | LOOP_READ : is;
}

int loop_watch(struct loop *l, struct loop_fd *w, int fd, unsigned int events)
{
	struct epoll_event e = {.events = epoll_events(events), .data.ptr = w};
	bool known = w->events != 0;

	assert(w->ready && fd >= 0 && (!known || w->fd == fd));
	/* Watched for nothing is watched, too. */
	events |= LOOP_HUP;
	if (known && (w->always || w->events == events)) {
		w->events = events;
		return 0;
	}
	if (epoll_ctl(l->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) == 0) {
		w->always = false;
	} else if (errno == EPERM) {
		w->always = true;
		w->next = l->always;
		l->always = w;
	} else {
		return -errno;
	}
	w->fd = fd;
	w->events = events;
	return 0;
}

void loop_unwatch(struct loop *l, struct loop_fd *w)
{
	struct loop_fd **p;

	if (!w->events)
		return;
	w->events = 0;
	if (!w->always) {
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
		for (int i = 0; i < l->n_ready; i++)
			if (l->ready[i].data.ptr == w)
				l->ready[i].data.ptr = NULL;
		return;
	}
	if (l->walk == w)
		l->walk = w->next;
	for (p = &l->always; *p && *p != w; p = &(*p)->next)
		;
	if (*p)
		*p = w->next;
}

static bool always_ready(const struct loop *l)
{
	for (const struct loop_fd *w = l->always; w; w = w->next)
		if (w->events & (LOOP_READ | LOOP_WRITE))
			return true;
	return false;
}

static void call_ready(struct loop *l)
{
	struct loop_fd *w;

	for (int i = 0; i < l->n_ready; i++) {
		w = l->ready[i].data.ptr;
		if (w)
			w->ready(w->ctx, loop_events(l->ready[i].events));
	}
	l->n_ready = 0;
	for (w = l->always; w; w = l->walk) {
		l->walk = w->next;
		if (w->events & (LOOP_READ | LOOP_WRITE))
			w->ready(w->ctx, w->events & (LOOP_READ | LOOP_WRITE));
	}
}

/* ---- timers: a binary heap ------------------------------------------------------------------ */

static void put(struct loop *l, size_t place, struct loop_timer *t)
{
	l->heap[place] = t;
	t->place = place;
}

/* Move the one at `place` to where its time belongs. */
static void sift(struct loop *l, size_t place)
{
	struct loop_timer *t = l->heap[place];

	for (; place > 1 && l->heap[place / 2]->at_ns > t->at_ns; place /= 2)
		put(l, place, l->heap[place / 2]);
	for (size_t child = 2 * place; child <= l->n_timers; child = 2 * place) {
		if (child < l->n_timers && l->heap[child + 1]->at_ns < l->heap[child]->at_ns)
			child++;
		if (l->heap[child]->at_ns >= t->at_ns)
			break;
		put(l, place, l->heap[child]);
		place = child;
	}
	put(l, place, t);
}

int loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_ns)
{
	struct loop_timer **heap = l->heap;

	assert(t->due);
	if (!t->place) {
		heap = grow_array(heap, &l->cap_timers, l->n_timers + 2, sizeof(*heap));
		if (!heap)
			return -ENOMEM;
		l->heap = heap;
		put(l, ++l->n_timers, t);
	}
	t->at_ns = at_ns;
	sift(l, t->place);
	return 0;
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	size_t place = t->place;

	if (!place)
		return;
	t->place = 0;
	if (place != l->n_timers) {
		put(l, place, l->heap[l->n_timers--]);
		sift(l, place);
	} else {
		l->n_timers--;
	}
}

/* Those that are due now; not those that their handlers set. */
static void call_due(struct loop *l)
{
	uint64_t now = l->now_ns;

	for (size_t most = l->n_timers; most && l->n_timers && l->heap[1]->at_ns <= now; most--) {
		struct loop_timer *t = l->heap[1];

		loop_timer_stop(l, t);
		t->due(t->ctx);
	}
}

/* ---- turns ---------------------------------------------------------------------------------- */

static int wait_ms(const struct loop *l)
{
	uint64_t now = loop_clock(), ms;

	if (always_ready(l))
		return 0;
	if (!l->n_timers)
		return -1;
	if (l->heap[1]->at_ns <= now)
		return 0;
	ms = (l->heap[1]->at_ns - now + MS - 1) / MS;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

int loop_turn(struct loop *l)
{
	int n = epoll_wait(l->epoll, l->ready, READY_MAX, wait_ms(l));

	l->now_ns = loop_clock();
	if (n < 0 && errno != EINTR)
		return -errno;
	l->n_ready = n < 0 ? 0 : n;
	call_ready(l);
	call_due(l);
	return 0;
}

/* ---- signals -------------------------------------------------------------------------------- */

static void on_signals(void *ctx, unsigned int events)
{
	loop_signals_heard();
}

int loop_catch_signals(struct loop *l)
{
	int fd = loop_signals_catch();

	if (fd < 0)
		return fd;
	l->catches = true;
	l->signals.ready = on_signals;
	return loop_watch(l, &l->signals, fd, LOOP_READ);
}
