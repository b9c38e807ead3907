/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/rate.h"

#include <errno.h>
#include <string.h>

#include "target/base/clock.h"
#include "target/base/log.h"

#define TRIAL_NS   (600 * NS_PER_MS)
#define SILENCE_NS (1000 * NS_PER_MS)
/* So often the other side must be able to hear us. */
#define TRIAL_SAY_NS (100 * NS_PER_MS)
#define SAY_NS       (300 * NS_PER_MS)
/* What a UART may hold that its driver does not count, and a margin. */
#define FIFO_BITS (128u * 10u)
#define SETTLE_NS (3 * NS_PER_MS)
/* The host learns of the change later than we do: what is sent before it has followed is garbage. */
#define QUIET_NS (50 * NS_PER_MS)
/* A user tries some rates; a host that asks on and on would keep the line from carrying anything. */
#define CHANGES         6u
#define CHANGE_EVERY_NS (10 * NS_PER_S)
#define BAUD_MIN        1200u
#define BAUD_MAX        50000000u

void rate_init(struct rate *r, struct output *out, struct reliable *link)
{
	*r = (struct rate){.out = out,
		.link = link,
		.changes = {.burst = CHANGES, .every_ns = CHANGE_EVERY_NS}};
}

int rate_ask(struct rate *r, uint32_t baud, uint64_t now)
{
	if (!r->out->sink->ops->set_rate || !r->out->sink->baud)
		return -EOPNOTSUPP;
	if (r->state != RATE_BASE && r->state != RATE_CHANGED)
		return -EBUSY;
	if (baud < BAUD_MIN || baud > BAUD_MAX)
		return -ERANGE;
	if (!ration_take(&r->changes, now))
		return -EAGAIN;
	if (r->state == RATE_BASE)
		r->base = r->out->sink->baud;
	r->wanted = baud;
	r->out->rests = true;
	r->state = RATE_DRAIN;
	r->entered_ns = now;
	return 0;
}

void rate_heard(struct rate *r, uint64_t now)
{
	r->heard_ns = now;
	if (r->state != RATE_TRIAL)
		return;
	r->out->rests = false;
	r->state = r->wanted == r->base ? RATE_BASE : RATE_CHANGED;
	log_note("line at %u baud: both sides hear each other", r->out->sink->baud);
}

static void go_back(struct rate *r)
{
	int err = r->out->sink->ops->set_rate(r->out->sink, r->base);

	r->state = RATE_BASE;
	r->out->rests = false;
	if (err)
		log_warn("cannot set %u baud again: %s", r->base, strerror(-err));
	else
		log_warn("no host is heard at %u baud: back to %u", r->wanted, r->base);
}

static void change(struct rate *r, uint64_t now)
{
	int err = r->out->sink->ops->set_rate(r->out->sink, r->wanted);

	r->entered_ns = r->said_ns = now;
	r->generation = r->out->sink->generation;
	r->state = RATE_TRIAL;
	if (!err)
		return;
	log_warn("the driver does not do %u baud: %s", r->wanted, strerror(-err));
	r->out->rests = false;
	r->state = RATE_BASE;
}

static bool drained(const struct rate *r)
{
	const struct output *o = r->out;

	return !o->urgent_waits && !o->frame.len && o->sink->ops->unsent(o->sink) == 0;
}

void rate_tick(struct rate *r, uint64_t now)
{
	uint64_t say = r->state == RATE_TRIAL ? TRIAL_SAY_NS : SAY_NS;

	if (r->state == RATE_BASE)
		return;
	/* A line that was away comes back as it was opened. */
	if (!r->out->sink->present ||
		(r->state >= RATE_TRIAL && r->generation != r->out->sink->generation)) {
		r->state = RATE_BASE;
		r->out->rests = false;
		return;
	}
	if (r->state == RATE_DRAIN && drained(r)) {
		r->state = RATE_SETTLE;
		r->entered_ns = now;
	} else if (r->state == RATE_DRAIN && now - r->entered_ns > SILENCE_NS) {
		r->state = RATE_BASE; /* a line that does not move is not to be changed */
		r->out->rests = false;
	} else if (r->state == RATE_SETTLE &&
		   now - r->entered_ns > SETTLE_NS + FIFO_BITS * NS_PER_S / r->out->sink->baud) {
		change(r, now);
	} else if (r->state == RATE_TRIAL && now - r->entered_ns > TRIAL_NS) {
		go_back(r);
	} else if (r->state == RATE_CHANGED && now - r->heard_ns > SILENCE_NS) {
		go_back(r);
	}
	if (r->state == RATE_TRIAL && now - r->entered_ns > QUIET_NS)
		r->out->rests = false;
	if (r->state >= RATE_TRIAL && now - r->said_ns > say) {
		r->said_ns = now;
		r->link->sync_due = true;
	}
}
