/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/vectors.h"
#include "tests/unit/random.h"

#include "framing/framing.h"

/* ---- what is checked in --------------------------------------------------------------------- */

static void golden_vectors(void **state)
{
	static struct vectors v;
	static uint8_t a[VECTOR_BYTES], b[VECTOR_BYTES], got[VECTOR_BYTES];
	unsigned int cobs = 0, crc = 0, frames = 0;

	vectors_open(&v);
	while (vectors_next(&v)) {
		if (vectors_is(&v, "cobs")) {
			size_t plain = vectors_bytes(&v, 1, a), encoded = vectors_bytes(&v, 2, b);

			assert_int_equal(framing_cobs_encode(got, sizeof(got), a, plain), encoded);
			assert_memory_equal(got, b, encoded);
			assert_int_equal(framing_cobs_decode(got, sizeof(got), b, encoded), plain);
			assert_memory_equal(got, a, plain);
			cobs++;
		} else if (vectors_is(&v, "crc32c")) {
			size_t n = vectors_bytes(&v, 1, a);

			assert_int_equal(framing_crc32c(0, a, n), strtoul(v.field[2], NULL, 16));
			crc++;
		} else if (vectors_is(&v, "frame")) {
			struct framing_header h = {.kind = (uint8_t)vectors_number(&v, 1),
				.flags = (uint8_t)vectors_number(&v, 2),
				.session = (uint32_t)vectors_number(&v, 3),
				.seq = (uint32_t)vectors_number(&v, 4)};
			size_t payload = vectors_bytes(&v, 5, a), wire = vectors_bytes(&v, 6, b);

			assert_int_equal(framing_encode(got, sizeof(got), &h, a, payload), wire);
			assert_memory_equal(got, b, wire);
			frames++;
		}
	}
	assert_true(cobs >= 16 && crc >= 5 && frames >= 4);
}

/* ---- COBS ----------------------------------------------------------------------------------- */

static void cobs_round_trip_of_any_length(void **state)
{
	static uint8_t plain[2000], encoded[FRAMING_COBS_BOUND(2000)],
		back[FRAMING_COBS_BOUND(2000)];
	uint64_t rng = 1;

	for (size_t len = 0; len <= sizeof(plain); len += 1 + len / 50) {
		/* few zeros make long groups, many make short ones */
		for (unsigned int zeros = 1; zeros <= 1000; zeros *= 10) {
			size_t n;

			for (size_t i = 0; i < len; i++)
				plain[i] = random_below(&rng, 1000) < zeros
						   ? 0
						   : (uint8_t)(1 + random_below(&rng, 255));
			n = framing_cobs_encode(encoded, sizeof(encoded), plain, len);
			assert_true(n > len && n <= FRAMING_COBS_BOUND(len));
			assert_null(memchr(encoded, 0, n));
			assert_int_equal(framing_cobs_encode(back, n - 1, plain, len), 0);
			assert_int_equal(framing_cobs_decode(back, len, encoded, n), len);
			assert_memory_equal(back, plain, len);
			if (len)
				assert_int_equal(framing_cobs_decode(back, len - 1, encoded, n), 0);
			assert_int_equal(
				framing_cobs_decode(encoded, sizeof(encoded), encoded, n), len);
			assert_memory_equal(encoded, plain, len);
		}
	}
}

static void cobs_refuses_what_is_not_cobs(void **state)
{
	static const uint8_t reaches_past[] = {0x05, 1, 2, 3};
	static const uint8_t zero_inside[] = {0x04, 1, 0, 3};
	static const uint8_t zero_code[] = {0x02, 1, 0, 3};
	uint8_t out[16];

	assert_int_equal(framing_cobs_decode(out, sizeof(out), reaches_past, 4), 0);
	assert_int_equal(framing_cobs_decode(out, sizeof(out), zero_inside, 4), 0);
	assert_int_equal(framing_cobs_decode(out, sizeof(out), zero_code, 4), 0);
	assert_int_equal(framing_cobs_decode(out, sizeof(out), out, 0), 0);
}

static void cobs_takes_a_superfluous_last_code(void **state)
{
	uint8_t full[256], out[256];

	memset(full, 7, sizeof(full));
	full[0] = 0xff;
	full[255] = 0x01;
	assert_int_equal(framing_cobs_decode(out, sizeof(out), full, 255), 254);
	assert_int_equal(framing_cobs_decode(out, sizeof(out), full, 256), 254);
}

/* ---- CRC ------------------------------------------------------------------------------------ */

