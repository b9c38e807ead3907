/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Line bytes to a file: what is kept, what is not, what is counted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/loaded.h"
#include "host/recording/reader.h"
#include "host/record/recorder.h"
#include "host/base/say.h"
#include "host/record/seen.h"
#include "tests/unit/make_recording.h"

struct place {
	char dir[64], pb[96], console[96];
	struct recorder *recorder;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "/tmp/test_recorder.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->pb, sizeof(p->pb), "%s/x.pb", p->dir);
	snprintf(p->console, sizeof(p->console), "%s/console", p->dir);
	struct recorder_options opt = {.output = p->pb, .console = p->console, .link = "test"};

	assert_int_equal(recorder_open(&p->recorder, &opt), 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	unlink(p->pb);
	unlink(p->console);
	rmdir(p->dir);
	free(p);
	return 0;
}

static uint32_t frames_of_kind(const char *path, unsigned int kind)
{
	struct reader_frame f;
	struct reader *r;
	uint32_t n = 0;

	assert_int_equal(reader_open(&r, path), 0);
	while (reader_next(r, &f) == 1)
		n += f.header.kind == kind;
	assert_int_equal(reader_damaged(r), 0);
	reader_close(r);
	return n;
}

static struct making *some_events(uint32_t blocks)
{
	struct making *r = making_new();

	making_hello(r);
	making_func(r, 1, AYP_CLASS_KERNEL, "f");
	for (uint32_t i = 0; i < blocks; i++) {
		struct ayp_event ev[2] = {{.t_ns = 100 * i + 1, .tid = 5, .func = 1},
			{.t_ns = 100 * i + 51, .tid = 5, .func = 1, .kind = AYP_EXIT}};

		making_events(r, 2 * i, ev, 2);
	}
	making_goodbye(r, 2 * blocks, 2 * blocks);
	return r;
}

static void all_that_came(void **state)
{
	struct place *p = *state;
	struct making *r = some_events(10);
	const struct recorder_state *s;
	struct loaded m;

	assert_int_equal(recorder_connected(p->recorder, "test"), 0);
	assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size, 1), 0);
	s = recorder_state(p->recorder);
	assert_int_equal(s->events, 20);
	assert_int_equal(s->lost, 0);
	assert_true(s->goodbye);
	assert_int_equal(s->line.wire_bytes, r->wire_size);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	assert_int_equal(loaded_file(&m, p->pb), 0);
	assert_true(m.recording.complete);
	assert_int_equal(m.n_calls, 10);
	assert_int_equal(m.totals->line.frames, 13);
	assert_int_equal(m.totals->line.connects, 1);
	loaded_free(&m);
	making_free(r);
}

/* Cut off by the worst death: no end record, and the last frame is there. */
static void readable_at_any_moment(void **state)
{
	struct place *p = *state;
	struct making *r = some_events(10);
	struct loaded m;

	assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size, 1), 0);
	assert_true(recorder_flush(p->recorder));
	assert_int_equal(loaded_file(&m, p->pb), 0);
	assert_false(m.recording.complete);
	assert_int_equal(m.n_events, 20);
	assert_int_equal(m.recording.damaged, 0);
	loaded_free(&m);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	making_free(r);
}

static void text_between_frames(void **state)
{
	struct place *p = *state;
	struct making *r = some_events(3);
	const char *text = "boot: hello\r\n\tw\xc3\xb6rld \x1b[1m\n", *more = "login: ";
	char got[100] = "";
	int fd;

	assert_int_equal(recorder_bytes(p->recorder, (const uint8_t *)text, strlen(text), 1), 0);
	assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size, 2), 0);
	assert_int_equal(recorder_bytes(p->recorder, (const uint8_t *)more, strlen(more), 3), 0);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	fd = open(p->console, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, sizeof(got) - 1), strlen(text) + strlen(more));
	close(fd);
	assert_memory_equal(got, text, strlen(text));
	assert_string_equal(got + strlen(text), more);
	assert_int_equal(frames_of_kind(p->pb, AYP_KIND_EVENTS), 3);
	making_free(r);
}

