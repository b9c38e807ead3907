/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Events of a session on their way from blocks to the sink.
 *
 *     sequencer -> decode (jobs) -> a block at a time: gap before it? -> merger -> sink.event, pairer
 *                                                       |
 *                                                       losses, new epoch
 */
#include <assert.h>
#include <errno.h>

#include "host/trace/trace_internal.h"

#define MAX_RIVALS 8u

static void close_session(struct session *s)
{
	struct trace *t = s->t;
	size_t i = 0;

	if (!s->open)
		return;
	while (t->open[i] != s)
		i++;
	for (t->n_open--; i < t->n_open; i++)
		t->open[i] = t->open[i + 1];
	s->open = false;
}

void flow_free(struct session *s)
{
	close_session(s);
	sequencer_free(&s->sequencer);
	merger_free(&s->merger);
	pairer_free(s->pairer);
	s->pairer = NULL;
	s->seek.n_blocks = 0;
}

static int keep_error(struct trace *t, int err)
{
	if (err && !t->err)
		t->err = err;
	return t->err;
}

/* ---- to the sink ------------------------------------------------------------------------------ */

static void pass_losses(struct session *s, uint64_t t_ns)
{
	if (trace_is_part(s->t))
		return;
	losses_until(&s->losses, t_ns);
	s->next_loss_ns = losses_next(&s->losses);
}

static void give_event(void *ctx, const struct stage_event *e, const uint64_t *args, bool late)
{
	struct session *s = ctx;
	struct trace *t = s->t;

	if (e->t_ns >= s->next_loss_ns)
		pass_losses(s, e->t_ns);
	if (t->config.points && !seek_gives(s, e->t_ns))
		return;
	t->totals.events++;
	t->totals.events_late += late;
	if (t->sink.event) {
		const struct trace_event out = {
			.t_ns = e->t_ns,
			.arg = args,
			.tid = e->tid,
			.func = e->func,
			.session = s->index,
			.cpu = e->cpu,
			.kind = (uint8_t)stage_kind(e),
			.nargs = (uint8_t)stage_nargs(e),
			.late = late,
		};

		t->sink.event(t->config.sink_ctx, &out);
	}
	if (s->pairer && !t->err)
		t->err = pairer_event(s->pairer, e, args, late);
}

static void tell_watermark(struct session *s, uint64_t t_ns)
{
	if (t_ns == s->watermark_ns)
		return;
	s->watermark_ns = t_ns;
	if (s->t->sink.watermark)
		s->t->sink.watermark(s->t->config.sink_ctx, s->index, t_ns);
}

/* ---- gaps ------------------------------------------------------------------------------------- */

static void add_missing(struct session *s, uint64_t first_index, uint64_t count)
{
	s->gap_open = true;
	s->gap.missing += count;
	s->gap.overrun += overruns_within(&s->ledger->overruns, first_index, first_index + count);
}

/* The time of the last event before a gap, as far as it is known. */
static uint64_t edge_of(const struct session *s)
{
	if (!s->any_block && s->pub.has_hello && !s->pub.hello.replay)
		return s->pub.hello.start_ns;
	return s->edge_ns;
}

/* What is missing ends where events go on. */
static int close_gap(struct session *s, uint64_t until_ns)
{
	struct loss_gap *g = &s->gap;
	int err;

	/* Its losses are in the digest. */
	if (trace_is_part(s->t)) {
		s->gap = (struct loss_gap){0};
		s->gap_open = false;
		return 0;
	}
	g->first_ns = edge_of(s);
	g->last_ns = until_ns;
	if (g->first_ns > g->last_ns) { /* the edges of two blocks may overlap a little */
		g->last_ns = g->first_ns;
		g->first_ns = until_ns;
	}
	if (s->t->phase == TRACE_LIVE) {
		struct ledger_totals totals;

		ledger_totals(s->ledger, &totals);
		losses_tell_now(&s->losses, &totals);
	}
	err = losses_gap(&s->losses, g);
	s->gap = (struct loss_gap){0};
	s->gap_open = false;
	s->next_loss_ns = losses_next(&s->losses);
	return err;
}

