/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A part of a recording, by its seek points.
 *
 *     recording  N.EEEEEEEEEE.N.EEEEEEEEEE.N.EEEEEEEEEE.N   (E: frames with events, N: others)
 *     learned    N            N            N            N
 *     given      N            N.EEEEEEEEEE.N            N
 *                               ^ from     ^ until
 */
#include <errno.h>
#include <stdlib.h>

#include "host/base/say.h"
#include "host/recording/internal.h"
#include "host/recording/notices.h"

#define NO_ENTRY SIZE_MAX

/* What is read of one session. */
struct part {
	bool wanted;
	size_t from, until; /* entries, or NO_ENTRY */
	struct seek_extent events;
};

/* ---- what is needed ------------------------------------------------------------------------- */

/* A moment of views on a session's clock; UINT64_MAX stays. */
static uint64_t on_clock(const struct trace *t, uint16_t session, uint64_t since)
{
	uint64_t shift = trace_totals(t)->origin_ns - (uint64_t)trace_session(t, session)->shift_ns;

	if ((int64_t)shift < 0)
		return since > -shift ? since - -shift : 0;
	return since > UINT64_MAX - shift ? UINT64_MAX : since + shift;
}

/* The first entry behind which nothing of the session is as old as `to`. */
static size_t find_until(const struct recording *r, uint16_t session, size_t from, uint64_t to)
{
	const struct seek_index *x = &r->priv->index;
	struct trace_event_range tail;
	size_t found = NO_ENTRY;
	uint64_t oldest;

	/* Events that came late may be older than what was given before. */
	trace_event_range(r->trace, session, &tail);
	oldest = tail.oldest_ns;
	for (size_t i = x->n_entries; i-- > 0 && (from == NO_ENTRY || i > from);) {
		const struct seek_entry *e = &x->entry[i];

		if (e->session != session)
			continue;
		if (oldest <= to)
			break;
		found = i;
		if (e->oldest_ns && e->oldest_ns < oldest)
			oldest = e->oldest_ns;
	}
	return found;
}

static void choose(const struct recording *r, uint16_t session, uint64_t from_ns, uint64_t to_ns,
	struct part *p)
{
	const struct trace_session *s = trace_session(r->trace, session);
	const struct seek_index *x = &r->priv->index;
	uint64_t from = on_clock(r->trace, session, from_ns);
	uint64_t to = on_clock(r->trace, session, to_ns);

	*p = (struct part){.from = NO_ENTRY, .until = NO_ENTRY};
	p->wanted = s->delivered && s->last_ns >= from && s->first_ns <= to;
	/* Moments before the origin are shown at it. */
	for (size_t i = 0; p->wanted && from_ns && i < x->n_entries; i++) {
		if (x->entry[i].session != session)
			continue;
		if (x->entry[i].newest_ns >= from)
			break;
		p->from = i;
	}
	if (p->wanted)
		p->until = find_until(r, session, p->from, to);
}

/* ---- where it stands ------------------------------------------------------------------------ */

static int by_place(const void *pa, const void *pb)
{
	const struct seek_extent *a = pa, *b = pb;

	return a->from < b->from ? -1 : a->from > b->from;
}

/* Frames that are not events, and those that are wanted: sorted, without overlaps. NULL: no memory. */
static struct seek_extent *plan(
	const struct seek_index *x, const struct part *part, size_t n_parts, size_t *n)
{
	struct seek_extent *all = calloc(x->n_extents + n_parts + 1, sizeof(*all));
	size_t k = 0;

	if (!all)
		return NULL;
	for (size_t i = 0; i < x->n_extents; i++)
		all[k++] = x->extent[i];
	for (size_t i = 0; i < n_parts; i++)
		if (part[i].wanted)
			all[k++] = part[i].events;
	qsort(all, k, sizeof(*all), by_place);
	*n = 0;
	for (size_t i = 0; i < k; i++) {
		struct seek_extent *last = *n ? &all[*n - 1] : NULL;

		if (last && all[i].from <= last->to)
			last->to = all[i].to > last->to ? all[i].to : last->to;
		else
			all[(*n)++] = all[i];
	}
	return all;
}

typedef int take_frame(
	struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len);

static int read_extents(
	struct recording *r, take_frame *take, const struct seek_extent *e, size_t n)
{
	struct reader *reader = r->priv->reader;
	struct reader_frame f;
	int err = 0, got;

	for (size_t i = 0; i < n && !err && !r->stop; i++) {
		reader_seek(reader, e[i].from);
		while (!err && !r->stop && reader_position(reader) < e[i].to &&
			(got = reader_next(reader, &f)) != 0) {
			if (got < 0)
				return got;
			err = take(r->trace, &f.header, f.payload, f.payload_len);
		}
	}
	return err ? err : r->stop;
}

/* Again from the beginning. */
static int rewind_reader(struct recording *r)
{
	struct recording_private *p = r->priv;

	reader_close(p->reader);
	p->reader = NULL;
	return reader_open_fd(&p->reader, p->input.fd);
}

/* ---- sessions ------------------------------------------------------------------------------- */

