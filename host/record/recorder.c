/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "host/trace/origin.h"
#include "host/recording/reader.h"
#include "host/record/controller.h"
#include "host/record/outputs.h"
#include "host/record/receiver.h"
#include "host/recording/record.h"
#include "host/record/recorder_books.h"
#include "host/base/loop.h"
#include "host/base/say.h"
#include "host/record/seen.h"

#define PAGE 4096u /* the smallest there is */
#define MS   UINT64_C(1000000)
/* Without a byte getting through, for a place that takes nothing: before recording, and when it ends. */
#define START_NS (3000 * MS)
#define END_NS   (5000 * MS)
/* When the user is in a hurry; console text and line bytes are worth no more in any case. */
#define HURRY_NS (1000 * MS)
/* Of the queue, for the recorder's own records: frames are refused before. */
#define ROOM (8 * RECORD_MAX)

struct recorder {
	struct output file, console, raw;
	uint32_t own_seq;
	bool refusing, told_refusal; /* no room for frames */
	uint32_t arriving;           /* a session of which nothing is in the file yet; 0: none */
	uint64_t start_ns;           /* loop_clock */
	bool cut;                    /* the run before, in the same file, has no end */
	struct receiver receiver;
	struct seen seen;
	struct acker acker;
	struct controller *controller;
	struct recorder_books books;
	bool over; /* nothing comes any more */
	struct recorder_state state;
	ayaprof_LineStats noted; /* newest in the file */
	uint64_t now_ns;
	struct ayp_message_ctx *ctx;
	union {
		ayaprof_Recording recording;
		ayaprof_LineEvent line_event;
		ayaprof_RecordingEnd end;
	} msg;
	uint8_t record[RECORD_MAX];
};

static int64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* The recording's end, once. */
static int check_file(struct recorder *r)
{
	int err = output_error(&r->file);

	if (err && !r->file.failed)
		say("cannot write %s: %s%s", r->file.name, output_why(err),
			err == -ESTALE ? "" : "; it is readable up to here");
	r->file.failed = r->file.failed || err;
	return err;
}

/* Side outputs are not worth the recording: the first error ends them, with a line. */
static void check_side(struct output *o)
{
	int err = output_error(o);

	if (!err || o->failed)
		return;
	say("cannot write %s: %s; recording goes on without it", o->name, output_why(err));
	o->failed = true;
}

/* There is something to put in the place of what the files had. */
static int begin_files(struct recorder *r)
{
	int err = output_begin(&r->file);

	if (!err)
		err = output_begin(&r->console);
	if (!err)
		err = output_begin(&r->raw);
	if (err)
		say("cannot write %s: %s", r->file.name, strerror(-err));
	return err;
}

/* Append r->record: all that is in the file has come through here, so seek points would, too. What finds no room is the recorder's own, and is said again. */
static int append(struct recorder *r, size_t len)
{
	output_put(&r->file, r->record, len);
	return 0;
}

static int append_body(struct recorder *r, const uint8_t *body, size_t len)
{
	size_t head = record_head(r->record, len);

	memcpy(r->record + head, body, len);
	return append(r, head + len);
}

/* One of the recorder's own records, r->msg. */
static int append_own(struct recorder *r, unsigned int kind)
{
	uint8_t payload[FRAMING_MAX_PAYLOAD], body[FRAMING_MAX_BODY];
	struct framing_header h = {.kind = (uint8_t)kind, .seq = r->own_seq++};
	int len = ayp_message_encode(r->ctx, kind, &r->msg, payload, sizeof(payload), &h.flags);

	if (len < 0)
		return -EINVAL;
	return append_body(
		r, body, framing_body_write(body, sizeof(body), &h, payload, (size_t)len));
}

static int note_line_event(struct recorder *r, ayaprof_LineEventKind kind, const char *text)
{
	memset(&r->msg, 0, sizeof(r->msg));
	r->msg.line_event = (ayaprof_LineEvent){
		.kind = kind,
		.wall_ns = wall_ns(),
		.since_start_ns = loop_clock() - r->start_ns,
		.has_stats = true,
		.stats = r->state.line,
	};
	if (kind == ayaprof_LineEventKind_LINE_SESSION)
		r->msg.line_event.session = r->arriving;
	snprintf(r->msg.line_event.text, sizeof(r->msg.line_event.text), "%s", text);
	r->noted = r->state.line;
	return append_own(r, AYP_KIND_LINE_EVENT);
}

/* ---- frames --------------------------------------------------------------------------------- */

/* Said again and again by a board; one copy is enough. */
static bool is_repeated_kind(uint8_t kind)
{
	return kind == AYP_KIND_HELLO || kind == AYP_KIND_NAMES || kind == AYP_KIND_STACKS;
}

