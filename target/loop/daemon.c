/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/loop/daemon.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "target/stream/stream.h"
#include "target/loop/command.h"
#include "target/setup/console.h"
#include "target/setup/guard.h"
#include "target/source/kmsg.h"
#include "target/base/log.h"
#include "target/base/memory.h"
#include "target/setup/mounts.h"
#include "target/options/option_values.h"
#include "target/base/output_file.h"
#include "target/loop/signal_set.h"
#include "target/loop/signals.h"
#include "target/sink/mode.h"
#include "target/loop/summary.h"
#include "target/base/usage.h"

#define LOOP_MS 50u
/* After events have come, the source is left alone for a while: waking up for each one would cost
 * more than all the rest, and show in the scheduler's events. */
#define COALESCE_NS     (5 * NS_PER_MS)
#define COALESCE_MIN_NS (NS_PER_MS / 5)
/* The ring that such a rest suits; smaller ones fill in less time. */
#define COALESCE_RING (4u << 20)
/* Events of one round, so that the line and signals get their turn. */
#define ROUND_EVENTS 16384u
/* For a command that was told to end, so that how it ended is known. */
#define COMMAND_NS (2 * NS_PER_S)

enum phase { PHASE_RUN, PHASE_REST, PHASE_CLOSING, PHASE_DONE };

struct daemon {
	const struct config *cfg;
	struct names *names;
	struct channel *channels[STREAM_MAX_CHANNELS];
	size_t n_channels;
	struct stream *stream;
	struct source_sink sink; /* the source keeps a reference */
	struct source *source;
	struct command command;
	struct console console;
	int kmsg;    /* descriptor of the kernel's log, -1: not wanted */
	int signals; /* descriptor of signals.h */
	struct signals_found found;
	enum phase phase;
	const char *reason;
	bool forced, failed;
	bool said_memory;          /* for what there was none */
	uint64_t command_until_ns; /* a command that was told to end is waited for so long */
	bool again;                /* the source had more than one round takes */
	uint64_t stop_at_ns;       /* 0: no --duration */
	uint64_t rest_until_ns;
};

/* ---- setting up ----------------------------------------------------------------------------- */

/* When a run is cut off: what would stay behind on the board. */
static void leave_as_found(void *ctx)
{
	struct daemon *d = ctx;

	console_restore(&d->console);
	for (size_t i = 0; i < d->n_channels; i++) {
		struct sink *sink = d->channels[i]->sink;
		if (sink->ops->restore)
			sink->ops->restore(sink);
	}
}

static int catch_signals(struct daemon *d)
{
	sigset_t set;

	signal_set_fill(&set);
	signal_set_ignore(&d->found);
	signals_set_restore(leave_as_found, d);
	d->signals = signals_start(&set, &d->found.mask);
	return d->signals < 0 ? d->signals : 0;
}

static uint32_t new_session(void)
{
	uint32_t id = 0;

	/* Session 0 is the recorder's. */
	while (id == 0)
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			id = (uint32_t)now_ns() | 1;
	return id;
}

static int open_channels(struct daemon *d)
{
	struct sink *sinks[MODE_MAX_SINKS];
	uint32_t session = new_session();
	int n = mode_open_sinks(d->cfg, sinks);
	bool failed = false;

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		/* A file keeps up by itself; beside a stream it needs a spool only for hiccups. */
		size_t size = i == 0 ? d->cfg->spool_mem : d->cfg->spool_mem / 4 + SPOOL_MIN_SIZE;
		if (failed) {
			sinks[i]->ops->free(sinks[i]);
			continue;
		}
		d->channels[i] = channel_new(sinks[i], d->cfg, session, size);
		if (d->channels[i])
			d->n_channels++;
		else
			failed = true;
	}
	if (failed) {
		d->said_memory = true;
		log_error("--spool-mem %zuK: out of memory; --spool-mem %zuK is what this board "
			  "takes by itself",
			d->cfg->spool_mem / 1024, default_spool_bytes(memory_of_board()) / 1024);
	}
	return failed ? -ENOMEM : 0;
}

