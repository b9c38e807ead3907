/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "host/base/grow.h"
#include "host/recording/internal.h"
#include "host/recording/record.h"
#include "host/trace/state.h"
#include "proto/message.h"

/* A point about so often, and more seldom where states are long. */
#define EACH_BYTES (512u << 10)
#define STATE_PART 16u
/* Where there was none: a state that is too long is not to be tried at each frame. */
#define AGAIN_BYTES (64u << 10)

struct seek_writer {
	struct seek_index index;
	int file; /* without a name until it is whole */
	char *path, *temp;
	struct seek_head head; /* of the recording when it began */
	int fd;                /* the recording */
	uint64_t at;           /* bytes written */
	uint32_t seq;
	uint64_t place, end_place, next_point;
	bool failed;
	struct ayp_message_ctx *ctx;
	union {
		ayaprof_SeekPoint point;
		ayaprof_Digest digest;
		ayaprof_RecordingEnd end;
	} msg;
};

/* A file in the recording's directory that is gone when we are, whatever ends us. */
static int open_nameless(const char *path, mode_t mode)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_TMPFILE | O_RDWR | O_CLOEXEC, mode) : -1;

	free(copy);
	return fd;
}

struct seek_writer *seek_writer_new(const char *path, int fd)
{
	struct seek_writer *w;
	struct stat st;

	/* Nobody asked for it: nothing is written for a recording of somebody else's. */
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < SEEK_FROM ||
		st.st_uid != geteuid())
		return NULL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->fd = fd;
	w->index.fd = w->file = -1;
	w->ctx = ayp_message_ctx_new();
	if (!w->ctx || asprintf(&w->path, "%s" SEEK_SUFFIX, path) < 0) {
		w->path = NULL;
		seek_writer_drop(w);
		return NULL;
	}
	if (asprintf(&w->temp, "%s.%d", w->path, (int)getpid()) < 0)
		w->temp = NULL;
	/* As private as the recording. */
	if (!w->temp || seek_head_of(&w->head, fd) ||
		(w->file = open_nameless(path, st.st_mode & 0666)) < 0) {
		seek_writer_drop(w);
		return NULL;
	}
	return w;
}

/* A link that stands under its name is replaced, not followed. */
static bool give_name(struct seek_writer *w)
{
	char self[40];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", w->file);
	if (linkat(AT_FDCWD, self, AT_FDCWD, w->temp, AT_SYMLINK_FOLLOW))
		return false;
	if (rename(w->temp, w->path) == 0)
		return true;
	unlink(w->temp);
	return false;
}

static void release(struct seek_writer *w, bool keep)
{
	if (w->file >= 0 && keep && !w->failed)
		(void)give_name(w);
	if (w->file >= 0)
		close(w->file);
	seek_index_close(&w->index);
	if (w->ctx)
		ayp_message_ctx_free(w->ctx);
	free(w->path);
	free(w->temp);
	free(w);
}

void seek_writer_drop(struct seek_writer *w)
{
	if (w)
		release(w, false);
}

/* ---- records ---------------------------------------------------------------------------------- */

