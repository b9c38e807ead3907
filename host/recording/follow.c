/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A recording that is still being written, read as it grows. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/loop.h"
#include "host/base/say.h"
#include "host/recording/internal.h"

#define LOOK_MS 200u
#define SHOW_NS UINT64_C(1000000000)
/* A recorder that has written its end closes the file soon; the lock may be somebody else's. */
#define CLOSE_NS UINT64_C(2000000000)

struct following {
	struct recording *r;
	const struct recording_follower *f;
	struct loop *loop;
	struct loop_timer look;
	bool ended; /* the newest frame is a recording's end */
	uint64_t came_ns, shown_ns;
};

static void looked(void *ctx)
{
}

/* Everything that is there by now. Returns 0 or a negative errno. */
static int read_on(struct following *w)
{
	struct recording *r = w->r;
	struct reader_frame f;
	int err = 0, got = 0;

	while (!err && !r->stop && !loop_signals() &&
		(got = reader_next(r->priv->reader, &f)) == 1) {
		err = trace_frame(r->trace, &f.header, f.payload, f.payload_len);
		w->ended = f.header.session == 0 && f.header.kind == AYP_KIND_RECORDING_END;
		w->came_ns = loop_clock();
	}
	return err ? err : r->stop ? r->stop : got;
}

static void show(struct following *w, bool now)
{
	struct recording_private *p = w->r->priv;
	uint64_t t = loop_clock();

	if (!now && t - w->shown_ns < SHOW_NS)
		return;
	w->shown_ns = t;
	if (w->f->show)
		w->f->show(p->ctx);
	else if (say_columns())
		say_live("following %s: %" PRIu64 " events", p->name,
			trace_totals(w->r->trace)->events);
}

/* Sleep until there may be more. Returns 1, 0: there will be none, or a negative errno, which has been said. */
static int wait_for_more(struct following *w)
{
	struct input *in = &w->r->priv->input;
	int err;

	if (in->pipe >= 0)
		return input_more(in, LOOK_MS);
	if (w->ended && loop_clock() - w->came_ns > CLOSE_NS)
		return 0;
	if (!input_being_written(in))
		return 0;
	err = loop_timer_set(w->loop, &w->look, loop_clock() + LOOK_MS * UINT64_C(1000000));
	return err ? err : (err = loop_turn(w->loop)) ? err : 1;
}

static int follow(struct following *w)
{
	int err, more = 1;

	w->r->being_written = true;
	reader_growing(w->r->priv->reader, true);
	err = recording_new_trace(w->r, w->f->restart != NULL);
	while (!err && !loop_signals()) {
		err = read_on(w);
		/* What came until the last look has been read now. */
		if (err || !more)
			break;
		show(w, false);
		more = wait_for_more(w);
		if (more < 0)
			err = more;
	}
	/* The last reading knows that nothing follows an unfinished record. */
	reader_growing(w->r->priv->reader, false);
	if (!err)
		err = read_on(w);
	if (!err)
		show(w, true);
	say_live_clear();
	return err;
}

/* The rest of a pipe is not waited for. */
static int read_again(struct following *w)
{
	struct recording_private *p = w->r->priv;
	int err = w->f->restart(p->ctx);

	reader_close(p->reader);
	p->reader = NULL;
	if (!err)
		err = reader_open_fd(&p->reader, p->input.fd);
	return err ? recording_said(w->r, err) : recording_read_twice(w->r);
}

int recording_follow(struct recording *r, const char *path, const struct trace_sink *sink,
	void *ctx, const struct recording_follower *f, unsigned int flags)
{
	struct following w = {.r = r, .f = f, .look = {.due = looked}};
	int err = recording_open(r, path, sink, ctx, flags, true);

	if (err)
		return err;
	/* Nobody is at it: there is nothing to wait for. */
	if (!input_being_written(&r->priv->input))
		return recording_read_twice(r);
	err = loop_new(&w.loop);
	if (!err)
		err = loop_catch_signals(w.loop);
	if (!err)
		err = follow(&w);
	loop_free(w.loop);
	if (err)
		return recording_said(r, err);
	if (f->restart)
		return read_again(&w);
	r->being_written = input_being_written(&r->priv->input);
	err = recording_check_any(r);
	if (!err)
		err = recording_said(r, trace_end(r->trace));
	if (!err)
		recording_finish(r);
	return err;
}
