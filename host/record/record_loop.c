/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/record_loop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host/base/say.h"
#include "host/commands.h"
#include "host/record/run.h"
#include "target/base/output_file.h"

#define TICK_NS    (100 * RUN_MS)
#define STATS_NS   (5 * RUN_SECOND)
#define LIVE_NS    (RUN_SECOND / 2)
#define GOODBYE_NS RUN_SECOND        /* quiet after a goodbye: nobody starts again at once */
#define MISSING_NS (10 * RUN_SECOND) /* the same while frames are missing that may be sent again */
#define NO_FRAME_NS                                                                                \
	(3 * RUN_SECOND) /* and NO_FRAME_BYTES: time to ask whether this is the right line */
#define NO_FRAME_BYTES 2048u
#define MESSAGES_BYTES 65536u /* for a terminal that is stopped */

/* ---- talking back --------------------------------------------------------------------------- */

static void answer(struct run *r)
{
	struct acker *acker = recorder_acker(r->recorder);
	uint64_t now = loop_now(r->loop);
	uint8_t frame[ACKER_MAX_WIRE];
	size_t len;

	if (!run_line_answers(r))
		return;
	controller_tick(&r->controller, recorder_state(r->recorder)->line.frames, now);
	/* An older Ack that still waits says less: rather none than two. */
	if (!back_waits(&r->back)) {
		len = acker_say(acker, frame, now);
		if (!len && r->line.link.ops->tells_presence)
			len = acker_present(acker, frame, now);
		back_send(&r->back, frame, len);
	}
	back_flush(&r->back, &r->line.link);
	recorder_sent(r->recorder, r->back.sent);
}

/* What `hostdec ctl` asks for. A port of "" is any. */
static void on_request(void *ctx, const char *port, const char *command)
{
	struct run *r = ctx;
	int err;

	if (*port && !link_is(&r->line.link, port)) {
		ctl_server_answer(&r->ctl, 1, "another line");
		return;
	}
	err = run_line_answers(r) ? controller_ask(&r->controller, command, loop_now(r->loop))
				  : -EPIPE;
	if (err)
		ctl_server_answer(&r->ctl, err,
			err == -EINVAL     ? "no such command; hostdec ctl --help lists them"
			: err == -EBUSY    ? "another command is on its way; try again"
			: err == -ENOTCONN ? "no board that listens is heard on this line"
					   : "this line cannot carry anything to the board");
}

static void answer_user(struct run *r)
{
	if (ctl_server_waits(&r->ctl) && r->controller.answered)
		ctl_server_answer(&r->ctl, r->controller.result, r->controller.text);
}

/* ---- one turn ------------------------------------------------------------------------------- */

static void check_ends(struct run *r, const struct recorder_state *s)
{
	uint64_t now = loop_now(r->loop);

	if (loop_signals())
		r->reason = "signal";
	else if (r->opt->duration_s && (double)(now - r->start_ns) / 1e9 >= r->opt->duration_s)
		r->reason = "duration";
	else if (run_heard_goodbye(s) && !r->opt->follow && !r->line.link.ops->whole &&
		 now - s->last_frame_ns >= (s->whole ? GOODBYE_NS : MISSING_NS))
		r->reason = "goodbye";
}

static void check_frames(struct run *r, const struct recorder_state *s)
{
	if (r->warned_no_frame || s->line.frames || !r->first_byte_ns ||
		s->line.wire_bytes < NO_FRAME_BYTES ||
		loop_now(r->loop) - r->first_byte_ns < NO_FRAME_NS)
		return;
	r->warned_no_frame = true;
	say("no valid frame in %" PRIu64
	    " bytes from %s: wrong rate (-b), wrong port, or nothing but a console there?",
		s->line.wire_bytes, r->line.link.port);
}

static void show_live(struct run *r, const struct recorder_state *s)
{
	uint64_t now = loop_now(r->loop);
	unsigned int columns = r->opt->quiet || now < r->live_at_ns ? 0 : say_columns();
	const struct link *link = &r->line.link;
	char line[LIVE_LINE_MAX];

	if (!columns)
		return;
	r->live_at_ns = now + LIVE_NS;
	say_live("%s", live_line_draw(&r->live, line, columns, s,
			       link->ops->has_rate ? r->opt->link.baud : 0,
			       r->line.state != LINE_UP, now));
}