static void crc_is_the_polynomial_and_chains(void **state)
{
	uint8_t data[300];
	uint64_t rng = 2;
	uint32_t slow = 0xffffffff;

	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)random_next(&rng);
		slow ^= data[i];
		for (int k = 0; k < 8; k++)
			slow = slow >> 1 ^ (slow & 1 ? 0x82f63b78u : 0);
		assert_int_equal(framing_crc32c(0, data, i + 1), slow ^ 0xffffffff);
		assert_int_equal(
			framing_crc32c(framing_crc32c(0, data, i / 3), data + i / 3, i + 1 - i / 3),
			slow ^ 0xffffffff);
	}
}

/* ---- deframer ------------------------------------------------------------------------------- */

/* What came out, in order. */
struct sink {
	struct deframer d;
	uint8_t mem[DEFRAMER_MEM(FRAMING_MAX_SEGMENT)];
	uint8_t text[65536];
	size_t text_len;
	uint8_t damaged[65536];
	size_t damaged_len;
	enum deframer_damage damage; /* of the last one */
	unsigned int frames, texts, damages;
	struct framing_header header; /* of the last one */
	uint8_t payload[FRAMING_MAX_PAYLOAD];
	size_t payload_len;
	uint8_t body[FRAMING_MAX_BODY];
	size_t body_len;
};

static struct sink *sink_new(void)
{
	struct sink *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	deframer_init(&s->d, s->mem, sizeof(s->mem));
	return s;
}

static void take(struct sink *s, enum deframer_outcome outcome)
{
	switch (outcome) {
	case DEFRAMER_MORE:
		break;
	case DEFRAMER_FRAME:
		s->frames++;
		s->header = s->d.header;
		s->payload_len = s->d.payload_len;
		memcpy(s->payload, s->d.payload, s->payload_len);
		s->body_len = s->d.body_len;
		memcpy(s->body, s->d.body, s->body_len);
		break;
	case DEFRAMER_TEXT:
		s->texts++;
		memcpy(s->text + s->text_len, s->d.raw, s->d.raw_len);
		s->text_len += s->d.raw_len;
		break;
	case DEFRAMER_DAMAGED:
		s->damages++;
		s->damage = s->d.damage;
		memcpy(s->damaged + s->damaged_len, s->d.raw, s->d.raw_len);
		s->damaged_len += s->d.raw_len;
		break;
	}
}

static void push(struct sink *s, const void *data, size_t len)
{
	for (const uint8_t *p = data; len--; p++)
		take(s, deframer_push(&s->d, *p));
}

static void push_text(struct sink *s, const char *text)
{
	push(s, text, strlen(text));
}

static size_t make_frame(uint8_t wire[FRAMING_MAX_WIRE], uint32_t seq, size_t len)
{
	static uint8_t payload[FRAMING_MAX_PAYLOAD];
	uint64_t rng = seq + 1;

	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)random_next(&rng);
	return framing_encode(wire, FRAMING_MAX_WIRE,
		&(struct framing_header){.kind = 3, .session = 0x5e551011, .seq = seq}, payload,
		len);
}

static void frames_of_all_sizes_arrive(void **state)
{
	static const size_t sizes[] = {0, 1, 239, 240, 241, 254, 1000, 4095, FRAMING_MAX_PAYLOAD};
	struct sink *s = sink_new();
	uint8_t wire[FRAMING_MAX_WIRE];

	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct framing_header h;
		const uint8_t *payload;
		size_t payload_len;

		push(s, wire, make_frame(wire, i, sizes[i]));
		assert_int_equal(s->frames, i + 1);
		assert_int_equal(s->header.kind, 3);
		assert_int_equal(s->header.session, 0x5e551011);
		assert_int_equal(s->header.seq, i);
		assert_int_equal(s->payload_len, sizes[i]);
		/* the body is what a recording stores: it parses to the same again */
		assert_true(framing_body_parse(s->body, s->body_len, &h, &payload, &payload_len));
		assert_int_equal(h.seq, i);
		assert_memory_equal(payload, s->payload, payload_len);
	}
	assert_int_equal(s->texts + s->damages, 0);
	free(s);
}

static void a_payload_that_does_not_fit_is_refused(void **state)
{
	static uint8_t payload[FRAMING_MAX_PAYLOAD + 1], wire[FRAMING_MAX_WIRE + 10];
	struct framing_header h = {0};
	size_t n = framing_encode(wire, sizeof(wire), &h, payload, 300);

	assert_int_equal(framing_encode(wire, sizeof(wire), &h, payload, sizeof(payload)), 0);
	assert_int_equal(framing_body_write(wire, sizeof(wire), &h, payload, sizeof(payload)), 0);
	for (size_t cap = 0; cap < n; cap++)
		assert_int_equal(framing_encode(wire, cap, &h, payload, 300), 0);
	assert_int_equal(framing_encode(wire, n, &h, payload, 300), n);
	assert_int_equal(framing_body_write(wire, FRAMING_MIN_BODY + 299, &h, payload, 300), 0);
	memset(payload, 0xaa, sizeof(payload));
	assert_true(framing_encode(wire, FRAMING_MAX_WIRE, &h, payload, FRAMING_MAX_PAYLOAD) > 0);
}

