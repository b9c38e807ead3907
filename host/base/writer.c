/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/writer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/base/loop.h"

#define MS      UINT64_C(1000000)
#define LOOK_NS (50 * MS)   /* for signals, while waiting for the thread */
#define FILE_NS (1000 * MS) /* between looks whether the file is still there */

struct writer {
	pthread_mutex_t lock;
	pthread_cond_t more, less; /* something to write; something was written */
	pthread_t thread;
	struct writer_options opt;
	bool regular;
	struct stat st; /* of a regular file, as it was opened */
	/* under the lock */
	uint8_t *ring;
	size_t at, fill; /* pieces, each behind its length in 4 bytes */
	struct writer_state state;
	bool closing, abandoned, ended, was_full;
	/* the thread's */
	uint8_t piece[WRITER_PIECE_MAX];
	off_t offset; /* behind the last whole piece, regular files */
};

static void unlock(struct writer *w)
{
	pthread_mutex_unlock(&w->lock);
}

static struct timespec at_time(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / UINT64_C(1000000000)),
		.tv_nsec = (long)(ns % UINT64_C(1000000000))};
}

static void wake(const struct writer *w)
{
	uint64_t one = 1;

	if (w->opt.wake_fd > 0)
		(void)!write(w->opt.wake_fd, &one, sizeof(one));
}

/* ---- the ring ------------------------------------------------------------------------------- */

static void ring_in(struct writer *w, const void *data, size_t len)
{
	size_t end = (w->at + w->fill) % w->opt.size, first = w->opt.size - end;

	if (first > len)
		first = len;
	memcpy(w->ring + end, data, first);
	memcpy(w->ring, (const uint8_t *)data + first, len - first);
	w->fill += len;
}

static void ring_out(struct writer *w, void *data, size_t len)
{
	size_t first = w->opt.size - w->at;

	if (first > len)
		first = len;
	memcpy(data, w->ring + w->at, first);
	memcpy((uint8_t *)data + first, w->ring, len - first);
	w->at = (w->at + len) % w->opt.size;
	w->fill -= len;
	if (!w->fill)
		w->at = 0; /* the same memory again, as long as the queue is short */
}

/* ---- the thread ----------------------------------------------------------------------------- */

