/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "framing/text.h"

#include <assert.h>

/* Well-formed multi-byte sequences by their first byte: Unicode 15, table 3-7. The rows leave out
 * overlong forms, surrogates, what is beyond U+10FFFF, and the C1 controls U+0080..U+009F. */
static const struct {
	uint8_t first_lo, first_hi;
	uint8_t second_lo, second_hi;
	uint8_t len;
} sequences[] = {
	{0xc2, 0xc2, 0xa0, 0xbf, 2},
	{0xc3, 0xdf, 0x80, 0xbf, 2},
	{0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3},
	{0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4},
	{0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool is_ascii_text(uint8_t c)
{
	return (c >= 0x20 && c < 0x7f) || (c >= 0x07 && c <= 0x0d) || c == 0x1b;
}

static bool is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* Length of the sequence at p, 0 if it is none. What stands past the end counts as well-formed. */
static size_t sequence(const uint8_t *p, size_t left)
{
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		if (p[0] < sequences[i].first_lo || p[0] > sequences[i].first_hi)
			continue;
		if (left > 1 && (p[1] < sequences[i].second_lo || p[1] > sequences[i].second_hi))
			return 0;
		for (size_t k = 2; k < sequences[i].len && k < left; k++)
			if (!is_continuation(p[k]))
				return 0;
		return sequences[i].len;
	}
	return 0;
}

bool framing_is_text(const uint8_t *p, size_t len, bool cut_front, bool cut_back)
{
	size_t i = 0;

	if (cut_front)
		while (i < len && i < 3 && is_continuation(p[i]))
			i++;
	while (i < len) {
		if (p[i] < 0x80) {
			if (!is_ascii_text(p[i]))
				return false;
			i++;
			continue;
		}
		size_t n = sequence(p + i, len - i);

		if (n == 0 || (n > len - i && !cut_back))
			return false;
		i += n;
	}
	return true;
}

size_t framing_text_char(const uint8_t *p, size_t left)
{
	size_t n;

	assert(left);

	if (p[0] < 0x80)
		return is_ascii_text(p[0]) ? 1 : 0;
	n = sequence(p, left);
	return n <= left ? n : 0;
}