static int resume(struct recording *r, uint16_t session, struct part *p)
{
	const struct seek_index *x = &r->priv->index;
	struct trace_point from = {0}, until = {0};
	struct trace_event_range events;
	int err = 0;

	trace_event_range(r->trace, session, &events);
	p->events = (struct seek_extent){events.from, events.to};
	if (p->from != NO_ENTRY)
		err = seek_index_point(x, p->from, &from);
	if (!err && p->until != NO_ENTRY)
		err = seek_index_point(x, p->until, &until);
	if (!err && p->from != NO_ENTRY)
		p->events.from = from.start_place;
	if (!err && p->until != NO_ENTRY)
		p->events.to = until.end_place;
	if (!err)
		err = trace_resume(r->trace, session, p->from != NO_ENTRY ? &from : NULL,
			p->until != NO_ENTRY ? &until : NULL);
	free((void *)from.state);
	free((void *)until.state);
	return err;
}

/* Calls that went on behind the part. */
static int give_ended(struct recording *r, uint16_t session, const struct part *p)
{
	const struct seek_index *x = &r->priv->index;
	int err = trace_stop(r->trace, session);

	for (size_t i = p->until + 1; !err && i < x->n_entries; i++) {
		struct trace_point point;

		if (x->entry[i].session != session)
			continue;
		err = seek_index_point(x, i, &point);
		if (err)
			return err;
		err = trace_give_ended(r->trace, session, &point);
		free((void *)point.state);
	}
	return err ? err : trace_give_ended(r->trace, session, NULL);
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* Every frame is looked at. Has the recording been damaged since the digest was made? */
static bool has_changed(struct recording *r)
{
	struct reader *reader = r->priv->reader;
	struct reader_frame f;

	while (reader_next(reader, &f) == 1)
		;
	return reader_damaged(reader) != r->priv->index.damaged;
}

static int learn(struct recording *r)
{
	const struct seek_index *x = &r->priv->index;
	int err = trace_know_digest(r->trace, x->digest, x->digest_len);

	if (!err)
		err = read_extents(r, trace_learn, x->extent, x->n_extents);
	return err ? err : trace_learned(r->trace);
}

static int resume_all(struct recording *r, struct part *part, size_t n_parts)
{
	int err = 0;

	for (size_t i = 0; i < n_parts && !err; i++)
		if (part[i].wanted)
			err = resume(r, (uint16_t)i, &part[i]);
	return err ? err : rewind_reader(r);
}

static int give(struct recording *r, const struct part *part, size_t n_parts)
{
	struct seek_extent *extents;
	size_t n;
	int err;

	extents = plan(&r->priv->index, part, n_parts, &n);
	if (!extents)
		return -ENOMEM;
	err = read_extents(r, trace_frame, extents, n);
	free(extents);
	for (size_t i = 0; i < n_parts && !err; i++)
		if (part[i].wanted && part[i].until != NO_ENTRY)
			err = give_ended(r, (uint16_t)i, &part[i]);
	return err ? err : trace_end(r->trace);
}

/* All that can be wrong with an index turns up here, before anything is given. *out: to be freed. */
static int prepare(
	struct recording *r, uint64_t from_ns, uint64_t to_ns, bool figures, struct part **out)
{
	size_t n;
	int err = recording_new_trace(r, false);

	*out = NULL;
	if (!err)
		err = learn(r);
	if (err)
		return err;
	n = trace_session_count(r->trace);
	*out = calloc(n + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < n && !figures; i++)
		choose(r, (uint16_t)i, from_ns, to_ns, &(*out)[i]);
	return resume_all(r, *out, n);
}

static int finish(struct recording *r, int err)
{
	if (err == -EBADMSG && !r->stop) {
		say("%s" SEEK_SUFFIX " is wrong: remove it, it will be made again", r->priv->name);
		r->stop = err;
	}
	if (err)
		return err;
	r->damaged = r->priv->index.damaged;
	r->complete = r->priv->index.complete;
	if (!(r->priv->flags & RECORDING_MUTE))
		notice_left_out(r->trace);
	return 1;
}

/* There is still the ordinary way. */
static int do_without(struct recording *r)
{
	trace_free(r->trace);
	r->trace = NULL;
	seek_index_close(&r->priv->index);
	return rewind_reader(r);
}

int recording_read_part(struct recording *r, uint64_t from_ns, uint64_t to_ns, bool figures)
{
	struct recording_private *p = r->priv;
	struct part *part;
	int err;

	if (!p->input.is_named || input_being_written(&p->input) ||
		seek_index_open(&p->index, p->name, p->input.fd))
		return 0;
	/* Figures are of the whole recording, so all of it must be what it was. */
	if (figures && has_changed(r))
		return do_without(r);
	err = figures ? rewind_reader(r) : 0;
	if (!err)
		err = prepare(r, from_ns, to_ns, figures, &part);
	else
		part = NULL;
	if (!err)
		err = finish(r, give(r, part, trace_session_count(r->trace)));
	else if (err == -EBADMSG)
		err = do_without(r);
	free(part);
	return err;
}
