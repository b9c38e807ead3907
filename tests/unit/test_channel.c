/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One channel over a line that the test controls: its states are those of the protocol's table, everything that
 * depends on the rate follows a change, an answer to a host passes what is sent again, and two channels are
 * two.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/base/log.h"
#include "target/stream/channel.h"

#define SESSION 77u

struct bench {
	struct sink sink; /* first: the line's functions find the rest */
	struct config config;
	struct writer writer;
	struct names *names;
	struct stacks stacks;
	struct channel *channel;
	uint64_t now;
	size_t room;         /* bytes that the line takes */
	const uint8_t *said; /* by a host, to be read */
	size_t said_len;
	struct deframer deframer;
	uint8_t mem[DEFRAMER_MEM(FRAMING_MAX_SEGMENT)];
	uint8_t kinds[4096]; /* of the frames that came, in their order */
	size_t n_kinds;
	unsigned int rates; /* changes that the stream was told of */
};

/* ---- the line ------------------------------------------------------------------------------- */

static ssize_t line_write(struct sink *s, const uint8_t *frame, size_t at, size_t len)
{
	struct bench *b = (struct bench *)s;
	size_t n = len - at < b->room ? len - at : b->room;

	if (!s->present || n == 0)
		return s->present ? -EAGAIN : -ENOLINK;
	b->room -= n;
	for (size_t i = at; i < at + n; i++)
		if (deframer_push(&b->deframer, frame[i]) == DEFRAMER_FRAME)
			b->kinds[b->n_kinds++ % sizeof(b->kinds)] = b->deframer.header.kind;
	return (ssize_t)n;
}

static ssize_t line_read(struct sink *s, uint8_t *buf, size_t len)
{
	struct bench *b = (struct bench *)s;

	if (b->said_len == 0)
		return -EAGAIN;
	assert_true(b->said_len <= len);
	len = b->said_len;
	memcpy(buf, b->said, len);
	b->said_len = 0;
	return (ssize_t)len;
}

static void line_tick(struct sink *s, uint64_t now)
{
}

static size_t line_unsent(const struct sink *s)
{
	return 0;
}

static int line_set_rate(struct sink *s, uint32_t baud)
{
	s->baud = baud;
	s->bytes_per_s = baud / 10;
	return 0;
}

static void line_discard(struct sink *s)
{
}

static void line_free(struct sink *s)
{
}

static const struct sink_ops line_ops = {
	.write = line_write,
	.read = line_read,
	.tick = line_tick,
	.unsent = line_unsent,
	.set_rate = line_set_rate,
	.discard = line_discard,
	.free = line_free,
};

/* ---- who uses the channel ------------------------------------------------------------------- */

static void on_rate(void *ctx, struct channel *c)
{
	struct bench *b = ctx;

	b->rates++;
	assert_ptr_equal(c, b->channel);
	assert_int_equal(c->rate.bytes_per_s, c->sink->bytes_per_s);
}

static void on_control(void *ctx, struct channel *c, const ayaprof_Control *msg)
{
}

static int say_goodbye(void *ctx, struct channel *c, unsigned int times)
{
	uint8_t payload[8] = {0};

	return outqueue_post(
		&c->queue, AYP_KIND_GOODBYE, AYP_PRIORITY_META, 0, payload, sizeof(payload));
}

static int end_recording(void *ctx, struct channel *c)
{
	return 0;
}

static const struct channel_ops ops = {on_rate, on_control, say_goodbye, end_recording};

static void begin(struct bench *b, enum link_mode link)
{
	struct channel_parts parts = {.ops = &ops, .ctx = b};

	memset(b, 0, sizeof(*b));
	b->sink = (struct sink){
		.ops = &line_ops, .format = SINK_LINE, .baud = 115200, .bytes_per_s = 11520};
	b->config.link = link;
	b->config.spool_mem = 1u << 20;
	b->now = NS_PER_S;
	b->room = SIZE_MAX / 2;
	deframer_init(&b->deframer, b->mem, sizeof(b->mem));
	b->names = names_new();
	b->writer.ctx = ayp_message_ctx_new();
	b->writer.cap = FRAMING_MAX_PAYLOAD;
	parts.writer = &b->writer;
	parts.names = b->names;
	parts.stacks = &b->stacks;
	b->channel = channel_new(&b->sink, &b->config, SESSION, 1u << 20);
	assert_non_null(b->channel);
	assert_int_equal(channel_join(b->channel, &parts, b->now), 0);
}

