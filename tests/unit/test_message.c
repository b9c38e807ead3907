/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/vectors.h"

#include <zlib.h>

#include "proto/message.h"
#include "tests/tools/fill_message.h"

/* Room for any message of any kind, and twice that to compare. */
static _Alignas(max_align_t) uint8_t msg[sizeof(ayaprof_Envelope)], back[sizeof(ayaprof_Envelope)];
static uint8_t payload[AYP_MAX_MESSAGE], plain[AYP_MAX_MESSAGE];
static struct ayp_message_ctx *ctx;

static int new_ctx(void **state)
{
	ctx = ayp_message_ctx_new();
	return ctx ? 0 : -1;
}

static int free_ctx(void **state)
{
	ayp_message_ctx_free(ctx);
	return 0;
}

static void fill(const struct ayp_kind_info *kind, struct fill f)
{
	memset(msg, 0, sizeof(msg));
	fill_message(&f, kind->fields, msg);
}

/* One raw deflate stream by zlib itself, with its own settings. Returns its size. */
static size_t deflated(const uint8_t *src, size_t len, uint8_t *dst, size_t cap)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)src;
	z.avail_in = (uInt)len;
	z.next_out = dst;
	z.avail_out = (uInt)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t inflated(const uint8_t *src, size_t len, uint8_t *dst, size_t cap)
{
	z_stream z = {0};

	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	z.next_in = (Bytef *)src;
	z.avail_in = (uInt)len;
	z.next_out = dst;
	z.avail_out = (uInt)cap;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	return z.total_out;
}

static void every_kind_survives_the_round_trip(void **state)
{
	const struct ayp_kind_info *kind;

	for (size_t i = 0; (kind = ayp_kind_at(i)); i++) {
		for (unsigned int k = 0; k < 200; k++) {
			struct fill f = {
				.state = k * 1000 + kind->kind, .repeat = k % 9, .choice = k};
			uint8_t flags;
			int n;

			fill(kind, f);
			n = ayp_message_encode(
				ctx, kind->kind, msg, payload, sizeof(payload), &flags);
			assert_true(n >= 0);
			assert_true(kind->compress || flags == 0);
			memset(back, 0xaa, sizeof(back));
			assert_int_equal(ayp_message_decode(
						 ctx, kind->kind, flags, payload, (size_t)n, back),
				0);
			assert_memory_equal(back, msg, kind->size);
		}
	}
}

static void golden_vectors(void **state)
{
	static struct vectors v;
	static uint8_t golden_payload[VECTOR_BYTES], golden_plain[VECTOR_BYTES];
	unsigned int seen[256] = {0};
	const struct ayp_kind_info *kind;

	vectors_open(&v);
	while (vectors_next(&v)) {
		unsigned int number, nth;
		size_t payload_len, plain_len;
		uint8_t flags;
		int n;

		if (!vectors_is(&v, "message"))
			continue;
		number = (unsigned int)vectors_number(&v, 2);
		kind = ayp_kind_info(number);
		assert_non_null(kind);
		assert_string_equal(kind->name, v.field[1]);
		flags = (uint8_t)vectors_number(&v, 3);
		payload_len = vectors_bytes(&v, 4, golden_payload);
		plain_len = vectors_bytes(&v, 5, golden_plain);

		/* the values make_vectors.c put in: none, filled, and one of each command */
		nth = seen[number]++;
		memset(msg, 0, sizeof(msg));
		if (nth == 1)
			fill(kind, (struct fill){.state = number, .repeat = 2});
		else if (nth > 1 && number != AYP_KIND_CONTROL)
			fill(kind, (struct fill){.state = number, .repeat = 2, .later = nth - 1});
		else if (nth > 1)
			fill(kind, (struct fill){.state = nth - 1, .choice = nth - 1});

		assert_int_equal(
			ayp_message_decode(ctx, number, flags, golden_payload, payload_len, back),
			0);
		assert_memory_equal(back, msg, kind->size);

		n = ayp_message_encode(ctx, number, msg, payload, sizeof(payload), &flags);
		assert_true(n >= 0);
		if (flags & AYP_FLAG_DEFLATED)
			n = (int)inflated(payload, (size_t)n, plain, sizeof(plain));
		else
			memcpy(plain, payload, (size_t)n);
		assert_int_equal(n, plain_len);
		assert_memory_equal(plain, golden_plain, plain_len);
	}
	for (size_t i = 0; (kind = ayp_kind_at(i)); i++)
		assert_true(seen[kind->kind] >= 2);
	assert_int_equal(seen[AYP_KIND_CONTROL], 9);
}

