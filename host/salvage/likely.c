/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How likely it is that a line of text that ends in a line feed began here, or there, or that there is none.
 *
 * The bytes of a frame are compressed: each is worth 8 bits wherever it stands. A character of text is worth less, the better it
 * follows from the one before it. So the likelihood of each beginning is that of so many bytes of the frame, then so
 * many characters of text. The table was counted over 19,000 characters of kernel messages, by classes of characters; what
 * these do not have (control characters, UTF-8) is estimated.
 */
#include "host/salvage/likely.h"

#include <limits.h>

#define BYTE_COST 16u /* half bits */
#define SURE_COST 64u /* so much less: no doubt is left */
#define LINE_COST 8u  /* that a line was written here at all */
/* Right behind another line: that bytes of the frame are between, however few. */
#define APART_COST 8u
/* That a line with a kernel's time stamp in it does not begin there. */
#define UNSTAMPED_COST 24u

enum char_class {
	LOWER,
	UPPER,
	DIGIT,
	SPACE,
	COMMON, /* punctuation that kernel messages have */
	RARE,
	CONTROL,
	HIGH, /* of a UTF-8 sequence */
	END,
	START = END, /* as what comes before */
	N_CLASSES
};

/* clang-format off */
/* What a character costs after one of the row's class, in half bits: its class, and which one of the class. */
static const uint8_t after[N_CLASSES][N_CLASSES] = {
	/*            lower upper digit space common rare control high end */
	[LOWER]   = { 10,   24,   18,   7,    15,    25,  28,     20,  12},
	[UPPER]   = { 14,   11,   18,   6,    14,    25,  28,     22,  14},
	[DIGIT]   = { 17,   20,   8,    7,    13,    25,  28,     22,  11},
	[SPACE]   = { 11,   15,   12,   8,    14,    20,  28,     20,  18},
	[COMMON]  = { 13,   18,   12,   4,    15,    22,  28,     22,  8},
	[RARE]    = { 14,   14,   15,   5,    16,    18,  28,     22,  6},
	[CONTROL] = { 14,   14,   16,   14,   14,    20,  20,     22,  14},
	[HIGH]    = { 11,   20,   20,   8,    14,    22,  28,     13,  14},
	[START]   = { 12,   12,   18,   12,   15,    20,  20,     24,  20},
};
/* clang-format on */

static enum char_class class_of(const uint8_t *p, const uint8_t *end)
{
	static const char common[] = "-.:,[]()=/_#";
	uint8_t c = *p;

	if (c >= 'a' && c <= 'z')
		return LOWER;
	if (c >= 'A' && c <= 'Z')
		return UPPER;
	if (c >= '0' && c <= '9')
		return DIGIT;
	if (c == ' ')
		return SPACE;
	if (c == '\n' || (c == '\r' && p + 2 == end))
		return END;
	if (c < 0x20 || c == 0x7f)
		return CONTROL;
	if (c >= 0x80)
		return HIGH;
	for (size_t i = 0; i < sizeof(common) - 1; i++)
		if (c == (uint8_t)common[i])
			return COMMON;
	return RARE;
}

/* Hardly anybody writes so few characters and a line feed. */
static unsigned int short_cost(size_t characters)
{
	return characters < 4 ? 10 : characters < 8 ? 5 : 0;
}

/* What the line costs as text from `begin` on, after its first character. */
static unsigned int rest_cost(const struct salvage_feed *f, const uint8_t *segment)
{
	const uint8_t *end = segment + f->end;
	unsigned int cost = 0;

	for (const uint8_t *p = segment + f->floor; p + 1 < end; p++)
		cost += after[class_of(p, end)][class_of(p + 1, end)];
	return cost;
}

void salvage_likely(struct salvage_feed *f, const uint8_t *segment, bool follows)
{
	const uint8_t *end = segment + f->end;
	bool stamped = f->sure < f->end;
	unsigned int costs[SALVAGE_READINGS], least, before = 0, rest = rest_cost(f, segment);

	f->n = 0;
	for (size_t at = f->floor; at < f->end; at++) {
		enum char_class first = class_of(segment + at, end);
		bool sure = at == f->sure;

		/* Far from the floor no line begins but one with a stamp; and the last place is for "no line". */
		if (sure || f->n + 2u + (stamped && at < f->sure) <= SALVAGE_READINGS) {
			costs[f->n] = before + rest + (follows && at > f->floor ? APART_COST : 0);
			if (!sure)
				costs[f->n] += LINE_COST + after[START][first] +
					       short_cost((size_t)(f->end - 1 - at)) +
					       (stamped ? UNSTAMPED_COST : 0);
			f->readings[f->n++].begin = (uint16_t)at;
		}
		before += BYTE_COST;
		if (at + 1 < f->end)
			rest -= after[first][class_of(segment + at + 1, end)];
	}
	costs[f->n] = before + (stamped ? UNSTAMPED_COST : 0);
	f->readings[f->n++].begin = f->end;
	least = UINT_MAX;
	for (size_t i = 0; i < f->n; i++)
		least = costs[i] < least ? costs[i] : least;
	for (size_t i = 0; i < f->n; i++)
		f->readings[i].cost =
			(uint16_t)(costs[i] - least < UINT16_MAX ? costs[i] - least : UINT16_MAX);
}

uint8_t salvage_likeliest(const struct salvage_feed *f)
{
	uint8_t i = 0;

	while (f->readings[i].cost)
		i++;
	return i;
}

unsigned int salvage_follows_cost(uint8_t before, uint8_t c)
{
	return after[class_of(&before, &before + 1)][class_of(&c, &c + 1)];
}

bool salvage_is_text8(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] == 0x7f ||
			(p[i] < 0x20 && !(p[i] >= 0x07 && p[i] <= 0x0d) && p[i] != 0x1b))
			return false;
	return true;
}

bool salvage_looks_like_text(const uint8_t *p, size_t len)
{
	uint64_t cost = 0;

	if (!salvage_is_text8(p, len))
		return false;
	for (size_t i = 0; i <= len; i++)
		cost += salvage_follows_cost(i ? p[i - 1] : '\n', i < len ? p[i] : '\n');
	return cost + SURE_COST <= (uint64_t)BYTE_COST * len;
}
