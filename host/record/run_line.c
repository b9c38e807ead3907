/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The line of a run comes and goes.
 *
 *     DOWN -- timer --> CONNECTING -- writable --> UP -- its end --> DOWN
 *
 * Serial devices skip CONNECTING. Each try in vain, and each connection without a frame on it, doubles the
 * pause before the next one.
 */
#include "host/record/run.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/base/say.h"
#include "host/base/text.h"

#define RETRY_NS   (250 * RUN_MS)
#define OPEN_NS    (2 * RUN_SECOND) /* the longest pause between tries to open */
#define SERVED_NS  (8 * RUN_SECOND) /* between connections that brought nothing */
#define REFUSED_NS (2 * RUN_SECOND) /* until a board that turned us away is asked again */
#define IDLE_NS    (100 * RUN_MS)

bool run_line_answers(const struct run *r)
{
	return r->line.state == LINE_UP && r->line.link.ops->answers && !r->opt->listen_only;
}

static void retry_in(struct run *r, uint64_t ns)
{
	r->line.state = LINE_DOWN;
	if (loop_timer_set(r->loop, &r->line.timer, loop_clock() + ns))
		r->err = -ENOMEM;
}

static uint64_t pause_after(unsigned int times, uint64_t most)
{
	uint64_t pause = times < 16 ? RETRY_NS << times : most;

	return pause < most ? pause : most;
}

/* ---- what is there before frames ------------------------------------------------------------- */

/* The first line of it, made safe. */
static void note_banner(struct run_line *l, const uint8_t *data, size_t len)
{
	char line[sizeof(l->banner)];
	size_t n = 0;

	if (*l->banner)
		return;
	while (n < len && n + 1 < sizeof(line) && data[n] && data[n] != '\n' && data[n] != '\r') {
		line[n] = (char)data[n];
		n++;
	}
	line[n] = '\0';
	text_clean(l->banner, sizeof(l->banner), line);
}

static void tell_banner(struct run *r)
{
	struct run_line *l = &r->line;

	if (!*l->banner || !strcmp(l->banner, l->told_banner))
		return;
	if (l->refused)
		say("the board turns us away: %s%s", l->banner,
			r->opt->no_reconnect ? "" : "; trying again every two seconds");
	else
		say("%s says: %s", l->link.port, l->banner);
	memcpy(l->told_banner, l->banner, sizeof(l->banner));
}

/* A board that serves nobody more says why, in words, and closes. True if these bytes are that. */
static bool take_refusal(struct run *r, const uint8_t *data, size_t len)
{
	struct run_line *l = &r->line;
	size_t at = strlen(AYP_REFUSAL);

	if (!l->link.ops->tells_presence || !l->fresh || len < at || memcmp(data, AYP_REFUSAL, at))
		return false;
	l->refused = true;
	*l->banner = '\0';
	note_banner(l, data + at, len - at);
	tell_banner(r);
	return true;
}

/* ---- down ------------------------------------------------------------------------------------ */

/* The line was up and is not. */
static void line_gone(struct run *r)
{
	struct run_line *l = &r->line;
	bool empty = recorder_state(r->recorder)->line.frames == l->frames;
	int err = recorder_disconnected(r->recorder, l->link.text);

	loop_unwatch(r->loop, &l->fd);
	link_close(&l->link);
	back_forget(&r->back);
	l->state = LINE_DOWN;
	l->empty = empty ? l->empty + 1 : 0;
	if (empty && l->link.ops->vanishes)
		tell_banner(r);
	if (err) {
		r->err = err;
	} else if (!l->link.ops->vanishes) {
		r->reason = "end of input";
	} else if (run_heard_goodbye(recorder_state(r->recorder)) && !r->opt->follow) {
		r->reason = "goodbye";
	} else if (r->opt->no_reconnect) {
		say("%s is gone, recording ends", l->link.port);
		r->reason = "line gone";
	} else {
		/* Once, however often a server closes at once. */
		if (!l->told_gone && !l->refused)
			say("%s is gone, waiting for it to come back (Ctrl-C ends the recording)",
				l->link.port);
		l->told_gone = true;
		retry_in(r, l->refused ? REFUSED_NS : pause_after(l->empty, SERVED_NS));
	}
}

/* ---- up -------------------------------------------------------------------------------------- */

static void say_back(struct run_line *l, const char *before)
{
	char device[IDENTITY_PATH];

	if (!l->told_gone)
		return;
	l->told_gone = false;

	text_clean(device, sizeof(device), l->link.device);
	if (!l->ever)
		say("%s is there", l->link.port);
	else if (*before && strcmp(before, l->link.device))
		say("%s is back as %s", l->link.port, device);
	else
		say("%s is back", l->link.port);
}

static void take_bytes(struct run *r, const uint8_t *data, size_t len)
{
	struct run_line *l = &r->line;
	ayaprof_UartErrors errors;
	int err = 0;

	if (take_refusal(r, data, len))
		return;
	if (recorder_state(r->recorder)->line.frames == l->frames)
		note_banner(l, data, len);
	l->fresh = l->refused = false;
	if (!r->first_byte_ns)
		r->first_byte_ns = loop_now(r->loop);
	r->idle_done = false;
	r->idle_at_ns = loop_now(r->loop) + IDLE_NS;
	if (link_errors(&l->link, &errors))
		err = recorder_uart(r->recorder, &errors);
	if (!err)
		err = recorder_bytes(r->recorder, data, len, loop_now(r->loop));
	if (err)
		r->err = err;
	if (recorder_state(r->recorder)->line.frames != l->frames)
		say_back(l, "");
}

