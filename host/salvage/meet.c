/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which lines stand in a frame, when many combinations of readings are likely.
 *
 * Fifteen lines without time stamps have millions of likely combinations, of which one has a matching CRC. They need not be tried one by one. The
 * segment is cut in two behind one of its line feeds. Each combination for the front part leaves a state: the CRC's register and the
 * distance to the next COBS code. Each combination for the back part, read backward from the end of the frame, requires one.
 * All of the front are put into a table, those of the back are looked up: 65,535 and 16,384 states do for a billion
 * combinations.
 *
 * Backward, the codes are not known. But of 128 places about one leads to the end from code to code, and for each of
 * these the register is known. So a back part requires one of two or three states, not of 254.
 */
#include "host/salvage/meet.h"
#include "host/salvage/states.h"

/* Readings less likely than this together are not combined, in half bits. */
#define COST_MAX 90u

static const struct {
	uint32_t fronts, backs; /* combinations */
} efforts[SALVAGE_EFFORTS] = {{64, 64}, {512, 256}, {4096, 2048}, {SALVAGE_FRONTS, 16384}};

struct meeting {
	struct salvage *s;
	struct salvage_lines *l;
	const uint8_t *segment;
	size_t len;
	size_t middle;                      /* feeds of the front part */
	unsigned int most_front, most_back; /* cost */
	uint32_t fronts, backs;             /* that may still be tried */
	uint32_t n;                         /* in the table */
	uint32_t wanted;                    /* entry whose readings are looked for; or NONE */
	size_t mask;                        /* of the hash */
};

#define NONE UINT32_MAX

void salvage_meet_init(struct salvage_lines *l)
{
	for (unsigned int i = 0; i < 256; i++) {
		uint8_t byte = (uint8_t)i;
		/* From a register of 0. */
		uint32_t step = ~framing_crc32c(UINT32_MAX, &byte, 1);

		l->step_forward[i] = step;
		l->step_back[step >> 24] = step << 8 | i;
	}
}

/* ---- the front part ------------------------------------------------------------------------------ */

static bool walk(struct meeting *m, struct salvage_state *st, size_t from, size_t to)
{
	if (!salvage_spend(m->s, to - from + 1))
		return false;
	for (size_t at = from; at < to; at++)
		salvage_step(m->l, st, m->segment[at]);
	return true;
}

static size_t hash(const struct meeting *m, uint32_t reg, uint16_t phase)
{
	return (reg ^ reg >> 16 ^ (uint32_t)phase * 0x9e37u) & m->mask;
}

static bool keep(struct meeting *m, const struct salvage_state *st)
{
	size_t h = hash(m, st->reg, salvage_phase(st));
	uint32_t at = m->n;

	if (m->wanted != NONE)
		return m->n++ != m->wanted;
	if (m->n == m->fronts)
		return false;
	m->l->front_reg[at] = st->reg;
	m->l->front_phase[at] = salvage_phase(st);
	m->l->front_next[at] = m->l->front_first[h];
	m->l->front_first[h] = (uint16_t)(at + 1);
	m->n++;
	return true;
}

/* All combinations from feed i on; false: no more are wanted. */
static bool combine_front(struct meeting *m, size_t i, struct salvage_state st, unsigned int cost)
{
	struct salvage_feed *f = &m->l->feeds[i];
	size_t at = i ? m->l->feeds[i - 1].end : 0;

	if (i == m->middle)
		return keep(m, &st);
	for (f->chosen = 0; f->chosen < f->n; f->chosen++) {
		const struct salvage_reading *r = &f->readings[f->chosen];

		if (cost + r->cost > m->most_front)
			continue;
		if (!walk(m, &st, at, r->begin))
			return false;
		at = r->begin;
		if (!combine_front(m, i + 1, st, cost + r->cost))
			return false;
	}
	return true;
}

static void all_fronts(struct meeting *m)
{
	struct salvage_state st = SALVAGE_STATE_FIRST;

	m->n = 0;
	combine_front(m, 0, st, 0);
}

/* ---- the back part ------------------------------------------------------------------------------- */

/* The register before the code at that distance from the end, and the zero that it may stand for. */
static uint32_t before_code(const struct meeting *m, size_t distance, bool no_zero)
{
	if (distance == 0)
		return SALVAGE_RESIDUE;
	return no_zero ? m->l->back_reg[distance]
		       : salvage_step_back(m->l, m->l->back_reg[distance], 0);
}

/* Over the bytes farther from the end than `from`, up to `to`. */
static uint32_t back_over(const struct meeting *m, uint32_t reg, size_t from, size_t to)
{
	for (size_t distance = from + 1; distance <= to; distance++)
		reg = salvage_step_back(m->l, reg, m->l->back_byte[distance]);
	return reg;
}

/* Put the bytes from..to in front of those that are there already. */
static bool prepend(struct meeting *m, size_t from, size_t to, size_t *distance)
{
	struct salvage_lines *l = m->l;
	size_t d = *distance;

	if (d + (to - from) > FRAMING_MAX_SEGMENT || !salvage_spend(m->s, 2 * (to - from) + 1))
		return false;
	while (to > from) {
		uint8_t code = m->segment[--to];

		l->back_byte[++d] = code;
		l->back_leads[d] = code <= d && l->back_leads[d - code];
		if (l->back_leads[d])
			l->back_reg[d] = back_over(
				m, before_code(m, d - code, code == 0xff), d - code, d - 1);
	}
	*distance = d;
	return true;
}