static int wait_writable(const struct writer *w)
{
	struct pollfd p = {.fd = w->opt.fd, .events = POLLOUT};

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

static int write_piece(struct writer *w, size_t len)
{
	size_t at = 0;
	int err = 0;

	while (at < len && !err) {
		ssize_t n = write(w->opt.fd, w->piece + at, len - at);

		if (n > 0) {
			at += (size_t)n;
			pthread_mutex_lock(&w->lock);
			w->state.progress_ns = loop_clock();
			unlock(w);
		} else if (n == 0) {
			err = -ENOSPC;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			err = wait_writable(w);
		} else if (errno != EINTR) {
			err = -errno;
		}
	}
	if (!err)
		w->offset += (off_t)len;
	else if (w->regular && at && ftruncate(w->opt.fd, w->offset) == 0)
		lseek(w->opt.fd, w->offset, SEEK_SET);
	return err;
}

static int look_at_file(const struct writer *w)
{
	struct stat st;

	if (!w->regular || !w->opt.path)
		return 0;
	if (stat(w->opt.path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ESTALE : 0;
	return st.st_dev == w->st.st_dev && st.st_ino == w->st.st_ino ? 0 : -ESTALE;
}

/* Under the lock: nothing will be written any more. */
static void fail(struct writer *w, int err)
{
	w->state.error = err;
	w->state.dropped += w->state.waiting;
	w->state.waiting = 0;
	w->fill = w->at = 0;
	wake(w);
}

/* Under the lock. */
static void next_piece(struct writer *w)
{
	uint32_t len;
	int err;

	ring_out(w, &len, sizeof(len));
	ring_out(w, w->piece, len);
	unlock(w);
	err = write_piece(w, len);
	pthread_mutex_lock(&w->lock);
	if (w->abandoned)
		return;
	if (err) {
		fail(w, err);
		return;
	}
	w->state.written += len;
	w->state.waiting -= len;
	if (w->was_full && w->fill <= w->opt.size / 2) {
		w->was_full = false;
		wake(w);
	}
	pthread_cond_signal(&w->less);
}

static void writer_free(struct writer *w)
{
	pthread_cond_destroy(&w->more);
	pthread_cond_destroy(&w->less);
	pthread_mutex_destroy(&w->lock);
	free(w->ring);
	free(w);
}

static void *run(void *arg)
{
	struct writer *w = arg;
	uint64_t look = loop_clock() + FILE_NS;
	bool abandoned;

	pthread_mutex_lock(&w->lock);
	while (!w->abandoned && !(w->closing && !w->fill)) {
		struct timespec until = at_time(look);

		if (w->fill && !w->state.error)
			next_piece(w);
		else if (!w->closing)
			pthread_cond_timedwait(&w->more, &w->lock, &until);
		if (loop_clock() >= look && !w->abandoned && !w->state.error) {
			int err;

			unlock(w);
			err = look_at_file(w);
			pthread_mutex_lock(&w->lock);
			if (err && !w->abandoned)
				fail(w, err);
			look = loop_clock() + FILE_NS;
		}
	}
	w->ended = true;
	abandoned = w->abandoned;
	pthread_cond_signal(&w->less);
	unlock(w);
	if (abandoned)
		writer_free(w);
	return NULL;
}

/* ---- its user ------------------------------------------------------------------------------- */

int writer_new(struct writer **out, const struct writer_options *opt)
{
	struct writer *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;
	sigset_t all, before;
	int err;

	assert(opt->size >= 2 * sizeof(uint32_t));
	if (!w)
		return -ENOMEM;
	w->opt = *opt;
	w->ring = malloc(opt->size);
	w->regular = fstat(opt->fd, &w->st) == 0 && S_ISREG(w->st.st_mode);
	w->offset = w->regular ? lseek(opt->fd, 0, SEEK_CUR) : 0;
	w->state.progress_ns = loop_clock();
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->more, &attr);
	pthread_cond_init(&w->less, &attr);
	pthread_condattr_destroy(&attr);
	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = w->ring ? -pthread_create(&w->thread, NULL, run, w) : -ENOMEM;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		writer_free(w);
		return err;
	}
	*out = w;
	return 0;
}

static bool fits(const struct writer *w, size_t len)
{
	return !w->state.error && w->opt.size - w->fill >= len + sizeof(uint32_t);
}

bool writer_has_room(struct writer *w, size_t len)
{
	bool room;

	pthread_mutex_lock(&w->lock);
	room = fits(w, len);
	w->was_full = w->was_full || !room;
	unlock(w);
	return room;
}

bool writer_put(struct writer *w, const void *data, size_t len)
{
	uint32_t n = (uint32_t)len;
	bool room;

	assert(len <= WRITER_PIECE_MAX);
	if (len == 0)
		return true;
	pthread_mutex_lock(&w->lock);
	room = fits(w, len);
	if (room) {
		ring_in(w, &n, sizeof(n));
		ring_in(w, data, len);
		w->state.waiting += len;
		pthread_cond_signal(&w->more);
	} else {
		w->state.dropped += len;
		w->was_full = true;
	}
	unlock(w);
	return room;
}

struct writer_state writer_state(struct writer *w)
{
	struct writer_state s;

	pthread_mutex_lock(&w->lock);
	s = w->state;
	unlock(w);
	return s;
}

/* Under the lock: wait for the thread to write all, or to end. */
static void wait_for_thread(struct writer *w, uint64_t patience_ns, bool to_end)
{
	uint64_t begun = loop_clock();

	while (to_end ? !w->ended : w->state.waiting && !w->state.error) {
		uint64_t since = w->state.progress_ns > begun ? w->state.progress_ns : begun;
		uint64_t now = loop_clock();
		struct timespec until = at_time(now + LOOK_NS);

		if (now - since >= patience_ns || loop_signals() > 1)
			break;
		pthread_cond_timedwait(&w->less, &w->lock, &until);
	}
}

bool writer_drain(struct writer *w, uint64_t patience_ns)
{
	bool empty;

	pthread_mutex_lock(&w->lock);
	wait_for_thread(w, patience_ns, false);
	empty = !w->state.waiting;
	unlock(w);
	return empty;
}

int writer_close(struct writer *w, uint64_t patience_ns, struct writer_state *last)
{
	int fd = w->opt.fd, err;
	bool ended, keep_open = w->opt.keep_open;

	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->more);
	wait_for_thread(w, patience_ns, true);
	ended = w->ended;
	if (!ended) {
		/* It frees itself, should it ever come back; closing could hang, too. */
		w->abandoned = true;
		w->state.dropped += w->state.waiting;
		pthread_detach(w->thread);
	}
	err = w->state.error ? w->state.error : ended ? 0 : -ETIMEDOUT;
	if (last)
		*last = w->state;
	unlock(w);
	if (!ended)
		return err;
	pthread_join(w->thread, NULL);
	writer_free(w);
	/* Some file systems tell only now that there was no room. */
	if (!keep_open && close(fd) < 0 && !err)
		err = -errno;
	return err;
}