static int open_kernel_log(struct daemon *d)
{
	const struct config *cfg = d->cfg;
	int err = 0;

	if (cfg->kmsg != KMSG_OFF) {
		d->kmsg = kmsg_open(KMSG_PATH, cfg->kmsg == KMSG_ALL);
		err = d->kmsg < 0 ? d->kmsg : 0;
	}
	if (!err && cfg->quiet_console)
		err = console_quiet(&d->console, CONSOLE_LEVEL_PATH);
	return err;
}

static void tell_memory(const struct daemon *d)
{
	char ring[80] = "";

	if (!d->cfg->replay_file)
		snprintf(ring, sizeof(ring), ", ring %zu KiB (seen twice, but there once)",
			d->cfg->ring_bytes / 1024);
	log_detail("memory: %llu KiB resident, spool up to %zu KiB%s",
		(unsigned long long)d->stream->rss_kb, d->cfg->spool_mem / 1024, ring);
}

/* What would fail at the end fails now. */
static int look_ahead(const struct config *cfg)
{
	char why[OUTPUT_WHY];
	int err = cfg->command ? command_look(cfg->command) : 0;

	if (!err && cfg->summary_json) {
		err = output_file_check(cfg->summary_json, why);
		if (err)
			log_error("cannot write %s: %s; check --summary-json", cfg->summary_json,
				why);
	}
	return err;
}

static int set_up(struct daemon *d)
{
	const struct config *cfg = d->cfg;
	int err = catch_signals(d);

	if (!err)
		err = look_ahead(cfg);
	if (!err && cfg->command)
		err = command_prepare(&d->command, cfg->command, &d->found);
	if (!err && !cfg->replay_file)
		mounts_complete();
	signals_doing("opening the outputs");
	if (!err)
		err = open_channels(d);
	if (!err)
		err = open_kernel_log(d);
	if (err)
		return err;
	d->names = names_new();
	d->stream = d->names ? stream_new(cfg, d->names, d->channels, d->n_channels) : NULL;
	if (!d->stream)
		return -ENOMEM;
	d->stream->log.fd = d->kmsg;
	d->sink = stream_source_sink(d->stream);
	d->source = cfg->replay_file ? replay_source_new(cfg, d->names, &d->sink)
				     : probes_source_new(cfg, d->names, &d->sink);
	if (!d->source)
		return -EIO;
	signals_doing("attaching the probes");
	err = d->source->ops->start(d->source);
	d->said_memory = err == -ENOMEM; /* as of every error: in its own words */
	if (err < 0)
		return err;
	memory_give_back(); /* planning and attaching took far more than running will */
	stream_set_now(d->stream, now_ns());
	stream_begin(d->stream, d->source);
	err = d->source->ops->activate(d->source);
	if (err < 0)
		return err;
	d->stream->rss_kb = usage_rss_kb();
	tell_memory(d);
	if (cfg->duration_s > 0)
		d->stop_at_ns = now_ns() + (uint64_t)(cfg->duration_s * 1e9);
	return 0;
}

