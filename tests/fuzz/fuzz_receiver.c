/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Line bytes to the host's receiver, restoring included. Every byte ends as part of a frame, as text or as
 * damage; what is called a frame has a right CRC; nothing comes twice.
 *
 * Input: one byte that says how it is fed (in pieces, with pauses), then the line. Where the line has the bytes
 * f5 f6, a whole valid frame is put in, so that there is something to damage.
 */

#include "host/record/receiver.h"
#include "tests/fuzz/fuzz.h"

#define SESSION 0x01020304u
/* Steps of restoring; first byte of an input that has a receiver's own. */
#define SMALL_PURSE 50000u
#define FULL_PURSE  0x5a

struct account {
	size_t frames, text, damage;
};

static int on_frame(void *ctx, const struct receiver_frame *f)
{
	struct account *a = ctx;
	struct framing_header h;
	const uint8_t *payload;
	size_t len;

	MUST(framing_body_parse(f->body, f->body_len, &h, &payload, &len));
	MUST(h.kind == f->header.kind && h.flags == f->header.flags &&
		h.session == f->header.session && h.seq == f->header.seq && len == f->payload_len);
	a->frames++;
	return 0;
}

static int on_text(void *ctx, const uint8_t *text, size_t len)
{
	MUST(len > 0);
	((struct account *)ctx)->text += len;
	return 0;
}

static int on_damage(void *ctx, size_t len, bool first)
{
	MUST(len > 0);
	((struct account *)ctx)->damage += len;
	return 0;
}

static bool plausible(void *ctx, const struct framing_header *h, enum salvage_way way)
{
	return h->session == SESSION;
}

static const struct receiver_ops ops = {on_frame, on_text, on_damage, plausible};

static size_t add_frame(uint8_t *dst, size_t cap, uint32_t seq)
{
	struct framing_header h = {.kind = 3, .session = SESSION, .seq = seq};
	uint8_t payload[200];

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + seq);
	return framing_encode(dst, cap, &h, payload, sizeof(payload));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct receiver r;
	static uint8_t line[1 << 15];
	struct account a = {0};
	size_t n = 0, step, frames = 0;

	if (size < 1)
		return 0;
	for (size_t i = 1; i < size && n + 300 < sizeof(line); i++) {
		if (data[i] == 0xf5 && i + 1 < size && data[i + 1] == 0xf6) {
			n += add_frame(line + n, sizeof(line) - n, (uint32_t)frames++);
			i++;
		} else {
			line[n++] = data[i];
		}
	}
	receiver_init(&r, &ops, &a);
	/* What a quiet line has saved up pays for a second's work: only where the input asks for it. */
	if (data[0] != FULL_PURSE) {
		r.salvage.for_repair = SMALL_PURSE;
		r.salvage.for_text = SMALL_PURSE;
	}
	step = 1 + data[0] % 64;
	for (size_t at = 0; at < n; at += step) {
		MUST(receiver_bytes(&r, line + at, at + step < n ? step : n - at) == 0);
		if (data[0] & 0x80)
			MUST(receiver_idle(&r) == 0);
	}
	MUST(receiver_finish(&r) == 0);
	/* A segment of two damaged ones may count in both. */
	MUST(a.text + a.damage <= n);
	MUST(a.frames <= n / FRAMING_MIN_BODY + 1);
	return 0;
}