static void repeats_are_counted_not_stored(void **state)
{
	struct place *p = *state;
	struct making *r = some_events(5);

	for (int i = 0; i < 3; i++)
		assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size, 1), 0);
	assert_int_equal(recorder_state(p->recorder)->line.frames, 24);
	assert_int_equal(recorder_state(p->recorder)->line.frames_repeated, 16);
	assert_int_equal(recorder_state(p->recorder)->events, 10);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	assert_int_equal(frames_of_kind(p->pb, AYP_KIND_EVENTS), 5);
	making_free(r);
}

/* A board says hello each second: one a minute is enough in the file. */
static void hellos_do_not_pile_up(void **state)
{
	struct place *p = *state;
	struct making *r = making_new();

	for (uint64_t second = 0; second < 130; second++) {
		r->wire_size = 0;
		making_hello(r);
		assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size,
					 second * UINT64_C(1000000000)),
			0);
		r->size = 0;
	}
	assert_int_equal(recorder_state(p->recorder)->line.frames, 130);
	assert_int_equal(recorder_state(p->recorder)->line.frames_repeated, 0);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	assert_int_equal(frames_of_kind(p->pb, AYP_KIND_HELLO), 3);
	making_free(r);
}

static void noise_is_not_stored(void **state)
{
	struct place *p = *state;
	struct making *r = some_events(2);
	uint8_t noise[5000];
	uint32_t x = 1;
	struct stat st;

	for (size_t i = 0; i < sizeof(noise); i++) {
		x = x * 1664525u + 1013904223u;
		noise[i] = (uint8_t)(x >> 24);
	}
	for (int i = 0; i < 100; i++)
		assert_int_equal(recorder_bytes(p->recorder, noise, sizeof(noise), 1), 0);
	assert_int_equal(recorder_state(p->recorder)->line.frames, 0);
	assert_true(recorder_state(p->recorder)->line.frames_bad > 100);
	assert_true(recorder_flush(p->recorder));
	assert_int_equal(stat(p->pb, &st), 0);
	assert_true(st.st_size < 1000);
	assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size, 1), 0);
	assert_int_equal(recorder_state(p->recorder)->events, 4);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	making_free(r);
}

/* A board cannot write the recorder's own records: an end in the middle, another start. */
static void forged_records(void **state)
{
	struct place *p = *state;
	uint8_t frame[FRAMING_WIRE_BOUND(0)];

	/* Kinds of recorders, also of later ones; and their session with a board's kind. */
	for (uint8_t kind = 30; kind < 64; kind++) {
		struct framing_header h = {.kind = kind < 32 ? AYP_KIND_GOODBYE : kind,
			.session = kind % 2 ? 0 : 5 * (kind >= 32)};
		size_t n = framing_encode(frame, sizeof(frame), &h, NULL, 0);

		assert_true(n > 0);
		assert_int_equal(recorder_bytes(p->recorder, frame, n, 1), 0);
	}
	assert_int_equal(recorder_state(p->recorder)->line.frames, 34); /* valid, but not stored */
	assert_int_equal(recorder_state(p->recorder)->line.frames_repeated, 0);
	assert_int_equal(recorder_state(p->recorder)->sessions, 0);
	assert_false(recorder_state(p->recorder)->goodbye);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	for (unsigned int kind = 0; kind < 64; kind++)
		assert_int_equal(frames_of_kind(p->pb, kind),
			kind == AYP_KIND_RECORDING || kind == AYP_KIND_RECORDING_END);
	assert_int_equal(frames_of_kind(p->pb, AYP_KIND_RECORDING), 1);
	assert_int_equal(frames_of_kind(p->pb, AYP_KIND_RECORDING_END), 1);
}

