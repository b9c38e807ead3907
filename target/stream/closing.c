/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/closing.h"

#include <stdio.h>
#include <unistd.h>

#include "target/base/log.h"

#define STALL_NS       (10 * NS_PER_S) /* nothing moves: give the line up */
#define RETURN_NS      (15 * NS_PER_S) /* for a device or a host that was there, to come back */
#define FLUSH_STALL_NS (3 * NS_PER_S)  /* for what the driver holds */
#define FINISH_NS      (2 * NS_PER_S)  /* for the frame in hand */
/* Whoever is in a hurry is not kept for a second, whatever the line does (target/loop/signals.h): so long after that began
 * the frame in hand, the goodbye, and what the driver holds are given up. */
#define HURRY_FRAME_NS   (200 * NS_PER_MS)
#define HURRY_GOODBYE_NS (450 * NS_PER_MS)
#define HURRY_FLUSH_NS   (550 * NS_PER_MS)
#define GOODBYES         3u /* at once, where nobody answers: noise hits one frame, seldom three */
/* Where nobody answers, the goodbye is repeated: who cannot hear for three seconds, whatever the reason, still learns
 * the final books. Often enough for a host that ends its recording after a second's silence to stay. */
#define FAREWELL_NS     (3600 * NS_PER_MS) /* 50 ms after the last repeat */
#define FAREWELL_GAP_NS (250 * NS_PER_MS)  /* doubles */
#define FAREWELL_MAX_NS (700 * NS_PER_MS)

#define TELL_NS     NS_PER_S
#define TELL_LOG_NS (5 * NS_PER_S)

static struct output *output_of(const struct closing *c, const struct stream *s)
{
	return s->lines[c->output].out;
}

static const struct reliable *link_of(const struct closing *c, const struct stream *s)
{
	return &s->lines[c->output].link;
}

static bool is_serial(const struct output *out)
{
	return out->sink->baud != 0;
}

static void enter(struct closing *c, enum closing_state state, uint64_t now)
{
	c->state = state;
	c->entered_ns = now;
	c->moved_ns = now;
}

void closing_begin(struct closing *c, size_t output, const struct stream *s, uint64_t now)
{
	*c = (struct closing){.output = output, .on_terminal = isatty(STDERR_FILENO)};
	enter(c, CLOSING_DRAIN, now);
	c->begun_ns = c->told_ns = now;
	c->begun_backlog = output_backlog(output_of(c, s));
}

/* ---- progress ------------------------------------------------------------------------------- */

static void tell_size(char *text, size_t size, uint64_t bytes)
{
	if (bytes >= 1u << 20)
		snprintf(text, size, "%llu.%llu MiB", (unsigned long long)(bytes >> 20),
			(unsigned long long)((bytes & ((1u << 20) - 1)) * 10 >> 20));
	else
		snprintf(text, size, "%llu KiB", (unsigned long long)((bytes + 1023) >> 10));
}

static void tell_progress(struct closing *c, const struct output *out, uint64_t now)
{
	uint64_t backlog = output_backlog(out), passed_ms = (now - c->begun_ns) / NS_PER_MS;
	uint64_t gone = c->begun_backlog > backlog ? c->begun_backlog - backlog : 0;
	char left[32], time[48] = "waiting for the line", line[160];

	if (now - c->told_ns < (c->on_terminal || !c->told ? TELL_NS : TELL_LOG_NS))
		return;
	c->told_ns = now;
	c->told = true;
	tell_size(left, sizeof(left), backlog);
	if (gone && now - c->moved_ns < TELL_NS)
		snprintf(time, sizeof(time), "about %llu s",
			(unsigned long long)(backlog * passed_ms / gone / 1000 + 1));
	else if (!out->sink->present)
		snprintf(time, sizeof(time), "nobody is there");
	if (c->on_terminal) {
		snprintf(line, sizeof(line), "\rayaprof-uart: draining: %s left, %s\033[K", left,
			time);
		log_progress(line);
	} else {
		log_note("draining: %s left, %s", left, time);
	}
}

