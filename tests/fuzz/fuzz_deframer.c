/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A line of any bytes: every byte that is not a delimiter comes out once, in order, as text, damage
 * or part of a frame; a frame is what the sender would have sent.
 */
#include <string.h>

#include "framing/framing.h"
#include "tests/fuzz/fuzz.h"

struct account {
	struct deframer d;
	uint8_t mem[DEFRAMER_MEM(FRAMING_MAX_SEGMENT)];
	const uint8_t *at, *end; /* input that is not accounted for yet */
};

static void skip_delimiters(struct account *a)
{
	while (a->at < a->end && *a->at == 0)
		a->at++;
}

static void raw(struct account *a)
{
	MUST(a->d.raw_len > 0 && a->d.raw_len <= (size_t)(a->end - a->at));
	MUST(memcmp(a->d.raw, a->at, a->d.raw_len) == 0);
	a->at += a->d.raw_len;
}

static void frame(struct account *a)
{
	static uint8_t body[FRAMING_MAX_BODY], encoded[FRAMING_COBS_BOUND(FRAMING_MAX_BODY)];
	const struct deframer *d = &a->d;
	const uint8_t *stop = memchr(a->at, 0, (size_t)(a->end - a->at));
	size_t segment = (size_t)((stop ? stop : a->end) - a->at), n;

	MUST(d->payload_len <= FRAMING_MAX_PAYLOAD);
	MUST(framing_body_write(body, sizeof(body), &d->header, d->payload, d->payload_len) ==
		d->body_len);
	MUST(memcmp(body, d->body, d->body_len) == 0);
	n = framing_cobs_encode(encoded, sizeof(encoded), d->body, d->body_len);
	/* One form only, except that a full last group may have been followed by an empty one. */
	MUST(n == segment || (n + 1 == segment && a->at[n] == 1));
	MUST(memcmp(encoded, a->at, n) == 0);
	a->at += segment;
}

static void account(struct account *a, enum deframer_outcome outcome)
{
	if (outcome == DEFRAMER_MORE)
		return;
	skip_delimiters(a);
	MUST((outcome == DEFRAMER_DAMAGED) == (a->d.damage != DEFRAMER_DAMAGE_NONE));
	if (outcome == DEFRAMER_FRAME)
		frame(a);
	else
		raw(a);
}

/* The first byte of the input says how often the caller asks for waiting text (0: never). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct account a;
	unsigned int every;

	if (size < 1)
		return 0;
	every = data[0];
	deframer_init(&a.d, a.mem, sizeof(a.mem));
	a.at = data + 1;
	a.end = data + size;
	for (size_t i = 1; i < size; i++) {
		account(&a, deframer_push(&a.d, data[i]));
		if (every && i % every == 0) {
			size_t waiting = deframer_text_waiting(&a.d);

			account(&a, deframer_take_text(&a.d));
			MUST(a.d.raw_len == waiting);
		}
	}
	account(&a, deframer_finish(&a.d));
	skip_delimiters(&a);
	MUST(a.at == a.end);
	return 0;
}