/* Some lines echo: what the host said to the board must not pass for the board's. */
static void echoes_take_no_number(void **state)
{
	struct place *p = *state;
	struct making *r = making_new();

	((ayaprof_Control *)making_msg(r))->id = 3;
	making_add(r, AYP_KIND_CONTROL);
	((ayaprof_Ack *)making_msg(r))->next_seq = 7;
	making_add(r, AYP_KIND_ACK);
	r->seq = 0;
	making_hello(r);
	((ayaprof_Ack *)making_msg(r))->control_id = 3; /* this one is the board's */
	making_add(r, AYP_KIND_ACK);
	assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size, 1), 0);
	assert_int_equal(recorder_state(p->recorder)->line.frames, 4);
	assert_int_equal(recorder_state(p->recorder)->line.frames_repeated, 0);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	assert_int_equal(frames_of_kind(p->pb, AYP_KIND_HELLO), 1);
	assert_int_equal(frames_of_kind(p->pb, AYP_KIND_ACK), 1);
	assert_int_equal(frames_of_kind(p->pb, AYP_KIND_CONTROL), 0);
	making_free(r);
}

/* All of it is kept as it came, for whoever understands it. */
static void later_protocol_is_recorded(void **state)
{
	struct place *p = *state;
	struct making *r = making_new();
	const struct ayp_event ev = {.t_ns = 1, .tid = 5, .func = 1};

	making_events(r, 7, &ev, 1);
	((ayaprof_Hello *)making_msg(r))->protocol_min = 9;
	making_add(r, AYP_KIND_HELLO);
	for (int i = 0; i < 3; i++)
		making_func(r, 1, AYP_CLASS_KERNEL, "f");
	making_events(r, 40, &ev, 1);
	making_goodbye(r, 99, 90);
	say_mute(true);
	assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size, 1), 0);
	say_mute(false);
	assert_int_equal(recorder_state(p->recorder)->events, 0);
	assert_int_equal(recorder_state(p->recorder)->lost, 0);
	assert_true(recorder_state(p->recorder)->later_protocol);
	assert_true(recorder_state(p->recorder)->goodbye);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	assert_int_equal(frames_of_kind(p->pb, AYP_KIND_NAMES), 3);
	assert_int_equal(frames_of_kind(p->pb, AYP_KIND_EVENTS), 2);
	making_free(r);
}

/* However long: what stands between two delimiters is one piece of damage. */
static void damage_counts_by_segment(void **state)
{
	struct place *p = *state;
	uint8_t noise[20001];

	memset(noise, 0xff, sizeof(noise));
	noise[sizeof(noise) - 1] = 0;
	for (int i = 0; i < 2; i++)
		assert_int_equal(recorder_bytes(p->recorder, noise, sizeof(noise), 1), 0);
	assert_int_equal(recorder_state(p->recorder)->line.frames_bad, 2);
	assert_int_equal(recorder_state(p->recorder)->line.bad_bytes, 40000);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
}

static void impossible_block_counts_nothing(void **state)
{
	struct place *p = *state;
	struct making *r = making_new();

	((ayaprof_Events *)making_msg(r))->count = UINT32_MAX;
	making_add(r, AYP_KIND_EVENTS);
	assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size, 1), 0);
	assert_int_equal(recorder_state(p->recorder)->events, 0);
	assert_int_equal(recorder_state(p->recorder)->lost, 0);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	making_free(r);
}

static void lost_while_recording(void **state)
{
	struct place *p = *state;
	struct making *r = some_events(10);
	size_t third = r->wire_size / 3;

	assert_int_equal(recorder_bytes(p->recorder, r->wire, third, 1), 0);
	assert_int_equal(recorder_disconnected(p->recorder, "test"), 0);
	assert_int_equal(recorder_connected(p->recorder, "test"), 0);
	assert_int_equal(
		recorder_bytes(p->recorder, r->wire + 2 * third, r->wire_size - 2 * third, 1), 0);
	assert_true(recorder_state(p->recorder)->lost > 0);
	assert_int_equal(
		recorder_state(p->recorder)->events + recorder_state(p->recorder)->lost, 20);
	assert_int_equal(recorder_state(p->recorder)->lost_by_cause[ayaprof_LossCause_LOSS_LINE],
		recorder_state(p->recorder)->lost);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	making_free(r);
}