static void end_progress(struct closing *c)
{
	if (c->told && c->on_terminal)
		log_progress("\r\033[K");
	c->told = false;
}

/* ---- patience ------------------------------------------------------------------------------- */

/* How long nothing may move. Whoever asked for --link reliable is the one to end the waiting. */
static uint64_t patience_ns(const struct closing *c, const struct stream *s)
{
	const struct output *out = output_of(c, s);

	if (reliable_always_waits(link_of(c, s)))
		return UINT64_MAX;
	return is_serial(out) && !out->sink->present ? RETURN_NS : STALL_NS;
}

/* In a hurry, and for that long already. */
static bool too_late(const struct closing *c, uint64_t now, uint64_t after_ns)
{
	return c->in_hurry && now - c->hurry_ns >= after_ns;
}

/* ---- states --------------------------------------------------------------------------------- */

static void abandon(struct closing *c, struct stream *s, bool hurry)
{
	struct output *out = output_of(c, s);
	uint64_t before = losses_total(&out->losses);

	end_progress(c);
	output_abandon(out, !hurry);
	out->held = false; /* the goodbye must get out */
	c->hurried = true;
	if (hurry)
		log_warn("interrupted: %llu events that were still to be sent are dropped",
			(unsigned long long)(losses_total(&out->losses) - before));
	else
		log_warn("%s has taken nothing for %llu s: %llu events that were still to be sent "
			 "are dropped",
			out->sink->description,
			(unsigned long long)((s->now_ns - c->moved_ns) / NS_PER_S),
			(unsigned long long)(losses_total(&out->losses) - before));
	/* Lines stand still; a file that cannot be written is an error. */
	c->failed = !hurry && out->sink->format == SINK_FILE;
	enter(c, CLOSING_ABANDON, s->now_ns);
}

static void drain(struct closing *c, struct stream *s, bool totals_queued, bool hurry,
	const char *reason, int exit_status)
{
	struct output *out = output_of(c, s);

	if (output_empty(out) && totals_queued && feed_announced(&s->lines[c->output].feed)) {
		end_progress(c);
		if (stream_goodbye(s, c->output, GOODBYES, reason, exit_status) == 0)
			enter(c, CLOSING_GOODBYE, s->now_ns);
		return;
	}
	tell_progress(c, out, s->now_ns);
	if (hurry || s->now_ns - c->moved_ns > patience_ns(c, s))
		abandon(c, s, hurry);
}

/* The frame in hand may still be finished; the goodbye would otherwise cut it off. */
static void after_abandon(struct closing *c, struct stream *s, const char *reason, int exit_status)
{
	struct output *out = output_of(c, s);

	if (out->frame.len && s->now_ns - c->entered_ns < FINISH_NS &&
		!too_late(c, s->now_ns, HURRY_FRAME_NS))
		return;
	output_abandon(out, true);
	stream_goodbye(s, c->output, GOODBYES, reason, exit_status);
	enter(c, CLOSING_GOODBYE, s->now_ns);
}

/* Said again: as a new frame, unless the window still has the one that was said last. */
static void repeat_goodbye(struct closing *c, struct stream *s, const char *reason, int exit_status)
{
	struct output *out = output_of(c, s);

	if (out->window.first != out->window.end && out->window.end == c->goodbye_end)
		out->probe = true;
	else
		stream_goodbye(s, c->output, 1, reason, exit_status);
	c->repeat_gap_ns *= 2;
	if (c->repeat_gap_ns > FAREWELL_MAX_NS)
		c->repeat_gap_ns = FAREWELL_MAX_NS;
	c->repeat_ns = s->now_ns + c->repeat_gap_ns;
}

/* Nobody acknowledges the goodbye, which has been sent. True: nobody will any more. */
static bool farewell(
	struct closing *c, struct stream *s, bool hurry, const char *reason, int exit_status)
{
	const struct output *out = output_of(c, s);
	const struct reliable *link = link_of(c, s);
	bool returns = reliable_silent_ns(link, s->now_ns) < RETURN_NS;