/* What the output has already: everybody learns of it but the file. */
static void remember(struct recorder *r, const struct reader_frame *f)
{
	const struct framing_header *h = &f->header;

	if (h->kind >= AYP_KIND_RECORDING ||
		!origin_is_board(r->ctx, h, f->payload, f->payload_len))
		return;
	acker_frame(&r->acker, h, f->payload, f->payload_len);
	if (seen_frame(&r->seen, h))
		return;
	recorder_books_frame(&r->books, h, f->payload, f->payload_len);
	if (is_repeated_kind(h->kind) && recorder_books_understood(&r->books, h->session))
		(void)seen_payload(&r->seen, h, f->payload, f->payload_len, r->now_ns);
}

/* Is the disk too slow for this line? The frame then counts as one that did not come: a board that listens
 * sends it again, and of others the gap says what is missing. */
static bool refuses(struct recorder *r)
{
	if (recorder_has_room(r)) {
		r->refusing = false;
		return false;
	}
	r->state.line.frames_refused++;
	if (r->refusing)
		return true;
	r->refusing = true;
	recorder_books_overrun(&r->books);
	note_line_event(r, ayaprof_LineEventKind_LINE_STATS, "the recording's disk is too slow");
	if (!r->told_refusal)
		say("%s takes too little at a time: frames are refused until there is room again",
			r->file.name);
	r->told_refusal = true;
	return true;
}

static int on_frame(void *ctx, const struct receiver_frame *f)
{
	struct recorder *r = ctx;
	ayaprof_Ack ack;
	bool late;
	int err;

	r->state.line.frames++;
	r->state.line.frames_repaired += f->repaired;
	if (!origin_is_board(r->ctx, &f->header, f->payload, f->payload_len))
		return 0;
	if (refuses(r))
		return 0;
	r->state.last_frame_ns = r->now_ns;
	r->acker.encode = f->text ? textframe_encode : framing_encode;
	acker_frame(&r->acker, &f->header, f->payload, f->payload_len);
	late = seen_is_late(&r->seen, &f->header);
	if (seen_frame(&r->seen, &f->header)) {
		r->state.line.frames_repeated++;
		return 0;
	}
	r->state.line.frames_late += late;
	if (f->header.kind == AYP_KIND_ACK && r->controller &&
		!ayp_message_decode(
			r->ctx, AYP_KIND_ACK, f->header.flags, f->payload, f->payload_len, &ack))
		controller_ack(r->controller, &ack, r->now_ns);
	if (recorder_books_frame(&r->books, &f->header, f->payload, f->payload_len))
		r->arriving = f->header.session;
	if (acker_whole(&r->acker))
		recorder_books_settle(&r->books);
	if (f->header.kind == AYP_KIND_SYNC)
		return 0;
	if (is_repeated_kind(f->header.kind) &&
		recorder_books_understood(&r->books, f->header.session) &&
		seen_payload(&r->seen, &f->header, f->payload, f->payload_len, r->now_ns))
		return 0;
	err = begin_files(r);
	/* When a board starts is what its own clock says, which may know nothing. The desk's orders them. */
	if (!err && r->arriving) {
		err = note_line_event(r, ayaprof_LineEventKind_LINE_SESSION, "");
		r->arriving = 0;
	}
	return err ? err : append_body(r, f->body, f->body_len);
}

static int on_text(void *ctx, const uint8_t *text, size_t len)
{
	struct recorder *r = ctx;

	r->state.line.console_bytes += len;
	output_put(&r->console, text, len);
	return 0;
}

static int on_damage(void *ctx, size_t len, bool first)
{
	struct recorder *r = ctx;

	r->state.line.frames_bad += first;
	r->state.line.bad_bytes += len;
	return 0;
}

/* Of repaired frames only those with events count: their blocks have a check of their own, and everything
 * else is said again. PROTOCOL.md, section 2. */
static bool is_plausible(void *ctx, const struct framing_header *h, enum salvage_way way)
{
	struct recorder *r = ctx;

	if (h->flags & (uint8_t)~AYP_FLAG_DEFLATED || !ayp_kind_info(h->kind))
		return false;
	if (way != SALVAGE_UNTANGLED && (h->kind != AYP_KIND_EVENTS || h->flags))
		return false;
	/* Who can have it sent again need not guess. */
	if (way == SALVAGE_GUESSED && acker_is_served(&r->acker))
		return false;
	return seen_expects(&r->seen, h) || (way == SALVAGE_UNTANGLED && h->kind == AYP_KIND_HELLO);
}

