/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/record_loop.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/commands.h"
#include "host/record/back.h"
#include "host/record/controller.h"
#include "host/record/ctl_server.h"
#include "host/model/reader.h"
#include "host/base/say.h"
#include "host/base/text.h"

#define SECOND     UINT64_C(1000000000)
#define TICK_MS    100
#define STATS_NS   (5 * SECOND)
#define LIVE_NS    (SECOND / 2)
#define RETRY_NS   (SECOND / 4)
#define REFUSED_NS (2 * SECOND)  /* until a board that turned us away is asked again */
#define GOODBYE_NS SECOND        /* quiet after a goodbye: nobody starts again at once */
#define MISSING_NS (10 * SECOND) /* the same while frames are missing that may be sent again */
#define NO_FRAME_NS                                                                                \
	(3 * SECOND) /* and NO_FRAME_BYTES: time to ask whether this is the right line */
#define NO_FRAME_BYTES 2048u

struct loop {
	const struct record_options *opt;
	struct link link;
	struct recorder *recorder;
	struct back back;
	struct controller controller;
	struct ctl_server ctl;
	uint64_t start_ns, now_ns;
	uint64_t stats_at_ns, live_at_ns, retry_at_ns, first_byte_ns;
	uint64_t live_bytes; /* wire bytes when the live line was drawn */
	bool idle_done, warned_no_frame, live;
	bool fresh;         /* nothing has come on this connection */
	char refusal[128];  /* why the board turned us away last, "" */
	const char *reason; /* to end for; NULL: go on */
	sigset_t unblocked;
};

static volatile sig_atomic_t stop_signals;

static void on_signal(int number)
{
	stop_signals = 1;
	/* The next one kills. */
	signal(number, SIG_DFL);
}

/* Signals arrive only inside ppoll, so none is missed between looking and waiting. */
static void catch_signals(struct loop *l)
{
	struct sigaction act = {.sa_handler = on_signal};
	sigset_t block;

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &l->unblocked);
}

static void show_live(struct loop *l, const struct recorder_state *s)
{
	double seconds = (double)(l->now_ns - l->live_at_ns) / 1e9;
	double rate = seconds > 0 ? (double)(s->line.wire_bytes - l->live_bytes) / seconds : 0;
	char use[32] = "", backlog[48] = "", size[TEXT_NUMBER], spool[TEXT_NUMBER];

	if (l->link.ops->has_rate) /* 8N1: ten bits a byte */
		snprintf(use, sizeof(use), " (%.0f %% of %u baud)", rate * 1000 / l->opt->link.baud,
			l->opt->link.baud);
	if (s->has_status && s->status.spool_size)
		snprintf(backlog, sizeof(backlog), ", %s wait on the board",
			text_bytes(spool, s->status.spool_bytes));
	say_live("%s/s%s, %" PRIu64 " events, %" PRIu64 " lost, %" PRIu64 " bad frames%s%s",
		text_bytes(size, (uint64_t)rate), use, s->events, s->lost, s->line.frames_bad,
		backlog, l->link.fd < 0 ? ", line is gone" : "");
	l->live_at_ns = l->now_ns;
	l->live_bytes = s->line.wire_bytes;
}

/* ---- the line comes and goes ---------------------------------------------------------------- */

static int line_gone(struct loop *l)
{
	int err = recorder_disconnected(l->recorder, l->link.text);

	link_close(&l->link);
	back_forget(&l->back);
	if (err)
		return err;
	if (!l->link.ops->vanishes) {
		l->reason = "end of input";
	} else if (recorder_state(l->recorder)->goodbye && !l->opt->follow) {
		l->reason = "goodbye";
	} else if (l->opt->no_reconnect) {
		say("%s is gone, recording ends", l->link.port);
		l->reason = "line gone";
	} else if (*l->refusal && l->fresh) {
		l->retry_at_ns = l->now_ns + REFUSED_NS;
	} else {
		say("%s is gone, waiting for it to come back (Ctrl-C ends the recording)",
			l->link.port);
		l->retry_at_ns = l->now_ns + RETRY_NS;
	}
	return 0;
}