static void every_single_bit_error_is_noticed(void **state)
{
	uint8_t wire[FRAMING_MAX_WIRE], bad[FRAMING_MAX_WIRE];
	size_t n = make_frame(wire, 5, 60);
	struct sink *s = sink_new();

	for (size_t bit = 0; bit < 8 * n; bit++) {
		memcpy(bad, wire, n);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		deframer_init(&s->d, s->mem, sizeof(s->mem));
		s->frames = 0;
		push(s, bad, n);
		take(s, deframer_finish(&s->d));
		/* An error in a delimiter leaves the frame whole only if the other side still ends
		 * it. */
		if (bit >= 8 && bit < 8 * (n - 1))
			assert_int_equal(s->frames, 0);
		push(s, wire, n);
		assert_true(s->frames >= 1);
	}
	free(s);
}

static void text_between_frames_comes_out_unchanged(void **state)
{
	struct sink *s = sink_new();
	uint8_t wire[FRAMING_MAX_WIRE];
	size_t n = make_frame(wire, 1, 100);

	push_text(s, "boot\r\n\x1b[1mbold\a\n");
	push(s, wire, n);
	push_text(s, "[    1.5] gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x8c\n");
	push(s, wire, n);
	push(s, wire, n);
	push_text(s, "login: ");
	take(s, deframer_finish(&s->d));
	assert_int_equal(s->frames, 3);
	assert_int_equal(s->damages, 0);
	s->text[s->text_len] = 0;
	assert_string_equal((char *)s->text, "boot\r\n\x1b[1mbold\a\n[    1.5] gr\xc3\xbc\xc3\x9f "
					     "\xe2\x82\xac \xf0\x9f\x90\x8c\nlogin: ");
	free(s);
}

static void text_inside_a_frame_costs_that_frame_only(void **state)
{
	struct sink *s = sink_new();
	uint8_t wire[FRAMING_MAX_WIRE];
	size_t n = make_frame(wire, 1, 100);

	push(s, wire, 50);
	push_text(s, "panic\n");
	push(s, wire + 50, n - 50);
	assert_int_equal(s->frames, 0);
	assert_int_equal(s->damages, 1);
	assert_int_equal(s->damaged_len, n - 2 + 6);
	push(s, wire, n);
	assert_int_equal(s->frames, 1);
	free(s);
}

static void damage_says_why(void **state)
{
	static const struct {
		const char *bytes;
		enum deframer_damage why;
	} cases[] = {
		{"\x09\x80\x81", DEFRAMER_DAMAGE_COBS},
		{"\x01", DEFRAMER_DAMAGE_SHORT},
		{"\x03\x80\x81", DEFRAMER_DAMAGE_SHORT},
		{"\x10\x80\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
			DEFRAMER_DAMAGE_CRC},
		{"not utf-8: \xff", DEFRAMER_DAMAGE_COBS},
		{"overlong: \xc0\xaf", DEFRAMER_DAMAGE_COBS},
		{"overlong: \xe0\x80\xaf", DEFRAMER_DAMAGE_COBS},
		{"surrogate: \xed\xa0\x80", DEFRAMER_DAMAGE_COBS},
		{"too high: \xf4\x90\x80\x80", DEFRAMER_DAMAGE_COBS},
		{"C1 control: \xc2\x80", DEFRAMER_DAMAGE_COBS},
		{"cut: \xe2\x82", DEFRAMER_DAMAGE_COBS},
		{"DEL: \x7f", DEFRAMER_DAMAGE_COBS},
		{"XON: \x11", DEFRAMER_DAMAGE_COBS},
	};
	struct sink *s = sink_new();

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		push(s, cases[i].bytes, strlen(cases[i].bytes) + 1); /* with its 00 */
		assert_int_equal(s->damages, i + 1);
		assert_int_equal(s->damage, cases[i].why);
	}
	assert_int_equal(s->frames + s->texts, 0);
	free(s);
}

static void empty_segments_are_nothing(void **state)
{
	struct sink *s = sink_new();
	static const uint8_t zeros[100];

	push(s, zeros, sizeof(zeros));
	take(s, deframer_finish(&s->d));
	assert_int_equal(s->frames + s->texts + s->damages, 0);
	free(s);
}

static void long_text_comes_in_pieces_and_in_order(void **state)
{
	struct sink *s = sink_new();
	static char text[20001];
	uint8_t wire[FRAMING_MAX_WIRE];

	/* three-byte characters, so that the buffer's end falls inside some of them */
	for (size_t i = 0; i + 4 <= sizeof(text); i += 4)
		memcpy(text + i, i % 60 ? "\xe2\x82\xac." : "\xe2\x82\xac\n", 4);
	for (unsigned int shift = 0; shift < 4; shift++) {
		s->text_len = 0;
		push_text(s, "abc" + 3 - shift);
		push_text(s, text);
		push(s, wire, make_frame(wire, 9, 10));
		assert_int_equal(s->frames, shift + 1);
		assert_int_equal(s->damages, 0);
		assert_int_equal(s->text_len, strlen(text) + shift);
		assert_memory_equal(s->text + shift, text, strlen(text));
	}
	free(s);
}