/* What waits on the board, or is sent again, is not lost while it may still come. */
static void what_waits_is_no_loss(void **state)
{
	struct place *p = *state;
	struct making *r = making_new();
	const struct recorder_state *s = recorder_state(p->recorder);
	struct recorder_state last;
	static const struct ayp_event ev[10];
	ayaprof_Status *status;

	making_hello(r);
	making_events(r, 0, ev, 10);
	status = making_msg(r);
	status->produced = 103;
	status->taken = 100;
	status->pending = 90;
	making_add(r, AYP_KIND_STATUS);
	assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size, 1), 0);
	recorder_state(p->recorder);
	assert_int_equal(s->events, 10);
	assert_int_equal(s->lost, 0);
	assert_int_equal(s->backlog, 93);
	/* A frame of ten is lost on a line that nobody acknowledges: what is behind it came. */
	r->wire_size = 0;
	making_events(r, 20, ev, 10);
	assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size, 2), 0);
	recorder_state(p->recorder);
	assert_int_equal(s->events, 20);
	assert_int_equal(s->lost, 10);
	assert_int_equal(s->backlog, 73);
	assert_int_equal(recorder_close(p->recorder, "test", &last), 0);
	assert_int_equal(last.events, 20);
	assert_int_equal(last.lost, 83);
	assert_int_equal(last.backlog, 0);
	making_free(r);
}

/* ---- overruns of the host's port -------------------------------------------------------------- */

#define BLOCKS 200u

/* A board's frames one by one: a hello, BLOCKS blocks of two events, a goodbye. */
struct frames {
	struct making *r;
	size_t at[BLOCKS + 3];
};

static void make_frames(struct frames *f)
{
	size_t n = 0;

	f->at[0] = 0;
	f->r = making_new();
	making_hello(f->r);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		struct ayp_event ev[2] = {{.t_ns = 100 * i + 1, .tid = 5, .func = 1},
			{.t_ns = 100 * i + 51, .tid = 5, .func = 1, .kind = AYP_EXIT}};

		f->at[++n] = f->r->wire_size;
		making_events(f->r, 2 * i, ev, 2);
	}
	f->at[++n] = f->r->wire_size;
	making_goodbye(f->r, 2 * BLOCKS, 2 * BLOCKS);
	f->at[++n] = f->r->wire_size;
}

/* Frames from `from` to before `to`; frame 0 is the hello, frame i + 1 block i. */
static void hear(struct place *p, const struct frames *f, size_t from, size_t to)
{
	assert_int_equal(
		recorder_bytes(p->recorder, f->r->wire + f->at[from], f->at[to] - f->at[from], 1),
		0);
}

static void port_overran(struct place *p, uint64_t times)
{
	ayaprof_UartErrors errors = {.overrun = times, .framing = 3};

	assert_int_equal(recorder_uart(p->recorder, &errors), 0);
}

/* The live books and those of the file say the same, to the event. */
static void check_overruns(struct place *p, struct frames *f, uint64_t overrun, uint64_t line)
{
	const struct recorder_state *s;
	uint64_t rows = 0;
	struct loaded m;

	hear(p, f, BLOCKS + 1, BLOCKS + 2);
	s = recorder_state(p->recorder);
	assert_int_equal(s->lost_by_cause[ayaprof_LossCause_LOSS_HOST_OVERRUN], overrun);
	assert_int_equal(s->lost_by_cause[ayaprof_LossCause_LOSS_LINE], line);
	assert_int_equal(s->events + s->lost, 2 * BLOCKS);
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	assert_int_equal(loaded_file(&m, p->pb), 0);
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_HOST_OVERRUN], overrun);
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_LINE], line);
	assert_int_equal(m.n_events + m.totals->lost_total, 2 * BLOCKS);
	for (size_t i = 0; i < m.n_losses; i++) {
		if (m.losses[i].cause != ayaprof_LossCause_LOSS_HOST_OVERRUN)
			continue;
		rows += m.losses[i].count;
		assert_true(m.losses[i].first_ns && m.losses[i].last_ns > m.losses[i].first_ns);
	}
	assert_int_equal(rows, overrun);
	assert_true(m.totals->line.has_uart);
	assert_int_equal(m.totals->line.uart.framing, 3);
	loaded_free(&m);
	making_free(f->r);
}