/* A front part with that state: its readings and the back part's make a frame? */
static bool try_entry(struct meeting *m, uint32_t entry)
{
	uint32_t n = m->n;
	bool reached;
	size_t left;

	m->wanted = entry;
	all_fronts(m);
	m->wanted = NONE;
	reached = m->n == entry + 1;
	m->n = n;
	if (!reached) /* the purse is empty */
		return false;
	left = salvage_without_lines(m->s, m->segment, m->len);
	return left && salvage_try(m->s, left, SALVAGE_UNTANGLED);
}

static bool look_up(struct meeting *m, uint32_t reg, struct salvage_state st)
{
	uint16_t phase = salvage_phase(&st), at = m->l->front_first[hash(m, reg, phase)];

	/* Line feeds in a row give many front parts with one state: the way along them is work, too. */
	for (; at && salvage_spend(m->s, 1); at = m->l->front_next[at - 1])
		if (m->l->front_reg[at - 1] == reg && m->l->front_phase[at - 1] == phase &&
			try_entry(m, at - 1u))
			return true;
	return false;
}

/* Is there a front part for this back part, which begins at that distance from the end? */
static bool meet(struct meeting *m, size_t distance)
{
	for (unsigned int left = 0; left < 255 && left <= distance; left++) {
		size_t code = distance - left;

		if (!m->l->back_leads[code])
			continue;
		if (!salvage_spend(m->s, 2 * left + 2))
			return false;
		for (int no_zero = 0; no_zero < 2; no_zero++) {
			struct salvage_state st = {.left = (uint8_t)left, .no_zero = no_zero};

			if (look_up(m, back_over(m, before_code(m, code, no_zero), code, distance),
				    st))
				return true;
		}
	}
	return false;
}

/* All combinations of the feeds middle..i, where the frame goes on at segment[to] and has `distance` bytes from there. */
static bool combine_back(struct meeting *m, size_t i, size_t to, size_t distance, unsigned int cost)
{
	struct salvage_feed *f = &m->l->feeds[i - 1];

	if (m->backs == 0 || !prepend(m, f->end, to, &distance))
		return false;
	if (i == m->middle) {
		m->backs--;
		return meet(m, distance);
	}
	for (f->chosen = 0; f->chosen < f->n; f->chosen++) {
		const struct salvage_reading *r = &f->readings[f->chosen];

		if (cost + r->cost <= m->most_back &&
			combine_back(m, i - 1, r->begin, distance, cost + r->cost))
			return true;
	}
	return false;
}

/* ---- how many ------------------------------------------------------------------------------------ */

/* The highest cost up to which the feeds have no more combinations than wanted. *all: these are all that are likely. */
static unsigned int most_cost(
	const struct salvage_feed *feeds, size_t n, uint32_t wanted, bool *all)
{
	uint32_t count[COST_MAX + 1] = {1};
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t next[COST_MAX + 1] = {0};

		for (size_t k = 0; k < feeds[i].n; k++)
			for (size_t c = feeds[i].readings[k].cost; c <= COST_MAX; c++) {
				uint64_t more =
					(uint64_t)next[c] + count[c - feeds[i].readings[k].cost];

				next[c] = more < UINT32_MAX ? (uint32_t)more : UINT32_MAX;
			}
		for (size_t c = 0; c <= COST_MAX; c++)
			count[c] = next[c];
	}
	for (unsigned int c = 0; c <= COST_MAX; c++) {
		sum += count[c];
		if (sum > wanted) {
			*all = false;
			return c ? c - 1 : 0;
		}
	}
	return COST_MAX;
}

/* Readings that are nearly as likely as the likeliest. */
static size_t rivals(const struct salvage_feed *f)
{
	size_t n = 0;

	for (size_t r = 0; r < f->n; r++)
		n += f->readings[r].cost > 0 && f->readings[r].cost < 16;
	return n;
}

/* Where both parts have about as many likely combinations. */
static size_t find_middle(const struct salvage_feed *feeds, size_t n)
{
	size_t all = 0, half = 0, i = 0;

	for (size_t k = 0; k < n; k++)
		all += rivals(&feeds[k]);
	while (i < n && 2 * half <= all)
		half += rivals(&feeds[i++]);
	return i;
}

bool salvage_meet(
	struct salvage *s, const uint8_t *segment, size_t len, unsigned int effort, bool *done)
{
	struct salvage_lines *l = s->lines;
	struct meeting m = {
		.s = s,
		.l = l,
		.segment = segment,
		.len = len,
		.middle = find_middle(l->feeds, l->n),
		.fronts = efforts[effort].fronts,
		.backs = efforts[effort].backs,
		.wanted = NONE,
	};

	*done = true;
	m.most_front = most_cost(l->feeds, m.middle, m.fronts, done);
	m.most_back = most_cost(l->feeds + m.middle, l->n - m.middle, m.backs, done);
	for (m.mask = 255; m.mask < m.fronts;)
		m.mask = m.mask << 1 | 1;
	if (!salvage_spend(s, m.mask + 1 + l->n * COST_MAX * SALVAGE_READINGS))
		return false;
	for (size_t i = 0; i <= m.mask; i++)
		l->front_first[i] = 0;
	l->back_leads[0] = 1;
	all_fronts(&m);
	return combine_back(&m, l->n, len, 0, 0);
}
