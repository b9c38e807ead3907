/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/salvage/lines.h"

size_t salvage_without_lines(struct salvage *s, const uint8_t *segment, size_t len)
{
	const struct salvage_lines *l = s->lines;
	size_t left = len, out = 0, code = 0, from = 0;

	for (size_t i = 0; i < l->n; i++)
		left -= l->feeds[i].end - salvage_begin(&l->feeds[i]);
	if (left <= FRAMING_MIN_BODY || left > FRAMING_MAX_SEGMENT ||
		!salvage_spend(s, 16 + 2 * l->n))
		return 0;
	for (size_t i = 0; i <= l->n; i++) {
		size_t to = i < l->n ? salvage_begin(&l->feeds[i]) : len;

		/* Follow the codes over this piece: `code` is the next one's place in the result. */
		while (code < out + (to - from)) {
			uint8_t c = segment[from + (code - out)];

			if (c == 0 || !salvage_spend(s, 1))
				return 0;
			code += c;
		}
		out += to - from;
		from = i < l->n ? l->feeds[i].end : to;
	}
	if (code != left || !salvage_spend(s, left))
		return 0;
	out = from = 0;
	for (size_t i = 0; i <= l->n; i++) {
		size_t to = i < l->n ? salvage_begin(&l->feeds[i]) : len;

		while (from < to)
			s->plain[out++] = segment[from++];
		from = i < l->n ? l->feeds[i].end : to;
	}
	return left;
}