static void end(struct bench *b)
{
	channel_free(b->channel);
	names_free(b->names);
	ayp_message_ctx_free(b->writer.ctx);
}

static void pass(struct bench *b, uint64_t ns)
{
	b->now += ns;
	channel_look(b->channel, b->now);
	channel_tick(b->channel, b->now);
	channel_pump(b->channel);
}

static void post(struct bench *b, unsigned int frames)
{
	static const uint8_t payload[900];

	for (unsigned int i = 0; i < frames; i++)
		assert_int_equal(outqueue_post(&b->channel->queue, AYP_KIND_EVENTS,
					 AYP_PRIORITY_EVENTS, 0, payload, sizeof(payload)),
			0);
}

static void host_says(struct bench *b, const ayaprof_Ack *ack)
{
	struct framing_header h = {.kind = AYP_KIND_ACK, .session = SESSION};
	uint8_t payload[256], wire[FRAMING_WIRE_BOUND(256u)];
	int len = ayp_message_encode(
		b->writer.ctx, AYP_KIND_ACK, ack, payload, sizeof(payload), &h.flags);

	assert_true(len > 0);
	b->said_len = framing_encode(wire, sizeof(wire), &h, payload, (size_t)len);
	b->said = wire;
	channel_hear(b->channel, b->now);
}

static void host_acknowledges_all(struct bench *b)
{
	host_says(b, &(ayaprof_Ack){.receiver = 5, .next_seq = b->channel->tx.window.end});
}

/* ---- states --------------------------------------------------------------------------------- */

static const struct {
	enum channel_state from, to;
} rows[] = {
#define ROW(from, to, when) {CHANNEL_##from, CHANNEL_##to},
	CHANNEL_TRANSITIONS(ROW)
#undef ROW
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void only_the_rows_are_possible(void **state)
{
	unsigned int possible = 0;

	for (unsigned int from = 0; from < CHANNEL_STATES; from++)
		for (unsigned int to = 0; to < CHANNEL_STATES; to++)
			possible += channel_may(from, to);
	assert_int_equal(possible, ROWS);
	for (size_t i = 0; i < ROWS; i++)
		assert_true(channel_may(rows[i].from, rows[i].to));
}

/* Rows of the form `| down | connecting | when |`, in the same order. */
static void the_protocol_has_the_same_rows(void **state)
{
	FILE *file = fopen("proto/PROTOCOL.md", "re");
	char line[4096], want[64];
	size_t found = 0;
	bool states = false, table = false;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "## ", 3) == 0)
			states = strstr(line, "States of a channel") != NULL;
		table = states && (table || strncmp(line, "| from | to |", 13) == 0);
		if (!table || strncmp(line, "| from", 6) == 0 || strncmp(line, "| ", 2) != 0)
			continue;
		assert_true(found < ROWS);
		snprintf(want, sizeof(want), "| %s | %s | ", channel_state_name(rows[found].from),
			channel_state_name(rows[found].to));
		line[strlen(want)] = '\0';
		assert_string_equal(line, want);
		found++;
	}
	fclose(file);
	assert_int_equal(found, ROWS);
}

static void a_host_comes_falls_silent_and_the_line_goes_away(void **state)
{
	struct bench b;
	struct channel *c;

	begin(&b, LINKMODE_AUTO);
	c = b.channel;
	assert_int_equal(c->state, CHANNEL_DOWN);
	b.sink.present = true;
	pass(&b, NS_PER_MS);
	assert_int_equal(c->state, CHANNEL_ONE_WAY);
	assert_true(channel_is_blind(c));
	post(&b, 3);
	pass(&b, NS_PER_MS);
	host_says(&b, &(ayaprof_Ack){.receiver = 5, .next_seq = 1, .begin = true});
	assert_int_equal(c->state, CHANNEL_CONNECTING);
	pass(&b, NS_PER_MS);
	host_acknowledges_all(&b);
	assert_int_equal(c->state, CHANNEL_RELIABLE);
	assert_int_equal(b.sink.link, ayaprof_LinkMode_LINK_RELIABLE);
	assert_false(channel_is_blind(c));
	pass(&b, 6 * NS_PER_S);
	assert_int_equal(c->state, CHANNEL_ONE_WAY);
	host_acknowledges_all(&b);
	assert_int_equal(c->state, CHANNEL_RELIABLE);
	b.sink.present = false;
	pass(&b, NS_PER_MS);
	assert_int_equal(c->state, CHANNEL_DOWN);
	/* Frames are still kept for it. */
	b.sink.present = true;
	pass(&b, NS_PER_MS);
	assert_int_equal(c->state, CHANNEL_CONNECTING);
	host_says(&b, &(ayaprof_Ack){.receiver = 5, .next_seq = c->tx.window.end, .leaving = true});
	assert_int_equal(c->state, CHANNEL_ONE_WAY);
	end(&b);
}

