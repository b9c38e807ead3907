/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A line of any bytes: what is passed on is the line without its text frames, in order; a frame is what
 * the sender would have sent; no byte comes out twice.
 */
#include <string.h>

#include "framing/textframe.h"
#include "tests/fuzz/fuzz.h"

struct account {
	struct textframe t;
	uint8_t mem[TEXTFRAME_MEM(TEXTFRAME_MAX_WIRE + 1000u)];
	const uint8_t *at, *end; /* input in which the next byte passed on is looked for */
	size_t out;              /* bytes accounted for */
};

/* Passed bytes are a subsequence of the input. */
static void account(struct account *a)
{
	static uint8_t line[TEXTFRAME_MAX_WIRE];
	const struct textframe *t = &a->t;

	for (size_t i = 0; i < t->pass_len; i++) {
		const uint8_t *found =
			a->at < a->end ? memchr(a->at, t->pass[i], (size_t)(a->end - a->at)) : NULL;

		MUST(found);
		a->at = found + 1;
	}
	a->out += t->pass_len + t->bad_len;
	if (!t->frame)
		return;
	MUST(textframe_encode(line, sizeof(line), &t->header, t->payload, t->payload_len) ==
		TEXTFRAME_CHARS(t->body_len) + 5);
	a->out += TEXTFRAME_CHARS(t->body_len) + 4;
}

/* The first byte of the input says how often nothing comes for a while (0: never). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct account a;
	unsigned int every = size ? data[0] : 0;

	if (size < 1)
		return 0;
	textframe_init(&a.t, a.mem, sizeof(a.mem));
	a.at = data + 1;
	a.end = data + size;
	a.out = 0;
	for (size_t i = 1; i < size; i++) {
		if (textframe_push(&a.t, data[i]))
			account(&a);
		MUST(a.out <= i);
		if (every && i % every == 0 && textframe_idle(&a.t))
			account(&a);
	}
	if (textframe_finish(&a.t))
		account(&a);
	MUST(a.out <= size - 1);
	return 0;
}