static int new_epoch(struct session *s)
{
	uint32_t ended = s->epoch++;

	return s->pairer ? pairer_epoch_end(s->pairer, ended, s->edge_ns) : 0;
}

/* ---- blocks ----------------------------------------------------------------------------------- */

static int make_pairer(struct session *s)
{
	struct trace *t = s->t;

	s->any_block = true;
	if (!t->wants_calls)
		return 0;
	return pairer_new(&s->pairer, t->mem, t->config.secret, &t->pairing, s->index,
		functions_switches(&t->functions, s->index, &s->functions));
}

static int begin(struct session *s, uint64_t t_ns)
{
	places_begin(s, t_ns, true);
	s->next_loss_ns = trace_is_part(s->t) ? UINT64_MAX : losses_next(&s->losses);
	return make_pairer(s);
}

static int take_events(struct session *s, struct decode_job *job, const struct decode_block *b,
	const uint32_t *map)
{
	struct stage_event *e = job->events + b->from;
	uint64_t first_ns = e->t_ns, last_ns = e[b->count - 1].t_ns;
	int err = 0;

	if (s->any_block && s->gap_open)
		err = new_epoch(s);
	if (!err && s->gap_open)
		err = close_gap(s, first_ns);
	if (!err && !s->any_block)
		err = begin(s, first_ns);
	if (err)
		return err;
	for (uint32_t i = 0; map && i < b->count; i++)
		e[i].func = (uint16_t)map[e[i].func];
	for (uint32_t i = 0; job->epoch != s->epoch && i < b->count; i++)
		e[i].epoch = s->epoch;
	err = merger_add(&s->merger, e, b->count, job->args);
	if (err)
		return err;
	/* Of a part of a recording the digest knows. */
	if (!trace_is_part(s->t) && (!s->pub.last_ns || first_ns < s->pub.first_ns))
		s->pub.first_ns = first_ns;
	if (!trace_is_part(s->t) && last_ns > s->pub.last_ns)
		s->pub.last_ns = last_ns;
	if (last_ns > s->edge_ns)
		s->edge_ns = last_ns;
	merger_take(&s->merger, false, give_event, s);
	return s->t->err;
}

/* A block that cannot be decoded for want of one before it is missing as that is. As ledger_totals has
 * it, overruns of the host come first. */
static void found_missing(struct session *s, uint64_t first_index, uint32_t count)
{
	uint64_t overrun;

	s->overrun_unmet += overruns_within(&s->ledger->overruns, first_index, first_index + count);
	overrun = s->overrun_unmet < count ? s->overrun_unmet : count;
	s->overrun_unmet -= overrun;
	losses_found(&s->losses, ayaprof_LossCause_LOSS_HOST_OVERRUN, overrun);
	losses_found(&s->losses, ayaprof_LossCause_LOSS_LINE, count - overrun);
}

/* What was not as the first reading let expect changes the totals. Told after the ledger. */
static void compare_block(
	struct session *s, uint64_t first_index, uint32_t count, uint32_t codec, int result)
{
	bool promised = arrivals_promised(&s->arrivals, first_index);
	unsigned int cause = ayaprof_LossCause_LOSS_LINE;

	if (s->t->phase != TRACE_LEARNED || trace_is_part(s->t))
		return;
	if (promised && !ayp_codec_known(codec)) {
		promised = false;
		cause = ayaprof_LossCause_LOSS_UNDECODABLE;
	}
	if (promised && result == DECODE_BROKEN && cause == ayaprof_LossCause_LOSS_LINE)
		found_missing(s, first_index, count);
	else if (promised && result != DECODE_OK)
		losses_found(&s->losses,
			result == DECODE_BROKEN ? cause : ayaprof_LossCause_LOSS_UNDECODABLE,
			count);
	else if (!promised && result == DECODE_OK)
		losses_spared(&s->losses, cause, count);
}

static void account_block(struct session *s, const struct decode_block *b)
{
	struct trace *t = s->t;

	if (b->result == DECODE_CODEC && !t->told_codec)
		trace_notify(t, TRACE_NOTICE_LATER_CODEC, b->codec, 0);
	t->told_codec |= b->result == DECODE_CODEC;
	if (b->result == DECODE_BROKEN)
		ledger_seen(s->ledger, b->first_index, b->count);
	else
		ledger_block(s->ledger, b->first_index, b->count, b->result == DECODE_OK);
	compare_block(s, b->first_index, b->count, b->codec, b->result);
}