static void long_noise_is_bounded_and_then_over(void **state)
{
	struct sink *s = sink_new();
	static uint8_t noise[30000];
	uint8_t wire[FRAMING_MAX_WIRE];
	uint64_t rng = 3;

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(1 + random_below(&rng, 255));
	push(s, noise, sizeof(noise));
	push(s, wire, make_frame(wire, 9, 10));
	assert_int_equal(s->frames, 1);
	assert_int_equal(s->damage, DEFRAMER_DAMAGE_OVERSIZE);
	assert_int_equal(s->damaged_len, sizeof(noise));
	assert_memory_equal(s->damaged, noise, sizeof(noise));
	free(s);
}

static void a_quiet_line_gives_its_text_up_to_the_line_feed(void **state)
{
	struct sink *s = sink_new();
	uint8_t wire[FRAMING_MAX_WIRE];
	uint8_t payload[64]; /* some lengths make the first COBS code printable */
	size_t n;

	push_text(s, "hello\nlog");
	assert_int_equal(deframer_text_waiting(&s->d), 6);
	take(s, deframer_take_text(&s->d));
	assert_memory_equal(s->text, "hello\n", 6);
	assert_int_equal(deframer_text_waiting(&s->d), 0);
	assert_int_equal(deframer_take_text(&s->d), DEFRAMER_MORE);
	push_text(s, "in:\n");
	take(s, deframer_take_text(&s->d));
	assert_int_equal(s->text_len, 13);
	assert_memory_equal(s->text, "hello\nlogin:\n", 13);

	/* However far a frame has come, no part of it is taken for text: not even one whose first
	 * COBS code (it follows from the length), kind and rest are all printable or line feeds. */
	memset(payload, '\n', sizeof(payload));
	for (unsigned int flags = 0; flags < 2; flags++) {
		for (unsigned int kind = 0; kind < 256; kind++) {
			struct framing_header h = {.kind = (uint8_t)kind,
				.flags = (uint8_t)flags,
				.session = 0x0a0a0a0a,
				.seq = 0x0a0a0a0a};

			n = framing_encode(wire, sizeof(wire), &h, payload, kind % 64);
			for (size_t i = 0; i < n; i++) {
				take(s, deframer_push(&s->d, wire[i]));
				assert_int_equal(deframer_text_waiting(&s->d), 0);
			}
			n = framing_encode(wire, sizeof(wire), &h, payload, 30);
			for (size_t i = 0; i < n; i++) {
				take(s, deframer_push(&s->d, wire[i]));
				assert_int_equal(deframer_text_waiting(&s->d), 0);
			}
		}
	}
	assert_int_equal(s->frames, 1024);
	free(s);
}

static void the_end_of_input_is_a_delimiter(void **state)
{
	struct sink *s = sink_new();
	uint8_t wire[FRAMING_MAX_WIRE];
	size_t n = make_frame(wire, 1, 40);

	push(s, wire, n - 1);
	take(s, deframer_finish(&s->d));
	assert_int_equal(s->frames, 1);
	push(s, wire, n - 2);
	take(s, deframer_finish(&s->d));
	assert_int_equal(s->frames, 1);
	assert_int_equal(s->damages, 1);
	assert_int_equal(deframer_finish(&s->d), DEFRAMER_MORE);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_vectors),
		cmocka_unit_test(cobs_round_trip_of_any_length),
		cmocka_unit_test(cobs_refuses_what_is_not_cobs),
		cmocka_unit_test(cobs_takes_a_superfluous_last_code),
		cmocka_unit_test(crc_is_the_polynomial_and_chains),
		cmocka_unit_test(frames_of_all_sizes_arrive),
		cmocka_unit_test(a_payload_that_does_not_fit_is_refused),
		cmocka_unit_test(every_single_bit_error_is_noticed),
		cmocka_unit_test(text_between_frames_comes_out_unchanged),
		cmocka_unit_test(text_inside_a_frame_costs_that_frame_only),
		cmocka_unit_test(damage_says_why),
		cmocka_unit_test(empty_segments_are_nothing),
		cmocka_unit_test(long_text_comes_in_pieces_and_in_order),
		cmocka_unit_test(long_noise_is_bounded_and_then_over),
		cmocka_unit_test(a_quiet_line_gives_its_text_up_to_the_line_feed),
		cmocka_unit_test(the_end_of_input_is_a_delimiter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
