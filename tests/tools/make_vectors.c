/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Golden vectors of the protocol, to stdout: tests/data/vectors.txt was made with this (through
 * make_vectors.py, which adds what each message says) and is checked in. Tests compare with the
 * file, never with this program: it is for adding vectors when the protocol grows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framing/framing.h"
#include "framing/textframe.h"
#include "proto/block.h"
#include "proto/message.h"
#include "tests/tools/fill_message.h"

static void hex(const uint8_t *p, size_t n)
{
	putchar(' ');
	if (n == 0)
		putchar('-');
	while (n--)
		printf("%02x", *p++);
}

static void cobs(const uint8_t *p, size_t n)
{
	uint8_t out[1024];

	printf("cobs");
	hex(p, n);
	hex(out, framing_cobs_encode(out, sizeof(out), p, n));
	putchar('\n');
}

static void crc(const void *p, size_t n)
{
	printf("crc32c");
	hex(p, n);
	printf(" %08x\n", framing_crc32c(0, p, n));
}

static void frame(const struct framing_header *h, const uint8_t *payload, size_t n)
{
	uint8_t wire[FRAMING_MAX_WIRE];

	printf("frame %u %u %u %u", h->kind, h->flags, h->session, h->seq);
	hex(payload, n);
	hex(wire, framing_encode(wire, sizeof(wire), h, payload, n));
	putchar('\n');
}

static void textframe(const struct framing_header *h, const uint8_t *payload, size_t n)
{
	uint8_t line[TEXTFRAME_MAX_WIRE];

	printf("textframe %u %u %u %u", h->kind, h->flags, h->session, h->seq);
	hex(payload, n);
	hex(line, textframe_encode(line, sizeof(line), h, payload, n));
	putchar('\n');
}

static void text_framing(void)
{
	uint8_t run[256];

	for (size_t i = 0; i < sizeof(run); i++)
		run[i] = (uint8_t)i;
	puts("# textframe KIND FLAGS SESSION SEQ PAYLOAD LINE");
	/* One for each length of the last group of characters, and every byte. */
	textframe(&(struct framing_header){.kind = 10, .session = 0x01020304, .seq = 7}, run, 0);
	textframe(&(struct framing_header){.kind = 1, .session = 0xdeadbeef}, run, 1);
	textframe(
		&(struct framing_header){
			.kind = 3, .flags = 1, .session = 0xffffffff, .seq = 0xffffffff},
		(const uint8_t *)"~{}~", 4);
	textframe(&(struct framing_header){.kind = 255, .flags = 0x80, .session = 1, .seq = 256},
		run, sizeof(run));
}

static void framing(void)
{
	uint8_t run[600];
	static const size_t lengths[] = {1, 2, 253, 254, 255, 508, 509, 600};

	for (size_t i = 0; i < sizeof(run); i++)
		run[i] = (uint8_t)(1 + i % 255);
	puts("# cobs PLAIN ENCODED");
	cobs(run, 0);
	cobs((const uint8_t[]){0}, 1);
	cobs((const uint8_t[]){0, 0}, 2);
	cobs((const uint8_t[]){0x11, 0x22, 0, 0x33}, 4);
	cobs((const uint8_t[]){0x11, 0, 0, 0}, 4);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		cobs(run, lengths[i]);
	memset(run + 254, 0, 1); /* a zero right after a full group */
	cobs(run, 255);
	cobs(run, 256);
	memset(run, 0, 255);
	cobs(run, 255);

	puts("# crc32c BYTES CRC");
	crc("", 0);
	crc("123456789", 9);
	crc((const uint8_t[32]){0}, 32);
	memset(run, 0xff, 32);
	crc(run, 32);
	for (size_t i = 0; i < 32; i++)
		run[i] = (uint8_t)i;
	crc(run, 32);

	puts("# frame KIND FLAGS SESSION SEQ PAYLOAD WIRE");
	frame(&(struct framing_header){.kind = 10, .session = 0x01020304, .seq = 7}, run, 0);
	frame(&(struct framing_header){.kind = 1, .session = 0xdeadbeef, .seq = 0}, run, 32);
	frame(
		&(struct framing_header){
			.kind = 3, .flags = 1, .session = 0xffffffff, .seq = 0xffffffff},
		(const uint8_t *)"a payload that is only text", 27);
	for (size_t i = 0; i < sizeof(run); i++)
		run[i] = (uint8_t)(1 + i % 255);
	frame(&(struct framing_header){.kind = 255, .flags = 0x80, .session = 1, .seq = 256}, run,
		300);
}