/* A board that serves nobody more says why, in words, and closes. True if these bytes are that. */
static bool take_refusal(struct loop *l, const uint8_t *data, size_t len)
{
	char line[128], why[sizeof(l->refusal)];
	size_t at = strlen(AYP_REFUSAL), n = 0;

	if (!l->link.ops->tells_presence || !l->fresh || len < at || memcmp(data, AYP_REFUSAL, at))
		return false;
	while (at < len && data[at] != '\n' && n + 1 < sizeof(line))
		line[n++] = (char)data[at++];
	line[n] = '\0';
	text_clean(why, sizeof(why), line);
	if (strcmp(why, l->refusal))
		say("the board turns us away: %s%s", why,
			l->opt->no_reconnect ? "" : "; trying again every two seconds");
	snprintf(l->refusal, sizeof(l->refusal), "%s", why);
	return true;
}

static void say_back(const struct loop *l, const char *before)
{
	char device[IDENTITY_PATH];

	text_clean(device, sizeof(device), l->link.device);
	if (strcmp(before, l->link.device))
		say("%s is back as %s", l->link.port, device);
	else
		say("%s is back", l->link.port);
}

static int line_retry(struct loop *l)
{
	char before[IDENTITY_PATH];
	sigset_t blocked;
	int err;

	if (l->now_ns < l->retry_at_ns)
		return 0;
	l->retry_at_ns = l->now_ns + RETRY_NS;
	snprintf(before, sizeof(before), "%s", l->link.device);
	/* Looking a name up and connecting take seconds where nobody answers: one signal ends the waiting
	 * for a connection, a second one the program. */
	sigprocmask(SIG_SETMASK, &l->unblocked, &blocked);
	err = link_open(&l->link);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	if (err)
		return 0;
	l->fresh = true;
	if (!*l->refusal)
		say_back(l, before);
	controller_reopened(&l->controller);
	return recorder_connected(l->recorder, l->link.text);
}

static int line_readable(struct loop *l, short revents)
{
	static uint8_t buf[65536];
	ssize_t n = link_read(&l->link, buf, sizeof(buf));
	ayaprof_UartErrors errors;
	int err = 0;

	if (n > 0 && take_refusal(l, buf, (size_t)n))
		return 0;
	if (n > 0) {
		l->fresh = false;
		*l->refusal = '\0';
		if (!l->first_byte_ns)
			l->first_byte_ns = l->now_ns;
		l->idle_done = false;
		if (link_errors(&l->link, &errors))
			err = recorder_uart(l->recorder, &errors);
		return err ? err : recorder_bytes(l->recorder, buf, (size_t)n, l->now_ns);
	}
	if (n == -EAGAIN ||
		(l->link.ops->zero_is_nothing && !(revents & (POLLHUP | POLLERR | POLLNVAL))))
		return 0;
	return line_gone(l);
}

/* ---- talking back --------------------------------------------------------------------------- */

static bool may_answer(const struct loop *l)
{
	return l->link.fd >= 0 && l->link.ops->answers && !l->opt->listen_only;
}

static void answer(struct loop *l)
{
	uint8_t frame[ACKER_MAX_WIRE];
	size_t len;

	if (!may_answer(l))
		return;
	controller_tick(&l->controller, recorder_state(l->recorder)->line.frames, l->now_ns);
	/* An older Ack that still waits says less: rather none than two. */
	if (!back_waits(&l->back)) {
		len = acker_say(recorder_acker(l->recorder), frame, l->now_ns);
		if (!len && l->link.ops->tells_presence)
			len = acker_present(recorder_acker(l->recorder), frame, l->now_ns);
		back_send(&l->back, frame, len);
	}
	back_flush(&l->back, &l->link);
	recorder_sent(l->recorder, l->back.sent);
}

static void take_leave(struct loop *l)
{
	uint8_t frame[ACKER_MAX_WIRE];
	size_t len;

	if (!may_answer(l))
		return;
	len = acker_leave(recorder_acker(l->recorder), frame);
	back_send(&l->back, frame, len);
	back_flush(&l->back, &l->link);
	recorder_sent(l->recorder, l->back.sent);
}

