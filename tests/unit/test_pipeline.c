/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The daemon's inside from events to line bytes: a source and a line that the test controls, a
 * receiver made of the real deframer and decoders. What is proven is the books: every event that
 * was taken is either in what arrived, or lost with a cause, CPU and range, whatever the line does.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/stream/stream.h"
#include "target/base/log.h"
#include "tests/unit/random.h"

#define EVENTS_MAX 400000u
#define FUNCS      40u
#define CPUS       3u

/* ---- a source whose events the test makes --------------------------------------------------- */

struct fake_source {
	struct source source;
	struct source_sink sink;
	uint64_t produced, ring_full[CPUS];
	uint64_t first_lost, last_lost;
};

static int fake_ok(struct source *s)
{
	return 0;
}
static int fake_fd(struct source *s)
{
	return -1;
}
static int fake_consume(struct source *s, unsigned int max, uint64_t now)
{
	return 0;
}
static uint64_t fake_due(struct source *s)
{
	return 0;
}
static void fake_nothing(struct source *s)
{
}
static uint64_t fake_produced(struct source *s)
{
	return ((struct fake_source *)s)->produced;
}
static size_t fake_losses(struct source *s, struct source_loss *rows, size_t cap)
{
	struct fake_source *f = (struct fake_source *)s;
	size_t n = 0;

	for (int cpu = 0; cpu < (int)CPUS; cpu++)
		if (f->ring_full[cpu])
			rows[n++] = (struct source_loss){ayaprof_LossCause_LOSS_RING_FULL, cpu,
				f->ring_full[cpu], f->first_lost, f->last_lost};
	return n;
}
static bool fake_sample(struct source *s, ayaprof_Sample *sample)
{
	return false;
}
static size_t fake_totals(struct source *s, uint32_t *func, ayaprof_Aggregate *rows, size_t cap)
{
	size_t n = 0;

	for (; n < cap && *func < FUNCS; ++*func)
		rows[n++] = (ayaprof_Aggregate){.func = *func, .count = 1000 + *func};
	return n;
}
static bool fake_report(struct source *s, size_t i, struct source_report *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->module, sizeof(out->module), "fake");
	return i == 0;
}

static const struct source_ops fake_ops = {fake_ok, fake_ok, fake_fd, fake_consume, fake_due,
	fake_nothing, fake_produced, fake_losses, fake_sample, fake_totals, fake_report,
	fake_nothing};

/* ---- a line with a mind of its own, and who listens at its end ------------------------------ */

struct fake_line {
	struct sink sink;
	size_t room; /* bytes it takes now */
	uint64_t *seed;
	struct deframer deframer;
	uint8_t mem[DEFRAMER_MEM(FRAMING_MAX_SEGMENT)];
	/* heard */
	struct ayp_event *events;
	size_t n_events;
	uint64_t next_index, missing; /* by indexes */
	uint32_t next_seq;
	unsigned int frames, repeated, damaged, seq_gaps, hellos, goodbyes, loss_frames,
		totals_rows;
	bool func_named[FUNCS], last_frame_whole;
	unsigned int unnamed;
	uint64_t ranges[CPUS + 1]; /* lost by CPU + 1, as Loss frames tell it */
	ayaprof_Status status;
};

static struct ayp_message_ctx *ctx;
static struct ayp_block_decoder *decoder;

static void hear_events(struct fake_line *l, const ayaprof_Events *msg)
{
	int n = ayp_block_decode(decoder, msg->codec, msg->block.bytes, msg->block.size, msg->count,
		l->events + l->n_events, EVENTS_MAX - l->n_events);

	assert_int_equal(n, msg->count);
	assert_true(msg->first_index >= l->next_index);
	l->missing += msg->first_index - l->next_index;
	l->next_index = msg->first_index + msg->count;
	for (int i = 0; i < n; i++)
		l->unnamed += !l->func_named[l->events[l->n_events + (size_t)i].func];
	l->n_events += (size_t)n;
}