static void line_readable(struct run *r, unsigned int events)
{
	static uint8_t buf[WRITER_PIECE_MAX];
	const struct link_ops *ops = r->line.link.ops;
	ssize_t n = link_read(&r->line.link, buf, sizeof(buf));

	if (n > 0)
		take_bytes(r, buf, (size_t)n);
	else if (n != -EAGAIN && !(ops->zero_is_nothing && !(events & LOOP_HUP)))
		line_gone(r);
}

/* A login on the desk's end, a forgotten cat: every byte goes to one reader only. */
static void warn_of_others(const struct run_line *l)
{
	char others[2 * CLAIM_HOLDER];

	if (link_shared_with(&l->link, others, sizeof(others)))
		say("%s is also open in %s: what is read there is missing here", l->link.port,
			others);
}

static void line_up(struct run *r, const char *before)
{
	struct run_line *l = &r->line;
	int err;

	if (!l->ever)
		warn_of_others(l);
	/* After one that closed at once only frames tell. */
	if (!l->empty && !l->refused)
		say_back(l, before);
	l->failed = 0;
	l->state = LINE_UP;
	l->ever = l->fresh = true;
	*l->banner = *l->told_error = '\0';
	if (!r->recorder)
		return;
	l->frames = recorder_state(r->recorder)->line.frames;
	controller_reopened(&r->controller);
	err = recorder_connected(r->recorder, l->link.text);
	if (err)
		r->err = err;
}

/* ---- between --------------------------------------------------------------------------------- */

/* err: of link_open or link_connected. */
static void went(struct run *r, int err, const char *before)
{
	struct run_line *l = &r->line;

	if (!err) {
		line_up(r, before);
	} else if (err == -EINPROGRESS) {
		l->state = LINE_CONNECTING;
		err = loop_watch(r->loop, &l->fd, l->link.fd, LOOP_WRITE);
		if (!err)
			err = loop_timer_set(
				r->loop, &l->timer, loop_clock() + LINK_CONNECT_MS * RUN_MS);
		if (err)
			r->err = err;
	} else if (!l->ever && (r->opt->no_reconnect || !(link_may_come(err) || l->told_gone))) {
		say("%s", l->link.error);
		r->err = err;
	} else {
		if (!l->ever && strcmp(l->told_error, l->link.error)) {
			say("%s; waiting for it (Ctrl-C ends; --no-reconnect does not wait)",
				l->link.error);
			snprintf(l->told_error, sizeof(l->told_error), "%s", l->link.error);
		}
		l->told_gone = true;
		l->failed++;
		retry_in(r, l->link.ops->by_path ? RETRY_NS : pause_after(l->failed, OPEN_NS));
	}
}

static void on_line(void *ctx, unsigned int events)
{
	struct run *r = ctx;
	struct run_line *l = &r->line;

	if (l->state == LINE_UP && events & LOOP_READ) {
		line_readable(r, events);
	} else if (l->state == LINE_CONNECTING) {
		loop_unwatch(r->loop, &l->fd);
		loop_timer_stop(r->loop, &l->timer);
		went(r, link_connected(&l->link, false), "");
	}
}

static void on_timer(void *ctx)
{
	struct run *r = ctx;
	struct run_line *l = &r->line;
	char before[IDENTITY_PATH];

	loop_unwatch(r->loop, &l->fd);
	snprintf(before, sizeof(before), "%s", l->link.device);
	if (l->state == LINE_CONNECTING)
		went(r, link_connected(&l->link, true), "");
	else
		went(r, link_open(&l->link), before);
}

int run_line_open(struct run *r)
{
	struct run_line *l = &r->line;

	l->fd.ready = on_line;
	l->timer.due = on_timer;
	l->fd.ctx = l->timer.ctx = r;
	if (link_init(&l->link, r->opt->port, &r->opt->link)) {
		say("%s", l->link.error);
		return -EINVAL;
	}
	went(r, link_open(&l->link), "");
	/* Nothing is created for a line that is none. */
	while (l->state == LINE_CONNECTING && !r->err && !loop_signals()) {
		int err = loop_turn(r->loop);

		if (err)
			r->err = err;
	}
	return r->err;
}

void run_line_start(struct run *r)
{
	if (r->line.state == LINE_UP)
		line_up(r, "");
}

void run_line_watch(struct run *r)
{
	struct run_line *l = &r->line;
	unsigned int events = LOOP_READ | (back_waits(&r->back) ? LOOP_WRITE : 0u);
	int err;

	if (l->state != LINE_UP)
		return;
	/* Its end would be told again and again while it is not read. A file waits for everything, others for
	 * what would cost events. */
	if (l->link.ops->waits &&
		(!recorder_has_room(r->recorder) ||
			(l->link.ops->whole && !recorder_sides_have_room(r->recorder)))) {
		loop_unwatch(r->loop, &l->fd);
		return;
	}
	err = loop_watch(r->loop, &l->fd, l->link.fd, events);
	if (err)
		r->err = err;
}