static void who_was_told_to_wait_waits(void **state)
{
	struct bench b;

	begin(&b, LINKMODE_RELIABLE);
	b.sink.present = true;
	pass(&b, NS_PER_MS);
	assert_int_equal(b.channel->state, CHANNEL_CONNECTING);
	host_acknowledges_all(&b);
	assert_int_equal(b.channel->state, CHANNEL_RELIABLE);
	pass(&b, 6 * NS_PER_S);
	assert_int_equal(b.channel->state, CHANNEL_CONNECTING);
	assert_true(b.channel->tx.windowed);
	end(&b);
}

static void the_end_comes_from_any_state_and_is_final(void **state)
{
	for (int present = 0; present <= 1; present++) {
		struct bench b;
		struct closing_wish wish = {.queued = true, .forced = true};
		unsigned int round = 0;

		begin(&b, LINKMODE_AUTO);
		b.sink.present = present;
		pass(&b, NS_PER_MS);
		post(&b, 10);
		channel_quiesce(b.channel, b.now);
		/* What the line and the host do is no change of state any more. */
		b.sink.present = true;
		pass(&b, NS_PER_MS);
		host_acknowledges_all(&b);
		assert_int_equal(b.channel->state, CHANNEL_QUIESCING);
		while (!channel_close(b.channel, &wish, b.now) && round++ < 1000)
			pass(&b, 10 * NS_PER_MS);
		assert_int_equal(b.channel->state, CHANNEL_CLOSED);
		post(&b, 1);
		assert_false(channel_wants_sink(b.channel));
		b.n_kinds = 0;
		pass(&b, NS_PER_S);
		assert_int_equal(b.n_kinds, 0);
		end(&b);
	}
}

/* Nothing old is sent again before the goodbye of an end that was forced. */
static void a_host_that_answers_a_forced_end_delays_no_goodbye(void **state)
{
	struct bench b;
	struct closing_wish wish = {.queued = true, .forced = true};

	begin(&b, LINKMODE_AUTO);
	b.sink.present = true;
	pass(&b, NS_PER_MS);
	post(&b, 10);
	channel_quiesce(b.channel, b.now);
	assert_false(channel_close(b.channel, &wish, b.now));
	assert_true(b.channel->closing.abandoned);
	host_acknowledges_all(&b);
	host_says(&b, &(ayaprof_Ack){.receiver = 6, .next_seq = 1, .begin = true});
	assert_false(b.channel->tx.windowed);
	end(&b);
}

/* ---- the rate ------------------------------------------------------------------------------- */

static void follows(const struct bench *b, uint32_t baud)
{
	const struct channel *c = b->channel;
	uint64_t bytes = baud / 10;

	assert_int_equal(c->rate.bytes_per_s, bytes);
	assert_int_equal(c->rate.frame_bytes, baud <= 230400 ? 1024 : 2048);
	assert_int_equal(c->rate.group_bytes, 2 * bytes < 32768 ? 2 * bytes : 32768);
	assert_int_equal(c->rate.start_bytes, bytes);
	/* Eight percent each, in the feed that spends them. */
	assert_in_range(c->feed.repeat_budget.per_s, bytes * 8 / 100, bytes * 8 / 100 + 1);
	assert_in_range(c->feed.telemetry_budget.per_s, bytes * 8 / 100, bytes * 8 / 100 + 1);
	assert_in_range(c->feed.period_ns, NS_PER_S, 8 * NS_PER_S);
	assert_true((c->feed.period_ns > NS_PER_S) == (baud < 115200));
	/* A frame and its acknowledgement fit between two repeats. */
	assert_true(c->rate.rto_ns >= NS_PER_S + c->rate.frame_bytes * NS_PER_S / bytes);
	assert_int_equal(c->link.rto_ns, c->rate.rto_ns);
	assert_true(c->rate.settle_ns >= 1280 * NS_PER_S / baud);
}

