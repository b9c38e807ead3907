/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/reliable.h"

#include "target/base/clock.h"
#include "target/base/log.h"

/* A host says something every second (PROTOCOL.md, section 14); a machine may be busy. */
#define SILENCE_NS (5 * NS_PER_S)
/* Longer than a host waits before it acknowledges on a quiet line. */
#define PATIENCE_NS         (1200 * NS_PER_MS)
#define PATIENCE_CLOSING_NS (500 * NS_PER_MS)
#define PATIENCE_MAX_NS     (4 * NS_PER_S)
/* New receivers that are served at once, and one more in that time; the others ask again. */
#define BEGINNINGS   4u
#define BEGINNING_NS NS_PER_S
/* Who acknowledges, but for so long nothing that was sent, holds the board up. Longer than a line is unplugged
 * without the host noticing it, or noise lets nothing through. */
#define BARREN_NS (20 * NS_PER_S)
/* The same for who has only said where it begins. */
#define TRIAL_NS (2 * NS_PER_S)
/* A host that asks without end gets no more of the line. */
#define SYNC_NS (50 * NS_PER_MS)

int reliable_init(struct reliable *r, struct output *out, struct writer *writer,
	enum link_mode mode, size_t bytes)
{
	*r = (struct reliable){.out = out,
		.writer = writer,
		.mode = mode,
		.beginnings = {.burst = BEGINNINGS, .every_ns = BEGINNING_NS}};
	if (out->sink->format != SINK_LINE || !out->sink->ops->read)
		r->mode = LINKMODE_ONEWAY;
	if (r->mode == LINKMODE_ONEWAY)
		return 0;
	out->sink->listens = true;
	out->held = mode == LINKMODE_RELIABLE;
	if (out->held)
		out->sink->link = ayaprof_LinkMode_LINK_RELIABLE;
	r->patience = PATIENCE_NS;
	return output_keep_sent(out, bytes < WINDOW_MIN_SIZE ? WINDOW_MIN_SIZE : bytes);
}

bool reliable_listens(const struct reliable *r)
{
	return r->mode != LINKMODE_ONEWAY;
}

bool reliable_always_waits(const struct reliable *r)
{
	return r->mode == LINKMODE_RELIABLE;
}

bool reliable_expects(const struct reliable *r)
{
	return r->heard_ns && !r->left;
}

uint64_t reliable_silent_ns(const struct reliable *r, uint64_t now)
{
	return reliable_expects(r) ? now - r->heard_ns : UINT64_MAX;
}

bool reliable_left(const struct reliable *r)
{
	return r->left;
}

static void hold(struct reliable *r, uint64_t now)
{
	r->left = false;
	r->out->awaited = true;
	if (!r->out->held)
		r->grown_ns = now;
	if (!r->out->held)
		log_note("a host answers: what the line damages is sent again");
	r->out->held = true;
	r->out->sink->link = ayaprof_LinkMode_LINK_RELIABLE;
}

static void let_go(struct reliable *r, const char *why)
{
	if (!r->out->held || r->mode == LINKMODE_RELIABLE)
		return;
	log_note("the host %s: best effort from now on", why);
	r->out->held = false;
	r->out->sink->link = ayaprof_LinkMode_LINK_ONEWAY;
}

/* Who has nothing gets what is held for a host; where nothing was held, what is sent from now on. Until
 * its receiver knows where it begins, a Sync may have been lost. False: others have begun just now. */
static bool begin(struct reliable *r, const ayaprof_Ack *ack, uint64_t now)
{
	struct window *w = &r->out->window;

	if (ack->receiver != r->receiver) {
		if (!ration_take(&r->beginnings, now))
			return false;
		if (!r->out->held)
			window_forget_before(w, ack->next_seq);
		r->receiver = ack->receiver;
		r->out->receivers++;
	}
	r->left = false;
	r->out->awaited = true;
	r->sync_due = true;
	return true;
}

static void leave(struct reliable *r)
{
	let_go(r, "has ended its recording");
	r->left = true;
	r->out->awaited = false;
}

