/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "host/base/say.h"
#include "host/recording/internal.h"
#include "host/recording/notices.h"

#define PROGRESS_FROM (8u << 20) /* shorter files are read before anyone asks */

static void *resize(void *ctx, void *old, size_t size)
{
	if (size)
		return realloc(old, size);
	free(old);
	return NULL;
}

const struct trace_memory recording_memory = {.resize = resize};

static uint64_t random_secret(void)
{
	uint64_t secret = 0;

	/* At boot there may be none yet: whoever made the recording does not know the time either. */
	if (getrandom(&secret, sizeof(secret), GRND_NONBLOCK) != sizeof(secret)) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		secret = (uint64_t)now.tv_nsec * UINT64_C(0x9e3779b97f4a7c15);
	}
	return secret;
}

int recording_new_trace(struct recording *r, bool mute)
{
	struct recording_private *p = r->priv;
	const struct trace_config config = {
		.memory = recording_memory,
		.threads = workers_interface(p->workers),
		.sink = p->sink,
		.sink_ctx = p->ctx,
		.notice = mute || p->flags & RECORDING_MUTE ? NULL : notice_say,
		.notice_ctx = &r->trace,
		.secret = random_secret(),
		.points = p->writer || p->index.fd >= 0,
	};

	trace_free(r->trace);
	r->trace = NULL;
	return trace_new(&r->trace, &config);
}

