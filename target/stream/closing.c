/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/closing.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "target/base/log.h"
#include "target/stream/channel.h"

#define STALL_NS       (10 * NS_PER_S) /* nothing moves: give the line up */
#define RETURN_NS      (15 * NS_PER_S) /* for a device or a host that was there, to come back */
#define FLUSH_STALL_NS (3 * NS_PER_S)  /* for what the driver holds */
#define FINISH_NS      (2 * NS_PER_S)  /* for the frame in hand */
/* Who forces the end is not kept for a second, whatever the line does (target/loop/signals.h): so
 * long after that began the frame in hand, the goodbye, and what the driver holds are given up. */
#define FORCED_FRAME_NS   (200 * NS_PER_MS)
#define FORCED_GOODBYE_NS (450 * NS_PER_MS)
#define FORCED_FLUSH_NS   (550 * NS_PER_MS)
/* What a driver may hold for so long stays there when the end is forced. */
#define FORCED_QUEUE_NS (100 * NS_PER_MS)
/* At once, where nobody answers: only it makes the receiver's books final, and noise hits one
 * frame, seldom three. */
#define GOODBYES 3u
/* Then again and again: who cannot hear for three seconds, whatever the reason, still learns the
 * final books. Often enough for a host that ends its recording after a second's silence to stay. */
#define REPEAT_NS     (3600 * NS_PER_MS) /* 50 ms after the last repeat */
#define REPEAT_GAP_NS (250 * NS_PER_MS)  /* doubles */
#define REPEAT_MAX_NS (700 * NS_PER_MS)

#define SHOW_NS     NS_PER_S
#define SHOW_LOG_NS (5 * NS_PER_S)

static bool is_serial(const struct channel *c)
{
	return c->sink->baud != 0;
}

static void enter(struct closing *k, enum closing_phase phase, uint64_t now)
{
	k->phase = phase;
	k->entered_ns = k->progress_ns = now;
}

void closing_begin(struct channel *c, uint64_t now)
{
	c->closing = (struct closing){.on_terminal = isatty(STDERR_FILENO)};
	enter(&c->closing, CLOSING_DRAIN, now);
	c->closing.begun_ns = c->closing.shown_ns = now;
	c->closing.begun_backlog = transmitter_backlog(&c->tx);
}

/* ---- what is shown -------------------------------------------------------------------------- */

static void print_size(char *text, size_t size, uint64_t bytes)
{
	if (bytes >= 1u << 20)
		snprintf(text, size, "%llu.%llu MiB", (unsigned long long)(bytes >> 20),
			(unsigned long long)((bytes & ((1u << 20) - 1)) * 10 >> 20));
	else
		snprintf(text, size, "%llu KiB", (unsigned long long)((bytes + 1023) >> 10));
}

static void show_progress(struct channel *c, uint64_t now)
{
	struct closing *k = &c->closing;
	uint64_t backlog = transmitter_backlog(&c->tx);
	uint64_t passed_ms = (now - k->begun_ns) / NS_PER_MS;
	uint64_t gone = k->begun_backlog > backlog ? k->begun_backlog - backlog : 0;
	char left[32], time[48] = "waiting for the line", line[160];

	if (now - k->shown_ns < (k->on_terminal || !k->shown ? SHOW_NS : SHOW_LOG_NS))
		return;
	k->shown_ns = now;
	k->shown = true;
	print_size(left, sizeof(left), backlog);
	if (gone && now - k->progress_ns < SHOW_NS)
		snprintf(time, sizeof(time), "about %llu s",
			(unsigned long long)(backlog * passed_ms / gone / 1000 + 1));
	else if (!c->sink->present)
		snprintf(time, sizeof(time), "nobody is there");
	if (k->on_terminal) {
		snprintf(line, sizeof(line), "\rayaprof-uart: draining: %s left, %s\033[K", left,
			time);
		log_progress(line);
	} else {
		log_note("draining: %s left, %s", left, time);
	}
}

static void end_showing(struct closing *k)
{
	if (k->shown && k->on_terminal)
		log_progress("\r\033[K");
	k->shown = false;
}