static int take_block(struct session *s, struct decode_job *job, const struct decode_block *b,
	const uint32_t *map)
{
	if (b->missing)
		add_missing(s, b->first_index - b->missing, b->missing);
	account_block(s, b);
	/* Its epoch is that of its events: a gap before it is still to be closed. */
	if (b->result == DECODE_OK) {
		int err = take_events(s, job, b, map);

		if (trace_makes_points(s->t) && !err)
			seek_taken(s, b->first_index, b->count,
				job->events[b->from + b->count - 1].t_ns);
		return err;
	}
	if (trace_makes_points(s->t))
		seek_taken(s, b->first_index, 0, 0);
	if (b->result == DECODE_BROKEN) {
		add_missing(s, b->first_index, b->count);
	} else {
		s->gap.undecodable += b->count;
		s->gap_open = true;
	}
	return 0;
}

int flow_jobs_done(void *ctx, void *whose, struct decode_job *job)
{
	struct session *s = whose;
	struct trace *t = ctx;
	const uint32_t *map;
	int err = functions_use(&t->functions, s->index, job->used, &map);

	if (!err && trace_makes_points(t))
		err = seek_uses(s, job->used, map);
	if (job->cpus > t->totals.cpus)
		t->totals.cpus = job->cpus;
	for (size_t i = 0; i < job->n_blocks && !err; i++)
		err = take_block(s, job, &job->block[i], map);
	if (s->any_block && !err) {
		uint64_t t_ns = merger_watermark(&s->merger);

		if (t_ns && t->sink.watermark)
			pass_losses(s, t_ns - 1);
		tell_watermark(s, t_ns);
		places_reach(s, s->pub.last_ns);
	}
	return keep_error(t, err);
}

/* ---- into it ---------------------------------------------------------------------------------- */

static int go_on(void *ctx, const struct sequenced *b, size_t n, uint64_t missing)
{
	struct decode_source source[MAX_RIVALS];
	struct session *s = ctx;
	struct decode *d = &s->t->decode;

	assert(n && n <= MAX_RIVALS);
	for (size_t i = 0; i < n; i++)
		source[i] = (struct decode_source){
			.block = {.first_index = b[i].first_index,
				.count = b[i].count,
				.codec = b[i].codec,
				.missing = missing},
			.src = b[i].src,
			.len = b[i].len,
		};
	if (n > 1)
		return decode_put_any(d, &s->decode, s, s->epoch, source, n);
	return decode_put(d, &s->decode, s, s->epoch, &source->block, source->src, source->len);
}

void flow_init(struct session *s)
{
	struct trace *t = s->t;

	sequencer_init(&s->sequencer, t->mem, &t->load, go_on, s);
	s->sequencer.session = s->index;
	merger_init(&s->merger, t->mem);
	s->next_loss_ns = UINT64_MAX;
}

/* Make room for a session, and make it the newest one. */
static int open_session(struct session *s)
{
	struct trace *t = s->t;
	int err = 0;

	if (t->n_open && t->open[t->n_open - 1] == s)
		return 0;
	if (!s->open && t->n_open == FLOW_MAX_OPEN)
		err = frames_finish(t->open[0]);
	if (err)
		return err;
	close_session(s);
	t->open[t->n_open++] = s;
	s->open = true;
	return 0;
}

int flow_block(struct session *s, const ayaprof_Events *e)
{
	struct trace *t = s->t;
	struct sequenced b = {
		.first_index = e->first_index,
		.count = e->count,
		.codec = e->codec,
		.len = e->block.size,
		.src = e->block.bytes,
	};
	enum sequencer_fate fate;
	int err;

	assert(s->ledger && !s->finished);
	err = open_session(s);
	if (err)
		return err;
	if (t->phase == TRACE_LEARNED && !trace_is_part(t)) {
		s->sequencer.arrivals = &s->arrivals;
		s->sequencer.contested = &t->contested;
	}
	/* Before it goes on: then it is asked for. */
	if (trace_makes_points(t) && b.first_index >= s->sequencer.cover)
		err = seek_came(s, &b);
	if (!err)
		err = sequencer_block(&s->sequencer, &b, t->frame, &fate);
	if (!err && fate == SEQUENCER_LATE) {
		t->totals.blocks_out_of_reach++;
		compare_block(s, b.first_index, b.count, b.codec, DECODE_BROKEN);
	}
	/* Who watches a line wants to see what has come. */
	if (!err && t->phase == TRACE_LIVE)
		err = decode_drain(&t->decode);
	return err ? err : t->err;
}

