/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/model/origin.h"
#include "host/model/reader.h"
#include "host/record/controller.h"
#include "host/record/receiver.h"
#include "host/record/record.h"
#include "host/record/recorder_books.h"
#include "host/base/say.h"
#include "host/record/seen.h"
#include "target/base/output_file.h"

#define PAGE 4096u /* the smallest there is */
/* What the recorder itself has to say before the first frame comes; of more than that, the newest is dropped. */
#define HELD_BYTES 65536u

struct side {
	const char *name;
	int fd;   /* -1: none */
	bool old; /* it still has what another run wrote */
};

struct recorder {
	const char *output;
	int fd; /* -1: none */
	struct side console, raw;
	/* A file that has something in it keeps that until the first frame: records wait here. */
	bool old;
	uint8_t *held;
	size_t n_held;
	uint64_t size; /* of whole records in the file */
	uint32_t own_seq;
	int failed; /* the errno that ended writing */
	struct receiver receiver;
	struct seen seen;
	struct acker acker;
	struct controller *controller;
	struct recorder_books books;
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

uint64_t recorder_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static int64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- writing -------------------------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int hold(struct recorder *r, size_t len)
{
	uint8_t *grown;

	if (r->n_held + len > HELD_BYTES)
		return 0;
	grown = realloc(r->held, r->n_held + len);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + r->n_held, r->record, len);
	r->held = grown;
	r->n_held += len;
	return 0;
}

/* Append bytes. What was written of a record that did not fit is taken back. */
static int write_records(struct recorder *r, const uint8_t *bytes, size_t len)
{
	int err;

	if (r->failed)
		return r->failed;
	err = write_all(r->fd, bytes, len);
	if (!err) {
		r->size += len;
		return 0;
	}
	r->failed = err;
	if (ftruncate(r->fd, (off_t)r->size) == 0)
		say("cannot write %s: %s; it is readable up to here", r->output, strerror(-err));
	else
		say("cannot write %s: %s", r->output, strerror(-err));
	return err;
}

/* There is something to put in the place of what the file had. */
static int begin_file(struct recorder *r)
{
	if (!r->old)
		return 0;
	r->old = false;
	if (ftruncate(r->fd, 0) < 0) {
		r->failed = -errno;
		say("cannot write %s: %s", r->output, strerror(errno));
		return r->failed;
	}
	return write_records(r, r->held, r->n_held);
}

