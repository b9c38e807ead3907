/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/reliable.h"

#include <assert.h>

#include "framing/seq.h"
#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/stream/channel.h"

/* A host says something every second (PROTOCOL.md, section 14); a machine may be busy. */
#define SILENCE_NS (5 * NS_PER_S)
/* New receivers that are served at once, and one more in that time; the others ask again. */
#define BEGINNINGS   4u
#define BEGINNING_NS NS_PER_S
/* Who acknowledges, but for so long nothing that was sent, holds the board up. Longer than a line
 * is unplugged without the host noticing it, or noise lets nothing through. */
#define STALLED_NS (20 * NS_PER_S)
/* The same for who has only said where it begins. */
#define TRIAL_NS (2 * NS_PER_S)

int reliable_init(struct channel *c, enum link_mode mode, size_t bytes)
{
	struct reliable *r = &c->link;

	assert(c->state == CHANNEL_DOWN && c->rate.rto_ns);
	*r = (struct reliable){
		.mode = mode, .beginnings = {.burst = BEGINNINGS, .every_ns = BEGINNING_NS}};
	if (c->sink->format != SINK_LINE || !c->sink->ops->read)
		r->mode = LINKMODE_ONEWAY;
	if (r->mode == LINKMODE_ONEWAY)
		return 0;
	c->sink->listens = true;
	channel_set_link(c, r->mode == LINKMODE_RELIABLE ? CHANNEL_CONNECTING : CHANNEL_ONE_WAY);
	reliable_reset_timeout(c);
	return transmitter_keep_sent(&c->tx, bytes < WINDOW_MIN_SIZE ? WINDOW_MIN_SIZE : bytes);
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
	return r->heard_ns && !r->host_left;
}

uint64_t reliable_silent_ns(const struct reliable *r, uint64_t now)
{
	return reliable_expects(r) ? now - r->heard_ns : UINT64_MAX;
}

/* ---- who is waited for ---------------------------------------------------------------------- */

/* `link`: CHANNEL_CONNECTING or CHANNEL_RELIABLE. */
static void wait_for_host(struct channel *c, enum channel_state link, uint64_t now)
{
	struct reliable *r = &c->link;

	r->host_left = false;
	c->tx.host_expected = true;
	if (!c->tx.windowed) {
		r->progress_ns = now;
		log_note("a host answers: what the line damages is sent again");
	}
	channel_set_link(c, link);
}

static void let_go(struct channel *c, const char *why)
{
	if (!c->tx.windowed)
		return;
	if (reliable_always_waits(&c->link)) {
		channel_set_link(c, CHANNEL_CONNECTING);
		return;
	}
	log_note("the host %s: best effort from now on", why);
	channel_set_link(c, CHANNEL_ONE_WAY);
}

/* ---- acknowledgements ----------------------------------------------------------------------- */

/* It says where it begins only; that it hears us is shown by what it acknowledges then. Until then
 * it is waited for, but not for long: the next one may be here in its place. */
static void begins(struct channel *c, const ayaprof_Ack *ack, uint64_t now)
{
	struct reliable *r = &c->link;

	if (ack->receiver != r->receiver) {
		/* Others have begun just now: it asks again. */
		if (!ration_take(&r->beginnings, now))
			return;
		/* Who has nothing gets what is kept for a host; where nothing was, what is sent
		 * from now on. */
		if (!c->tx.windowed)
			window_forget_before(&c->tx.window, ack->next_seq);
		r->receiver = ack->receiver;
		r->receivers++;
	}
	r->host_left = false;
	c->tx.host_expected = true;
	r->sync_due = true; /* until it knows where it begins, one may have been lost */
	if (!r->heard_ns)
		r->heard_ns = now;
	if (!c->tx.windowed && !r->stalled) {
		r->on_trial = true;
		wait_for_host(c, CHANNEL_CONNECTING, now);
	}
}

