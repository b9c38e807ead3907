/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/sink/sink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/sink/tty.h"

#define REOPEN_NS     500000000ull
#define BITS_PER_BYTE 10u /* 8N1 */
/* A driver, an adapter and a pty take more than the line has carried: at 38400 baud a second's
 * worth, a pty without end. All that is queued there is ahead of an answer to a host, of what has
 * to be sent again, of a change of rate. So the line is given so much at a time, and gets more when
 * half of it has gone. A pty does not say what it holds: there the clock tells what a line of its
 * rate has carried. An ordinary driver's 4 KiB are less than this from 115200 baud on. */
#define QUEUE_MS  400u
#define QUEUE_MIN 256u

struct sink_tty {
	struct sink sink;
	const struct config *cfg;
	struct tty tty;
	uint64_t retry_ns;
	bool tells_queue; /* the driver says what it holds; else, reckoned at that time: */
	uint64_t queued, queued_ns;
	int last_error;                             /* of reopening, to say each reason once */
	bool counts;                                /* the driver has counters: */
	ayaprof_UartErrors at_open, before, errors; /* now; of earlier openings; of all */
};

/* Of frames before they are written as text, where they are: four characters for three bytes. */
static uint64_t sink_tty_rate(const struct sink_tty *s, uint32_t baud)
{
	return s->sink.text ? baud / BITS_PER_BYTE * 3 / 4 : baud / BITS_PER_BYTE;
}

static uint64_t wire_bytes_per_s(const struct sink_tty *s)
{
	return s->sink.baud / BITS_PER_BYTE;
}

static uint64_t queue_limit(const struct sink_tty *s)
{
	uint64_t bytes = wire_bytes_per_s(s) * QUEUE_MS / 1000;

	return bytes > QUEUE_MIN ? bytes : QUEUE_MIN;
}

/* What the line has not carried yet. */
static uint64_t reckon_queue(const struct sink_tty *s, uint64_t now)
{
	uint64_t gone = (now - s->queued_ns) / 1000 * wire_bytes_per_s(s) / 1000000;

	if (s->tells_queue)
		return tty_unsent(&s->tty);
	return gone < s->queued ? s->queued - gone : 0;
}

/* From when half of the limit is free: a few bytes at a time would be many calls. */
static bool has_room(const struct sink_tty *s, uint64_t now)
{
	return !s->sink.baud || reckon_queue(s, now) * 2 <= queue_limit(s);
}

static int open_device(struct sink_tty *s, char *why, size_t why_size)
{
	const struct tty_options opt = {
		.baud = s->cfg->baud,
		.rtscts = s->cfg->rtscts,
		.shared = s->cfg->framing == FRAMING_TEXT && s->cfg->link == LINKMODE_ONEWAY,
	};
	uint32_t got = 0;
	int err = tty_open(&s->tty, s->cfg->tty, &opt, &got, why, why_size);

	if (err)
		return err;
	s->sink.baud = got;
	s->sink.bytes_per_s = sink_tty_rate(s, got);
	s->sink.present = true;
	s->queued = 0;
	s->sink.error = 0;
	s->sink.generation++;
	s->before = s->errors;
	s->counts = tty_errors(&s->tty, &s->at_open);
	return 0;
}

static int tty_sink_open(struct sink *sink)
{
	struct sink_tty *s = (struct sink_tty *)sink;
	char why[256];
	int err = open_device(s, why, sizeof(why));

	if (err) {
		log_error("%s", why);
		return err;
	}
	snprintf(sink->description, sizeof(sink->description), "serial %s %u", s->cfg->tty,
		sink->baud);
	log_note("line %s, %u baud%s%s%s", s->cfg->tty, sink->baud, s->tty.shared ? "" : " 8N1",
		s->cfg->rtscts ? ", RTS/CTS" : "",
		s->tty.shared ? ", shared: frames as text between what others write"
		: sink->text  ? ", frames as text"
			      : "");
	return 0;
}

/* The kernel's counters are 32 bits wide and run on from opening to opening. */
static uint64_t since(uint64_t then, uint64_t now)
{
	return (uint32_t)now - (uint32_t)then;
}

static bool tty_sink_errors(struct sink *sink, ayaprof_UartErrors *sum)
{
	struct sink_tty *s = (struct sink_tty *)sink;
	const ayaprof_UartErrors *before = &s->before, *then = &s->at_open;
	ayaprof_UartErrors now;

	if (s->counts && tty_errors(&s->tty, &now))
		s->errors = (ayaprof_UartErrors){
			.overrun = before->overrun + since(then->overrun, now.overrun),
			.framing = before->framing + since(then->framing, now.framing),
			.parity = before->parity + since(then->parity, now.parity),
			.breaks = before->breaks + since(then->breaks, now.breaks),
			.buffer_overrun = before->buffer_overrun +
					  since(then->buffer_overrun, now.buffer_overrun),
		};
	*sum = s->errors;
	return s->counts;
}

static void line_gone(struct sink_tty *s, int err)
{
	ayaprof_UartErrors last;

	if (!s->sink.present)
		return;
	tty_sink_errors(&s->sink, &last);
	log_warn("%s went away (%s): collecting, and trying every half second to open it again",
		s->cfg->tty, strerror(-err));
	s->sink.present = false;
	s->sink.error = err;
	s->last_error = 0;
	s->retry_ns = 0;
	tty_discard(&s->tty);
	tty_close(&s->tty);
}