static void message(
	struct ayp_message_ctx *ctx, const struct ayp_kind_info *k, struct fill f, bool empty)
{
	static uint8_t payload[AYP_MAX_MESSAGE];
	static _Alignas(max_align_t) uint8_t msg[sizeof(ayaprof_Envelope)];
	uint8_t flags;
	int n;

	memset(msg, 0, sizeof(msg));
	if (!empty)
		fill_message(&f, k->fields, msg);
	n = ayp_message_encode(ctx, k->kind, msg, payload, sizeof(payload), &flags);
	if (n < 0) {
		fprintf(stderr, "make_vectors: %s cannot be encoded\n", k->name);
		exit(1);
	}
	printf("message %s %u %u", k->name, k->kind, flags);
	hex(payload, (size_t)n);
	putchar('\n');
}

static void messages(void)
{
	struct ayp_message_ctx *ctx = ayp_message_ctx_new();
	const struct ayp_kind_info *k;

	if (!ctx)
		exit(1);
	puts("# message NAME KIND FLAGS PAYLOAD PLAIN JSON");
	for (size_t i = 0; (k = ayp_kind_at(i)); i++) {
		message(ctx, k, (struct fill){0}, true);
		message(ctx, k, (struct fill){.state = k->kind, .repeat = 2}, false);
		if (k->kind == AYP_KIND_NAMES || k->kind == AYP_KIND_GOODBYE ||
			k->kind == AYP_KIND_LINE_EVENT || k->kind == AYP_KIND_RECORDING_END)
			message(ctx, k, (struct fill){.state = k->kind, .repeat = 2, .later = 1},
				false);
		if (k->kind == AYP_KIND_RECORDING_END)
			message(ctx, k, (struct fill){.state = k->kind, .repeat = 2, .later = 2},
				false);
		for (unsigned int c = 1; k->kind == AYP_KIND_CONTROL && c < 8; c++)
			message(ctx, k, (struct fill){.state = c, .choice = c}, false);
	}
	ayp_message_ctx_free(ctx);
}

/* Events as blocks of at most `most` each, that build on one another where the codec does that. */
static void block(
	const char *what, uint32_t codec, const struct ayp_event *ev, uint32_t n, uint32_t most)
{
	const struct ayp_block_config config = {.codec = codec, .target_bytes = 4000};
	struct ayp_block_encoder *e =
		ayp_block_encoder_init(malloc(ayp_block_encoder_size(codec)), &config);
	struct ayp_block_decoder *d = ayp_block_decoder_init(malloc(ayp_block_decoder_size()));
	static struct ayp_event out[AYP_BLOCK_MAX_EVENTS];
	struct ayp_block_info info;
	uint8_t dst[4096];
	size_t size;

	if (!e || !d)
		exit(1);
	printf("# %s\n", what);
	for (uint32_t done = 0; done < n; done += info.count) {
		for (uint32_t i = done; i < n && i < done + most; i++)
			(void)ayp_block_encoder_put(e, &ev[i]);
		size = ayp_block_encoder_cut(e, dst, sizeof(dst), &info);
		if (ayp_block_encoder_pending(e) ||
			ayp_block_decode(d, codec, dst, size, info.count, out,
				AYP_BLOCK_MAX_EVENTS) != (int)info.count)
			exit(1);
		printf("block %u %u", codec, info.count);
		hex(dst, size);
		putchar('\n');
		for (uint32_t i = 0; i < info.count; i++) {
			printf("event %llu %u %u %u %u %u", (unsigned long long)out[i].t_ns,
				out[i].tid, out[i].func, out[i].cpu, out[i].kind, out[i].nargs);
			for (unsigned int k = 0; k < out[i].nargs; k++)
				printf(" %llu", (unsigned long long)out[i].arg[k]);
			putchar('\n');
		}
	}
	free(e);
	free(d);
}

/* Two CPUs of a busy board: calls within calls, switches that name the next thread, samples,
 * threads and functions that come later, and a clock whose ticks are `numerator` / `denominator`
 * ns. */