/* What `hostdec ctl` asks for. A port of "" is any. */
static void hear_user(struct loop *l)
{
	const char *port, *command;
	int err;

	if (ctl_server_waits(&l->ctl) && l->controller.answered) {
		ctl_server_answer(&l->ctl, l->controller.result, l->controller.text);
		return;
	}
	if (!ctl_server_hear(&l->ctl, l->now_ns, &port, &command))
		return;
	if (*port && strcmp(port, l->opt->port)) {
		ctl_server_answer(&l->ctl, 1, "another line");
		return;
	}
	err = may_answer(l) ? controller_ask(&l->controller, command, l->now_ns) : -EPIPE;
	if (err)
		ctl_server_answer(&l->ctl, err,
			err == -EINVAL     ? "no such command; hostdec ctl --help lists them"
			: err == -EBUSY    ? "another command is on its way; try again"
			: err == -ENOTCONN ? "no board that listens is heard on this line"
					   : "this line cannot carry anything to the board");
}

/* ---- one turn ------------------------------------------------------------------------------- */

static void check_ends(struct loop *l, const struct recorder_state *s)
{
	if (stop_signals)
		l->reason = "signal";
	else if (l->opt->duration_s &&
		 (double)(l->now_ns - l->start_ns) / 1e9 >= l->opt->duration_s)
		l->reason = "duration";
	else if (s->goodbye && !l->opt->follow && !l->link.ops->whole &&
		 l->now_ns - s->last_frame_ns >= (s->whole ? GOODBYE_NS : MISSING_NS))
		l->reason = "goodbye";
}

static void check_frames(struct loop *l, const struct recorder_state *s)
{
	if (l->warned_no_frame || s->line.frames || !l->first_byte_ns ||
		s->line.wire_bytes < NO_FRAME_BYTES || l->now_ns - l->first_byte_ns < NO_FRAME_NS)
		return;
	l->warned_no_frame = true;
	say("no valid frame in %" PRIu64
	    " bytes from %s: wrong rate (-b), wrong port, or nothing but a console there?",
		s->line.wire_bytes, l->link.port);
}

static int one_turn(struct loop *l)
{
	struct timespec tick = {.tv_nsec = TICK_MS * 1000000};
	struct pollfd p[] = {
		{
			.fd = l->link.fd,
			.events = (short)(POLLIN | (back_waits(&l->back) ? POLLOUT : 0)),
		},
		{.fd = ctl_server_fd(&l->ctl), .events = POLLIN},
	};
	const struct recorder_state *s;
	int ready = ppoll(p, 2, &tick, &l->unblocked), err = 0;

	l->now_ns = recorder_now_ns();
	if (l->link.fd < 0)
		err = line_retry(l);
	else if (ready > 0 && p[0].revents & ~POLLOUT)
		err = line_readable(l, p[0].revents);
	else if (ready <= 0 && !l->idle_done) {
		err = recorder_idle(l->recorder);
		l->idle_done = true;
	}
	if (!err && l->now_ns >= l->stats_at_ns) {
		l->stats_at_ns = l->now_ns + STATS_NS;
		err = recorder_note_stats(l->recorder);
	}
	hear_user(l);
	answer(l);
	s = recorder_state(l->recorder);
	check_frames(l, s);
	if (!l->reason)
		check_ends(l, s);
	if (l->live && l->now_ns - l->live_at_ns >= LIVE_NS)
		show_live(l, s);
	return err;
}

/* ---- the end -------------------------------------------------------------------------------- */

static void say_summary(const struct loop *l, const struct recorder_state *s)
{
	char lost[256] = "", held[80] = "", bytes[TEXT_NUMBER], time[TEXT_NUMBER];
	size_t at = 0;

	if (s->unended == 1)
		snprintf(held, sizeof(held), "; what a session without goodbye held is not known");
	else if (s->unended)
		snprintf(held, sizeof(held),
			"; what %" PRIu32 " sessions without goodbye held is not known",
			s->unended);
	for (unsigned int c = 0; c < LEDGER_CAUSES && at < sizeof(lost); c++) {
		if (s->lost_by_cause[c])
			at += (size_t)snprintf(lost + at, sizeof(lost) - at, "%s%s %" PRIu64,
				at ? ", " : " (", ayp_loss_cause_name(c), s->lost_by_cause[c]);
	}
	say("%s: %" PRIu64 " events, %" PRIu64 " lost%s%s, %" PRIu64 " frames, %" PRIu64
	    " bad, %s in %s%s%s",
		l->opt->files.output, s->events, s->lost, lost, at ? ")" : "", s->line.frames,
		s->line.frames_bad, text_bytes(bytes, s->line.wire_bytes),
		text_duration(time, l->now_ns - l->start_ns),
		s->goodbye || !s->sessions ? "" : "; the board had not finished", held);
}