static void tear_down(struct daemon *d)
{
	command_release(&d->command);
	if (d->command.running)
		log_note("the command is still running (pid %d)", (int)d->command.pid);
	if (d->source)
		d->source->ops->free(d->source);
	stream_free(d->stream);
	for (size_t i = 0; i < d->n_channels; i++)
		channel_free(d->channels[i]);
	names_free(d->names);
	console_restore(&d->console);
	if (d->kmsg >= 0)
		close(d->kmsg);
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void stop(struct daemon *d, const char *reason)
{
	if (d->phase != PHASE_RUN)
		return;
	d->reason = reason;
	d->source->ops->deactivate(d->source);
	d->phase = PHASE_REST;
}

static void take_signal(struct daemon *d, const struct signals_seen *seen)
{
	int number = seen->number;

	if (signal_set_is_for_job(number))
		command_signal(&d->command, number, seen->code == SI_KERNEL);
	if (d->phase != PHASE_RUN) {
		d->forced = true;
		return;
	}
	if (number != SIGINT && number != SIGTERM)
		log_note("%s: stopping", signal_set_name(number));
	d->command_until_ns = now_ns() + COMMAND_NS;
	stop(d, "signal");
}

static void take_signals(struct daemon *d)
{
	struct signals_seen seen;

	while (signals_next(&seen)) {
		if (seen.number != SIGCHLD)
			take_signal(d, &seen);
		else if (command_reap(&d->command))
			stop(d, "command ended");
	}
}

static bool waits_for_command(const struct daemon *d)
{
	return d->command.running && !d->forced && d->stream->now_ns < d->command_until_ns;
}

static bool replays_at_max(const struct daemon *d)
{
	return d->cfg->replay_file && d->cfg->replay_rate == REPLAY_MAX;
}

/* A recording waits for room. Once it is stopped nothing more comes of it, and the end must
 * come. */
static bool held_back(const struct daemon *d)
{
	return replays_at_max(d) && d->phase == PHASE_RUN;
}

static uint64_t coalesce_ns(const struct daemon *d)
{
	uint64_t ns = COALESCE_NS;

	if (!d->cfg->replay_file && d->cfg->ring_bytes < COALESCE_RING)
		ns = COALESCE_NS * d->cfg->ring_bytes / COALESCE_RING;
	return ns < COALESCE_MIN_NS ? COALESCE_MIN_NS : ns;
}

static int consume(struct daemon *d)
{
	unsigned int taken = 0;
	int n;

	d->again = false;
	while (taken < ROUND_EVENTS) {
		unsigned int max = ROUND_EVENTS - taken;
		if (held_back(d)) {
			if (!stream_has_room(d->stream))
				stream_pump(d->stream);
			if (!stream_has_room(d->stream))
				return (int)taken;
			max = STREAM_BATCH;
		}
		n = d->source->ops->consume(d->source, max, d->stream->now_ns);
		if (n <= 0)
			return taken ? (int)taken : n;
		taken += (unsigned int)n;
	}
	d->again = true;
	return (int)taken;
}

static void quiesce(struct daemon *d)
{
	stream_quiesce(d->stream);
	d->phase = PHASE_CLOSING;
}

static void run_source(struct daemon *d)
{
	uint64_t now = d->stream->now_ns;
	int n;

	if (d->phase == PHASE_RUN && d->stop_at_ns && now >= d->stop_at_ns)
		stop(d, "duration");
	if (d->phase == PHASE_RUN && d->stream->stop_wanted)
		stop(d, "stopped by the host");
	if (d->phase == PHASE_RUN && now < d->rest_until_ns)
		return;
	n = d->forced ? 0 : consume(d);
	if (n < 0 && n != -ENODATA && n != -EAGAIN) {
		d->failed = true; /* the source has said why */
		stop(d, "error");
		quiesce(d);
	} else if (n == -ENODATA) {
		stop(d, "finished");
		quiesce(d);
	} else if (n == 0 && d->phase == PHASE_REST) {
		if (!waits_for_command(d))
			quiesce(d);
	} else if (n > 0 && !replays_at_max(d) && !d->again) {
		d->rest_until_ns = now + coalesce_ns(d);
	}
}

static void run_closing(struct daemon *d)
{
	struct stream_end end = {
		.reason = d->reason,
		.exit_status = d->command.ended ? d->command.exit_status : -1,
		.forced = d->forced,
	};

	if (stream_close(d->stream, &end))
		d->phase = PHASE_DONE;
}

/* When the first of them wants to be given more; 0: none does. */
static uint64_t channels_due_ns(const struct daemon *d)
{
	uint64_t first = 0;

	for (size_t i = 0; i < d->n_channels; i++) {
		const struct sink *sink = d->channels[i]->sink;
		uint64_t due = sink->ops->next_ns ? sink->ops->next_ns(sink,
							    channel_wants_sink(d->channels[i]))
						  : 0;

		if (due && (!first || due < first))
			first = due;
	}
	return first;
}

static uint64_t wait_ns(struct daemon *d)
{
	uint64_t now = now_ns();
	uint64_t interval = (uint64_t)d->cfg->interval_ms * NS_PER_MS;
	uint64_t wait = LOOP_MS * NS_PER_MS, due;

	if (interval < wait)
		wait = interval;
	if (d->phase == PHASE_CLOSING || (d->phase == PHASE_REST && waits_for_command(d)))
		return 10 * NS_PER_MS;
	due = channels_due_ns(d);
	if (due)
		wait = due <= now ? 0 : due - now < wait ? due - now : wait;
	if (d->again || d->phase == PHASE_REST || (held_back(d) && stream_has_room(d->stream)))
		return 0;
	due = d->source->ops->next_due_ns(d->source);
	if (due)
		wait = due <= now ? 0 : due - now < wait ? due - now : wait;
	if (d->rest_until_ns > now && d->rest_until_ns - now < wait)
		wait = d->rest_until_ns - now;
	if (d->stop_at_ns)
		wait = d->stop_at_ns <= now         ? 0
		       : d->stop_at_ns - now < wait ? d->stop_at_ns - now
						    : wait;
	return wait;
}

static void wait_for_work(struct daemon *d)
{
	struct pollfd fds[2 + STREAM_MAX_CHANNELS];
	nfds_t n = 0;
	uint64_t wait = wait_ns(d);
	struct timespec timeout = {(time_t)(wait / NS_PER_S), (long)(wait % NS_PER_S)};

	fds[n++] = (struct pollfd){.fd = d->signals, .events = POLLIN};
	for (size_t i = 0; i < d->n_channels; i++) {
		struct sink *sink = d->channels[i]->sink;
		fds[n++] = (struct pollfd){
			.fd = sink->ops->poll_fd(sink),
			.events = sink->ops->poll_events(sink, channel_wants_sink(d->channels[i])),
		};
	}
	if (d->phase == PHASE_RUN && d->rest_until_ns <= now_ns())
		fds[n++] = (struct pollfd){.fd = d->source->ops->fd(d->source), .events = POLLIN};
	if (ppoll(fds, n, &timeout, NULL) <= 0)
		return;
	if (fds[0].revents)
		take_signals(d);
	for (size_t i = 0; i < d->n_channels; i++) {
		if (fds[1 + i].fd < 0 || !fds[1 + i].revents)
			continue;
		d->channels[i]->sink->ops->poll_ready(d->channels[i]->sink, fds[1 + i].revents);
		if (fds[1 + i].revents & POLLIN)
			channel_hear(d->channels[i], d->stream->now_ns);
	}
}

static void loop(struct daemon *d)
{
	while (d->phase != PHASE_DONE) {
		wait_for_work(d);
		stream_set_now(d->stream, now_ns());
		log_tick(d->stream->now_ns);
		if (d->phase < PHASE_CLOSING)
			run_source(d);
		stream_tick(d->stream);
		stream_pump(d->stream);
		if (d->phase == PHASE_CLOSING)
			run_closing(d);
	}
}

/* Ours if we failed, else the command's, as time(1) has it. */
static int exit_status(const struct daemon *d, int err)
{
	if (err || d->failed)
		return 1;
	return d->command.ended ? d->command.exit_status : 0;
}

int daemon_run(const struct config *cfg)
{
	struct daemon d = {.cfg = cfg, .signals = -1, .kmsg = -1, .reason = "finished"};
	int err;

	if (!cfg->replay_file)
		guard_start();
	err = set_up(&d);
	if (err == -ENOMEM && !d.said_memory)
		log_error("out of memory");
	/* One that cannot run leaves nothing behind: not a word has gone out yet. */
	if (!err && cfg->command)
		err = command_go(&d.command, cfg->command);
	if (!err) {
		signals_doing("the run");
		loop(&d);
		log_flush(); /* the summary comes last */
		for (size_t i = 0; i < d.n_channels; i++)
			d.failed = d.failed || d.channels[i]->closing.failed;
		summary_print(d.stream);
		if (cfg->summary_json &&
			summary_write_json(d.stream, &d.command, cfg->summary_json))
			d.failed = true;
	}
	signals_set_status(err || d.failed ? 1 : 0);
	signals_doing("removing the probes");
	tear_down(&d);
	return exit_status(&d, err);
}