/* False: it says what cannot be. */
static bool acknowledges(struct channel *c, const ayaprof_Ack *ack)
{
	struct reliable *r = &c->link;
	struct window *w = &c->tx.window;
	bool gone = false;

	if (window_acknowledge(w, ack, &gone))
		return false;
	r->on_trial = false;
	r->receiver = ack->receiver;
	r->sync_due = r->sync_due || gone;
	if (w->acked != r->acked || window_is_empty(w))
		r->stalled = false;
	return true;
}

void reliable_acknowledged(struct channel *c, const ayaprof_Ack *ack, uint64_t now)
{
	struct reliable *r = &c->link;

	if (!reliable_listens(r) || ack->receiver == 0 ||
		seq_after(ack->next_seq, c->tx.window.end))
		return;
	/* What is left has been dropped, and the goodbye has little time: a host that answers only
	 * now must not have old frames sent again before it. */
	if (c->closing.abandoned)
		return;
	/* Who was never served takes leave of nobody, least of all for another one. */
	if (ack->begin && ack->leaving && ack->receiver != r->receiver)
		return;
	if (ack->begin && !ack->leaving) {
		begins(c, ack, now);
		return;
	}
	if (!ack->begin && !acknowledges(c, ack))
		return;
	if (ack->leaving) {
		let_go(c, "has ended its recording");
		r->host_left = true;
		c->tx.host_expected = false;
	} else if (!r->stalled) {
		wait_for_host(c, CHANNEL_RELIABLE, now);
	}
	r->heard_ns = now;
}

/* ---- timers --------------------------------------------------------------------------------- */

static void post_sync(struct channel *c)
{
	ayaprof_Sync *msg = &c->writer->msg.sync;

	*msg = (ayaprof_Sync){.oldest_seq = c->tx.window.first, .receiver = c->link.receiver};
	channel_post_urgent(c, AYP_KIND_SYNC, msg);
}

/* Nothing shows what has become of the last frames: ask. A Sync that nothing was sent behind does
 * as well as a new one. */
static void probe(struct channel *c)
{
	if (transmitter_newest_is_urgent(&c->tx) && !window_resent_since_newest(&c->tx.window))
		c->tx.probe_newest = true;
	else
		c->link.sync_due = true;
}

static uint64_t least_timeout(const struct channel *c)
{
	return c->state == CHANNEL_QUIESCING ? c->rate.rto_closing_ns : c->rate.rto_ns;
}

static uint64_t most_timeout(const struct channel *c)
{
	return c->state == CHANNEL_QUIESCING ? c->rate.rto_max_ns / 4 : c->rate.rto_max_ns;
}

void reliable_reset_timeout(struct channel *c)
{
	c->link.rto_ns = least_timeout(c);
}

static void watch_progress(struct channel *c, uint64_t now)
{
	struct reliable *r = &c->link;
	const struct window *w = &c->tx.window;
	uint64_t under_way_ns;

	if (w->acked != r->acked || window_is_empty(w)) {
		r->acked = w->acked;
		r->progress_ns = r->rto_start_ns = now;
		reliable_reset_timeout(c);
		return;
	}
	under_way_ns = rate_time_ns(&c->rate, transmitter_under_way(&c->tx));
	if (!reliable_always_waits(r) &&
		now - r->progress_ns > (r->on_trial ? TRIAL_NS : STALLED_NS) + under_way_ns) {
		r->stalled = true;
		let_go(c, "acknowledges nothing");
	}
	if (now - r->rto_start_ns < r->rto_ns + under_way_ns)
		return;
	r->rto_start_ns = now;
	r->rto_ns *= 2;
	if (r->rto_ns > most_timeout(c))
		r->rto_ns = most_timeout(c);
	probe(c);
}

void reliable_tick(struct channel *c, uint64_t now)
{
	struct reliable *r = &c->link;

	if (!reliable_listens(r) || !c->sink->present)
		return;
	if (c->tx.windowed && r->heard_ns && now - r->heard_ns > SILENCE_NS)
		let_go(c, "has fallen silent");
	if (c->tx.windowed)
		watch_progress(c, now);
	if (r->sync_due && !c->tx.urgent_waits && now >= r->next_sync_ns) {
		r->sync_due = false;
		r->next_sync_ns = now + c->rate.sync_ns;
		post_sync(c);
	}
}