	if (!is_serial(out) || reliable_left(link) || hurry || c->hurried)
		return true;
	if (!c->repeat_gap_ns) {
		c->farewell_ns = s->now_ns;
		c->repeat_gap_ns = FAREWELL_GAP_NS;
		c->repeat_ns = s->now_ns + FAREWELL_GAP_NS;
		c->goodbye_end = out->seq;
		log_note(returns ? "waiting a moment for the host to come back; a signal ends that"
				 : "nobody answers: repeating the goodbye for some seconds; a "
				   "signal ends that");
	}
	if (s->now_ns >= c->repeat_ns)
		repeat_goodbye(c, s, reason, exit_status);
	if (returns || s->now_ns - c->farewell_ns < FAREWELL_NS)
		return false;
	if (reliable_expects(link))
		log_warn("no host has acknowledged the last frames");
	return true;
}

static void goodbye(
	struct closing *c, struct stream *s, bool hurry, const char *reason, int exit_status)
{
	struct output *out = output_of(c, s);
	uint64_t patience = c->hurried ? FINISH_NS : patience_ns(c, s);

	if (output_empty(out) && output_acknowledged(out)) {
		if (!out->held && !farewell(c, s, hurry, reason, exit_status))
			return;
		stream_end_recording(s, c->output, reason);
		enter(c, CLOSING_END, s->now_ns);
	} else if (s->now_ns - c->moved_ns > patience || too_late(c, s->now_ns, HURRY_GOODBYE_NS)) {
		log_warn(output_empty(out) ? "no host has acknowledged the last frames"
					   : "the goodbye could not be sent");
		c->failed = !hurry;
		out->sink->ops->discard(out->sink);
		enter(c, CLOSING_DONE, s->now_ns);
	}
}

static void flush(struct closing *c, struct stream *s, bool hurry)
{
	struct sink *sink = output_of(c, s)->sink;

	if (sink->ops->unsent(sink) == 0) {
		enter(c, CLOSING_DONE, s->now_ns);
	} else if (s->now_ns - c->moved_ns > FLUSH_STALL_NS ||
		   too_late(c, s->now_ns, HURRY_FLUSH_NS)) {
		log_warn("the driver still holds %zu bytes that the line does not take",
			sink->ops->unsent(sink));
		sink->ops->discard(sink);
		c->failed = !hurry;
		enter(c, CLOSING_DONE, s->now_ns);
	}
}

bool closing_step(struct closing *c, struct stream *s, bool totals_queued, bool hurry,
	const char *reason, int exit_status)
{
	struct output *out = output_of(c, s);
	/* What a host may ask for again and again is no progress; it could hold the end up with that. */
	uint64_t mark =
		out->new_bytes + out->window.arrived + (out->frame.again ? 0 : out->frame.at);

	if (c->state == CLOSING_FLUSH)
		mark -= out->sink->ops->unsent(out->sink);
	if (mark != c->moved_mark) {
		c->moved_mark = mark;
		c->moved_ns = s->now_ns;
	}
	if (hurry && !c->in_hurry) {
		c->in_hurry = true;
		c->hurry_ns = s->now_ns;
	}
	switch (c->state) {
	case CLOSING_DRAIN:
		drain(c, s, totals_queued, hurry, reason, exit_status);
		break;
	case CLOSING_ABANDON:
		after_abandon(c, s, reason, exit_status);
		break;
	case CLOSING_GOODBYE:
		goodbye(c, s, hurry, reason, exit_status);
		break;
	case CLOSING_END:
		if (output_empty(out) || s->now_ns - c->moved_ns > FINISH_NS ||
			too_late(c, s->now_ns, HURRY_GOODBYE_NS))
			enter(c, CLOSING_FLUSH, s->now_ns);
		break;
	case CLOSING_FLUSH:
		flush(c, s, hurry);
		break;
	case CLOSING_DONE:
		break;
	}
	return c->state == CLOSING_DONE;
}