/* ---- how long is waited --------------------------------------------------------------------- */

/* How long nothing may move. Whoever asked for --link reliable is the one to end the waiting. */
static uint64_t stall_ns(const struct channel *c)
{
	if (reliable_always_waits(&c->link))
		return UINT64_MAX;
	return is_serial(c) && !c->sink->present ? RETURN_NS : STALL_NS;
}

static bool has_stalled(const struct channel *c, uint64_t now, uint64_t after_ns)
{
	return now - c->closing.progress_ns > after_ns;
}

/* Forced, and for that long already. */
static bool is_overdue(const struct closing *k, uint64_t now, uint64_t after_ns)
{
	return k->forced && now - k->forced_ns >= after_ns;
}

static void note_progress(struct channel *c, uint64_t now)
{
	struct closing *k = &c->closing;
	const struct transmitter *t = &c->tx;
	/* What a host may ask for again and again is no progress; it could hold the end up with
	 * that. */
	uint64_t mark =
		t->new_bytes + t->window.acked + (t->frame.retransmission ? 0 : t->frame.at);

	if (k->phase == CLOSING_FLUSH)
		mark -= c->sink->ops->unsent(c->sink);
	if (mark == k->progress_mark)
		return;
	k->progress_mark = mark;
	k->progress_ns = now;
}

/* ---- phases --------------------------------------------------------------------------------- */

/* On a slow line the driver holds a whole frame, and the goodbye behind it would come too late: the
 * frame is cut off there. The receiver knows by the numbers what was in it. What others may have
 * written to the line as well is left alone. */
static bool empty_driver(struct channel *c)
{
	if (!is_serial(c) || c->sink->text ||
		c->sink->ops->unsent(c->sink) <= c->sink->bytes_per_s * FORCED_QUEUE_NS / NS_PER_S)
		return false;
	c->sink->ops->discard(c->sink);
	return true;
}

static void abandon(struct channel *c, bool forced, uint64_t now)
{
	struct closing *k = &c->closing;
	uint64_t before = losses_total(&c->queue.losses);
	unsigned long long dropped;

	end_showing(k);
	transmitter_abandon(&c->tx, !forced || empty_driver(c));
	channel_set_link(c, CHANNEL_ONE_WAY); /* the goodbye must get out */
	k->abandoned = true;
	dropped = losses_total(&c->queue.losses) - before;
	if (forced)
		log_warn(
			"interrupted: %llu events that were still to be sent are dropped", dropped);
	else
		log_warn("%s has taken nothing for %llu s: %llu events that were still to be sent "
			 "are dropped",
			c->sink->description,
			(unsigned long long)((now - k->progress_ns) / NS_PER_S), dropped);
	/* Lines stand still; a file that cannot be written is an error. */
	k->failed = !forced && c->sink->format == SINK_FILE;
	enter(k, CLOSING_ABANDON, now);
}

static void drain(struct channel *c, const struct closing_wish *wish, uint64_t now)
{
	struct closing *k = &c->closing;

	if (transmitter_is_empty(&c->tx) && wish->queued && feed_announced(&c->feed)) {
		end_showing(k);
		if (c->ops->goodbye(c->ctx, c, GOODBYES) == 0)
			enter(k, CLOSING_GOODBYE, now);
		return;
	}
	show_progress(c, now);
	if (wish->forced || has_stalled(c, now, stall_ns(c)))
		abandon(c, wish->forced, now);
}

/* The goodbye would cut the frame in hand off. */
static void finish_frame(struct channel *c, uint64_t now)
{
	struct closing *k = &c->closing;

	if (c->tx.frame.len && now - k->entered_ns < FINISH_NS &&
		!is_overdue(k, now, FORCED_FRAME_NS))
		return;
	transmitter_abandon(&c->tx, true);
	c->ops->goodbye(c->ctx, c, GOODBYES);
	enter(k, CLOSING_GOODBYE, now);
}