/* Somebody may have given the recording instead of a line. */
static bool is_recording(const char *path)
{
	struct reader_frame f;
	struct reader *r;
	bool found;

	if (reader_open(&r, path))
		return false;
	found = reader_next(r, &f) == 1 && f.header.kind == AYP_KIND_RECORDING;
	reader_close(r);
	return found;
}

static void say_nothing_came(const struct loop *l, const struct recorder_state *s)
{
	if (*l->refusal)
		return; /* said already */
	if (!s->line.wire_bytes)
		say("nothing arrived on %s: is the board's profiler running, and on the other end "
		    "of this line?",
			l->link.port);
	else if (l->link.ops->whole && is_recording(l->link.port))
		say("%s is a recording already: look at it with hostdec info %s", l->link.port,
			l->link.port);
	else
		say("no valid frame in the %" PRIu64
		    " bytes from %s: wrong rate (-b) or wrong port?",
			s->line.wire_bytes, l->link.port);
}

static int finish(struct loop *l, int err)
{
	struct recorder_state s;
	int err_close;

	take_leave(l);
	ctl_server_close(&l->ctl);
	s = *recorder_state(l->recorder);
	link_close(&l->link);
	err_close = recorder_close(l->recorder, l->reason ? l->reason : "error");
	say_live_clear();
	if (err || err_close)
		return EXIT_FAILED;
	if (!s.line.frames) {
		say_nothing_came(l, &s);
		return EXIT_FAILED;
	}
	say_summary(l, &s);
	return l->opt->strict && (s.lost || !s.goodbye || s.unended || s.later_protocol)
		       ? EXIT_INCOMPLETE
		       : EXIT_OK;
}

/* Recording over what is being read, or one output over another, would destroy both. */
static bool outputs_differ(const struct record_options *opt)
{
	const char *paths[] = {opt->port, opt->files.output, opt->files.console, opt->files.raw};
	struct stat st[4];
	bool there[4];

	for (size_t i = 0; i < 4; i++) {
		there[i] = paths[i] && strcmp(paths[i], "-") && stat(paths[i], &st[i]) == 0 &&
			   S_ISREG(st[i].st_mode);
		for (size_t k = 0; k < i; k++) {
			bool same_name = k && paths[i] && paths[k] && !strcmp(paths[i], paths[k]);

			if (same_name || (there[i] && there[k] && st[i].st_dev == st[k].st_dev &&
						 st[i].st_ino == st[k].st_ino)) {
				say("%s and %s are the same file", paths[k], paths[i]);
				return false;
			}
		}
	}
	return true;
}

int record_run(const struct record_options *opt)
{
	struct loop l = {.opt = opt, .live = !opt->quiet && isatty(STDERR_FILENO)};
	struct recorder_options files = opt->files;
	int err;

	if (!outputs_differ(opt))
		return EXIT_USAGE;
	if (link_init(&l.link, opt->port, &opt->link) || link_open(&l.link)) {
		say("%s", l.link.error);
		return EXIT_FAILED;
	}
	l.fresh = true;
	files.link = l.link.text;
	catch_signals(&l);
	if (recorder_open(&l.recorder, &files)) {
		link_close(&l.link);
		return EXIT_FAILED;
	}
	controller_init(&l.controller, &l.link, &l.back, recorder_acker(l.recorder),
		recorder_messages(l.recorder), (uint32_t)recorder_now_ns());
	controller_negotiate(&l.controller, opt->negotiate);
	recorder_set_controller(l.recorder, &l.controller);
	(void)ctl_server_open(&l.ctl);
	l.start_ns = l.now_ns = l.live_at_ns = recorder_now_ns();
	l.stats_at_ns = l.start_ns + STATS_NS;
	err = recorder_connected(l.recorder, l.link.text);
	while (!err && !l.reason)
		err = one_turn(&l);
	return finish(&l, err);
}