static void write_bytes(struct seek_writer *w, const uint8_t *bytes, size_t len)
{
	w->at += len;
	while (len && !w->failed) {
		ssize_t n = write(w->file, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		w->failed = n < 0;
		bytes += n < 0 ? 0 : n;
		len -= n < 0 ? 0 : (size_t)n;
	}
}

static void write_record(struct seek_writer *w, unsigned int kind)
{
	uint8_t payload[FRAMING_MAX_PAYLOAD], record[RECORD_MAX], body[FRAMING_MAX_BODY];
	struct framing_header h = {.kind = (uint8_t)kind, .seq = w->seq++};
	int len = ayp_message_encode(w->ctx, kind, &w->msg, payload, sizeof(payload), &h.flags);
	size_t body_len, head;

	if (len < 0) {
		w->failed = true;
		return;
	}
	body_len = framing_body_write(body, sizeof(body), &h, payload, (size_t)len);
	head = record_head(record, body_len);
	memcpy(record + head, body, body_len);
	write_bytes(w, record, head + body_len);
}

/* By zlib, to be freed. NULL: no memory. */
static uint8_t *pack(const uint8_t *bytes, size_t len, size_t *packed)
{
	uLongf n = compressBound((uLong)len);
	uint8_t *to = malloc(n);

	if (!to || compress2(to, &n, bytes, (uLong)len, Z_BEST_SPEED) != Z_OK) {
		free(to);
		return NULL;
	}
	*packed = n;
	return to;
}

static void write_point(struct seek_writer *w, const struct trace_point *p, uint32_t session)
{
	ayaprof_SeekPoint *m = &w->msg.point;
	size_t len, at = 0;
	uint8_t *packed = pack(p->state, p->state_len, &len);

	w->failed |= !packed;
	for (uint32_t part = 0; packed && (at < len || !part); part++) {
		size_t n = len - at < sizeof(m->state.bytes) ? len - at : sizeof(m->state.bytes);

		*m = (ayaprof_SeekPoint){.session = session,
			.start_index = p->start_index,
			.start_place = p->start_place,
			.end_place = p->end_place,
			.given = p->given,
			.skip = p->skip,
			.newest_ns = p->newest_ns,
			.oldest_ns = p->oldest_ns,
			.next_call = p->next_call,
			.part = part,
			.more = at + n < len};
		m->state.size = (pb_size_t)n;
		memcpy(m->state.bytes, packed + at, n);
		write_record(w, AYP_KIND_SEEK_POINT);
		at += n;
	}
	free(packed);
}

/* ---- while it is read --------------------------------------------------------------------------- */

void seek_writer_before(struct seek_writer *w, struct trace *t, uint64_t place, uint64_t end_place)
{
	w->place = place;
	w->end_place = end_place;
	trace_place(t, place, end_place);
}

static void add_extent(struct seek_writer *w)
{
	struct seek_index *x = &w->index;
	struct seek_extent *e;

	if (x->n_extents && x->extent[x->n_extents - 1].to == w->place) {
		x->extent[x->n_extents - 1].to = w->end_place;
		return;
	}
	e = grow_array(x->extent, &x->cap_extents, x->n_extents + 1, sizeof(*e));
	w->failed |= !e;
	if (!e)
		return;
	x->extent = e;
	e[x->n_extents++] = (struct seek_extent){w->place, w->end_place};
}

static void add_entry(struct seek_writer *w, uint16_t session, const struct trace_point *p)
{
	struct seek_index *x = &w->index;
	struct seek_entry *e = grow_array(x->entry, &x->cap_entries, x->n_entries + 1, sizeof(*e));

	w->failed |= !e;
	if (!e)
		return;
	x->entry = e;
	e[x->n_entries++] = (struct seek_entry){.newest_ns = p->newest_ns,
		.oldest_ns = p->oldest_ns,
		.place = w->at,
		.session = session};
}

static void try_point(struct seek_writer *w, struct trace *t, uint32_t id)
{
	struct trace_point p;
	uint16_t session = 0;

	while (session < trace_session_count(t) && trace_session(t, session)->id != id)
		session++;
	w->next_point = w->end_place + AGAIN_BYTES;
	if (session == trace_session_count(t) || trace_point(t, session, &p) != 1)
		return;
	add_entry(w, session, &p);
	write_point(w, &p, id);
	w->next_point =
		w->end_place +
		(p.state_len * STATE_PART > EACH_BYTES ? p.state_len * STATE_PART : EACH_BYTES);
}

void seek_writer_after(struct seek_writer *w, struct trace *t, const struct framing_header *h)
{
	if (w->failed)
		return;
	if (h->kind != AYP_KIND_EVENTS)
		add_extent(w);
	else if (w->end_place >= w->next_point)
		try_point(w, t, h->session);
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void write_digest(struct seek_writer *w, const uint8_t *bytes, size_t n)
{
	ayaprof_Digest *m = &w->msg.digest;
	size_t len, at = 0;
	uint8_t *packed = pack(bytes, n, &len);

	w->failed |= !packed;
	for (uint32_t part = 0; packed && (at < len || !part); part++) {
		size_t k = len - at < sizeof(m->data.bytes) ? len - at : sizeof(m->data.bytes);

		*m = (ayaprof_Digest){.part = part, .more = at + k < len};
		m->data.size = (pb_size_t)k;
		memcpy(m->data.bytes, packed + at, k);
		write_record(w, AYP_KIND_DIGEST);
		at += k;
	}
	free(packed);
}

static void write_all(struct seek_writer *w, const uint8_t *digest, size_t len)
{
	uint64_t place = w->at;
	struct state s;

	state_write(&s, &recording_memory);
	seek_index_state(&w->index, &w->head, &s);
	state_count(&s, len, STATE_MAX);
	for (size_t i = 0; i < len; i++)
		state_byte(&s, digest[i]);
	w->failed |= s.failed;
	if (!w->failed)
		write_digest(w, s.bytes, s.n);
	state_free(&s);
	w->msg.end = (ayaprof_RecordingEnd){.reason = "index", .digest_place = place + 1};
	write_record(w, AYP_KIND_RECORDING_END);
}

void seek_writer_end(struct seek_writer *w, struct trace *t, uint64_t damaged, bool complete)
{
	const uint8_t *digest;
	struct seek_head now;
	size_t len;

	w->index.damaged = damaged;
	w->index.complete = complete;
	/* It was changed while it was read. */
	if (seek_head_of(&now, w->fd) || now.size != w->head.size ||
		now.mtime_ns != w->head.mtime_ns || trace_digest(t, &digest, &len) != 1)
		w->failed = true;
	if (!w->failed)
		write_all(w, digest, len);
	release(w, true);
}