/* Append r->record. */
static int append(struct recorder *r, size_t len)
{
	return r->old ? hold(r, len) : write_records(r, r->record, len);
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

/* Side outputs are not worth the recording: the first error ends them, with a line. */
static void side_output(struct side *s, const uint8_t *data, size_t len)
{
	int err = 0;

	if (s->fd < 0)
		return;
	if (s->old && ftruncate(s->fd, 0) < 0)
		err = -errno;
	s->old = false;
	if (!err)
		err = write_all(s->fd, data, len);
	if (!err)
		return;
	say("cannot write %s: %s; recording goes on without it",
		strcmp(s->name, "-") ? s->name : "stdout", strerror(-err));
	if (s->fd != STDOUT_FILENO)
		close(s->fd);
	s->fd = -1;
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
	recorder_books_frame(&r->books, &f->header, f->payload, f->payload_len);
	if (acker_whole(&r->acker))
		recorder_books_settle(&r->books);
	if (f->header.kind == AYP_KIND_SYNC)
		return 0;
	if (is_repeated_kind(f->header.kind) &&
		recorder_books_understood(&r->books, f->header.session) &&
		seen_payload(&r->seen, &f->header, f->payload, f->payload_len, r->now_ns))
		return 0;
	err = begin_file(r);
	return err ? err : append_body(r, f->body, f->body_len);
}

static int on_text(void *ctx, const uint8_t *text, size_t len)
{
	struct recorder *r = ctx;

	r->state.line.console_bytes += len;
	side_output(&r->console, text, len);
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
	side_output(&r->raw, data, len);
	return receiver_bytes(&r->receiver, data, len);
}

int recorder_idle(struct recorder *r)
{
	return receiver_idle(&r->receiver);
}

/* ---- the recorder's own records ------------------------------------------------------------- */

static int note_line_event(struct recorder *r, ayaprof_LineEventKind kind, const char *text)
{
	memset(&r->msg, 0, sizeof(r->msg));
	r->msg.line_event = (ayaprof_LineEvent){
		.kind = kind,
		.wall_ns = wall_ns(),
		.has_stats = true,
		.stats = r->state.line,
	};
	snprintf(r->msg.line_event.text, sizeof(r->msg.line_event.text), "%s", text);
	r->noted = r->state.line;
	return append_own(r, AYP_KIND_LINE_EVENT);
}

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
	recorder_books_totals(&r->books, &r->state);
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

/* old: it has something in it. */
static int open_output(const char *path, int *fd, bool *old)
{
	char why[OUTPUT_WHY];
	struct stat st;
	bool created;
	int flags;

	*fd = output_open_in_place(path, 0666, &created, why);
	if (*fd < 0) {
		say("cannot write %s: %s", path, why);
		return *fd;
	}
	flags = fcntl(*fd, F_GETFL);
	if (flags >= 0)
		fcntl(*fd, F_SETFL, flags & ~O_NONBLOCK);
	*old = fstat(*fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
	return 0;
}

/* Behind its last whole record the recording goes on. Anything but a recording stays as it is. */
static int go_on(struct recorder *r)
{
	struct reader_frame f;
	struct reader *old = NULL;
	int got = 1, err = reader_open(&old, r->output);

	while (!err && (got = reader_next(old, &f)) > 0) {
		remember(r, &f);
		r->size = reader_position(old);
	}
	if (got < 0)
		err = got;
	if (!err && reader_size(old) && !r->size) {
		say("%s is no recording, so nothing is appended to it; choose another -o",
			r->output);
		err = -EINVAL;
	} else if (err || ftruncate(r->fd, (off_t)r->size) < 0 || lseek(r->fd, 0, SEEK_END) < 0) {
		err = err ? err : -errno;
		say("cannot go on in %s: %s", r->output, strerror(-err));
	}
	reader_close(old);
	return err;
}

static void recorder_free(struct recorder *r)
{
	if (r->fd >= 0)
		close(r->fd);
	if (r->console.fd >= 0 && r->console.fd != STDOUT_FILENO)
		close(r->console.fd);
	if (r->raw.fd >= 0)
		close(r->raw.fd);
	free(r->held);
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
	int err = open_output(opt->output, &r->fd, &r->old);

	if (!err && opt->append) {
		r->old = false;
		err = go_on(r);
	}
	if (!err && opt->console && !strcmp(opt->console, "-"))
		r->console.fd = STDOUT_FILENO;
	else if (!err && opt->console)
		err = open_output(opt->console, &r->console.fd, &r->console.old);
	if (!err && opt->raw)
		err = open_output(opt->raw, &r->raw.fd, &r->raw.old);
	return err;
}

/* All memory at once: what is needed for damage only would look like growth later, on a line that gets worse. */
static struct recorder *new_recorder(void)
{
	struct recorder *r = calloc(1, sizeof(*r));

	for (size_t i = 0; r && i < sizeof(*r); i += PAGE)
		((volatile uint8_t *)r)[i] = 0;
	return r;
}

int recorder_open(struct recorder **out, const struct recorder_options *opt)
{
	struct recorder *r = new_recorder();
	int err = r ? 0 : -ENOMEM;

	if (!err) {
		r->fd = -1;
		r->output = opt->output;
		r->console = (struct side){.name = opt->console, .fd = -1};
		r->raw = (struct side){.name = opt->raw, .fd = -1};
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
	if (!err) {
		r->msg.recording = (ayaprof_Recording){
			.format_version = AYP_FORMAT_VERSION,
			.recorder = "hostdec " AYAPROF_VERSION,
			.start_wall_ns = wall_ns(),
		};
		snprintf(r->msg.recording.link, sizeof(r->msg.recording.link), "%s", opt->link);
		err = append_own(r, AYP_KIND_RECORDING);
	}
	if (err)
		recorder_free(r);
	else
		*out = r;
	return err;
}

int recorder_close(struct recorder *r, const char *reason)
{
	int err = receiver_finish(&r->receiver);

	recorder_books_settle(&r->books);
	memset(&r->msg, 0, sizeof(r->msg));
	r->msg.end.has_stats = true;
	r->msg.end.stats = r->state.line;
	r->msg.end.end_wall_ns = wall_ns();
	snprintf(r->msg.end.reason, sizeof(r->msg.end.reason), "%s", reason);
	if (!err)
		err = append_own(r, AYP_KIND_RECORDING_END);
	if (r->old) {
		say("%s is left as it was", r->output);
	} else {
		/* No text is what there was to write. */
		side_output(&r->console, NULL, 0);
		side_output(&r->raw, NULL, 0);
	}
	/* Some file systems tell only now that there was no room. */
	if (close(r->fd) < 0 && !err) {
		err = -errno;
		say("cannot write %s: %s", r->output, strerror(-err));
	}
	r->fd = -1;
	recorder_free(r);
	return err;
}