static void overrun_makes_the_next_gap(void **state)
{
	struct frames f;

	make_frames(&f);
	hear(*state, &f, 0, 5);
	port_overran(*state, 1);
	hear(*state, &f, 5, 6);
	hear(*state, &f, 9, 20);          /* three blocks are missing */
	hear(*state, &f, 21, BLOCKS + 1); /* and one that nothing overran for */
	check_overruns(*state, &f, 6, 2);
}

static void overrun_made_good(void **state)
{
	struct frames f;

	make_frames(&f);
	hear(*state, &f, 0, 6);
	port_overran(*state, 7);
	hear(*state, &f, 9, 20);
	hear(*state, &f, 7, 8); /* sent again */
	hear(*state, &f, 20, BLOCKS + 1);
	check_overruns(*state, &f, 4, 0);
}

static void overrun_that_cost_no_event(void **state)
{
	struct frames f;

	make_frames(&f);
	hear(*state, &f, 0, 6);
	port_overran(*state, 1);
	hear(*state, &f, 6, 6 + OVERRUNS_PATIENCE);
	hear(*state, &f, 7 + OVERRUNS_PATIENCE, BLOCKS + 1);
	check_overruns(*state, &f, 0, 2);
}

/* Before anything was heard, and across an unplugged cable, the cause is another. */
static void overrun_without_a_part_in_it(void **state)
{
	struct frames f;

	make_frames(&f);
	hear(*state, &f, 0, 1);
	port_overran(*state, 1);
	hear(*state, &f, 4, 6);
	port_overran(*state, 2);
	assert_int_equal(recorder_disconnected(((struct place *)*state)->recorder, "test"), 0);
	assert_int_equal(recorder_connected(((struct place *)*state)->recorder, "test"), 0);
	hear(*state, &f, 10, BLOCKS + 1);
	check_overruns(*state, &f, 0, 6 + 8);
}

/* ---- when sessions arrive ---------------------------------------------------------------------- */

/* Three boots, whatever their clocks say: the desk notes each one's arrival before its first frame. */
static void arrivals(void **state)
{
	struct place *p = *state;
	struct ayp_message_ctx *ctx = ayp_message_ctx_new();
	uint32_t noted = 0, before = 0, n = 0;
	ayaprof_LineEvent ev;
	struct reader_frame f;
	struct reader *reader;
	uint64_t since = 0;

	for (uint32_t id = 7; id < 10; id++) {
		struct making *r = making_new();

		r->session = id;
		making_hello(r);
		making_goodbye(r, 0, 0);
		assert_int_equal(recorder_bytes(p->recorder, r->wire, r->wire_size, 1), 0);
		making_free(r);
	}
	assert_int_equal(recorder_close(p->recorder, "test", NULL), 0);
	assert_int_equal(reader_open(&reader, p->pb), 0);
	while (reader_next(reader, &f) == 1) {
		if (f.header.kind == AYP_KIND_LINE_EVENT) {
			assert_int_equal(ayp_message_decode(ctx, f.header.kind, f.header.flags,
						 f.payload, f.payload_len, &ev),
				0);
			assert_int_equal(ev.kind, ayaprof_LineEventKind_LINE_SESSION);
			assert_true(ev.wall_ns > 0 && ev.since_start_ns > since);
			since = ev.since_start_ns;
			noted = ev.session;
			n++;
		} else if (f.header.session && f.header.session != before) {
			assert_int_equal(noted, f.header.session);
			before = noted;
		}
	}
	assert_int_equal(n, 3);
	reader_close(reader);
	ayp_message_ctx_free(ctx);
}

