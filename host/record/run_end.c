/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The end of a run: everything back as it was, and one line that says how it went. */
#include "host/record/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/say.h"
#include "host/base/text.h"
#include "host/commands.h"
#include "host/recording/reader.h"
#include "host/recording/recording.h"

/* For a terminal that takes no messages. */
#define MESSAGES_NS RUN_SECOND
/* Half a second to read; who ends a longer recording is not kept waiting for figures. */
#define READ_BACK_MAX (64 << 20)

bool run_heard_goodbye(const struct recorder_state *s)
{
	/* One that was in the file before is none. */
	return s->goodbye && s->last_frame_ns;
}

/* While recording, sessions that come and go, and frames that come twice, are counted in little memory.
 * Now that all is settled the recording itself says what is in it: the same to everybody who asks. */
static void read_back(struct recorder_state *s, const char *path)
{
	static const struct trace_sink nothing;
	const struct trace_totals *t;
	struct recording rec;
	struct stat st;
	uint64_t events = 0;

	if (stat(path, &st) || !S_ISREG(st.st_mode) || st.st_size > READ_BACK_MAX)
		return;
	if (recording_read(&rec, path, &nothing, NULL, RECORDING_MUTE) == 0) {
		t = trace_totals(rec.trace);
		for (uint16_t i = 0; i < trace_session_count(rec.trace); i++)
			events += trace_session(rec.trace, i)->delivered;
		s->events = events;
		s->lost = t->lost_total;
		memcpy(s->lost_by_cause, t->lost, sizeof(s->lost_by_cause));
	}
	recording_close(&rec);
}

static void say_summary(const struct run *r, const struct recorder_state *s)
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
		r->opt->files.output, s->events, s->lost, lost, at ? ")" : "", s->line.frames,
		s->line.frames_bad, text_bytes(bytes, s->line.wire_bytes),
		text_duration(time, loop_now(r->loop) - r->start_ns),
		s->goodbye || !s->sessions ? "" : "; the board had not finished", held);
}

/* Somebody may have given the recording instead of a line. */
static bool is_recording(const char *path)
{
	struct reader_frame f;
	struct reader *reader;
	bool found;

	if (reader_open(&reader, path))
		return false;
	found = reader_next(reader, &f) == 1 && f.header.kind == AYP_KIND_RECORDING;
	reader_close(reader);
	return found;
}

static void say_nothing_came(const struct run *r, const struct recorder_state *s)
{
	const char *port = r->line.link.port;

	if (*r->line.told_banner && r->line.refused)
		return; /* said already */
	if (!r->line.ever)
		say("%s was not there", port);
	else if (!s->line.wire_bytes)
		say("nothing arrived on %s: is the board's profiler running, and on the other end "
		    "of this line?",
			port);
	else if (r->line.link.ops->whole && is_recording(port))
		say("%s is a recording already: look at it with hostdec info %s", port, port);
	else
		say("no valid frame in the %" PRIu64
		    " bytes from %s: wrong rate (-b) or wrong port?",
			s->line.wire_bytes, port);
}

static void take_leave(struct run *r)
{
	uint8_t frame[ACKER_MAX_WIRE];
	size_t len;

	if (!run_line_answers(r))
		return;
	len = acker_leave(recorder_acker(r->recorder), frame);
	back_send(&r->back, frame, len);
	back_flush(&r->back, &r->line.link);
	recorder_sent(r->recorder, r->back.sent);
}

static int end_recording(struct run *r)
{
	struct recorder_state s;
	int err;

	take_leave(r);
	/* The port first: it is put back whatever the outputs do. */
	loop_unwatch(r->loop, &r->line.fd);
	link_close(&r->line.link);
	say_live_clear();
	err = recorder_close(r->recorder, r->reason ? r->reason : "error", &s);
	if (r->err || err)
		return EXIT_FAILED;
	if (!s.line.frames) {
		say_nothing_came(r, &s);
		return EXIT_FAILED;
	}
	read_back(&s, r->opt->files.output);
	say_summary(r, &s);
	return r->opt->strict && (s.lost || !s.goodbye || s.unended || s.later_protocol)
		       ? EXIT_INCOMPLETE
		       : EXIT_OK;
}

int run_end(struct run *r)
{
	int status = EXIT_FAILED;

	if (r->ctl.loop)
		ctl_server_close(&r->ctl);
	if (r->recorder)
		status = end_recording(r);
	else
		link_close(&r->line.link);
	say_through(NULL);
	if (r->messages)
		writer_close(r->messages, MESSAGES_NS, NULL);
	loop_free(r->loop);
	if (r->wake_fd > 0)
		close(r->wake_fd);
	return status;
}