void reliable_acknowledged(struct reliable *r, const ayaprof_Ack *ack, uint64_t now)
{
	struct window *w = &r->out->window;
	bool gone = false;

	if (!reliable_listens(r) || ack->receiver == 0 || (int32_t)(w->end - ack->next_seq) < 0)
		return;
	/* Who was never served takes leave of nobody, least of all for another one. */
	if (ack->begin && ack->leaving && ack->receiver != r->receiver)
		return;
	if (ack->begin && !ack->leaving) {
		/* It says where it begins only; that it hears us is shown by what it acknowledges then. Until
		 * then it is waited for, but not for long: the next one may be here in its place. */
		if (!begin(r, ack, now))
			return;
		if (!r->heard_ns)
			r->heard_ns = now;
		if (!r->out->held && !r->barren) {
			r->on_trial = true;
			hold(r, now);
		}
		return;
	}
	if (!ack->begin) {
		if (window_acknowledge(w, ack, &gone))
			return;
		r->on_trial = false;
		r->receiver = ack->receiver;
		r->sync_due = r->sync_due || gone;
		if (w->arrived != r->arrived || window_all_arrived(w))
			r->barren = false;
	}
	if (ack->leaving)
		leave(r);
	else if (!r->barren)
		hold(r, now);
	r->heard_ns = now;
}

static void post_sync(struct reliable *r)
{
	ayaprof_Sync *msg = &r->writer->msg.sync;
	struct output *o = r->out;
	int len;

	*msg = (ayaprof_Sync){.oldest_seq = o->window.first, .receiver = r->receiver};
	len = writer_encode(r->writer, AYP_KIND_SYNC, msg);
	if (len >= 0)
		output_post_urgent(o, AYP_KIND_SYNC, r->writer->payload, (size_t)len);
}

/* Nothing shows what has become of the last frames: ask. A Sync that nothing was sent behind does as well
 * as a new one. */
static void ask(struct reliable *r)
{
	struct output *o = r->out;

	if (output_newest_is_urgent(o) && !window_resent_since_newest(&o->window))
		o->probe = true;
	else
		r->sync_due = true;
}

static uint64_t line_ns(const struct output *o)
{
	uint64_t rate = o->sink->bytes_per_s;

	return rate ? o->sink->ops->unsent(o->sink) * NS_PER_S / rate : 0;
}

static uint64_t least_patience(const struct reliable *r)
{
	return r->closing ? PATIENCE_CLOSING_NS : PATIENCE_NS;
}

static uint64_t most_patience(const struct reliable *r)
{
	return r->closing ? PATIENCE_MAX_NS / 4 : PATIENCE_MAX_NS;
}

static void watch_progress(struct reliable *r, uint64_t now)
{
	struct output *o = r->out;

	if (o->window.arrived != r->arrived || window_all_arrived(&o->window)) {
		r->arrived = o->window.arrived;
		r->moved_ns = r->grown_ns = now;
		r->patience = least_patience(r);
		return;
	}
	if (r->mode == LINKMODE_AUTO &&
		now - r->grown_ns > (r->on_trial ? TRIAL_NS : BARREN_NS) + line_ns(o)) {
		r->barren = true;
		let_go(r, "acknowledges nothing");
	}
	if (now - r->moved_ns < r->patience + line_ns(o))
		return;
	r->moved_ns = now;
	r->patience *= 2;
	if (r->patience > most_patience(r))
		r->patience = most_patience(r);
	ask(r);
}

void reliable_close(struct reliable *r)
{
	if (r->closing)
		return;
	r->closing = true;
	r->patience = least_patience(r);
}

void reliable_tick(struct reliable *r, uint64_t now)
{
	struct output *o = r->out;

	if (!reliable_listens(r) || !o->sink->present)
		return;
	if (o->held && r->heard_ns && now - r->heard_ns > SILENCE_NS)
		let_go(r, "has fallen silent");
	if (o->held)
		watch_progress(r, now);
	if (r->sync_due && !o->urgent_waits && now >= r->next_sync_ns) {
		r->sync_due = false;
		r->next_sync_ns = now + SYNC_NS;
		post_sync(r);
	}
}
