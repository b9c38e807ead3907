/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Foreign bytes that nothing marks the end of: a prompt, a line in Latin-1, half a message. Without
 * them the CRC is right, and so the CRC finds them: reading forward from the beginning of the frame,
 * each place has a state (the register, and how far it is to the next COBS code); reading backward
 * from its end, each place requires one. The stretch begins where the state is one that is required
 * somewhere behind.
 *
 *      |<- frame ->|<- foreign ->|<- frame ->|
 *      forward --> b             e <-- backward
 *
 * A frame of 2 KiB has two million pairs (b, e), each of which matches by chance with 2^-39: 4e-6 for
 * all together. Where only text counts, four in five foreign bytes are allowed at any place, so hardly
 * a pair is left but those with a handful of bytes between: less than 1e-10.
 */
#include "host/salvage/gap.h"
#include "host/salvage/likely.h"
#include "host/salvage/states.h"

#include <assert.h>
#include <limits.h>

/* Beginnings of the same stretch that are compared. */
#define ROTATIONS 32u
/* Matches that are tried. In bytes that repeat, many are one. */
#define TRIES 64u

#define HASH_MASK 8191u

struct gap_search {
	struct salvage *s;
	const uint8_t *segment;
	size_t n, fronts;
	bool text;
	unsigned int tries;
	size_t begin, end;
};

/* Codes that lead to the end, in reach of the place that is looked at: no code is 255 bytes long. */
struct open_codes {
	uint16_t
		at[256]; /* distances from the end, the farthest last, from `first` on, in a ring */
	unsigned int first, n;
	/* The register before such a code, carried to the place; by distance modulo 256, and whether
	 * the code before it stands for no zero. */
	uint32_t reg[256][2];
};

static uint8_t byte_at(const struct gap_search *x, size_t i)
{
	return x->segment[x->s->lines->place[i]];
}

static bool is_text(const struct gap_search *x, size_t begin, size_t end)
{
	uint8_t c;

	for (size_t i = begin; i < end; i++) {
		c = byte_at(x, i);
		if (!salvage_is_text8(&c, 1))
			return false;
	}
	return true;
}

static size_t hash(uint32_t reg, uint16_t phase)
{
	return (reg ^ reg >> 16 ^ (uint32_t)phase * 0x9e37u) & HASH_MASK;
}

/* The state in front of each byte that a frame can have before the stretch. */
static bool find_fronts(struct gap_search *x)
{
	struct salvage_lines *l = x->s->lines;
	struct salvage_state st = SALVAGE_STATE_FIRST;

	x->fronts = x->n < FRAMING_MAX_SEGMENT ? x->n : FRAMING_MAX_SEGMENT;
	if (!salvage_spend(x->s, HASH_MASK + 1 + 4 * x->fronts))
		return false;
	for (size_t h = 0; h <= HASH_MASK; h++)
		l->front_first[h] = 0;
	for (size_t b = 0; b < x->fronts; b++) {
		size_t h = hash(st.reg, salvage_phase(&st));

		l->front_reg[b] = st.reg;
		l->front_phase[b] = salvage_phase(&st);
		l->front_next[b] = l->front_first[h];
		l->front_first[h] = (uint16_t)(b + 1);
		salvage_step(l, &st, byte_at(x, b));
	}
	return true;
}

/* One byte that is there twice is a fault of the line, not text. */
static bool is_twin(const struct gap_search *x, size_t begin, size_t end)
{
	uint8_t c = byte_at(x, begin);

	return end - begin == 1 &&
	       ((begin > 0 && byte_at(x, begin - 1) == c) || (end < x->n && byte_at(x, end) == c));
}

static bool try_pair(struct gap_search *x, size_t begin, size_t end)
{
	size_t out = 0;

	if (begin >= end || begin + (x->n - end) > FRAMING_MAX_SEGMENT || x->tries == TRIES ||
		!salvage_spend(x->s, end - begin + 1))
		return false;
	if (x->text && (!is_text(x, begin, end) || is_twin(x, begin, end)))
		return false;
	x->tries++;
	if (!salvage_spend(x->s, begin + (x->n - end)))
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (i < begin || i >= end)
			x->s->plain[out++] = byte_at(x, i);
	if (!salvage_try(x->s, out, x->text ? SALVAGE_UNTANGLED : SALVAGE_GUESSED))
		return false;
	x->begin = begin;
	x->end = end;
	return true;
}