static void make_busy(struct ayp_event *ev, uint32_t n, uint64_t numerator, uint64_t denominator)
{
	static const uint32_t tids[] = {0, 812, 70000, 4000000000};
	uint64_t ticks[2] = {5000000, 5000100};
	uint32_t task[2] = {0, 1}, chance = 1;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t cpu = i / 5 % 2, step = i / 10 % 4;

		chance = chance * 1103515245u + 12345u;
		ticks[cpu] += 20 + (chance >> 16) % (i % 50 ? 90 : 30000);
		ev[i] = (struct ayp_event){.t_ns = ticks[cpu] * numerator / denominator,
			.tid = tids[task[cpu]],
			.func = (uint16_t)(step % 2 ? 300 + i / 200 : 9),
			.cpu = (uint8_t)cpu,
			.kind = (uint8_t)(step < 2 ? AYP_ENTRY : AYP_EXIT)};
		if (i % 5 == 2) { /* a switch */
			task[cpu] = (task[cpu] + 1 + (chance >> 20) % 2) % (i < n / 2 ? 3 : 4);
			ev[i].func = 1;
			ev[i].kind = AYP_INSTANT;
			ev[i].nargs = 2;
			ev[i].arg[0] = tids[task[cpu]];
			ev[i].arg[1] = (chance >> 24) % 3;
		} else if (i % 5 == 4) { /* a sample */
			ev[i].func = 2;
			ev[i].kind = AYP_INSTANT;
			ev[i].nargs = 1;
			ev[i].arg[0] = i / 50 + (chance >> 24) % 3;
		}
	}
}

#define BUSY 900u
#define MANY 4400u

static void blocks(void)
{
	static const struct ayp_event one[] = {{.t_ns = 1000, .tid = 42, .func = 7}};
	static const struct ayp_event worked[] = {
		{.t_ns = 1000, .tid = 42, .func = 7, .cpu = 0, .kind = AYP_ENTRY},
		{.t_ns = 1016,
			.tid = 43,
			.func = 2,
			.cpu = 1,
			.kind = AYP_INSTANT,
			.nargs = 2,
			.arg = {44, 1}},
		{.t_ns = 1080, .tid = 42, .func = 7, .cpu = 0, .kind = AYP_EXIT},
		{.t_ns = 1064, .tid = 42, .func = 8, .cpu = 0, .kind = AYP_ENTRY},
	};
	static const struct ayp_event extreme[] = {
		{.t_ns = 0, .tid = 0, .func = 0, .cpu = 255},
		{.t_ns = UINT64_MAX,
			.tid = UINT32_MAX,
			.func = UINT16_MAX,
			.cpu = 255,
			.kind = AYP_INSTANT,
			.nargs = 6,
			.arg = {0, 1, 127, 128, UINT64_MAX, (uint64_t)1 << 63}},
		{.t_ns = (uint64_t)1 << 63, .tid = 1, .func = 84, .cpu = 255, .kind = AYP_EXIT},
		{.t_ns = 0,
			.tid = 1,
			.func = 85,
			.cpu = 0,
			.kind = AYP_EXIT,
			.nargs = 1,
			.arg = {0}},
		{.t_ns = (uint64_t)1 << 63, .tid = 0, .func = 300, .cpu = 0, .kind = AYP_ENTRY},
	};
	struct ayp_event calls[64];
	static struct ayp_event busy[BUSY], many[MANY];

	for (uint32_t i = 0; i < 64; i++)
		calls[i] =
			(struct ayp_event){.t_ns = 123456789012345u + i * 997u + (i % 7 ? 0 : 31),
				.tid = 1000 + i / 16,
				.func = (uint16_t)(i / 2 % 5),
				.cpu = (uint8_t)(i / 8 % 2),
				.kind = (uint8_t)(i % 2)};
	puts("# block CODEC COUNT BYTES, then COUNT lines: event T_NS TID FUNC CPU KIND NARGS "
	     "ARG...");
	for (uint32_t codec = AYP_CODEC_COLUMNS; codec <= AYP_CODEC_ADAPTIVE; codec++) {
		block("one event", codec, one, 1, 1);
		block("the worked example of PROTOCOL.md", codec, worked, 4, 4);
		block("extremes", codec, extreme, 5, 5);
		block("calls on two CPUs", codec, calls, 64, 64);
	}
	for (uint32_t i = 30; i < 64; i += 10) /* a few steps back, as interrupts cause them */
		calls[i].t_ns -= 5000;
	block("steps back in time, a group of four blocks", AYP_CODEC_ADAPTIVE, calls, 64, 16);
	make_busy(busy, BUSY, 1, 1);
	block("all sorts of events, a group of five blocks", AYP_CODEC_ADAPTIVE, busy, 500, 100);
	make_busy(busy, BUSY, 16, 1);
	block("a clock of 62.5 MHz, a group of two blocks", AYP_CODEC_ADAPTIVE, busy, 120, 60);
	make_busy(busy, BUSY, 1000, 54);
	block("a clock of 54 MHz, a group of three blocks", AYP_CODEC_ADAPTIVE, busy, BUSY, 300);
	for (uint32_t i = 0; i < 80; i++) /* 20 deep; more than the model follows */
		many[i] = (struct ayp_event){.t_ns = i * i,
			.func = (uint16_t)(i % 40 < 20 ? i % 20 : 19 - i % 20),
			.kind = (uint8_t)(i % 40 < 20 ? AYP_ENTRY : AYP_EXIT)};
	block("calls within calls", AYP_CODEC_ADAPTIVE, many, 80, 80);
	for (uint32_t i = 0; i < MANY; i++)
		many[i] = (struct ayp_event){.t_ns = i * 64, .func = (uint16_t)(i % 4200 * 15)};
	block("more functions than the dictionary holds", AYP_CODEC_ADAPTIVE, many, MANY, 400);
}

