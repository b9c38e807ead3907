/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/salvage/salvage.h"
#include "host/salvage/gap.h"
#include "host/salvage/meet.h"
#include "host/salvage/one_bit.h"
#include "host/salvage/one_byte.h"
#include "host/salvage/untangle.h"

/* A repair costs up to 250 steps for a byte of its segment, so it can always be paid where segments have 1 KB or more.
 * What a quiet line has saved up is for a burst of damage. */
#define REPAIR_STEPS 300u /* for each byte received */
#define TEXT_STEPS   300u
#define STEPS_MAX    80000000u

static void copy(uint8_t *dst, const uint8_t *src, size_t len)
{
	for (size_t i = 0; i < len; i++)
		dst[i] = src[i];
}

void salvage_init(struct salvage *s, uint8_t *mem, struct salvage_lines *lines,
	struct salvage_pairs *pairs, salvage_plausible plausible, void *ctx)
{
	*s = (struct salvage){
		.plausible = plausible,
		.ctx = ctx,
		.plain = mem,
		.body_mem = mem + FRAMING_MAX_SEGMENT + 1,
		.pairs = pairs,
		.lines = lines,
		.for_repair = STEPS_MAX,
		.for_text = STEPS_MAX,
	};
	s->purse = &s->for_repair;
	salvage_meet_init(lines);
}

static void fill(uint64_t *purse, uint64_t steps)
{
	*purse = steps < STEPS_MAX - *purse ? *purse + steps : STEPS_MAX;
}

void salvage_received(struct salvage *s, size_t bytes)
{
	fill(&s->for_repair, (uint64_t)bytes * REPAIR_STEPS);
	fill(&s->for_text, (uint64_t)bytes * TEXT_STEPS);
}

/* Two frames have a delimiter each between them: where one is damaged, the other still divides, and
 * leaves one byte of one bit at the end or the beginning. */
static bool stray_byte(struct salvage *s, const uint8_t *segment, size_t len)
{
	uint8_t first = segment[0], last = segment[len - 1];

	if (len - 1 > FRAMING_MAX_SEGMENT)
		return false;
	if ((last & (last - 1)) == 0) {
		copy(s->plain, segment, len - 1);
		if (salvage_try(s, len - 1, SALVAGE_UNTANGLED))
			return true;
	}
	copy(s->plain, segment + 1, len - 1);
	return (first & (first - 1)) == 0 && salvage_try(s, len - 1, SALVAGE_UNTANGLED);
}

/* A byte that became 00 ends a segment; where it was the first or the last one, nothing else is gone. */
static bool missing_byte(struct salvage *s, const uint8_t *segment, size_t len)
{
	for (unsigned int bit = 0; bit < 8; bit++) {
		uint8_t byte = (uint8_t)(1u << bit);

		s->plain[0] = byte;
		copy(s->plain + 1, segment, len);
		if (salvage_leads_to_end(s, 0, len + 1) &&
			salvage_try(s, len + 1, SALVAGE_REPAIRED))
			return true;
		copy(s->plain, segment, len);
		s->plain[len] = byte;
		if (salvage_leads_to_end(s, 0, len + 1) &&
			salvage_try(s, len + 1, SALVAGE_REPAIRED))
			return true;
	}
	return false;
}

/* Foreign bytes that are no text: a burst that another writer, or the line, put in. */
static bool other_bytes(struct salvage *s, const uint8_t *segment, size_t len)
{
	size_t begin, end;
	bool found;

	if (len > SALVAGE_GAP_SEGMENT)
		return false;
	for (size_t i = 0; i < len; i++)
		s->lines->place[i] = (uint16_t)i;
	s->purse = &s->for_text; /* as seldom as text */
	found = salvage_gap(s, segment, len, false, &begin, &end);
	s->purse = &s->for_repair;
	return found;
}

/* By the odds of being wrong: a pair of bits is found for garbage much more often. */
static enum salvage_way guess(struct salvage *s, const uint8_t *segment, size_t len)
{
	bool fits = len <= FRAMING_MAX_SEGMENT;
	enum salvage_way way = SALVAGE_NOTHING;

	if (fits) {
		copy(s->plain, segment, len);
		way = salvage_shift(s, len);
	}
	if (way == SALVAGE_NOTHING && other_bytes(s, segment, len))
		way = SALVAGE_GUESSED;
	if (way == SALVAGE_NOTHING && fits) {
		copy(s->plain, segment, len);
		if (salvage_flip_pair(s, len))
			way = SALVAGE_GUESSED;
	}
	return way;
}

enum salvage_way salvage_segment(struct salvage *s, const uint8_t *segment, size_t len)
{
	bool fits = len >= FRAMING_MIN_BODY && len <= FRAMING_MAX_SEGMENT;
	enum salvage_way way;

	s->n_text = 0;
	if (len > FRAMING_MIN_BODY && len <= FRAMING_MAX_SEGMENT + 1 && stray_byte(s, segment, len))
		return SALVAGE_UNTANGLED;
	if (fits) {
		copy(s->plain, segment, len);
		if (salvage_flip(s, len))
			return SALVAGE_REPAIRED;
		if (len < FRAMING_MAX_SEGMENT && missing_byte(s, segment, len))
			return SALVAGE_REPAIRED;
	}
	way = salvage_untangle(s, segment, len);
	if (way == SALVAGE_NOTHING && s->n_text == 0 && len >= FRAMING_MIN_BODY)
		way = guess(s, segment, len);
	return way;
}

enum salvage_way salvage_joined(
	struct salvage *s, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	s->n_text = 0;
	if (a_len + b_len + 1 > FRAMING_MAX_SEGMENT)
		return SALVAGE_NOTHING;
	copy(s->plain, a, a_len);
	copy(s->plain + a_len, b, b_len);
	if (salvage_leads_to_end(s, 0, a_len + b_len) &&
		salvage_try(s, a_len + b_len, SALVAGE_REPAIRED))
		return SALVAGE_REPAIRED;
	for (unsigned int bit = 0; bit < 8; bit++) {
		copy(s->plain, a, a_len);
		s->plain[a_len] = (uint8_t)(1u << bit);
		copy(s->plain + a_len + 1, b, b_len);
		if (salvage_try(s, a_len + b_len + 1, SALVAGE_REPAIRED))
			return SALVAGE_REPAIRED;
	}
	return SALVAGE_NOTHING;
}