static void hear_frame(struct fake_line *l)
{
	static union {
		ayaprof_Events events;
		ayaprof_Names names;
		ayaprof_Loss loss;
		ayaprof_Goodbye goodbye;
		ayaprof_Aggregates totals;
		uint8_t any[65536];
	} msg;
	const struct framing_header *h = &l->deframer.header;

	/* What a receiver does about a frame sent again after the line came back. */
	if (l->frames && h->seq == l->next_seq - 1) {
		l->repeated++;
		return;
	}
	l->frames++;
	l->seq_gaps += h->seq != l->next_seq;
	l->next_seq = h->seq + 1;
	/* It is said several times, and nothing else comes after it. */
	assert_true(!l->goodbyes || h->kind == AYP_KIND_GOODBYE);
	assert_int_equal(h->session, 77);
	assert_true(ayp_kind_info(h->kind)->size <= sizeof(msg));
	assert_int_equal(ayp_message_decode(ctx, h->kind, h->flags, l->deframer.payload,
				 l->deframer.payload_len, &msg),
		0);
	switch (h->kind) {
	case AYP_KIND_HELLO:
		l->hellos++;
		break;
	case AYP_KIND_EVENTS:
		hear_events(l, &msg.events);
		break;
	case AYP_KIND_NAMES:
		for (pb_size_t i = 0; i < msg.names.names_count; i++)
			if (msg.names.names[i].table == ayaprof_Table_TABLE_FUNC)
				l->func_named[msg.names.names[i].id] = true;
		break;
	case AYP_KIND_LOSS:
		l->loss_frames++;
		for (pb_size_t i = 0; i < msg.loss.ranges_count; i++) {
			const ayaprof_LossRange *r = &msg.loss.ranges[i];
			assert_true(r->first_ns <= r->last_ns);
			assert_true(r->cpu_plus_1 <= CPUS);
			l->ranges[r->cpu_plus_1] += r->count;
		}
		break;
	case AYP_KIND_AGGREGATES:
		l->totals_rows += msg.totals.rows_count;
		break;
	case AYP_KIND_GOODBYE:
		l->goodbyes++;
		l->status = msg.goodbye.status;
		break;
	}
}

static int wire_open(struct sink *s)
{
	return 0;
}
static ssize_t wire_write(struct sink *s, const uint8_t *frame, size_t at, size_t len)
{
	struct fake_line *l = (struct fake_line *)s;
	size_t n = len - at;

	if (!s->present)
		return -ENOLINK;
	if (l->room == 0)
		return -EAGAIN;
	n = 1 + random_below(l->seed, (uint32_t)n);
	if (n > l->room)
		n = l->room;
	l->room -= n;
	for (size_t i = at; i < at + n; i++) {
		enum deframer_outcome got = deframer_push(&l->deframer, frame[i]);
		if (got == DEFRAMER_FRAME)
			hear_frame(l);
		else if (got != DEFRAMER_MORE)
			l->damaged++;
	}
	return (ssize_t)n;
}
static int wire_fd(const struct sink *s)
{
	return -1;
}
static short wire_events(struct sink *s, bool want)
{
	return 0;
}
static void wire_ready(struct sink *s, short revents)
{
}
static void wire_tick(struct sink *s, uint64_t now)
{
}
static size_t wire_unsent(const struct sink *s)
{
	return 0;
}
static void wire_discard(struct sink *s)
{
}
static void wire_free(struct sink *s)
{
	free(((struct fake_line *)s)->events);
	free(s);
}

static const struct sink_ops wire_ops = {
	.open = wire_open,
	.write = wire_write,
	.poll_fd = wire_fd,
	.poll_events = wire_events,
	.poll_ready = wire_ready,
	.tick = wire_tick,
	.unsent = wire_unsent,
	.discard = wire_discard,
	.free = wire_free,
};

static struct fake_line *wire_new(uint64_t *seed)
{
	struct fake_line *l = calloc(1, sizeof(*l));