int recording_open(struct recording *r, const char *path, const struct trace_sink *sink, void *ctx,
	unsigned int flags, bool live)
{
	struct recording_private *p = calloc(1, sizeof(*p));
	int err;

	memset(r, 0, sizeof(*r));
	if (!p) {
		say("cannot load %s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	r->priv = p;
	*p = (struct recording_private){.input = {.fd = -1, .pipe = -1},
		.flags = flags,
		.sink = sink,
		.ctx = ctx,
		.index = {.fd = -1}};
	err = input_open(&p->input, path, live);
	if (err)
		return err;
	p->name = p->input.name;
	err = reader_open_fd(&p->reader, p->input.fd);
	if (!err)
		err = workers_new(&p->workers);
	return recording_said(r, err);
}

void recording_close(struct recording *r)
{
	struct recording_private *p = r->priv;

	trace_free(r->trace);
	if (p) {
		seek_writer_drop(p->writer);
		seek_index_close(&p->index);
		workers_free(p->workers);
		reader_close(p->reader);
		input_close(&p->input);
		free(p);
	}
	memset(r, 0, sizeof(*r));
}

int recording_said(const struct recording *r, int err)
{
	if (err && err != r->stop)
		say("cannot load %s: %s", r->priv->name, strerror(-err));
	return err;
}

int recording_check_any(const struct recording *r)
{
	if (trace_totals(r->trace)->frames)
		return 0;
	say(reader_position(r->priv->reader)
			? "%s is not a recording: no valid frame in it (recordings are made by "
			  "hostdec --port ... -o FILE)"
		: r->being_written ? "%s is empty so far: nothing has been received"
				   : "%s is empty: nothing was recorded",
		r->priv->name);
	return -EBADMSG;
}

typedef int take_frame(
	struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len);

/* Of `turns` readings this is number `turn`. */
static int read_all(struct recording *r, take_frame *take, unsigned int turn, unsigned int turns)
{
	struct reader *reader = r->priv->reader;
	struct seek_writer *points = turn ? r->priv->writer : NULL;
	uint64_t size = reader_size(reader);
	bool progress =
		r->priv->flags & RECORDING_PROGRESS && size >= PROGRESS_FROM && say_columns();
	int err = 0, got = 0, percent = -1;
	struct reader_frame f;

	while (!err && !r->stop && (got = reader_next(reader, &f)) == 1) {
		if (points)
			seek_writer_before(points, r->trace, f.place, reader_position(reader));
		err = take(r->trace, &f.header, f.payload, f.payload_len);
		if (points && !err)
			seek_writer_after(points, r->trace, &f.header);
		if (!progress)
			continue;
		int now = (int)((turn * 100 + reader_position(reader) * 100 / size) / turns);

		if (now > percent && now <= 100)
			say_live("reading %d %%", percent = now);
	}
	if (progress)
		say_live_clear();
	return err ? err : r->stop ? r->stop : got;
}

void recording_finish(struct recording *r)
{
	struct reader *reader = r->priv->reader;

	r->damaged = reader_damaged(reader);
	r->complete = trace_totals(r->trace)->ended && !reader_tail_damaged(reader);
	if (!(r->priv->flags & RECORDING_MUTE))
		notice_left_out(r->trace);
}

int recording_read_twice(struct recording *r)
{
	struct recording_private *p = r->priv;
	int err;

	/* Its end so far is no damage. */
	r->being_written = p->input.fd >= 0 && input_being_written(&p->input);
	reader_growing(p->reader, r->being_written);
	/* Who wants calls pays little for them; others only if they want a part. */
	if (p->input.fd >= 0 && !r->being_written && p->input.is_named &&
		(p->in_part || p->sink->call || p->sink->segment))
		p->writer = seek_writer_new(p->name, p->input.fd);
	err = recording_new_trace(r, false);
	if (!err)
		err = read_all(r, trace_learn, 0, 2);
	if (!err)
		err = trace_learned(r->trace);
	if (err)
		return recording_said(r, err);
	err = recording_check_any(r);
	if (err)
		return err;
	err = reader_again(p->reader);
	if (!err)
		err = read_all(r, trace_frame, 1, 2);
	if (!err)
		err = trace_end(r->trace);
	if (!err)
		err = r->stop;
	if (!err)
		recording_finish(r);
	if (!err && p->writer) {
		seek_writer_end(p->writer, r->trace, r->damaged, r->complete);
		p->writer = NULL;
	}
	return recording_said(r, err);
}

static int read_by_points(struct recording *r, const char *path, const struct trace_sink *sink,
	void *ctx, const uint64_t range[2], unsigned int flags)
{
	int err = recording_open(r, path, sink, ctx, flags, false);

	if (err)
		return err;
	r->priv->in_part = range != NULL;
	err = recording_read_part(r, range ? range[0] : 0, range ? range[1] : 0, !range);
	if (!err)
		return recording_read_twice(r);
	return err < 0 ? recording_said(r, err) : 0;
}

int recording_read_range(struct recording *r, const char *path, const struct trace_sink *sink,
	void *ctx, uint64_t from_ns, uint64_t to_ns, unsigned int flags)
{
	const uint64_t range[] = {from_ns, to_ns};

	if (!from_ns && to_ns == UINT64_MAX)
		return recording_read(r, path, sink, ctx, flags);
	return read_by_points(r, path, sink, ctx, range, flags);
}

int recording_read_figures(struct recording *r, const char *path, const struct trace_sink *sink,
	void *ctx, unsigned int flags)
{
	return read_by_points(r, path, sink, ctx, NULL, flags);
}

int recording_read(struct recording *r, const char *path, const struct trace_sink *sink, void *ctx,
	unsigned int flags)
{
	int err = recording_open(r, path, sink, ctx, flags, false);

	return err ? err : recording_read_twice(r);
}

int recording_read_memory(struct recording *r, const void *data, size_t len,
	const struct trace_sink *sink, void *ctx, unsigned int flags)
{
	struct recording_private *p = calloc(1, sizeof(*p));
	int err;

	memset(r, 0, sizeof(*r));
	if (!p)
		return -ENOMEM;
	r->priv = p;
	*p = (struct recording_private){.input = {.fd = -1, .pipe = -1},
		.name = "the data",
		.flags = flags,
		.sink = sink,
		.ctx = ctx,
		.index = {.fd = -1}};
	err = reader_open_memory(&p->reader, data, len);
	return err ? recording_said(r, err) : recording_read_twice(r);
}
