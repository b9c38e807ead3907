/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/channel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "target/base/log.h"

/* Some seconds of a usual line: so long a host may be away before the board stops sending. */
#define WINDOW_BYTES (256u << 10)

/* ---- states --------------------------------------------------------------------------------- */

static const struct {
	enum channel_state from, to;
	const char *when;
} transitions[] = {
#define ROW(from, to, when) {CHANNEL_##from, CHANNEL_##to, when},
	CHANNEL_TRANSITIONS(ROW)
#undef ROW
};

const char *channel_state_name(enum channel_state state)
{
	static const char *const names[CHANNEL_STATES] = {
		"down", "connecting", "one-way", "reliable", "quiescing", "closed"};

	return (unsigned int)state < CHANNEL_STATES ? names[state] : "?";
}

static const char *transition(enum channel_state from, enum channel_state to)
{
	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++)
		if (transitions[i].from == from && transitions[i].to == to)
			return transitions[i].when;
	return NULL;
}

bool channel_may(enum channel_state from, enum channel_state to)
{
	return transition(from, to) != NULL;
}

void channel_enter(struct channel *c, enum channel_state to)
{
	const char *when = transition(c->state, to);

	assert(when);
	if (!when) {
		log_error("%s: not from %s to %s", c->sink->description,
			channel_state_name(c->state), channel_state_name(to));
		return;
	}
	log_detail("%s: %s, was %s: %s", c->sink->description, channel_state_name(to),
		channel_state_name(c->state), when);
	c->state = to;
}

static bool is_linked(enum channel_state state)
{
	return state == CHANNEL_CONNECTING || state == CHANNEL_ONE_WAY || state == CHANNEL_RELIABLE;
}

void channel_set_link(struct channel *c, enum channel_state link)
{
	assert(is_linked(link) && (link == CHANNEL_ONE_WAY || reliable_listens(&c->link)));
	if (!is_linked(link))
		return;
	c->tx.windowed = link != CHANNEL_ONE_WAY;
	c->sink->link =
		c->tx.windowed ? ayaprof_LinkMode_LINK_RELIABLE : ayaprof_LinkMode_LINK_ONEWAY;
	if (is_linked(c->state) && c->state != link)
		channel_enter(c, link);
}

/* A line that went away and came back within a round was down, too. */
static void follow_sink(struct channel *c)
{
	if (!c->sink->present && is_linked(c->state))
		channel_enter(c, CHANNEL_DOWN);
	else if (c->sink->present && c->state == CHANNEL_DOWN)
		channel_enter(c, c->tx.windowed ? CHANNEL_CONNECTING : CHANNEL_ONE_WAY);
}

/* ---- the rate ------------------------------------------------------------------------------- */

static void derive(struct channel *c)
{
	rate_derive(&c->rate, c->sink, c->frame_bytes);
	feed_set_shares(&c->feed, &c->rate.shares);
	reliable_reset_timeout(c);
}

void channel_follow_rate(struct channel *c)
{
	if (c->rate.bytes_per_s == c->sink->bytes_per_s)
		return;
	derive(c);
	log_detail("%s: %llu bytes a second, %zu in a frame", c->sink->description,
		(unsigned long long)c->rate.bytes_per_s, c->rate.frame_bytes);
	c->ops->rate_changed(c->ctx, c);
}

int channel_set_baud(struct channel *c, uint32_t baud)
{
	int err;

	assert(c->sink->ops->set_rate && baud);
	err = c->sink->ops->set_rate(c->sink, baud);
	channel_follow_rate(c);
	return err;
}

/* ---- coming and going ----------------------------------------------------------------------- */

static size_t window_bytes(const struct config *cfg)
{
	return cfg->spool_mem / 4 < WINDOW_BYTES ? cfg->spool_mem / 4 : WINDOW_BYTES;
}

struct channel *channel_new(
	struct sink *sink, const struct config *cfg, uint32_t session, size_t spool_size)
{
	struct channel *c = calloc(1, sizeof(*c));

	assert(sink && session);
	if (!c || outqueue_init(&c->queue, spool_size)) {
		sink->ops->free(sink);
		free(c);
		return NULL;
	}
	c->sink = sink;
	c->frame_bytes = cfg->frame_bytes;
	transmitter_init(&c->tx, sink, &c->queue, &c->rate, session);
	derive(c);
	baud_init(&c->baud);
	if (reliable_init(c, cfg->link, window_bytes(cfg))) {
		channel_free(c);
		return NULL;
	}
	return c;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	c->sink->ops->free(c->sink);
	transmitter_free(&c->tx);
	outqueue_free(&c->queue);
	free(c);
}