static void deflate_is_used_when_it_helps(void **state)
{
	ayaprof_Names *names = (ayaprof_Names *)msg;
	ayaprof_Hello *hello = (ayaprof_Hello *)msg;
	uint8_t flags;
	int n;

	memset(msg, 0, sizeof(msg));
	names->names_count = 32;
	for (unsigned int i = 0; i < 32; i++) {
		names->names[i].table = ayaprof_Table_TABLE_FUNC;
		names->names[i].id = i;
		snprintf(names->names[i].name, sizeof(names->names[i].name), "tcp_v4_function_%u",
			i);
	}
	n = ayp_message_encode(ctx, AYP_KIND_NAMES, msg, payload, sizeof(payload), &flags);
	assert_int_equal(flags, AYP_FLAG_DEFLATED);
	assert_true(n > 0 && (size_t)n * 3 < inflated(payload, (size_t)n, plain, sizeof(plain)));

	memset(msg, 0, sizeof(msg));
	hello->protocol = 1;
	n = ayp_message_encode(ctx, AYP_KIND_HELLO, msg, payload, sizeof(payload), &flags);
	assert_int_equal(n, 2);
	assert_int_equal(flags, 0);
}

static void a_payload_that_does_not_fit_is_refused(void **state)
{
	static const unsigned int kinds[] = {AYP_KIND_HELLO, AYP_KIND_ACK};
	uint8_t flags;

	for (size_t i = 0; i < 2; i++) {
		int n;

		fill(ayp_kind_info(kinds[i]), (struct fill){.state = 1, .repeat = 4});
		n = ayp_message_encode(ctx, kinds[i], msg, payload, sizeof(payload), &flags);
		assert_true(n > 0);
		assert_int_equal(
			ayp_message_encode(ctx, kinds[i], msg, payload, (size_t)n, &flags), n);
		for (int cap = 0; cap < n; cap++)
			assert_int_equal(ayp_message_encode(
						 ctx, kinds[i], msg, payload, (size_t)cap, &flags),
				-1);
	}
}

static void an_invalid_message_is_not_sent(void **state)
{
	ayaprof_Ack *ack = (ayaprof_Ack *)msg;
	uint8_t flags;

	memset(msg, 0, sizeof(msg));
	ack->missing_count = 33;
	assert_int_equal(
		ayp_message_encode(ctx, AYP_KIND_ACK, msg, payload, sizeof(payload), &flags), -1);
	ack->missing_count = 0;
	memset(ack->text, 'x', sizeof(ack->text)); /* not terminated */
	assert_int_equal(
		ayp_message_encode(ctx, AYP_KIND_ACK, msg, payload, sizeof(payload), &flags), -1);
}

static void unknown_kinds_are_told_apart(void **state)
{
	uint8_t flags;

	assert_null(ayp_kind_info(0));
	assert_null(ayp_kind_info(14));
	assert_null(ayp_kind_info(255));
	assert_int_equal(ayp_message_encode(ctx, 14, msg, payload, sizeof(payload), &flags), -1);
	assert_int_equal(ayp_message_decode(ctx, 14, 0, payload, 1, msg), -2);
}

static void unknown_fields_are_skipped(void **state)
{
	static const uint8_t bytes[] = {
		0x08, 0x01,                         /* protocol = 1 */
		0xf8, 0x06, 0x05,                   /* 111: varint */
		0xf9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, /* 111: 8 bytes */
		0xfa, 0x06, 0x03, 'a', 'b', 'c',    /* 111: 3 bytes */
		0xfd, 0x06, 1, 2, 3, 4,             /* 111: 4 bytes */
		0x10, 0x02,                         /* protocol_min = 2 */
	};
	ayaprof_Hello *hello = (ayaprof_Hello *)msg;

	assert_int_equal(ayp_message_decode(ctx, AYP_KIND_HELLO, 0, bytes, sizeof(bytes), msg), 0);
	assert_int_equal(hello->protocol, 1);
	assert_int_equal(hello->protocol_min, 2);
	/* and flags this version does not know are ignored */
	assert_int_equal(
		ayp_message_decode(ctx, AYP_KIND_HELLO, 0xfe, bytes, sizeof(bytes), msg), 0);
}

static void repeated_numbers_may_come_unpacked(void **state)
{
	static const uint8_t bytes[] = {0x18, 0x07, 0x18, 0x09, 0x1a, 0x02, 0x0a, 0x0b};
	ayaprof_Ack *ack = (ayaprof_Ack *)msg;

	assert_int_equal(ayp_message_decode(ctx, AYP_KIND_ACK, 0, bytes, sizeof(bytes), msg), 0);
	assert_int_equal(ack->missing_count, 4);
	assert_int_equal(ack->missing[0], 7);
	assert_int_equal(ack->missing[3], 11);
}

static void a_string_without_end_stays_inside_its_field(void **state)
{
	uint8_t bytes[200] = {0x32, 95}; /* Ack.text, all it can hold */
	ayaprof_Ack *ack = (ayaprof_Ack *)msg;

	memset(bytes + 2, 'x', sizeof(bytes) - 2);
	assert_int_equal(ayp_message_decode(ctx, AYP_KIND_ACK, 0, bytes, 97, msg), 0);
	assert_int_equal(strlen(ack->text), 95);
	bytes[1] = 96;
	assert_int_equal(ayp_message_decode(ctx, AYP_KIND_ACK, 0, bytes, 98, msg), -1);
}

