/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What can be had of damaged segments: one wrong bit anywhere, another writer's lines anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "host/record/receiver.h"
#include "tests/unit/random.h"

#define SESSION 0x12345678u
#define EVENTS  3u

struct heard {
	unsigned int frames, repaired, damaged;
	uint8_t bodies[64][FRAMING_MAX_BODY];
	size_t lens[64];
	uint8_t text[200000];
	size_t text_len, damage_len;
};
static struct heard heard;
static struct receiver receiver;

static int on_frame(void *ctx, const struct receiver_frame *f)
{
	assert_true(heard.frames < 64);
	memcpy(heard.bodies[heard.frames], f->body, f->body_len);
	heard.lens[heard.frames++] = f->body_len;
	heard.repaired += f->repaired;
	return 0;
}

static int on_text(void *ctx, const uint8_t *text, size_t len)
{
	assert_true(heard.text_len + len <= sizeof(heard.text));
	memcpy(heard.text + heard.text_len, text, len);
	heard.text_len += len;
	return 0;
}

static int on_damage(void *ctx, size_t len, bool first)
{
	heard.damaged += first;
	heard.damage_len += len;
	return 0;
}

static bool guesses;

static bool plausible(void *ctx, const struct framing_header *h, enum salvage_way way)
{
	return h->session == SESSION && h->kind == EVENTS && h->flags == 0 && h->seq < 100 &&
	       (way != SALVAGE_GUESSED || guesses);
}

static const struct receiver_ops ops = {on_frame, on_text, on_damage, plausible};

static void begin(void)
{
	memset(&heard, 0, sizeof(heard));
	receiver_init(&receiver, &ops, NULL);
}

/* Frame number `seq` of `len` random bytes; its body to `body`. */
static size_t make_frame(uint8_t *wire, uint8_t *body, uint32_t seq, size_t len, uint64_t *seed)
{
	struct framing_header h = {.kind = EVENTS, .session = SESSION, .seq = seq};
	uint8_t payload[FRAMING_MAX_PAYLOAD];

	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)random_next(seed);
	assert_int_equal(framing_body_write(body, FRAMING_MAX_BODY, &h, payload, len),
		FRAMING_MIN_BODY + len);
	return framing_encode(wire, FRAMING_MAX_WIRE, &h, payload, len);
}

static bool heard_frame(const uint8_t *body, size_t len)
{
	return heard.frames == 1 && heard.lens[0] == len + FRAMING_MIN_BODY &&
	       memcmp(heard.bodies[0], body, heard.lens[0]) == 0;
}

static void expect_frame(unsigned int at, const uint8_t *body, size_t len)
{
	assert_true(at < heard.frames);
	assert_int_equal(heard.lens[at], len + FRAMING_MIN_BODY);
	assert_memory_equal(heard.bodies[at], body, heard.lens[at]);
}

static void one_wrong_bit_anywhere_is_repaired(void **state)
{
	static const size_t lengths[] = {0, 1, 20, 240, 253, 254, 300, 1000};
	static uint8_t wire[3][FRAMING_MAX_WIRE], body[3][FRAMING_MAX_BODY];
	uint64_t seed = 5;

	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
		size_t len = lengths[l], n[3];

		for (uint32_t i = 0; i < 3; i++)
			n[i] = make_frame(wire[i], body[i], i, len, &seed);
		for (size_t bit = 0; bit < 8 * n[1]; bit++) {
			begin();
			receiver_bytes(&receiver, wire[0], n[0]);
			wire[1][bit / 8] ^= (uint8_t)(1u << bit % 8);
			receiver_bytes(&receiver, wire[1], n[1]);
			wire[1][bit / 8] ^= (uint8_t)(1u << bit % 8);
			receiver_bytes(&receiver, wire[2], n[2]);
			receiver_finish(&receiver);
			if (heard.frames != 3)
				print_message("length %zu, bit %zu of %zu\n", len, bit, 8 * n[1]);
			assert_int_equal(heard.frames, 3);
			for (unsigned int i = 0; i < 3; i++)
				expect_frame(i, body[i], len);
		}
	}
}

