/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What golden vectors are checked with in WebAssembly: bytes from `in` to `out`; tests/wasm/vectors.mjs compares. */
#include <string.h>

#include "framing/textframe.h"
#include "proto/block.h"
#include "proto/message.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

static _Alignas(max_align_t) uint8_t in[1u << 16], out[sizeof(struct ayp_event) << 12];
static _Alignas(max_align_t) uint8_t message[sizeof(ayaprof_Envelope)];
static struct ayp_message_ctx *ctx;
static struct ayp_block_decoder *decoder;
static _Alignas(max_align_t) uint8_t decoder_mem[1u << 20], ctx_mem[1u << 20];

/* libc's own would take the operating system's files for it. */
_Noreturn void __assert_fail(const char *condition, const char *file, int line, const char *func)
{
	__builtin_trap();
}

uint8_t *EXPORT(vector_in)(void)
{
	return in;
}

uint8_t *EXPORT(vector_out)(void)
{
	return out;
}

int32_t EXPORT(vector_setup)(void)
{
	if (ayp_block_decoder_size() > sizeof(decoder_mem) ||
		ayp_message_ctx_size() > sizeof(ctx_mem))
		return -1;
	decoder = ayp_block_decoder_init(decoder_mem);
	ctx = ayp_message_ctx_init(ctx_mem);
	return decoder && ctx ? 0 : -1;
}

size_t EXPORT(vector_cobs_decode)(size_t len)
{
	return framing_cobs_decode(out, sizeof(out), in, len);
}

size_t EXPORT(vector_cobs_encode)(size_t len)
{
	return framing_cobs_encode(out, sizeof(out), in, len);
}

uint32_t EXPORT(vector_crc32c)(size_t len)
{
	return framing_crc32c(0, in, len);
}

static int32_t put_frame(const struct framing_header *h, const uint8_t *payload, size_t len)
{
	out[0] = h->kind;
	out[1] = h->flags;
	memcpy(out + 2, &h->session, 4);
	memcpy(out + 6, &h->seq, 4);
	memcpy(out + 10, payload, len);
	return (int32_t)(10 + len);
}

/* The only frame in it; -1: none, or more. */
int32_t EXPORT(vector_frame)(size_t len)
{
	static uint8_t mem[DEFRAMER_MEM(FRAMING_MAX_SEGMENT)];
	struct deframer d;
	int32_t n = -1;

	deframer_init(&d, mem, sizeof(mem));
	for (size_t i = 0; i < len; i++) {
		enum deframer_outcome o = deframer_push(&d, in[i]);

		if (o != DEFRAMER_MORE && (o != DEFRAMER_FRAME || n >= 0))
			return -1;
		if (o == DEFRAMER_FRAME)
			n = put_frame(&d.header, d.payload, d.payload_len);
	}
	return n;
}

int32_t EXPORT(vector_textframe)(size_t len)
{
	static uint8_t mem[TEXTFRAME_MEM(2u * TEXTFRAME_MAX_WIRE)];
	struct textframe t;
	int32_t n = -1;

	textframe_init(&t, mem, sizeof(mem));
	for (size_t i = 0; i < len; i++) {
		textframe_push(&t, in[i]);
		if (t.frame)
			n = put_frame(&t.header, t.payload, t.payload_len);
	}
	return n;
}

/* Decoded and encoded again: the new flags and payload. */
int32_t EXPORT(vector_message)(uint32_t kind, uint32_t flags, size_t len)
{
	int n;

	if (ayp_message_decode(ctx, kind, (uint8_t)flags, in, len, message) != 0)
		return -1;
	n = ayp_message_encode(ctx, kind, message, out + 1, AYP_MAX_MESSAGE, out);
	return n < 0 ? -1 : n + 1;
}

/* Rows of struct ayp_event. */
int32_t EXPORT(vector_block)(uint32_t codec, uint32_t count, size_t len)
{
	_Static_assert(sizeof(struct ayp_event) == 72, "vectors.mjs has this number");
	return ayp_block_decode(
		decoder, codec, in, len, count, (struct ayp_event *)out, AYP_BLOCK_MAX_EVENTS);
}