int channel_join(struct channel *c, const struct channel_parts *parts, uint64_t now)
{
	struct feed_parts feed = {&c->queue, parts->writer, parts->names, parts->stacks};
	int err;

	assert(c->state == CHANNEL_DOWN && !c->writer);
	c->writer = parts->writer;
	c->ops = parts->ops;
	c->ctx = parts->ctx;
	backchannel_init(&c->back, parts->writer->ctx, c->tx.session);
	err = feed_init(&c->feed, &feed, &c->rate.shares, channel_generation(c), now);
	if (!err)
		follow_sink(c);
	return err;
}

/* ---- each round ----------------------------------------------------------------------------- */

void channel_look(struct channel *c, uint64_t now)
{
	follow_sink(c);
	c->sink->ops->tick(c->sink, now);
	follow_sink(c);
	channel_follow_rate(c);
}

struct hearing {
	struct channel *channel;
	uint64_t now_ns;
};

static void on_ack(void *ctx, const ayaprof_Ack *ack)
{
	const struct hearing *h = ctx;

	baud_heard(h->channel, h->now_ns);
	reliable_acknowledged(h->channel, ack, h->now_ns);
}

static void on_control(void *ctx, const ayaprof_Control *msg)
{
	const struct hearing *h = ctx;

	baud_heard(h->channel, h->now_ns);
	h->channel->ops->control(h->channel->ctx, h->channel, msg);
}

void channel_hear(struct channel *c, uint64_t now)
{
	static const struct backchannel_ops ops = {.ack = on_ack, .control = on_control};
	struct hearing h = {c, now};
	uint8_t buf[2048];
	ssize_t n = c->sink->listens ? c->sink->ops->read(c->sink, buf, sizeof(buf)) : -EAGAIN;

	if (n > 0)
		backchannel_bytes(&c->back, buf, (size_t)n, &ops, &h);
	else if (n != -EAGAIN)
		backchannel_reset(&c->back);
}

void channel_tick(struct channel *c, uint64_t now)
{
	follow_sink(c);
	baud_tick(c, now);
	channel_follow_rate(c);
	reliable_tick(c, now);
}

void channel_pump(struct channel *c)
{
	if (c->state == CHANNEL_CLOSED)
		return;
	transmitter_pump(&c->tx);
	follow_sink(c);
}

bool channel_wants_sink(const struct channel *c)
{
	return c->state != CHANNEL_CLOSED && transmitter_wants_sink(&c->tx);
}

/* ---- the end -------------------------------------------------------------------------------- */

void channel_quiesce(struct channel *c, uint64_t now)
{
	channel_enter(c, CHANNEL_QUIESCING);
	reliable_reset_timeout(c);
	closing_begin(c, now);
}

bool channel_close(struct channel *c, const struct closing_wish *wish, uint64_t now)
{
	assert(c->state == CHANNEL_QUIESCING || c->state == CHANNEL_CLOSED);
	if (c->state == CHANNEL_QUIESCING && closing_step(c, wish, now))
		channel_enter(c, CHANNEL_CLOSED);
	return c->state == CHANNEL_CLOSED;
}

/* ---- at any time ---------------------------------------------------------------------------- */

unsigned int channel_generation(const struct channel *c)
{
	return c->sink->generation + c->link.receivers;
}

bool channel_is_blind(const struct channel *c)
{
	return c->sink->format == SINK_LINE && !(c->tx.windowed && c->link.receivers);
}

void channel_post_urgent(struct channel *c, unsigned int kind, const void *msg)
{
	int len = writer_encode(c->writer, kind, msg);

	if (len >= 0)
		transmitter_post_urgent(&c->tx, kind, c->writer->payload, (size_t)len);
}

void channel_fill_status(const struct channel *c, ayaprof_Status *status)
{
	const struct spool *spool = &c->queue.spool;

	losses_fill_status(&c->queue.losses, status);
	status->pending = transmitter_pending(&c->tx);
	status->frames = c->tx.frames;
	status->frames_again = c->tx.retransmitted;
	status->wire_bytes = c->tx.wire_bytes;
	status->spool_bytes = spool_bytes(spool);
	status->spool_peak = spool->peak;
	status->spool_size = spool->size;
	status->line_reopened = c->sink->reopened;
	status->has_uart = c->sink->ops->errors && c->sink->ops->errors(c->sink, &status->uart);
}