static ssize_t tty_sink_write(struct sink *sink, const uint8_t *frame, size_t at, size_t len)
{
	struct sink_tty *s = (struct sink_tty *)sink;
	uint64_t now;
	ssize_t n;
	int err;

	if (!sink->present)
		return -ENOLINK;
	now = now_ns();
	if (!has_room(s, now))
		return -EAGAIN;
	/* Whole: on a shared line others write between our frames, and would else write into
	 * them. */
	n = write(s->tty.fd, frame + at, len - at);
	if (n > 0) {
		s->queued = reckon_queue(s, now) + (uint64_t)n;
		s->queued_ns = now;
		s->tells_queue = s->tells_queue || tty_unsent(&s->tty) > 0;
		return n;
	}
	err = n < 0 ? -errno : -EAGAIN;
	if (err == -EAGAIN || err == -EINTR)
		return -EAGAIN;
	line_gone(s, err);
	return -ENOLINK;
}

static ssize_t tty_sink_read(struct sink *sink, uint8_t *buf, size_t len)
{
	struct sink_tty *s = (struct sink_tty *)sink;
	ssize_t n;
	int err;

	if (!sink->present)
		return -ENOLINK;
	n = read(s->tty.fd, buf, len);
	if (n > 0)
		return n;
	err = n < 0 ? -errno : -EIO;
	if (err == -EAGAIN || err == -EINTR)
		return -EAGAIN;
	line_gone(s, err);
	return -ENOLINK;
}

static int tty_sink_poll_fd(const struct sink *sink)
{
	return ((const struct sink_tty *)sink)->tty.fd;
}

static short tty_sink_poll_events(struct sink *sink, bool want_room)
{
	bool room = want_room && has_room((struct sink_tty *)sink, now_ns());

	return (short)((room ? POLLOUT : 0) | (sink->listens ? POLLIN : 0));
}

/* When half of the queue will be free. */
static uint64_t tty_sink_next_ns(const struct sink *sink, bool want_room)
{
	const struct sink_tty *s = (const struct sink_tty *)sink;
	uint64_t limit = queue_limit(s), now = now_ns(), over;

	if (!want_room || !sink->present || has_room(s, now))
		return 0;
	over = reckon_queue(s, now) - limit / 2;
	return now + over * NS_PER_S / wire_bytes_per_s(s) + NS_PER_MS / 10;
}

static void tty_sink_poll_ready(struct sink *sink, short revents)
{
	if (revents & (POLLHUP | POLLNVAL | POLLERR))
		line_gone((struct sink_tty *)sink, -EIO);
}

static void tty_sink_tick(struct sink *sink, uint64_t now)
{
	struct sink_tty *s = (struct sink_tty *)sink;
	char why[256];
	int err;

	if (sink->present || now < s->retry_ns)
		return;
	s->retry_ns = now + REOPEN_NS;
	err = open_device(s, why, sizeof(why));
	if (err && err != s->last_error && err != -ENOENT)
		log_warn("%s", why);
	s->last_error = err;
	if (err)
		return;
	sink->reopened++;
	log_note("line %s is back, %u baud", s->cfg->tty, sink->baud);
}

static size_t tty_sink_unsent(const struct sink *sink)
{
	const struct sink_tty *s = (const struct sink_tty *)sink;
	size_t reckoned = s->sink.present && s->sink.baud ? (size_t)reckon_queue(s, now_ns()) : 0;
	size_t counted = tty_unsent(&s->tty);

	return counted > reckoned ? counted : reckoned;
}

static int tty_sink_set_rate(struct sink *sink, uint32_t baud)
{
	struct sink_tty *s = (struct sink_tty *)sink;
	uint32_t got = 0;
	int err = sink->present ? tty_set_rate(&s->tty, baud, &got) : -ENOLINK;

	if (err)
		return err;
	sink->baud = got;
	sink->bytes_per_s = sink_tty_rate(s, got);
	s->queued = 0; /* whoever changes the rate has waited for it */
	return 0;
}

static void tty_sink_discard(struct sink *sink)
{
	((struct sink_tty *)sink)->queued = 0;
	tty_discard(&((struct sink_tty *)sink)->tty);
}

static void tty_sink_restore(struct sink *sink)
{
	tty_restore(&((struct sink_tty *)sink)->tty);
}

static void tty_sink_free(struct sink *sink)
{
	struct sink_tty *s = (struct sink_tty *)sink;

	tty_close(&s->tty);
	free(s);
}

static const struct sink_ops ops = {
	.open = tty_sink_open,
	.write = tty_sink_write,
	.read = tty_sink_read,
	.poll_fd = tty_sink_poll_fd,
	.poll_events = tty_sink_poll_events,
	.poll_ready = tty_sink_poll_ready,
	.next_ns = tty_sink_next_ns,
	.tick = tty_sink_tick,
	.unsent = tty_sink_unsent,
	.set_rate = tty_sink_set_rate,
	.discard = tty_sink_discard,
	.errors = tty_sink_errors,
	.restore = tty_sink_restore,
	.free = tty_sink_free,
};

struct sink *sink_tty_new(const struct config *cfg)
{
	struct sink_tty *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->sink.ops = &ops;
	s->sink.format = SINK_LINE;
	s->sink.link = ayaprof_LinkMode_LINK_ONEWAY;
	s->cfg = cfg;
	s->sink.text = cfg->framing == FRAMING_TEXT;
	s->tty.fd = -1;
	return &s->sink;
}