static void all_follows_ten_changes_of_the_rate(void **state)
{
	static const uint32_t bauds[] = {
		38400, 3000000, 57600, 921600, 38400, 1500000, 115200, 3000000, 230400, 3000000};
	struct bench b;

	begin(&b, LINKMODE_AUTO);
	b.sink.present = true;
	pass(&b, NS_PER_MS);
	host_acknowledges_all(&b);
	for (unsigned int i = 0; i < sizeof(bauds) / sizeof(bauds[0]); i++) {
		assert_int_equal(baud_ask(b.channel, bauds[i], b.now), 0);
		for (int round = 0; round < 20 && b.sink.baud != bauds[i]; round++)
			pass(&b, 10 * NS_PER_MS);
		assert_int_equal(b.sink.baud, bauds[i]);
		host_acknowledges_all(&b);
		assert_int_equal(b.rates, i + 1);
		follows(&b, bauds[i]);
	}
	/* The line comes back as it was opened, and by itself. */
	b.sink.present = false;
	pass(&b, NS_PER_MS);
	line_set_rate(&b.sink, 115200);
	b.sink.present = true;
	b.sink.generation++;
	pass(&b, NS_PER_MS);
	follows(&b, 115200);
	end(&b);
}

/* ---- what goes first ------------------------------------------------------------------------ */

static void an_answer_passes_what_is_sent_again(void **state)
{
	struct bench b;
	ayaprof_Ack lost = {.receiver = 5, .missing_count = 2};
	ayaprof_Ack answer = {.control_id = 9};

	begin(&b, LINKMODE_RELIABLE);
	b.sink.present = true;
	post(&b, 100);
	pass(&b, NS_PER_MS);
	assert_int_equal(b.channel->tx.window.end, 100);
	lost.missing[0] = 99;
	lost.missing[1] = 1;
	host_says(&b, &lost);
	assert_int_equal(b.channel->tx.window.lost, 99);
	channel_post_urgent(b.channel, AYP_KIND_ACK, &answer);
	b.n_kinds = 0;
	pass(&b, NS_PER_MS);
	assert_int_equal(b.n_kinds, 100);
	assert_int_equal(b.kinds[0], AYP_KIND_ACK);
	end(&b);
}

static void two_channels_are_two(void **state)
{
	static struct bench line, other;

	begin(&line, LINKMODE_AUTO);
	begin(&other, LINKMODE_AUTO);
	line.sink.present = other.sink.present = true;
	pass(&line, NS_PER_MS);
	pass(&other, NS_PER_MS);
	post(&line, 5);
	pass(&line, NS_PER_MS);
	assert_int_equal(channel_set_baud(line.channel, 921600), 0);
	host_acknowledges_all(&line);
	channel_quiesce(line.channel, line.now);
	follows(&other, 115200);
	assert_int_equal(other.channel->state, CHANNEL_ONE_WAY);
	assert_int_equal(other.channel->tx.seq, 0);
	assert_int_equal(other.rates, 0);
	end(&line);
	end(&other);
}

static int set_up(void **state)
{
	log_set_verbosity(-1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_rows_are_possible),
		cmocka_unit_test(the_protocol_has_the_same_rows),
		cmocka_unit_test(a_host_comes_falls_silent_and_the_line_goes_away),
		cmocka_unit_test(who_was_told_to_wait_waits),
		cmocka_unit_test(the_end_comes_from_any_state_and_is_final),
		cmocka_unit_test(a_host_that_answers_a_forced_end_delays_no_goodbye),
		cmocka_unit_test(all_follows_ten_changes_of_the_rate),
		cmocka_unit_test(an_answer_passes_what_is_sent_again),
		cmocka_unit_test(two_channels_are_two),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