/* Nothing that was not sent: whatever else is wrong, no other frame comes out. */
static void worse_damage_never_makes_another_frame(void **state)
{
	static uint8_t wire[FRAMING_MAX_WIRE], bad[FRAMING_MAX_WIRE], body[FRAMING_MAX_BODY];
	uint64_t seed = 77;

	for (unsigned int round = 0; round < 3000; round++) {
		size_t len = 200 + random_next(&seed) % 1800, flips = 2 + round % 5;
		size_t n = make_frame(wire, body, 1, len, &seed);

		memcpy(bad, wire, n);
		for (size_t i = 0; i < flips; i++) {
			size_t bit = random_next(&seed) % (8 * n);
			bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		begin();
		receiver_bytes(&receiver, bad, n);
		receiver_finish(&receiver);
		for (unsigned int i = 0; i < heard.frames; i++)
			expect_frame(i, body, len);
	}
}

static void two_wrong_bits_are_mostly_repaired_where_guesses_count(void **state)
{
	static uint8_t wire[FRAMING_MAX_WIRE], body[FRAMING_MAX_BODY];
	unsigned int repaired = 0;
	uint64_t seed = 78;

	guesses = true;
	for (unsigned int round = 0; round < 300; round++) {
		size_t n = make_frame(wire, body, 1, 2000, &seed);

		for (int i = 0; i < 2; i++) {
			size_t bit = random_next(&seed) % (8 * n);
			wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		begin();
		receiver_bytes(&receiver, wire, n);
		receiver_finish(&receiver);
		repaired += heard.frames == 1 && memcmp(heard.bodies[0], body, heard.lens[0]) == 0;
	}
	guesses = false;
	print_message("%u of 300\n", repaired);
	assert_true(repaired > 240);
}

/* Sends a frame with the byte at `at` left out (change 0), given twice (1), or another one in front of it (2). */
static void send_shifted(const uint8_t *wire, size_t n, size_t at, int change, uint8_t other)
{
	begin();
	receiver_bytes(&receiver, wire, at);
	if (change == 2)
		receiver_bytes(&receiver, &other, 1);
	if (change == 1)
		receiver_bytes(&receiver, wire + at, 1);
	receiver_bytes(&receiver, wire + at + !change, n - at - !change);
	receiver_finish(&receiver);
}

/* But for codes, of which a frame has few. */
static void one_byte_lost_or_too_many_is_mostly_repaired(void **state)
{
	static const size_t lengths[] = {
		0, 1, 20, 240, 253, 254, 300, 1000, 2000, FRAMING_MAX_PAYLOAD};
	static const char *const what[] = {"lost", "given twice", "inserted"};
	static uint8_t wire[FRAMING_MAX_WIRE], body[FRAMING_MAX_BODY];
	size_t tried[3] = {0}, right[3] = {0}, wrong = 0;
	uint64_t seed = 80;

	guesses = true;
	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
		size_t len = lengths[l], n = make_frame(wire, body, 1, len, &seed);

		for (size_t at = 1; at + 1 < n; at += len > 1000 ? 7 : 1) {
			for (int change = 0; change < 3; change++) {
				send_shifted(wire, n, at, change, (uint8_t)random_next(&seed));
				tried[change]++;
				right[change] += heard_frame(body, len);
				wrong += heard.frames && !heard_frame(body, len);
			}
		}
	}
	guesses = false;
	for (int change = 0; change < 3; change++) {
		print_message("%s: %zu of %zu\n", what[change], right[change], tried[change]);
		assert_true(right[change] > tried[change] * 95 / 100);
	}
	print_message("%zu taken for other frames\n", wrong);
	assert_true(wrong <= 3);
}

/* Some bytes lost, some doubled: what comes out is what was sent. */
static void worse_shifts_never_make_another_frame(void **state)
{
	static uint8_t wire[FRAMING_MAX_WIRE], bad[2 * FRAMING_MAX_WIRE], body[FRAMING_MAX_BODY];
	unsigned int right = 0;
	uint64_t seed = 81;

	for (unsigned int round = 0; round < 3000; round++) {
		size_t len = 200 + random_next(&seed) % 1800,
		       n = make_frame(wire, body, 1, len, &seed);
		size_t m = 0, changes = 2 + round % 4;

		for (size_t i = 0; i < n; i++) {
			bool change = random_next(&seed) % n < changes;

			if (change && random_next(&seed) % 2)
				bad[m++] = wire[i];
			if (!change || m % 2)
				bad[m++] = wire[i];
		}
		begin();
		receiver_bytes(&receiver, bad, m);
		receiver_finish(&receiver);
		right += heard.frames;
		for (unsigned int i = 0; i < heard.frames; i++)
			expect_frame(i, body, len);
	}
	assert_true(right > 0);
}

/* A line that is bad for long: looking for text in what cannot be restored leaves repairs their share. */
static void a_bad_line_is_repaired_for_as_long_as_it_is_bad(void **state)
{
	static uint8_t wire[FRAMING_MAX_WIRE], body[FRAMING_MAX_BODY];
	unsigned int repaired = 0, hopeless = 3000, hurt = 500;
	uint64_t seed = 79;

	guesses = true;
	begin();
	for (unsigned int round = 0; round < hopeless + hurt; round++) {
		size_t n = make_frame(wire, body, 1, 1000, &seed);
		unsigned int flips = round < hopeless ? 30 : 2;

		for (unsigned int i = 0; i < flips; i++) {
			size_t bit = 8 + random_next(&seed) % (8 * (n - 2));
			wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		memset(&heard, 0, sizeof(heard));
		receiver_bytes(&receiver, wire, n);
		repaired += round >= hopeless && heard.frames == 1 &&
			    memcmp(heard.bodies[0], body, heard.lens[0]) == 0;
	}
	guesses = false;
	print_message("%u of %u\n", repaired, hurt);
	assert_true(repaired > hurt * 8 / 10);
}

static const char *const lines[] = {
	"[    0.000000] Linux version 6.1.0 (gcc 12) #1 SMP\r\n",
	"[   12.345678] usb 1-1: new high-speed USB device number 2 using xhci_hcd\n",
	"<6>[  101.000001] eth0: link up\n",
	"login: root\n",
	"\x1b[1;31mred\x1b[0m text of some length\r\n",
	"\xc3\x9c"
	"bertemperatur 85 \xc2\xb0"
	"C \xe2\x80\x93 \xe2\x9c\x93\n",
	"systemd[1]: Started something or other.\n",
};

/* Insert `count` lines of the first `kinds` at random places of a frame's bytes; returns the new size. */
static size_t tangle(const uint8_t *wire, size_t n, unsigned int count, unsigned int kinds,
	uint8_t *out, char *text, uint64_t *seed)
{
	size_t at = 0, places[32];

	text[0] = '\0';
	for (unsigned int i = 0; i < count; i++)
		places[i] = 1 + random_next(seed) % (n - 1);
	for (size_t i = 0; i < n; i++) {
		for (unsigned int k = 0; k < count; k++) {
			const char *line = lines[random_next(seed) % kinds];

			if (places[k] != i)
				continue;
			memcpy(out + at, line, strlen(line));
			at += strlen(line);
			strncat(text, line, 8000 - strlen(text));
		}
		out[at++] = wire[i];
	}
	return at;
}

static void lines_inside(
	unsigned int kinds, unsigned int most, unsigned int rounds, unsigned int allowed)
{
	static uint8_t wire[FRAMING_MAX_WIRE], out[40000], body[FRAMING_MAX_BODY];
	unsigned int missed = 0;
	uint64_t seed = 11;
	char text[8001];

	for (unsigned int round = 0; round < rounds; round++) {
		size_t len = 300 + random_next(&seed) % 3200;
		size_t n = make_frame(wire, body, 1, len, &seed);

		n = tangle(wire, n, 1 + round % most, kinds, out, text, &seed);
		begin();
		receiver_bytes(&receiver, out, n);
		receiver_finish(&receiver);
		if (heard.frames != 1 || heard.text_len != strlen(text) ||
			memcmp(heard.text, text, heard.text_len) != 0) {
			missed++;
			continue;
		}
		expect_frame(0, body, len);
	}
	print_message("%u of %u not restored\n", missed, rounds);
	assert_true(missed <= allowed);
}

static void kernel_lines_inside_frames_come_out_and_so_do_the_frames(void **state)
{
	lines_inside(3, 15, 900, 0);
}

static void other_lines_inside_frames_come_out_and_so_do_the_frames(void **state)
{
	lines_inside(7, 10, 500, 5);
}

/* Text of other writers that no line feed ends, and what it is made of. */
static const struct {
	const char *name, *text;
} unended[] = {
	{"prompt", "board login: "},
	{"Latin-1", "Ger\xe4t bereit, \xdc"
		    "berhitzung fr\xfchestens bei 85 \xb0"
		    "C. "},
	{"UTF-8", "Gerät bereit, Überhitzung frühestens bei 85 °C – ✓ "},
	{"escapes", "\x1b[1;32m[ OK ]\x1b[0m\r\x1b[K\x1b[33;1H "},
	{"half a kernel message", "[   12.345678] usb 1-1: new high-speed USB dev"},
	{"lines and a prompt", "\r\nDebian GNU/Linux 12 board ttyS0\r\n\nboard login: "},
	{"progress", "\r  7%\r 14%\r 21% "},
};
#define N_UNENDED (sizeof(unended) / sizeof(unended[0]))

static void foreign_text(uint8_t *dst, size_t len, size_t kind)
{
	const char *text = unended[kind].text;

	for (size_t i = 0; i < len; i++)
		dst[i] = (uint8_t)text[i % strlen(text)];
}

/* The frame came, and with it exactly the text that was put in? A text that as well may begin a byte
 * earlier or later is one that happens to end like the byte of the frame before it. */
static bool heard_text(const uint8_t *body, size_t len, const uint8_t *text, size_t text_len)
{
	return heard_frame(body, len) && heard.text_len == text_len && heard.damage_len == 0 &&
	       memcmp(heard.text, text, text_len) == 0;
}

static void text_without_a_line_end_costs_no_frame(void **state)
{
	static const char *const places[] = {"begin", "middle", "end", "anywhere"};
	static uint8_t wire[FRAMING_MAX_WIRE], body[FRAMING_MAX_BODY];
	unsigned int frames[4] = {0}, right[4] = {0}, tried = 0;
	uint64_t seed = 21;

	for (size_t kind = 0; kind < N_UNENDED; kind++) {
		for (size_t text_len = 1; text_len <= 200; text_len++) {
			size_t len = 20 + random_next(&seed) % 2000;
			size_t n = make_frame(wire, body, 1, len, &seed);
			const size_t at[4] = {1, n / 2, n - 1, 1 + random_next(&seed) % (n - 1)};
			uint8_t text[200];

			foreign_text(text, text_len, kind);
			tried++;
			for (int place = 0; place < 4; place++) {
				begin();
				receiver_bytes(&receiver, wire, at[place]);
				receiver_bytes(&receiver, text, text_len);
				receiver_bytes(&receiver, wire + at[place], n - at[place]);
				receiver_finish(&receiver);
				frames[place] += heard_frame(body, len);
				right[place] += heard_text(body, len, text, text_len);
			}
		}
	}
	for (int place = 0; place < 4; place++) {
		print_message("%s: %u frames of %u, %u texts\n", places[place], frames[place],
			tried, right[place]);
		assert_int_equal(frames[place], tried);
		assert_true(right[place] >= tried * 98 / 100);
	}
}

/* Beside lines that end: a prompt, and the kernel's messages. */
static void text_without_a_line_end_beside_lines_costs_no_frame(void **state)
{
	static uint8_t wire[FRAMING_MAX_WIRE], out[40000], body[FRAMING_MAX_BODY];
	static uint8_t mixed[40000];
	unsigned int rounds = 300, frames = 0;
	uint64_t seed = 22;
	char text[8001];

	for (unsigned int round = 0; round < rounds; round++) {
		size_t len = 300 + random_next(&seed) % 2000, text_len = 4 + round % 60, at;
		size_t n = make_frame(wire, body, 1, len, &seed);

		n = tangle(wire, n, 1 + round % 4, 3, out, text, &seed);
		at = 1 + random_next(&seed) % (n - 1);
		memcpy(mixed, out, at);
		foreign_text(mixed + at, text_len, round % N_UNENDED);
		memcpy(mixed + at + text_len, out + at, n - at);
		begin();
		receiver_bytes(&receiver, mixed, n + text_len);
		receiver_finish(&receiver);
		frames += heard_frame(body, len) && heard.text_len == strlen(text) + text_len;
	}
	print_message("%u of %u\n", frames, rounds);
	assert_true(frames >= rounds * 95 / 100);
}

/* Bytes that are no text at all. */
static void a_burst_put_into_a_frame_is_taken_out_where_guesses_count(void **state)
{
	static uint8_t wire[FRAMING_MAX_WIRE], body[FRAMING_MAX_BODY];
	uint64_t seed = 23;

	guesses = true;
	for (unsigned int round = 0; round < 200; round++) {
		size_t len = 20 + random_next(&seed) % 2000, at, burst_len = 2 + round;
		size_t n = make_frame(wire, body, 1, len, &seed);
		uint8_t burst[202];

		for (size_t i = 0; i < burst_len; i++)
			burst[i] = (uint8_t)(1 + random_next(&seed) % 6);
		at = 1 + random_next(&seed) % (n - 1);
		begin();
		receiver_bytes(&receiver, wire, at);
		receiver_bytes(&receiver, burst, burst_len);
		receiver_bytes(&receiver, wire + at, n - at);
		receiver_finish(&receiver);
		assert_true(heard_frame(body, len));
	}
	guesses = false;
}

static void feed_between(const uint8_t *text, size_t len, uint32_t next)
{
	static uint8_t wire[FRAMING_MAX_WIRE], body[FRAMING_MAX_BODY];
	uint64_t seed = 24;

	begin();
	receiver_bytes(&receiver, wire, make_frame(wire, body, 1, 100, &seed));
	receiver_bytes(&receiver, text, len);
	receiver_bytes(&receiver, wire, make_frame(wire, body, next, 100, &seed));
	receiver_finish(&receiver);
	assert_int_equal(heard.frames, 2);
}

/* No frame is missing there, so these bytes are of none: of whatever character set, they are text. */
static void text_between_frames_that_follow_each_other_is_text(void **state)
{
	for (size_t kind = 0; kind < N_UNENDED; kind++) {
		for (size_t len = 1; len <= 200; len++) {
			uint8_t text[200];

			foreign_text(text, len, kind);
			feed_between(text, len, 2);
			assert_int_equal(heard.damage_len, 0);
			assert_int_equal(heard.text_len, len);
			assert_memory_equal(heard.text, text, len);
		}
	}
	feed_between((const uint8_t *)"\xe4\x02\x03", 3, 2);
	assert_int_equal(heard.damage_len, 3);
	feed_between((const uint8_t *)"\xe4\xf6", 2, 3);
	assert_int_equal(heard.damage_len, 2);
}

/* However bad a line is, the work on it is bounded by what came. */
static void work_is_bounded(void **state)
{
	static uint8_t worst[16000];
	uint64_t seed = 3;

	for (unsigned int round = 0; round < 40; round++) {
		begin();
		for (size_t i = 0; i < sizeof(worst); i++)
			worst[i] = random_next(&seed) % 8 ? (uint8_t)(' ' + random_next(&seed) % 90)
				   : round % 2            ? '\n'
							  : 1;
		worst[5] = 0x02;
		for (unsigned int i = 0; i < 50; i++) {
			receiver_bytes(&receiver, worst, 600 + 300 * round);
			receiver_bytes(&receiver, (const uint8_t[]){0}, 1);
		}
		assert_int_equal(heard.frames, 0);
		assert_true(heard.text_len + heard.damage_len == 50u * (600 + 300 * round));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_wrong_bit_anywhere_is_repaired),
		cmocka_unit_test(worse_damage_never_makes_another_frame),
		cmocka_unit_test(two_wrong_bits_are_mostly_repaired_where_guesses_count),
		cmocka_unit_test(one_byte_lost_or_too_many_is_mostly_repaired),
		cmocka_unit_test(worse_shifts_never_make_another_frame),
		cmocka_unit_test(a_bad_line_is_repaired_for_as_long_as_it_is_bad),
		cmocka_unit_test(kernel_lines_inside_frames_come_out_and_so_do_the_frames),
		cmocka_unit_test(other_lines_inside_frames_come_out_and_so_do_the_frames),
		cmocka_unit_test(text_without_a_line_end_costs_no_frame),
		cmocka_unit_test(text_without_a_line_end_beside_lines_costs_no_frame),
		cmocka_unit_test(a_burst_put_into_a_frame_is_taken_out_where_guesses_count),
		cmocka_unit_test(text_between_frames_that_follow_each_other_is_text),
		cmocka_unit_test(work_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