int flow_told(struct session *s)
{
	struct ledger_totals totals;

	ledger_totals(s->ledger, &totals);
	losses_tell_now(&s->losses, &totals);
	s->next_loss_ns = losses_next(&s->losses);
	return s->t->err;
}

int flow_settle(struct trace *t)
{
	int err = 0;

	for (size_t i = 0; i < t->n_sessions && !err; i++)
		err = sequencer_flush(&t->session[i]->sequencer);
	return err ? err : decode_drain(&t->decode);
}

/* A hole at the end reaches as far as the board is known to have lived. */
static int close_last_gap(struct session *s)
{
	bool live = s->pub.has_hello && !s->pub.hello.replay;
	uint64_t taken = s->ledger->has_status ? s->ledger->status.taken : 0;
	uint64_t edge = edge_of(s);

	if (taken > s->sequencer.cover && taken <= UINT64_MAX / 4)
		add_missing(s, s->sequencer.cover, taken - s->sequencer.cover);
	if (!s->gap_open)
		return 0;
	return close_gap(s, live && s->pub.last_status_ns > edge ? s->pub.last_status_ns : edge);
}

int flow_resume(struct session *s, uint64_t start_index, uint32_t epoch)
{
	places_begin(s, 0, false);
	s->sequencer.cover = start_index;
	s->epoch = epoch;
	return make_pairer(s);
}

int flow_stop(struct session *s)
{
	int err = sequencer_flush(&s->sequencer);

	if (!err)
		err = decode_drain(&s->t->decode);
	if (!err && s->pairer)
		pairer_stop(s->pairer, merger_watermark(&s->merger));
	return err ? err : s->t->err;
}

/* The rest of a session that was not read whole, and what the digest says. */
static int finish_part(struct session *s)
{
	struct trace *t = s->t;
	int err = 0;

	if (s->seek.resumed && !s->seek.stopped) {
		err = sequencer_flush(&s->sequencer);
		if (!err)
			err = decode_drain(&t->decode);
		if (err)
			return err;
		if (s->any_block)
			merger_take(&s->merger, true, give_event, s);
	}
	s->seek.given = UINT64_MAX;
	seek_pass_losses(s);
	if (s->pairer && !s->seek.stopped && !t->err)
		t->err = pairer_end(s->pairer, s->pub.last_ns);
	decode_forget(&t->decode, &s->decode);
	if (s->pub.delivered)
		tell_watermark(s, UINT64_MAX);
	flow_free(s);
	return t->err;
}

int flow_finish(struct session *s)
{
	struct trace *t = s->t;
	struct ledger_totals totals;
	int err;

	if (trace_is_part(t))
		return finish_part(s);
	if (!s->ledger)
		return 0;
	err = sequencer_flush(&s->sequencer);
	if (!err)
		err = decode_drain(&t->decode);
	if (!err)
		err = close_last_gap(s);
	if (err)
		return err;
	decode_forget(&t->decode, &s->decode);
	if (s->any_block)
		merger_take(&s->merger, true, give_event, s);
	pass_losses(s, UINT64_MAX - 1);
	if (s->pairer && !t->err)
		t->err = pairer_end(s->pairer, s->pub.last_ns);
	if (s->pairer && t->config.points)
		seek_end(s);
	ledger_totals(s->ledger, &totals);
	losses_end(&s->losses, s->ledger, &totals);
	losses_agree(&s->losses, &totals);
	session_account(s, &totals, s->ledger->delivered);
	if (s->any_block)
		tell_watermark(s, UINT64_MAX);
	flow_free(s);
	return t->err;
}
