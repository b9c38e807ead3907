/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A process's maps of any text, in pieces of any size: the same mappings whatever the pieces are, by address, not overlapping.
 *
 * Input: one byte that says how large the pieces are, then the text.
 */
#include <string.h>

#include "target/probes/process_maps.h"
#include "tests/fuzz/fuzz.h"

static void feed(struct process_maps *m, const char *text, size_t len, size_t step)
{
	process_maps_begin(m);
	for (size_t at = 0; at < len; at += step)
		if (!process_maps_feed(m, text + at, at + step < len ? step : len - at))
			break;
	process_maps_end(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct process_maps whole, pieces;
	uint64_t begin, end;

	if (size < 1)
		return 0;
	feed(&whole, (const char *)data + 1, size - 1, size);
	feed(&pieces, (const char *)data + 1, size - 1, 1 + data[0] % 64u);
	MUST(whole.n == pieces.n && whole.n <= PROCESS_MAPS_MAX && whole.layout == pieces.layout);
	for (size_t i = 0; i < whole.n; i++) {
		const struct process_mapping *m = &whole.at[i];

		MUST(m->start < m->end && (!i || m[-1].end <= m->start));
		MUST(memchr(m->owner, 0, sizeof(m->owner)) && !strchr(m->owner, '\n'));
		MUST(process_maps_find(&whole, m->start, &begin, &end) == m);
		MUST(process_maps_find(&whole, m->end - 1, &begin, &end) == m);
	}
	MUST(process_maps_find(&whole, 0x1234, &begin, &end) || (begin <= 0x1234 && 0x1234 < end));
	return 0;
}