	l->sink = (struct sink){.ops = &wire_ops,
		.format = SINK_LINE,
		.bytes_per_s = 11520,
		.present = true,
		.generation = 1,
		.link = ayaprof_LinkMode_LINK_ONEWAY};
	l->events = malloc(EVENTS_MAX * sizeof(*l->events));
	l->seed = seed;
	deframer_init(&l->deframer, l->mem, sizeof(l->mem));
	return l;
}

/* ---- one session ---------------------------------------------------------------------------- */

struct session {
	uint64_t seed, now;
	struct config config;
	struct names *names;
	struct fake_line *line;
	struct channel *channel;
	struct stream *stream;
	struct source_sink sink;
	struct fake_source source;
	struct ayp_event *made;
	size_t n_made;
};

static void begin(struct session *s, uint64_t seed, size_t spool)
{
	char text[16];

	memset(s, 0, sizeof(*s));
	s->seed = seed;
	s->now = 1000000000;
	s->config = (struct config){.interval_ms = 100};
	s->names = names_new();
	names_reserve_funcs(s->names, FUNCS);
	for (uint16_t i = 0; i < FUNCS; i++) {
		snprintf(text, sizeof(text), "function_%u", i);
		names_set_func(s->names, i, AYP_CLASS_KERNEL, text, NULL);
	}
	s->line = wire_new(&s->seed);
	s->channel = channel_new(&s->line->sink, &s->config, 77, spool);
	assert_non_null(s->channel);
	s->stream = stream_new(&s->config, s->names, &s->channel, 1);
	assert_non_null(s->stream);
	s->sink = stream_source_sink(s->stream);
	s->source.source =
		(struct source){.ops = &fake_ops, .name = "fake", .replay = true, .start_ns = 1};
	s->made = malloc(EVENTS_MAX * sizeof(*s->made));
	stream_set_now(s->stream, s->now);
	stream_begin(s->stream, &s->source.source);
}

static void make_events(struct session *s, unsigned int n)
{
	for (; n > 0 && s->n_made < EVENTS_MAX; n--) {
		struct ayp_event *ev = &s->made[s->n_made++];

		*ev = (struct ayp_event){
			.t_ns = s->now + n * 100 + random_below(&s->seed, 90),
			.tid = 100 + random_below(&s->seed, 5),
			.func = (uint16_t)random_below(&s->seed, FUNCS),
			.cpu = (uint8_t)random_below(&s->seed, CPUS),
			.kind = (uint8_t)random_below(&s->seed, 2),
		};
		s->source.produced++;
		s->sink.event(s->sink.ctx, ev);
	}
}

static void lose_in_kernel(struct session *s, unsigned int n)
{
	if (!s->source.first_lost)
		s->source.first_lost = s->now;
	s->source.last_lost = s->now;
	s->source.ring_full[random_below(&s->seed, CPUS)] += n;
	s->source.produced += n;
}

static void advance(struct session *s, uint64_t ns)
{
	s->now += ns;
	stream_set_now(s->stream, s->now);
	stream_tick(s->stream);
	stream_pump(s->stream);
}

/* One round of the end, as the daemon has it. True when it is over. */
static bool close_round(struct session *s, size_t room, bool forced)
{
	struct stream_end end = {.reason = "finished", .exit_status = -1, .forced = forced};

	s->line->room = room;
	s->now += 10 * NS_PER_MS;
	stream_set_now(s->stream, s->now);
	stream_tick(s->stream);
	stream_pump(s->stream);
	return stream_close(s->stream, &end);
}

/* `room`: bytes a round; forced_after: rounds, 0: patient. */
static struct closing finish(struct session *s, size_t room, unsigned int forced_after)
{
	bool forced = false;

	stream_quiesce(s->stream);
	for (unsigned int round = 1; round < 100000; round++) {
		forced = forced || round == forced_after;
		if (!close_round(s, room, forced))
			continue;
		assert_int_equal(s->channel->state, CHANNEL_CLOSED);
		return s->channel->closing;
	}
	fail_msg("never came to an end");
	return s->channel->closing;
}

static uint64_t told_lost(const ayaprof_Status *status)
{
	uint64_t sum = 0;

	for (pb_size_t i = 0; i < status->lost_count; i++)
		sum += status->lost[i].count;
	return sum;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, AYP_RECORD_SIZE);
}

