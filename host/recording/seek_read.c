/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "host/base/grow.h"
#include "host/recording/reader.h"
#include "host/recording/seek_index.h"
#include "host/trace/state.h"
#include "proto/message.h"

void seek_index_close(struct seek_index *x)
{
	if (x->fd >= 0)
		close(x->fd);
	free(x->extent);
	free(x->entry);
	free(x->digest);
	*x = (struct seek_index){.fd = -1};
}

/* ---- records that belong together --------------------------------------------------------------- */

struct parts {
	struct ayp_message_ctx *ctx;
	uint8_t *bytes;
	size_t n, cap;
	union {
		ayaprof_SeekPoint point;
		ayaprof_Digest digest;
		ayaprof_RecordingEnd end;
	} msg;
};

static int add_part(struct parts *p, const uint8_t *bytes, size_t len)
{
	uint8_t *grown;

	if (p->n + len > STATE_MAX)
		return -EBADMSG;
	grown = grow_array(p->bytes, &p->cap, p->n + len + 1, 1);
	if (!grown)
		return -ENOMEM;
	p->bytes = grown;
	memcpy(grown + p->n, bytes, len);
	p->n += len;
	return 0;
}

/* Parts of this kind that stand one behind the other from here on. */
static int read_parts(struct parts *p, int fd, uint64_t place, unsigned int kind)
{
	struct reader *r;
	struct reader_frame f;
	bool more = true;
	int err = reader_open_fd(&r, fd);

	if (err)
		return err;
	reader_seek(r, place);
	for (uint32_t part = 0; more && !err; part++) {
		uint64_t at = reader_position(r);

		if (reader_next(r, &f) != 1 || f.place != at || f.header.kind != kind ||
			f.header.session ||
			ayp_message_decode(
				p->ctx, kind, f.header.flags, f.payload, f.payload_len, &p->msg)) {
			err = -EBADMSG;
		} else if (kind == AYP_KIND_DIGEST) {
			more = p->msg.digest.more;
			err = p->msg.digest.part == part ? add_part(p, p->msg.digest.data.bytes,
								   p->msg.digest.data.size)
							 : -EBADMSG;
		} else {
			more = p->msg.point.more;
			err = p->msg.point.part == part ? add_part(p, p->msg.point.state.bytes,
								  p->msg.point.state.size)
							: -EBADMSG;
		}
	}
	reader_close(r);
	return err;
}

/* Out of zlib's hands, at most `max` bytes. */
static int unpack(const struct parts *p, size_t max, uint8_t **out, size_t *len)
{
	z_stream z = {.next_in = p->bytes, .avail_in = (uInt)p->n};
	size_t cap = 0;
	int got = Z_OK, err = 0;

	*out = NULL;
	if (inflateInit(&z) != Z_OK)
		return -ENOMEM;
	while (got == Z_OK && !err) {
		uint8_t *grown =
			z.total_out < max ? grow_array(*out, &cap, z.total_out + 4096, 1) : NULL;

		if (!grown) {
			err = z.total_out < max ? -ENOMEM : -EBADMSG;
			break;
		}
		*out = grown;
		z.next_out = grown + z.total_out;
		z.avail_out = (uInt)(cap - z.total_out);
		got = inflate(&z, Z_NO_FLUSH);
	}
	*len = z.total_out;
	inflateEnd(&z);
	if (!err && got != Z_STREAM_END)
		err = -EBADMSG;
	if (err) {
		free(*out);
		*out = NULL;
	}
	return err;
}

/* ---- the digest --------------------------------------------------------------------------------- */

/* The last record says where it begins, + 1. All are looked at: what comes later than a digest can be
 * relied on then. 0: it is damaged, or no index. */
