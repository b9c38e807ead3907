/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/baud.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/stream/channel.h"

#define TRIAL_NS   (600 * NS_PER_MS)
#define SILENCE_NS (1000 * NS_PER_MS)
/* So often the other side must be able to hear us. */
#define TRIAL_SAY_NS (100 * NS_PER_MS)
#define SAY_NS       (300 * NS_PER_MS)
/* The host learns of the change later than we do: what is sent before it has followed is
 * garbage. */
#define QUIET_NS (50 * NS_PER_MS)
/* A user tries some rates, up and down; a host that asks on and on would keep the line from
 * carrying anything. */
#define CHANGES         12u
#define CHANGE_EVERY_NS (10 * NS_PER_S)
#define BAUD_MIN        1200u
#define BAUD_MAX        50000000u

void baud_init(struct baud *b)
{
	*b = (struct baud){.changes = {.burst = CHANGES, .every_ns = CHANGE_EVERY_NS}};
}

static void enter(struct channel *c, enum baud_state state, uint64_t now)
{
	c->baud.state = state;
	c->baud.entered_ns = now;
	c->tx.quiesced = state == BAUD_DRAIN || state == BAUD_SETTLE || state == BAUD_TRIAL;
}

int baud_ask(struct channel *c, uint32_t baud, uint64_t now)
{
	struct baud *b = &c->baud;

	if (!c->sink->ops->set_rate || !c->sink->baud)
		return -EOPNOTSUPP;
	/* While much is left to send a faster line is welcome; after the goodbye nothing is. */
	if ((b->state != BAUD_BASE && b->state != BAUD_CHANGED) || c->feed.ended)
		return -EBUSY;
	if (baud < BAUD_MIN || baud > BAUD_MAX)
		return -ERANGE;
	if (!ration_take(&b->changes, now))
		return -EAGAIN;
	if (b->state == BAUD_BASE)
		b->base = c->sink->baud;
	b->wanted = baud;
	enter(c, BAUD_DRAIN, now);
	return 0;
}

void baud_heard(struct channel *c, uint64_t now)
{
	struct baud *b = &c->baud;

	b->heard_ns = now;
	if (b->state != BAUD_TRIAL)
		return;
	enter(c, b->wanted == b->base ? BAUD_BASE : BAUD_CHANGED, now);
	log_note("line at %u baud: both sides hear each other", c->sink->baud);
}

static void go_back(struct channel *c, uint64_t now)
{
	struct baud *b = &c->baud;
	int err = channel_set_baud(c, b->base);

	enter(c, BAUD_BASE, now);
	if (err)
		log_warn("cannot set %u baud again: %s", b->base, strerror(-err));
	else
		log_warn("no host is heard at %u baud: back to %u", b->wanted, b->base);
}

static void change(struct channel *c, uint64_t now)
{
	struct baud *b = &c->baud;
	int err = channel_set_baud(c, b->wanted);

	b->said_ns = now;
	b->generation = c->sink->generation;
	enter(c, err ? BAUD_BASE : BAUD_TRIAL, now);
	if (err)
		log_warn("the driver does not do %u baud: %s", b->wanted, strerror(-err));
}

/* A line that was away comes back as it was opened. */
static bool was_away(const struct channel *c)
{
	return !c->sink->present ||
	       (c->baud.state >= BAUD_TRIAL && c->baud.generation != c->sink->generation);
}

void baud_tick(struct channel *c, uint64_t now)
{
	struct baud *b = &c->baud;
	uint64_t passed = now - b->entered_ns;

	if (b->state == BAUD_BASE)
		return;
	if (was_away(c)) {
		enter(c, BAUD_BASE, now);
		return;
	}
	switch (b->state) {
	case BAUD_DRAIN:
		if (transmitter_is_idle(&c->tx))
			enter(c, BAUD_SETTLE, now);
		else if (passed > SILENCE_NS)
			enter(c, BAUD_BASE,
				now); /* a line that does not move is not to be changed */
		break;
	case BAUD_SETTLE:
		if (passed > c->rate.settle_ns)
			change(c, now);
		break;
	case BAUD_TRIAL:
		if (passed > QUIET_NS)
			c->tx.quiesced = false;
		if (passed > TRIAL_NS)
			go_back(c, now);
		break;
	case BAUD_CHANGED:
		if (now - b->heard_ns > SILENCE_NS)
			go_back(c, now);
		break;
	case BAUD_BASE:
		break;
	}
	if (b->state >= BAUD_TRIAL &&
		now - b->said_ns > (b->state == BAUD_TRIAL ? TRIAL_SAY_NS : SAY_NS)) {
		b->said_ns = now;
		c->link.sync_due = true;
	}
}