/* As a new frame, unless the window still has the one that was said last. */
static void repeat_goodbye(struct channel *c, uint64_t now)
{
	struct closing *k = &c->closing;

	if (!window_is_empty(&c->tx.window) && c->tx.window.end == k->goodbye_end)
		c->tx.probe_newest = true;
	else
		c->ops->goodbye(c->ctx, c, 1);
	k->repeat_gap_ns *= 2;
	if (k->repeat_gap_ns > REPEAT_MAX_NS)
		k->repeat_gap_ns = REPEAT_MAX_NS;
	k->repeat_ns = now + k->repeat_gap_ns;
}

/* Nobody acknowledges the goodbye, which has been sent. True: nobody will any more. */
static bool is_given_up(struct channel *c, bool forced, uint64_t now)
{
	struct closing *k = &c->closing;
	bool returns = reliable_silent_ns(&c->link, now) < RETURN_NS;

	if (!is_serial(c) || c->link.host_left || forced || k->abandoned)
		return true;
	if (!k->repeat_gap_ns) {
		k->repeat_since_ns = now;
		k->repeat_gap_ns = REPEAT_GAP_NS;
		k->repeat_ns = now + REPEAT_GAP_NS;
		k->goodbye_end = c->tx.seq;
		log_note(returns ? "waiting a moment for the host to come back; a signal ends that"
				 : "nobody answers: repeating the goodbye for some seconds; a "
				   "signal ends that");
	}
	if (now >= k->repeat_ns)
		repeat_goodbye(c, now);
	if (returns || now - k->repeat_since_ns < REPEAT_NS)
		return false;
	if (reliable_expects(&c->link))
		log_warn("no host has acknowledged the last frames");
	return true;
}

static void await_goodbye(struct channel *c, bool forced, uint64_t now)
{
	struct closing *k = &c->closing;
	bool sent = transmitter_is_empty(&c->tx);

	if (sent && transmitter_is_acknowledged(&c->tx)) {
		if (!c->tx.windowed && !is_given_up(c, forced, now))
			return;
		c->ops->end_recording(c->ctx, c);
		enter(k, CLOSING_END, now);
	} else if (has_stalled(c, now, k->abandoned ? FINISH_NS : stall_ns(c)) ||
		   is_overdue(k, now, FORCED_GOODBYE_NS)) {
		log_warn(sent ? "no host has acknowledged the last frames"
			      : "the goodbye could not be sent");
		k->failed = !forced;
		c->sink->ops->discard(c->sink);
		enter(k, CLOSING_DONE, now);
	}
}

static void flush(struct channel *c, bool forced, uint64_t now)
{
	struct closing *k = &c->closing;
	size_t unsent = c->sink->ops->unsent(c->sink);

	if (unsent == 0) {
		enter(k, CLOSING_DONE, now);
	} else if (has_stalled(c, now, FLUSH_STALL_NS) || is_overdue(k, now, FORCED_FLUSH_NS)) {
		log_warn("the driver still holds %zu bytes that the line does not take", unsent);
		c->sink->ops->discard(c->sink);
		k->failed = !forced;
		enter(k, CLOSING_DONE, now);
	}
}

bool closing_step(struct channel *c, const struct closing_wish *wish, uint64_t now)
{
	struct closing *k = &c->closing;

	assert(c->state == CHANNEL_QUIESCING);
	note_progress(c, now);
	if (wish->forced && !k->forced) {
		k->forced = true;
		k->forced_ns = now;
	}
	switch (k->phase) {
	case CLOSING_DRAIN:
		drain(c, wish, now);
		break;
	case CLOSING_ABANDON:
		finish_frame(c, now);
		break;
	case CLOSING_GOODBYE:
		await_goodbye(c, wish->forced, now);
		break;
	case CLOSING_END:
		if (transmitter_is_empty(&c->tx) || has_stalled(c, now, FINISH_NS) ||
			is_overdue(k, now, FORCED_GOODBYE_NS))
			enter(k, CLOSING_FLUSH, now);
		break;
	case CLOSING_FLUSH:
		flush(c, wish->forced, now);
		break;
	case CLOSING_DONE:
		break;
	}
	return k->phase == CLOSING_DONE;
}