static uint64_t digest_place(struct parts *p, int fd)
{
	struct reader_frame f;
	struct reader *r;
	uint64_t place = 0;

	if (reader_open_fd(&r, fd))
		return 0;
	while (reader_next(r, &f) == 1) {
		place = 0;
		if (f.header.kind == AYP_KIND_RECORDING_END && !f.header.session &&
			!ayp_message_decode(p->ctx, f.header.kind, f.header.flags, f.payload,
				f.payload_len, &p->msg))
			place = p->msg.end.digest_place;
	}
	if (reader_damaged(r))
		place = 0;
	reader_close(r);
	return place;
}

static bool same_recording(const struct seek_head *a, const struct seek_head *b)
{
	return a->size == b->size && a->mtime_ns == b->mtime_ns && a->ends_crc == b->ends_crc;
}

static int parse(struct seek_index *x, const uint8_t *bytes, size_t len, int recording)
{
	struct seek_head head = {0}, now;
	struct state s;

	state_read(&s, bytes, len);
	seek_index_state(x, &head, &s);
	x->digest_len = state_count(&s, 0, STATE_MAX);
	if (s.failed || seek_head_of(&now, recording) || !same_recording(&head, &now))
		return -ENOENT;
	x->digest = malloc(x->digest_len + 1);
	if (!x->digest)
		return -ENOMEM;
	memcpy(x->digest, s.at, x->digest_len);
	return 0;
}

static int read_index(struct seek_index *x, struct parts *p, int recording)
{
	uint8_t *bytes = NULL;
	uint64_t place;
	struct stat st, of;
	size_t len;
	int err;

	/* Who else may write there could make it say anything of the recording. */
	if (fstat(x->fd, &st) || !S_ISREG(st.st_mode) || fstat(recording, &of) ||
		(st.st_uid != of.st_uid && st.st_uid != geteuid() && st.st_uid != 0))
		return -ENOENT;
	place = digest_place(p, x->fd);
	if (!place || place > (uint64_t)st.st_size)
		return -ENOENT;
	err = read_parts(p, x->fd, place - 1, AYP_KIND_DIGEST);
	if (!err)
		err = unpack(p, STATE_MAX, &bytes, &len);
	if (!err)
		err = parse(x, bytes, len, recording);
	free(bytes);
	return err == -ENOMEM ? err : err ? -ENOENT : 0;
}

int seek_index_open(struct seek_index *x, const char *path, int fd)
{
	struct parts p = {.ctx = ayp_message_ctx_new()};
	char *name = NULL;
	int err = -ENOMEM;

	*x = (struct seek_index){.fd = -1};
	if (p.ctx && asprintf(&name, "%s" SEEK_SUFFIX, path) >= 0) {
		/* Beside a recording of somebody else's may stand anything. */
		x->fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
		err = x->fd < 0 ? -ENOENT : read_index(x, &p, fd);
	}
	free(name);
	free(p.bytes);
	if (p.ctx)
		ayp_message_ctx_free(p.ctx);
	if (err)
		seek_index_close(x);
	return err;
}

int seek_index_point(const struct seek_index *x, size_t entry, struct trace_point *p)
{
	struct parts parts = {.ctx = ayp_message_ctx_new()};
	const ayaprof_SeekPoint *m = &parts.msg.point;
	uint8_t *state = NULL;
	int err = parts.ctx ? read_parts(&parts, x->fd, x->entry[entry].place, AYP_KIND_SEEK_POINT)
			    : -ENOMEM;

	if (!err)
		err = unpack(&parts, STATE_MAX, &state, &p->state_len);
	if (!err) {
		size_t len = p->state_len;

		*p = (struct trace_point){
			.start_index = m->start_index,
			.start_place = m->start_place,
			.end_place = m->end_place,
			.given = m->given,
			.skip = m->skip,
			.newest_ns = m->newest_ns,
			.oldest_ns = m->oldest_ns,
			.next_call = m->next_call,
			.state = state,
			.state_len = len,
		};
	}
	free(parts.bytes);
	if (parts.ctx)
		ayp_message_ctx_free(parts.ctx);
	return err;
}