static const struct receiver_ops receiver_ops = {on_frame, on_text, on_damage, is_plausible};

int recorder_bytes(struct recorder *r, const uint8_t *data, size_t len, uint64_t now_ns)
{
	r->now_ns = now_ns;
	r->state.line.wire_bytes += len;
	acker_bytes(&r->acker, len);
	output_put(&r->raw, data, len);
	return receiver_bytes(&r->receiver, data, len);
}

int recorder_idle(struct recorder *r)
{
	return receiver_idle(&r->receiver);
}

/* ---- the recorder's own records ------------------------------------------------------------- */

int recorder_connected(struct recorder *r, const char *text)
{
	r->state.line.connects++;
	recorder_books_line(&r->books);
	return note_line_event(r, ayaprof_LineEventKind_LINE_CONNECTED, text);
}

int recorder_disconnected(struct recorder *r, const char *text)
{
	int err = receiver_finish(&r->receiver);

	recorder_books_line(&r->books);
	return err ? err : note_line_event(r, ayaprof_LineEventKind_LINE_DISCONNECTED, text);
}

int recorder_uart(struct recorder *r, const ayaprof_UartErrors *errors)
{
	const ayaprof_UartErrors *before = &r->state.line.uart;
	bool overrun = errors->overrun > before->overrun ||
		       errors->buffer_overrun > before->buffer_overrun;

	r->state.line.has_uart = true;
	r->state.line.uart = *errors;
	if (!overrun)
		return 0;
	recorder_books_overrun(&r->books);
	return note_line_event(r, ayaprof_LineEventKind_LINE_STATS, "the port has overrun");
}

int recorder_note_stats(struct recorder *r)
{
	if (!memcmp(&r->noted, &r->state.line, sizeof(r->noted)))
		return 0;
	return note_line_event(r, ayaprof_LineEventKind_LINE_STATS, "");
}

const struct recorder_state *recorder_state(struct recorder *r)
{
	recorder_books_totals(&r->books, !r->over, &r->state);
	r->state.whole = acker_whole(&r->acker);
	return &r->state;
}

void recorder_set_controller(struct recorder *r, struct controller *c)
{
	r->controller = c;
}

struct ayp_message_ctx *recorder_messages(struct recorder *r)
{
	return r->ctx;
}

struct acker *recorder_acker(struct recorder *r)
{
	return &r->acker;
}

void recorder_sent(struct recorder *r, uint64_t bytes)
{
	r->state.line.sent_bytes = bytes;
}

/* ---- life ----------------------------------------------------------------------------------- */

/* Behind its last whole record the recording goes on. Anything but a recording stays as it is. */
static int go_on(struct recorder *r)
{
	struct reader_frame f;
	struct reader *old = NULL;
	uint64_t size = 0;
	int got = 1, err = reader_open(&old, r->file.name);

	while (!err && (got = reader_next(old, &f)) > 0) {
		remember(r, &f);
		r->cut = f.header.kind != AYP_KIND_RECORDING_END;
		size = reader_position(old);
	}
	if (got < 0)
		err = got;
	if (!err && reader_size(old) && !size) {
		say("%s is no recording, so nothing is appended to it; choose another -o",
			r->file.name);
		err = -EINVAL;
	} else if (err || ftruncate(r->file.fd, (off_t)size) < 0 ||
		   lseek(r->file.fd, 0, SEEK_END) < 0) {
		err = err ? err : -errno;
		say("cannot go on in %s: %s", r->file.name, strerror(-err));
	}
	reader_close(old);
	return err;
}

static void recorder_free(struct recorder *r)
{
	output_close(&r->file, 0);
	output_close(&r->console, 0);
	output_close(&r->raw, 0);
	if (r->ctx)
		ayp_message_ctx_free(r->ctx);
	recorder_books_free(&r->books);
	free(r);
}

static uint32_t new_receiver(void)
{
	uint32_t id = 0;

	/* Without randomness, at least not the same as another's. */
	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != sizeof(id))
		id = (uint32_t)getpid() ^ (uint32_t)wall_ns();
	return id ? id : 1;
}

static int open_all(struct recorder *r, const struct recorder_options *opt)
{
	bool append = opt->append;
	int err = output_open(&r->file, opt->output, append, OUTPUT_QUEUE, OUTPUT_HELD_RECORDS);

	if (!err && append)
		err = go_on(r);
	if (!err)
		err = output_open(
			&r->console, opt->console, append, OUTPUT_QUEUE_TEXT, OUTPUT_HELD_BYTES);
	if (!err)
		err = output_open(&r->raw, opt->raw, append, OUTPUT_QUEUE, OUTPUT_HELD_BYTES);
	if (!err)
		err = output_start(&r->file, opt->wake_fd);
	if (!err)
		err = output_start(&r->console, opt->wake_fd);
	return err ? err : output_start(&r->raw, opt->wake_fd);
}

