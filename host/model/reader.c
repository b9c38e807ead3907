/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/model/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/record/record.h"

#define WINDOW (256u * 1024u)
_Static_assert(WINDOW > 2 * RECORD_MAX, "a record must fit the window");

struct reader {
	int fd; /* -1: memory */
	const uint8_t *data;
	size_t data_len;
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
	return 0;
}

int reader_open(struct reader **r, const char *path)
{
	struct stat st;
	int err = reader_new(r);

	if (err)
		return err;
	(*r)->fd = open(path, O_RDONLY | O_CLOEXEC);
	if ((*r)->fd < 0) {
		err = -errno;
	} else if (fstat((*r)->fd, &st) < 0) {
		err = -errno;
	} else if (S_ISDIR(st.st_mode)) {
		err = -EISDIR;
	} else {
		(*r)->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
		return 0;
	}
	reader_close(*r);
	*r = NULL;
	return err;
}

int reader_open_memory(struct reader **r, const void *data, size_t len)
{
	int err = reader_new(r);

	if (err)
		return err;
	(*r)->data = data;
	(*r)->data_len = len;
	(*r)->size = len;
	return 0;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	free(r);
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
	if (r->fd < 0) {
		n = (ssize_t)(r->data_len < room ? r->data_len : room);
		if (n)
			memcpy(r->window + r->to, r->data, (size_t)n);
		r->data += n;
		r->data_len -= (size_t)n;
	} else {
		do
			n = read(r->fd, r->window + r->to, room);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
	}
	r->at_end = n == 0;
	r->to += (size_t)n;
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

int reader_next(struct reader *r, struct reader_frame *f)
{
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
			advance(r, used);
			return 1;
		}
		/* Every record begins with the same byte: go on at the next one. */
		const uint8_t *next = memchr(at + 1, RECORD_TAG, have - 1);

		skip_damage(r, next ? (size_t)(next - at) : have);
	}
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