static void damage_is_refused(void **state)
{
	static const struct {
		unsigned int kind;
		uint8_t bytes[16];
		size_t len;
	} cases[] = {
		{AYP_KIND_HELLO, {0x08}, 1},            /* value missing */
		{AYP_KIND_HELLO, {0x08, 0x80}, 2},      /* varint without end */
		{AYP_KIND_HELLO, {0x1a, 0x05, 'a'}, 3}, /* string longer than the payload */
		{AYP_KIND_HELLO, {0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f}, 6},
		{AYP_KIND_HELLO, {0x0a, 0x01, 0x00}, 3}, /* wrong wire type */
		{AYP_KIND_HELLO, {0x0f}, 1},             /* no such wire type */
		{AYP_KIND_HELLO, {0x08, 0xff, 0xff, 0xff, 0xff, 0x1f},
			6}, /* too large for uint32 */
		{AYP_KIND_HELLO,
			{0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
			12},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(ayp_message_decode(
					 ctx, cases[i].kind, 0, cases[i].bytes, cases[i].len, msg),
			-1);
}

static void too_many_entries_are_refused(void **state)
{
	uint8_t bytes[2 * 33];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i % 2 ? 1 : 0x18; /* Ack.missing */
	assert_int_equal(ayp_message_decode(ctx, AYP_KIND_ACK, 0, bytes, 2 * 32, msg), 0);
	assert_int_equal(ayp_message_decode(ctx, AYP_KIND_ACK, 0, bytes, 2 * 33, msg), -1);
}

static void deflate_is_bounded_and_exact(void **state)
{
	static uint8_t zeros[1 << 20], packed[4096];
	static const uint8_t empty[] = {0x03, 0x00};
	size_t n;

	/* a megabyte of nothing in a kilobyte */
	n = deflated(zeros, sizeof(zeros), packed, sizeof(packed));
	assert_int_equal(
		ayp_message_decode(ctx, AYP_KIND_HELLO, AYP_FLAG_DEFLATED, packed, n, msg), -1);

	/* the largest that is taken: an unknown field of bytes */
	memcpy(zeros, "\xfa\x06\xfc\x7f", 4); /* length 0x3ffc = 16384 - 4 */
	n = deflated(zeros, AYP_MAX_MESSAGE, packed, sizeof(packed));
	assert_int_equal(
		ayp_message_decode(ctx, AYP_KIND_HELLO, AYP_FLAG_DEFLATED, packed, n, msg), 0);
	for (size_t cut = 1; cut < n; cut++)
		assert_int_equal(ayp_message_decode(ctx, AYP_KIND_HELLO, AYP_FLAG_DEFLATED, packed,
					 n - cut, msg),
			-1);
	packed[n] = 0;
	assert_int_equal(
		ayp_message_decode(ctx, AYP_KIND_HELLO, AYP_FLAG_DEFLATED, packed, n + 1, msg), -1);

	n = deflated(zeros, AYP_MAX_MESSAGE + 1, packed, sizeof(packed));
	assert_int_equal(
		ayp_message_decode(ctx, AYP_KIND_HELLO, AYP_FLAG_DEFLATED, packed, n, msg), -1);

	assert_int_equal(
		ayp_message_decode(ctx, AYP_KIND_HELLO, AYP_FLAG_DEFLATED, packed, 0, msg), -1);
	assert_int_equal(
		ayp_message_decode(ctx, AYP_KIND_HELLO, AYP_FLAG_DEFLATED, empty, 2, msg), 0);
}

static void names_for_people(void **state)
{
	assert_string_equal(ayp_loss_cause_name(ayaprof_LossCause_LOSS_RING_FULL), "ring_full");
	assert_string_equal(ayp_loss_cause_name(ayaprof_LossCause_LOSS_UNDECODABLE), "undecodable");
	assert_string_equal(ayp_loss_cause_name(12345), "unknown");
	assert_string_equal(ayp_link_mode_name(ayaprof_LinkMode_LINK_ONEWAY), "oneway");
	assert_string_equal(ayp_link_mode_name(12345), "unknown");
	for (unsigned int i = 1; i < _ayaprof_LossCause_ARRAYSIZE; i++)
		assert_string_not_equal(ayp_loss_cause_name(i), "unknown");
	for (unsigned int i = 1; i < _ayaprof_LinkMode_ARRAYSIZE; i++)
		assert_string_not_equal(ayp_link_mode_name(i), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_survives_the_round_trip),
		cmocka_unit_test(golden_vectors),
		cmocka_unit_test(deflate_is_used_when_it_helps),
		cmocka_unit_test(a_payload_that_does_not_fit_is_refused),
		cmocka_unit_test(an_invalid_message_is_not_sent),
		cmocka_unit_test(unknown_kinds_are_told_apart),
		cmocka_unit_test(unknown_fields_are_skipped),
		cmocka_unit_test(repeated_numbers_may_come_unpacked),
		cmocka_unit_test(a_string_without_end_stays_inside_its_field),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(too_many_entries_are_refused),
		cmocka_unit_test(deflate_is_bounded_and_exact),
		cmocka_unit_test(names_for_people),
	};

	return cmocka_run_group_tests(tests, new_ctx, free_ctx);
}