/* All memory at once: what is needed for damage only would look like growth later, on a line that gets worse. */
static struct recorder *new_recorder(void)
{
	struct recorder *r = calloc(1, sizeof(*r));

	for (size_t i = 0; r && i < sizeof(*r); i += PAGE)
		((volatile uint8_t *)r)[i] = 0;
	return r;
}

/* The run before was killed. What it received is all here: it ends here. */
static int end_cut_run(struct recorder *r)
{
	r->msg.end = (ayaprof_RecordingEnd){.reason = "cut off"};
	return append_own(r, AYP_KIND_RECORDING_END);
}

int recorder_open(struct recorder **out, const struct recorder_options *opt)
{
	struct recorder *r = new_recorder();
	int err = r ? 0 : -ENOMEM;

	if (!err) {
		r->file.fd = r->console.fd = r->raw.fd = -1;
		r->start_ns = loop_clock();
		receiver_init(&r->receiver, &receiver_ops, r);
		r->receiver.as_is = opt->no_restore;
		seen_init(&r->seen);
		r->ctx = ayp_message_ctx_new();
		acker_init(&r->acker, r->ctx, new_receiver());
		err = r->ctx ? recorder_books_init(&r->books) : -ENOMEM;
	}
	if (err) {
		say("cannot record: %s", strerror(-err));
		if (r)
			recorder_free(r);
		return err;
	}
	err = open_all(r, opt);
	if (!err && r->cut)
		err = end_cut_run(r);
	if (!err) {
		r->msg.recording = (ayaprof_Recording){
			.format_version = AYP_FORMAT_VERSION,
			.recorder = "hostdec " AYAPROF_VERSION,
			.start_wall_ns = wall_ns(),
		};
		snprintf(r->msg.recording.link, sizeof(r->msg.recording.link), "%s", opt->link);
		err = append_own(r, AYP_KIND_RECORDING);
	}
	/* What cannot be written to at all is known now, not in an hour. */
	if (!err && !output_drain(&r->file, START_NS)) {
		say("cannot write %s: %s", r->file.name, output_why(-ETIMEDOUT));
		err = -ETIMEDOUT;
	}
	if (!err)
		err = check_file(r);
	if (err)
		recorder_free(r);
	else
		*out = r;
	return err;
}

bool recorder_has_room(const struct recorder *r)
{
	return output_has_room(&r->file, ROOM);
}

bool recorder_sides_have_room(const struct recorder *r)
{
	return output_has_room(&r->console, WRITER_PIECE_MAX) &&
	       output_has_room(&r->raw, WRITER_PIECE_MAX);
}

int recorder_check(struct recorder *r)
{
	check_side(&r->console);
	check_side(&r->raw);
	return check_file(r);
}

bool recorder_flush(struct recorder *r)
{
	return output_drain(&r->file, END_NS) && output_drain(&r->console, END_NS) &&
	       output_drain(&r->raw, END_NS);
}

static int end_file(struct recorder *r)
{
	bool failed = r->file.failed, kept = r->file.holds;
	int err = output_close(&r->file, END_NS);

	if (kept)
		say("%s is left as it was", r->file.name);
	if (err && !failed)
		say("cannot write %s: %s", r->file.name, output_why(err));
	return err;
}

static void end_side(struct output *o)
{
	bool failed = o->failed, kept = o->holds;
	int err = output_close(o, HURRY_NS);

	if (failed)
		return;
	if (kept && o->dropped)
		say("%s is left as it was", o->name);
	else if (o->dropped)
		say("%s did not take %" PRIu64 " bytes", o->name, o->dropped);
	else if (err)
		say("cannot write %s: %s", o->name, output_why(err));
}

int recorder_close(struct recorder *r, const char *reason, struct recorder_state *last)
{
	int err = receiver_finish(&r->receiver), file_err;

	r->over = true;
	recorder_books_settle(&r->books);
	memset(&r->msg, 0, sizeof(r->msg));
	r->msg.end.has_stats = true;
	r->msg.end.stats = r->state.line;
	r->msg.end.end_wall_ns = wall_ns();
	snprintf(r->msg.end.reason, sizeof(r->msg.end.reason), "%s", reason);
	if (!err)
		err = append_own(r, AYP_KIND_RECORDING_END);
	if (last)
		*last = *recorder_state(r);
	file_err = end_file(r);
	if (!err)
		err = file_err;
	end_side(&r->console);
	end_side(&r->raw);
	recorder_free(r);
	return err;
}