/* A recording of three frames, and the same one damaged: what a reader finds is the count. */
static void recordings(void)
{
	struct ayp_message_ctx *ctx = ayp_message_ctx_new();
	ayaprof_Recording head = {.format_version = AYP_FORMAT_VERSION,
		.recorder = "vectors",
		.start_wall_ns = 1700000000000000000,
		.link = "file"};
	ayaprof_LineEvent event = {.kind = ayaprof_LineEventKind_LINE_CONNECTED};
	ayaprof_RecordingEnd end = {.end_wall_ns = 1700000001000000000, .reason = "finished"};
	const struct {
		uint8_t kind;
		const void *msg;
	} frames[] = {
		{AYP_KIND_RECORDING, &head},
		{AYP_KIND_LINE_EVENT, &event},
		{AYP_KIND_RECORDING_END, &end},
	};
	uint8_t file[1024], payload[256], body[300], flags;
	size_t at = 0, second = 0;

	if (!ctx)
		exit(1);
	for (uint32_t i = 0; i < 3; i++) {
		int n = ayp_message_encode(
			ctx, frames[i].kind, frames[i].msg, payload, sizeof(payload), &flags);
		struct framing_header h = {.kind = frames[i].kind, .flags = flags, .seq = i};
		size_t len =
			n < 0 ? 0 : framing_body_write(body, sizeof(body), &h, payload, (size_t)n);

		if (len == 0 || len >= 128) /* lengths of one byte keep this simple */
			exit(1);
		if (i == 1)
			second = at;
		file[at++] = 0x0a;
		file[at++] = (uint8_t)len;
		memcpy(file + at, body, len);
		at += len;
	}
	ayp_message_ctx_free(ctx);
	puts("# recording WHOLE-FRAMES BYTES: a run.pb; the second one has a wrong length in the "
	     "middle, the"
	     " third one is cut off");
	printf("recording 3");
	hex(file, at);
	file[second + 1] ^= 0x20;
	printf("\nrecording 2");
	hex(file, at);
	file[second + 1] ^= 0x20;
	printf("\nrecording 2");
	hex(file, at - 1);
	putchar('\n');
}

int main(void)
{
	puts("# SPDX-License-Identifier: MIT OR Apache-2.0");
	puts("# Golden vectors of protocol 1 (proto/PROTOCOL.md). Bytes are hexadecimal, - is "
	     "none;");
	puts("# other numbers are decimal, but CRC. Made by tests/tools/make_vectors.py.");
	framing();
	text_framing();
	messages();
	blocks();
	recordings();
	return 0;
}