static bool look_up(struct gap_search *x, uint32_t reg, uint16_t phase, size_t end)
{
	const struct salvage_lines *l = x->s->lines;
	uint16_t at = l->front_first[hash(reg, phase)];

	for (; at && salvage_spend(x->s, 1); at = l->front_next[at - 1])
		if (l->front_reg[at - 1] == reg && l->front_phase[at - 1] == phase &&
			try_pair(x, at - 1u, end))
			return true;
	return false;
}

/* Does a front part end as the back part of `distance` bytes requires? */
static bool look_up_all(struct gap_search *x, const struct open_codes *o, size_t distance)
{
	for (unsigned int k = 0; k < o->n; k++) {
		size_t code = o->at[(o->first + k) % 256];
		struct salvage_state st = {.left = (uint8_t)(distance - code)};

		for (int no_zero = 0; no_zero < 2; no_zero++) {
			st.no_zero = no_zero;
			if (look_up(x, o->reg[code % 256][no_zero], salvage_phase(&st),
				    x->n - distance))
				return true;
		}
	}
	return false;
}

static void open_code(
	const struct salvage_lines *l, struct open_codes *o, size_t at, uint32_t behind)
{
	o->at[(o->first + o->n++) % 256] = (uint16_t)at;
	o->reg[at % 256][1] = behind;
	/* Nothing stands behind the end, no zero either. */
	o->reg[at % 256][0] = at ? salvage_step_back(l, behind, 0) : behind;
}

/* One byte more in front of the back part, which has `distance` with it. */
static void prepend(struct gap_search *x, struct open_codes *o, size_t distance, uint8_t byte)
{
	struct salvage_lines *l = x->s->lines;
	bool leads = byte && byte <= distance && l->back_leads[distance - byte];
	uint32_t behind = leads ? o->reg[(distance - byte) % 256][byte == 0xff] : 0;

	l->back_leads[distance] = leads;
	if (o->n && distance - o->at[o->first] == 255) {
		o->first = (o->first + 1) % 256;
		o->n--;
	}
	for (unsigned int k = 0; k < o->n; k++) {
		uint32_t *reg = o->reg[o->at[(o->first + k) % 256] % 256];

		reg[0] = salvage_step_back(l, reg[0], byte);
		reg[1] = salvage_step_back(l, reg[1], byte);
	}
	if (leads)
		open_code(l, o, distance, behind);
}

static bool find_backs(struct gap_search *x)
{
	size_t most = x->n < FRAMING_MAX_SEGMENT ? x->n : FRAMING_MAX_SEGMENT;
	struct open_codes o = {.n = 0};

	x->s->lines->back_leads[0] = 1;
	open_code(x->s->lines, &o, 0, SALVAGE_RESIDUE);
	for (size_t distance = 0; !look_up_all(x, &o, distance);) {
		if (++distance > most || !salvage_spend(x->s, 8u + 24u * o.n))
			return false;
		prepend(x, &o, distance, byte_at(x, x->n - distance));
	}
	return true;
}

/* The same frame is left if the stretch begins and ends so many bytes earlier or later. */
static void choose_rotation(struct gap_search *x)
{
	size_t begin = x->begin, end = x->end, best = begin, len = end - begin;
	unsigned int least = UINT_MAX;

	while (x->begin - begin < ROTATIONS && begin > 0 &&
		byte_at(x, begin - 1) == byte_at(x, end - 1)) {
		begin--;
		end--;
	}
	for (unsigned int i = 0; i < 2 * ROTATIONS && salvage_spend(x->s, 4 * len); i++) {
		unsigned int cost = 0;

		for (size_t at = begin; at <= end; at++)
			cost += salvage_follows_cost(at > begin ? byte_at(x, at - 1) : '\n',
				at < end ? byte_at(x, at) : '\n');
		if (cost < least) {
			least = cost;
			best = begin;
		}
		if (end == x->n || byte_at(x, begin) != byte_at(x, end))
			break;
		begin++;
		end++;
	}
	x->begin = best;
	x->end = best + len;
}

bool salvage_gap(
	struct salvage *s, const uint8_t *segment, size_t n, bool text, size_t *begin, size_t *end)
{
	struct gap_search x = {.s = s, .segment = segment, .n = n, .text = text};

	assert(n <= SALVAGE_GAP_SEGMENT);
	if (n <= FRAMING_MIN_BODY || !find_fronts(&x) || !find_backs(&x))
		return false;
	choose_rotation(&x);
	*begin = x.begin;
	*end = x.end;
	return true;
}