static void on_tick(void *ctx)
{
	struct run *r = ctx;

	if (loop_timer_set(r->loop, &r->tick, loop_now(r->loop) + TICK_NS))
		r->err = -ENOMEM;
}

static void on_wake(void *ctx, unsigned int events)
{
	struct run *r = ctx;
	uint64_t n;

	(void)!read(r->wake_fd, &n, sizeof(n));
}

static int note_what_time_brings(struct run *r)
{
	uint64_t now = loop_now(r->loop);
	int err = 0;

	if (!r->idle_done && now >= r->idle_at_ns) {
		err = recorder_idle(r->recorder);
		r->idle_done = true;
	}
	if (!err && now >= r->stats_at_ns) {
		r->stats_at_ns = now + STATS_NS;
		err = recorder_note_stats(r->recorder);
	}
	return err;
}

static int one_turn(struct run *r)
{
	const struct recorder_state *s;
	int err;

	run_line_watch(r);
	err = loop_turn(r->loop);
	if (!err)
		err = note_what_time_brings(r);
	if (!err)
		err = recorder_check(r->recorder);
	answer_user(r);
	answer(r);
	s = recorder_state(r->recorder);
	check_frames(r, s);
	if (!r->reason)
		check_ends(r, s);
	show_live(r, s);
	return err ? err : r->err;
}

/* ---- the beginning -------------------------------------------------------------------------- */

/* Recording over what is being read, or one output over another, would destroy both. */
static bool outputs_differ(const struct record_options *opt)
{
	const char *paths[] = {opt->port, opt->files.output, opt->files.console, opt->files.raw};

	for (size_t i = 0; i < 4; i++) {
		for (size_t k = 0; k < i; k++) {
			if (output_same(paths[k], paths[i])) {
				say("%s and %s are the same file", paths[k], paths[i]);
				return false;
			}
		}
	}
	return true;
}

static int begin_loop(struct run *r)
{
	struct writer_options messages = {
		.fd = STDERR_FILENO, .keep_open = true, .size = MESSAGES_BYTES};
	int err = loop_new(&r->loop);

	if (!err)
		err = loop_catch_signals(r->loop);
	if (!err && (r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		err = -errno;
	r->wake.ready = on_wake;
	r->tick.due = on_tick;
	r->wake.ctx = r->tick.ctx = r;
	if (!err)
		err = loop_watch(r->loop, &r->wake, r->wake_fd, LOOP_READ);
	if (!err)
		err = loop_timer_set(r->loop, &r->tick, loop_clock() + TICK_NS);
	if (!err)
		err = writer_new(&r->messages, &messages);
	if (err)
		say("cannot record: %s", strerror(-err));
	else
		say_through(r->messages);
	return err;
}

static int begin_recording(struct run *r)
{
	struct recorder_options files = r->opt->files;
	int err;

	files.link = r->line.link.text;
	files.wake_fd = r->wake_fd;
	err = recorder_open(&r->recorder, &files);
	if (err)
		return err;
	controller_init(&r->controller, &r->line.link, &r->back, recorder_acker(r->recorder),
		recorder_messages(r->recorder), (uint32_t)loop_clock());
	controller_negotiate(&r->controller, r->opt->negotiate);
	recorder_set_controller(r->recorder, &r->controller);
	r->ctl.request = on_request;
	r->ctl.ctx = r;
	(void)ctl_server_open(&r->ctl, r->loop);
	r->start_ns = r->live.at_ns = loop_clock();
	r->stats_at_ns = r->start_ns + STATS_NS;
	r->live_at_ns = r->start_ns + LIVE_NS;
	run_line_start(r);
	return 0;
}

int record_run(const struct record_options *opt)
{
	struct run r = {.opt = opt, .line.link.fd = -1};
	int err;

	if (!outputs_differ(opt))
		return EXIT_USAGE;
	err = begin_loop(&r);
	if (!err)
		err = run_line_open(&r);
	if (!err)
		err = begin_recording(&r);
	while (!err && !r.reason)
		err = one_turn(&r);
	r.err = err;
	return run_end(&r);
}