static uint8_t *sorted_records(const struct ayp_event *events, size_t n)
{
	uint8_t *records = malloc(n * AYP_RECORD_SIZE + 1);

	for (size_t i = 0; i < n; i++)
		ayp_record_write(records + i * AYP_RECORD_SIZE, &events[i]);
	qsort(records, n, AYP_RECORD_SIZE, compare);
	return records;
}

/* Everything heard was made, each at most once. */
static void heard_is_part_of_made(const struct session *s)
{
	uint8_t *heard = sorted_records(s->line->events, s->line->n_events);
	uint8_t *made = sorted_records(s->made, s->n_made);
	size_t at = 0;

	for (size_t i = 0; i < s->line->n_events; i++, at++) {
		while (at < s->n_made &&
			compare(made + at * AYP_RECORD_SIZE, heard + i * AYP_RECORD_SIZE) != 0)
			at++;
		assert_true(at < s->n_made);
	}
	free(heard);
	free(made);
}

/* The daemon's own losses say of which CPU the events were. */
static void cpus_balance(const struct session *s)
{
	const ayaprof_Status *status = &s->line->status;
	int64_t open[CPUS] = {0};

	for (size_t i = 0; i < s->n_made; i++)
		open[s->made[i].cpu]++;
	for (size_t i = 0; i < s->line->n_events; i++)
		open[s->line->events[i].cpu]--;
	for (pb_size_t i = 0; i < status->lost_count; i++)
		if (status->lost[i].cause != ayaprof_LossCause_LOSS_RING_FULL)
			open[status->lost[i].cpu_plus_1 - 1] -= (int64_t)status->lost[i].count;
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		assert_int_equal(open[cpu], 0);
}

static void books_balance(const struct session *s)
{
	const struct fake_line *l = s->line;
	uint64_t by_range = 0;

	assert_in_range(l->goodbyes, 1, 9);
	assert_int_equal(l->status.produced, s->source.produced);
	assert_int_equal(l->status.taken, s->n_made);
	assert_int_equal(l->status.pending, 0);
	assert_int_equal(l->n_events + told_lost(&l->status), l->status.produced);
	assert_int_equal(s->channel->tx.events_sent, l->n_events);
	for (unsigned int i = 0; i <= CPUS; i++)
		by_range += l->ranges[i];
	assert_int_equal(by_range, told_lost(&l->status));
	assert_int_equal(l->unnamed, 0);
	heard_is_part_of_made(s);
	cpus_balance(s);
}