/* ---- a disk that is behind --------------------------------------------------------------------- */

/* A pipe that nobody reads for a while. Frames that find no room were never here: sent again they are taken. */
static void refused_frames_are_as_if_lost(void **state)
{
	char path[96];
	struct recorder_options opt = {.output = path, .link = "test"};
	const struct recorder_state *s;
	struct recorder *recorder;
	struct frames f;
	int pipe;

	snprintf(path, sizeof(path), "%s/pipe", ((struct place *)*state)->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	pipe = open(path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(recorder_close(((struct place *)*state)->recorder, "test", NULL), 0);
	assert_int_equal(recorder_open(&recorder, &opt), 0);
	make_frames(&f);
	say_mute(true);
	/* The same session's frames with ever new numbers, until the queue is full. */
	assert_int_equal(recorder_bytes(recorder, f.r->wire, f.at[5], 1), 0);
	for (uint32_t i = 0; recorder_has_room(recorder); i++) {
		static uint8_t payload[4000], frame[FRAMING_WIRE_BOUND(4000)];
		struct framing_header h = {.kind = 20, .session = 7, .seq = 1000 + i};
		size_t n = framing_encode(frame, sizeof(frame), &h, payload, sizeof(payload));

		assert_int_equal(recorder_bytes(recorder, frame, n, 1), 0);
	}
	s = recorder_state(recorder);
	assert_int_equal(s->events, 8);
	assert_int_equal(recorder_bytes(recorder, f.r->wire + f.at[5], f.at[9] - f.at[5], 1), 0);
	s = recorder_state(recorder);
	assert_int_equal(s->line.frames_refused, 4);
	assert_int_equal(s->events, 8);
	close(pipe); /* and now all of it goes nowhere */
	assert_true(recorder_close(recorder, "test", NULL) < 0);
	say_mute(false);
	making_free(f.r);
	unlink(path);
}

static void full_disk(void **state)
{
	struct recorder_options opt = {.output = "/dev/full", .link = "test"};
	struct recorder *r;

	say_mute(true);
	assert_true(recorder_open(&r, &opt) < 0);
	say_mute(false);
}

static void seen_window(void **state)
{
	struct seen *s = malloc(sizeof(*s));
	struct framing_header h = {.session = 1};

	assert_non_null(s);
	seen_init(s);
	for (uint32_t i = 0; i < 40000; i += 2) {
		h.seq = UINT32_MAX - 1000 + i; /* across the wrap */
		assert_false(seen_frame(s, &h));
		assert_true(seen_frame(s, &h));
	}
	h.seq -= 1001; /* odd ones never came; late, but new */
	assert_false(seen_frame(s, &h));
	assert_true(seen_frame(s, &h));
	h.session = 2;
	assert_false(seen_frame(s, &h));
	free(s);
}

int main(void)
{
#define recorder_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		recorder_test(all_that_came),
		recorder_test(readable_at_any_moment),
		recorder_test(text_between_frames),
		recorder_test(repeats_are_counted_not_stored),
		recorder_test(hellos_do_not_pile_up),
		recorder_test(noise_is_not_stored),
		recorder_test(forged_records),
		recorder_test(echoes_take_no_number),
		recorder_test(later_protocol_is_recorded),
		recorder_test(damage_counts_by_segment),
		recorder_test(impossible_block_counts_nothing),
		recorder_test(lost_while_recording),
		recorder_test(what_waits_is_no_loss),
		recorder_test(overrun_makes_the_next_gap),
		recorder_test(overrun_made_good),
		recorder_test(overrun_that_cost_no_event),
		recorder_test(overrun_without_a_part_in_it),
		recorder_test(arrivals),
		recorder_test(refused_frames_are_as_if_lost),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(seen_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
