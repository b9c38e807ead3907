/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/recording/seek_index.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framing/framing.h"
#include "host/trace/state.h"

#define ENDS     4096u
#define MAX_ROWS (1u << 24)

static uint32_t crc_at(uint32_t crc, int fd, uint64_t place)
{
	uint8_t bytes[ENDS];
	ssize_t n = pread(fd, bytes, sizeof(bytes), (off_t)place);

	return n > 0 ? framing_crc32c(crc, bytes, (size_t)n) : crc;
}

int seek_head_of(struct seek_head *h, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	h->size = (uint64_t)st.st_size;
	h->mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	h->ends_crc = crc_at(crc_at(0, fd, 0), fd, h->size > ENDS ? h->size - ENDS : 0);
	return 0;
}

/* Places ascend: distances are small. */
static void place_state(struct state *s, uint64_t *place, uint64_t *before)
{
	*place = *before + state_number(s, *place - *before, UINT64_MAX / 4);
	*before = *place;
}

static void *rows(struct state *s, void *row, size_t n, size_t size)
{
	if (!state_reading(s) || !n || s->failed)
		return row;
	row = calloc(n, size);
	s->failed |= !row;
	return row;
}

static void extents_state(struct seek_index *x, struct state *s)
{
	size_t n = state_count(s, x->n_extents, MAX_ROWS);
	uint64_t at = 0;

	x->extent = rows(s, x->extent, n, sizeof(*x->extent));
	for (size_t i = 0; i < n && !s->failed; i++) {
		place_state(s, &x->extent[i].from, &at);
		place_state(s, &x->extent[i].to, &at);
		x->n_extents = n;
	}
}

static void entries_state(struct seek_index *x, struct state *s)
{
	size_t n = state_count(s, x->n_entries, MAX_ROWS);
	uint64_t at = 0;

	x->entry = rows(s, x->entry, n, sizeof(*x->entry));
	for (size_t i = 0; i < n && !s->failed; i++) {
		STATE(s, x->entry[i].session);
		STATE(s, x->entry[i].newest_ns);
		STATE(s, x->entry[i].oldest_ns);
		place_state(s, &x->entry[i].place, &at);
		x->n_entries = n;
	}
}

void seek_index_state(struct seek_index *x, struct seek_head *h, struct state *s)
{
	STATE(s, h->size);
	STATE(s, h->mtime_ns);
	STATE(s, h->ends_crc);
	STATE(s, x->damaged);
	STATE(s, x->complete);
	extents_state(x, s);
	entries_state(x, s);
}