static void end(struct session *s)
{
	stream_free(s->stream);
	channel_free(s->channel);
	names_free(s->names);
	free(s->made);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void a_good_line_loses_nothing(void **state)
{
	struct session s;

	begin(&s, 1, 1u << 20);
	for (int i = 0; i < 100; i++) {
		make_events(&s, 500);
		s.line->room = SIZE_MAX / 2;
		advance(&s, 20 * NS_PER_MS);
	}
	assert_false(finish(&s, 1u << 20, 0).failed);
	books_balance(&s);
	assert_int_equal(s.line->n_events, 50000);
	assert_int_equal(s.line->seq_gaps, 0);
	assert_int_equal(s.line->damaged, 0);
	assert_int_equal(told_lost(&s.line->status), 0);
	/* Two seconds: an introduction a second, and at the end a row for each function. */
	assert_true(s.line->hellos >= 2);
	assert_true(s.line->totals_rows >= FUNCS);
	end(&s);
}

static void a_quiet_board_is_live(void **state)
{
	struct session s;

	begin(&s, 2, 1u << 20);
	s.line->room = SIZE_MAX / 2;
	make_events(&s, 3);
	advance(&s, 100 * NS_PER_MS);
	assert_int_equal(s.line->n_events, 0);
	advance(&s, 150 * NS_PER_MS);
	assert_int_equal(s.line->n_events, 3);
	finish(&s, 1u << 20, 0);
	books_balance(&s);
	end(&s);
}

static void a_slow_line_drops_whole_blocks(void **state)
{
	struct session s;

	begin(&s, 3, SPOOL_MIN_SIZE);
	for (int i = 0; i < 400; i++) {
		make_events(&s, 500);
		s.line->room = 115;
		advance(&s, 10 * NS_PER_MS);
	}
	finish(&s, 1152, 0);
	books_balance(&s);
	assert_true(s.line->missing > 10000);
	assert_int_equal(s.line->seq_gaps, 0);
	assert_true(s.line->loss_frames > 2);
	assert_true(s.channel->queue.spool.peak <= SPOOL_MIN_SIZE);
	/* Repeats are for the line's spare time: events got most of it. */
	assert_true(s.line->n_events * 2 > s.channel->tx.wire_bytes / 8);
	end(&s);
}

static void a_standing_line_repeats_nothing(void **state)
{
	struct session s;
	size_t meta;

	begin(&s, 4, 1u << 20);
	make_events(&s, 2000);
	s.line->room = 0;
	advance(&s, NS_PER_S);
	meta = spool_bytes_of(&s.channel->queue.spool, AYP_PRIORITY_META);
	for (int i = 0; i < 1000; i++)
		advance(&s, NS_PER_S);
	assert_true(spool_bytes_of(&s.channel->queue.spool, AYP_PRIORITY_META) <= meta + 2048);
	finish(&s, 115, 0);
	books_balance(&s);
	end(&s);
}

static void late_hosts_learn_all_names(void **state)
{
	struct session s;

	begin(&s, 5, 1u << 20);
	make_events(&s, 5000);
	s.line->room = SIZE_MAX / 2;
	advance(&s, 10 * NS_PER_MS);
	/* Somebody new listens now, at 115200 baud. */
	memset(s.line->func_named, 0, sizeof(s.line->func_named));
	s.line->hellos = 0;
	for (int i = 0; i < 200; i++) {
		s.line->room = 115;
		advance(&s, 10 * NS_PER_MS);
	}
	for (unsigned int i = 0; i < FUNCS; i++)
		assert_true(s.line->func_named[i]);
	assert_true(s.line->hellos >= 1);
	finish(&s, 1152, 0);
	end(&s);
}

static void second_signal_drops_the_rest(void **state)
{
	struct session s;

	begin(&s, 6, 1u << 20);
	make_events(&s, 100000);
	s.line->room = 500;
	advance(&s, 10 * NS_PER_MS);
	assert_false(finish(&s, 115, 20).failed);
	books_balance(&s);
	assert_true(told_lost(&s.line->status) > 50000);
	for (pb_size_t i = 0; i < s.line->status.lost_count; i++)
		assert_int_equal(s.line->status.lost[i].cause, ayaprof_LossCause_LOSS_ABANDONED);
	end(&s);
}

static void a_dead_line_ends_the_drain(void **state)
{
	struct session s;
	struct closing c;
	uint64_t before;

	begin(&s, 7, 1u << 20);
	make_events(&s, 10000);
	s.line->room = 700;
	advance(&s, 10 * NS_PER_MS);
	before = s.now;
	c = finish(&s, 0, 0);
	assert_true(c.failed);
	assert_true(s.now - before > 10 * NS_PER_S && s.now - before < 30 * NS_PER_S);
	assert_int_equal(s.channel->tx.events_sent + losses_total(&s.channel->queue.losses), 10000);
	end(&s);
}

static void a_goodbye_is_repeated_on_a_serial_line(void **state)
{
	struct session s;
	uint64_t before;

	begin(&s, 8, 1u << 20);
	s.line->sink.baud = 115200;
	make_events(&s, 1000);
	before = s.now;
	assert_false(finish(&s, 100000, 0).failed);
	assert_int_equal(s.line->goodbyes, 3 + 6);
	assert_true(s.now - before > 3 * NS_PER_S && s.now - before < 5 * NS_PER_S);
	books_balance(&s);
	end(&s);

	/* Whoever sends a second signal does not wait for that. */
	begin(&s, 9, 1u << 20);
	s.line->sink.baud = 115200;
	make_events(&s, 1000);
	before = s.now;
	assert_false(finish(&s, 100000, 20).failed);
	assert_int_equal(s.line->goodbyes, 3);
	assert_true(s.now - before < NS_PER_S);
	books_balance(&s);
	end(&s);
}

/* So many rounds of the end, with or without the device there. */
static bool close_for(struct session *s, bool present, int rounds)
{
	bool done = false;

	s->line->sink.generation += present && !s->line->sink.present;
	s->line->sink.present = present;
	for (int i = 0; i < rounds && !done; i++)
		done = close_round(s, 100000, false);
	return done;
}

static void a_device_that_vanished_is_waited_for(void **state)
{
	struct session s;

	begin(&s, 10, 1u << 20);
	s.line->sink.baud = 115200;
	make_events(&s, 5000);
	stream_quiesce(s.stream);
	assert_false(close_for(&s, false, 1300));
	assert_true(close_for(&s, true, 1000));
	assert_int_equal(s.line->n_events, 5000);
	books_balance(&s);
	end(&s);
}

/* Noise of every kind the daemon can meet, with many seeds: stalls, a line that goes away in
 * mid-frame and comes back, bursts beyond the spool, losses in the kernel, an impatient user. */
static void books_balance_whatever_happens(void **state)
{
	unsigned int reopened = 0, repeated = 0, dropped = 0, abandoned = 0;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct session s;

		begin(&s, seed, SPOOL_MIN_SIZE + random_below(&(uint64_t){seed}, 100000));
		for (int i = 0; i < 150; i++) {
			make_events(
				&s, random_below(&s.seed, random_below(&s.seed, 8) ? 100 : 4000));
			if (random_below(&s.seed, 10) == 0)
				lose_in_kernel(&s, 1 + random_below(&s.seed, 50));
			s.line->room = random_below(&s.seed, 4) ? random_below(&s.seed, 3000) : 0;
			if (random_below(&s.seed, 15) == 0) {
				s.line->sink.present = !s.line->sink.present;
				s.line->sink.generation += s.line->sink.present;
				reopened += s.line->sink.present;
			}
			advance(&s, random_below(&s.seed, 100) * NS_PER_MS);
		}
		s.line->sink.generation += !s.line->sink.present;
		s.line->sink.present = true;
		finish(&s, 500 + random_below(&s.seed, 3000), random_below(&s.seed, 3) ? 0 : 3);
		books_balance(&s);
		assert_int_equal(s.line->seq_gaps, 0);
		repeated += s.line->damaged;
		dropped += s.channel->queue.losses.total[ayaprof_LossCause_LOSS_SPOOL_FULL] > 0;
		abandoned += s.channel->queue.losses.total[ayaprof_LossCause_LOSS_ABANDONED] > 0;
		end(&s);
	}
	/* All of it has happened, or nothing is proven. */
	assert_true(reopened > 100 && repeated > 20 && dropped > 5 && abandoned > 5);
}

static int set_up(void **state)
{
	log_set_verbosity(-1);
	ctx = ayp_message_ctx_new();
	decoder = ayp_block_decoder_init(malloc(ayp_block_decoder_size()));
	return ctx && decoder ? 0 : -1;
}

static int tear_down(void **state)
{
	ayp_message_ctx_free(ctx);
	free(decoder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_line_loses_nothing),
		cmocka_unit_test(a_quiet_board_is_live),
		cmocka_unit_test(a_slow_line_drops_whole_blocks),
		cmocka_unit_test(a_standing_line_repeats_nothing),
		cmocka_unit_test(late_hosts_learn_all_names),
		cmocka_unit_test(second_signal_drops_the_rest),
		cmocka_unit_test(a_dead_line_ends_the_drain),
		cmocka_unit_test(a_goodbye_is_repeated_on_a_serial_line),
		cmocka_unit_test(a_device_that_vanished_is_waited_for),
		cmocka_unit_test(books_balance_whatever_happens),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
