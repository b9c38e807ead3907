/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/recording/reader.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/recording/record.h"

#define WINDOW (256u * 1024u)
_Static_assert(WINDOW > 2 * RECORD_MAX, "a record must fit the window");

struct reader {
	int fd; /* -1: memory */
	bool owns_fd;
	bool has_places;                 /* pread(2) works */
	const uint8_t *data, *data_from; /* what is left, and all of it */
	size_t data_len;
	uint64_t limit; /* of bytes to be read in all */
	uint64_t filled;
	bool growing;
	bool at_end; /* nothing left behind the window */
	uint64_t size;
	uint64_t position; /* of window[from] */
	uint64_t damaged, damaged_bytes;
	bool in_damage;
	size_t from, to;
	uint8_t window[WINDOW];
};

static int reader_new(struct reader **r)
{
	*r = calloc(1, sizeof(**r));
	if (!*r)
		return -ENOMEM;
	(*r)->fd = -1;
	(*r)->limit = UINT64_MAX;
	return 0;
}

int reader_open(struct reader **r, const char *path)
{
	struct stat st;
	int err = reader_new(r);

	if (err)
		return err;
	(*r)->fd = open(path, O_RDONLY | O_CLOEXEC);
	(*r)->owns_fd = true;
	if ((*r)->fd < 0) {
		err = -errno;
	} else if (fstat((*r)->fd, &st) < 0) {
		err = -errno;
	} else if (S_ISDIR(st.st_mode)) {
		err = -EISDIR;
	} else {
		(*r)->has_places = S_ISREG(st.st_mode);
		(*r)->size = (*r)->has_places ? (uint64_t)st.st_size : 0;
		return 0;
	}
	reader_close(*r);
	*r = NULL;
	return err;
}

int reader_open_fd(struct reader **r, int fd)
{
	struct stat st;
	int err = reader_new(r);

	assert(fd >= 0);
	if (err)
		return err;
	(*r)->fd = fd;
	(*r)->has_places = true;
	(*r)->size = fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	return 0;
}

int reader_open_memory(struct reader **r, const void *data, size_t len)
{
	int err = reader_new(r);

	if (err)
		return err;
	(*r)->data = (*r)->data_from = data;
	(*r)->data_len = len;
	(*r)->size = len;
	return 0;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0 && r->owns_fd)
		close(r->fd);
	free(r);
}

void reader_growing(struct reader *r, bool growing)
{
	r->growing = growing;
	r->at_end = false;
}

int reader_again(struct reader *r)
{
	if (r->fd >= 0 && !r->has_places)
		return -ESPIPE;
	r->limit = r->position;
	r->data_len += (size_t)(r->data - r->data_from);
	r->data = r->data_from;
	r->filled = r->position = 0;
	r->from = r->to = 0;
	r->damaged = r->damaged_bytes = 0;
	r->in_damage = r->at_end = r->growing = false;
	return 0;
}

/* Append to the window. Returns 0 or a negative errno; at_end is set when there is no more. */
static int fill(struct reader *r)
{
	size_t room;
	ssize_t n;

	memmove(r->window, r->window + r->from, r->to - r->from);
	r->to -= r->from;
	r->from = 0;
	room = WINDOW - r->to;
	if (room > r->limit - r->filled)
		room = (size_t)(r->limit - r->filled);
	if (r->fd < 0) {
		n = (ssize_t)(r->data_len < room ? r->data_len : room);
		if (n)
			memcpy(r->window + r->to, r->data, (size_t)n);
		r->data += n;
		r->data_len -= (size_t)n;
	} else {
		do
			n = r->has_places ? pread(r->fd, r->window + r->to, room, (off_t)r->filled)
					  : read(r->fd, r->window + r->to, room);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
	}
	r->at_end = n == 0;
	r->to += (size_t)n;
	r->filled += (uint64_t)n;
	return 0;
}

static void advance(struct reader *r, size_t n)
{
	r->from += n;
	r->position += n;
}

/* Take note that `n` bytes here belong to no valid record. */
static void skip_damage(struct reader *r, size_t n)
{
	if (!r->in_damage)
		r->damaged++;
	r->in_damage = true;
	r->damaged_bytes += n;
	advance(r, n);
}

/* Might what stands here be a record once the rest of it has come? */
static bool may_become_record(const struct reader *r, const uint8_t *at, size_t have)
{
	size_t len;

	if (!r->growing || !r->at_end || at[0] != RECORD_TAG)
		return false;
	if (have < RECORD_MAX_HEAD)
		return true;
	len = at[1] & 0x80 ? (at[1] & 0x7fu) | (size_t)at[2] << 7 : at[1];
	return len >= FRAMING_MIN_BODY && len <= FRAMING_MAX_BODY &&
	       have < len + (at[1] & 0x80 ? 3u : 2u);
}

int reader_next(struct reader *r, struct reader_frame *f)
{
	/* It may have grown since. */
	if (r->growing)
		r->at_end = false;
	for (;;) {
		const uint8_t *at = r->window + r->from, *body;
		size_t have = r->to - r->from, body_len, used;

		if (have < RECORD_MAX && !r->at_end) {
			int err = fill(r);

			if (err)
				return err;
			continue;
		}
		if (!have)
			return 0;
		used = record_parse(at, have, &body, &body_len);
		if (used && framing_body_parse(
				    body, body_len, &f->header, &f->payload, &f->payload_len)) {
			r->in_damage = false;
			f->place = r->position;
			advance(r, used);
			return 1;
		}
		if (may_become_record(r, at, have))
			return 0;
		/* Every record begins with the same byte: go on at the next one. */
		const uint8_t *next = memchr(at + 1, RECORD_TAG, have - 1);

		skip_damage(r, next ? (size_t)(next - at) : have);
	}
}

void reader_seek(struct reader *r, uint64_t place)
{
	uint64_t by = place > r->position ? place - r->position : 0;

	if (by <= r->to - r->from) {
		advance(r, (size_t)by);
		return;
	}
	if (r->fd < 0) {
		size_t left = (size_t)(by - (r->to - r->from));

		left = left < r->data_len ? left : r->data_len;
		r->data += left;
		r->data_len -= left;
	}
	r->filled = r->position = place;
	r->from = r->to = 0;
}

uint64_t reader_size(const struct reader *r)
{
	return r->size;
}

uint64_t reader_position(const struct reader *r)
{
	return r->position;
}

uint64_t reader_damaged(const struct reader *r)
{
	return r->damaged;
}

uint64_t reader_damaged_bytes(const struct reader *r)
{
	return r->damaged_bytes;
}

bool reader_tail_damaged(const struct reader *r)
{
	return r->in_damage;
}
