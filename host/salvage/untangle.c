/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Text that another writer of the UART put into a frame: whole lines, somewhere between its bytes.
 *
 * Each line feed in the segment may end such a line. Where the line begins is not certain: about three of
 * eight bytes of a frame look like text, so a few before the line may. Every line feed thus has some
 * readings: it is a byte of the frame, or a line that began here, or there, each with a likelihood. Those are
 * combined until a frame comes out. The COBS codes tell most wrong ones: they must lead to the end exactly.
 */
#include "host/salvage/untangle.h"
#include "host/salvage/gap.h"
#include "host/salvage/likely.h"
#include "host/salvage/meet.h"
#include "host/salvage/one_bit.h"
#include "framing/text.h"

/* The likeliest combinations are also tried with one bit flipped: so many of those whose codes fit, among so many. */
#define FLIPS_MAX      4u
#define FLIPS_AMONG    2000u
#define FLIP_COST_STEP 6u /* half bits */
#define FLIP_COST_MAX  18u
/* So many of the likeliest combinations are tried with a stretch of text besides. */
#define GAPS_MAX 64u
/* A line feed is hardly a byte of the frame, in half bits. */
#define LIKELY_COST 16u
/* Of what is in the purse, one segment may use this share: hopeless ones leave something for those that follow. */
#define SHARE 4u
/* Without a frame to prove it, this much text is believed. */
#define SURE_LEN 16u

struct search {
	struct salvage *s;
	const uint8_t *segment;
	size_t len;
	bool likely; /* that there are lines at all */
	unsigned int tried, flips, gaps;
	bool gap; /* found, and told */
	enum salvage_way found;
};

/* ---- line feeds and where their lines may begin ------------------------------------------------ */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* "[" spaces digits "." six digits "] ": what printk puts before a line (CONFIG_PRINTK_TIME), also after "<N>". */
static bool is_stamp(const uint8_t *p, const uint8_t *end)
{
	if (end - p >= 3 && p[0] == '<' && is_digit(p[1])) {
		p += 2;
		p += is_digit(*p);
		if (p >= end || *p++ != '>')
			return false;
	}
	if (p >= end || *p++ != '[')
		return false;
	while (p < end && *p == ' ')
		p++;
	if (p >= end || !is_digit(*p))
		return false;
	while (p < end && is_digit(*p))
		p++;
	if (end - p < 9 || *p++ != '.')
		return false;
	for (int i = 0; i < 6; i++)
		if (!is_digit(*p++))
			return false;
	return *p == ']';
}

/* False: no line feeds, or too many to make sense of. */
static bool find_feeds(struct search *x)
{
	struct salvage_lines *l = x->s->lines;
	size_t floor = 0; /* where the text that leads here began */
	bool follows = false;

	l->n = 0;
	for (size_t at = 0; at < x->len;) {
		size_t n = framing_text_char(x->segment + at, x->len - at);
		struct salvage_feed *f;

		if (n == 0) {
			floor = ++at;
			follows = false;
			continue;
		}
		at += n;
		if (x->segment[at - 1] != '\n')
			continue;
		if (l->n == SALVAGE_FEEDS)
			return false;
		f = &l->feeds[l->n++];
		*f = (struct salvage_feed){
			.floor = (uint16_t)floor,
			.end = (uint16_t)at,
			.sure = (uint16_t)at,
		};
		for (size_t p = floor; p < at && f->sure == at; p++)
			if (is_stamp(x->segment + p, x->segment + at))
				f->sure = (uint16_t)p;
		salvage_likely(f, x->segment, follows);
		f->chosen = salvage_likeliest(f);
		follows = f->readings[f->chosen].begin < f->end;
		x->likely |= f->readings[f->n - 1].cost >= LIKELY_COST;
		floor = at;
	}
	return l->n > 0;
}

/* ---- combining them ---------------------------------------------------------------------------- */

static bool check_flips(struct search *x)
{
	size_t left = salvage_without_lines(x->s, x->segment, x->len);

	x->tried++;
	if (left == 0)
		return false;
	x->flips++;
	return salvage_flip(x->s, left);
}

/* All readings of the line feeds from i on that cost, with what is chosen before, more than `above`, up to `most`. */
static bool combine(struct search *x, size_t i, unsigned int cost, int above, unsigned int most)
{
	struct salvage_feed *f = &x->s->lines->feeds[i];

	if (i == x->s->lines->n)
		return (int)cost > above && check_flips(x);
	for (f->chosen = 0; f->chosen < f->n; f->chosen++) {
		unsigned int sum = cost + f->readings[f->chosen].cost;

		if (x->flips == FLIPS_MAX || x->tried == FLIPS_AMONG || !salvage_spend(x->s, 2))
			return false;
		if (sum <= most && combine(x, i + 1, sum, above, most))
			return true;
	}
	return false;
}

static bool one_bit_wrong(struct search *x)
{
	for (unsigned int most = 0; most <= FLIP_COST_MAX; most += FLIP_COST_STEP)
		if (combine(x, 0, 0, (int)most - (int)FLIP_COST_STEP, most))
			return true;
	return false;
}

/* ---- what to tell ------------------------------------------------------------------------------ */

static void tell_line(struct salvage *s, size_t begin, size_t end)
{
	if (begin == end)
		return;
	if (s->n_text && s->text[s->n_text - 1].at + s->text[s->n_text - 1].len == begin) {
		s->text[s->n_text - 1].len += end - begin;
		return;
	}
	s->text[s->n_text].at = begin;
	s->text[s->n_text++].len = end - begin;
}

/* ---- text that no line feed ends ---------------------------------------------------------------- */

/* The bytes of the segment that are in none of the chosen lines. */
static size_t find_places(const struct search *x, bool lines)
{
	const struct salvage_lines *l = x->s->lines;
	size_t n = 0, at = 0;

	for (size_t i = 0; lines && i < l->n; i++) {
		while (at < salvage_begin(&l->feeds[i]))
			x->s->lines->place[n++] = (uint16_t)at++;
		at = l->feeds[i].end;
	}
	while (at < x->len)
		x->s->lines->place[n++] = (uint16_t)at++;
	return n;
}

/* Tell all that is not of the frame: the lines, and the stretch among what they leave. */
static void tell_gap(const struct search *x, size_t n, size_t begin, size_t end)
{
	const uint16_t *place = x->s->lines->place;
	size_t i = 0;

	x->s->n_text = 0;
	for (size_t at = 0; at < x->len; at++) {
		bool left = i < n && place[i] == at;

		if (!left || (i >= begin && i < end))
			tell_line(x->s, at, at + 1);
		i += left;
	}
}

static bool check_gap(struct search *x, bool lines)
{
	size_t begin, end, n;

	if (!salvage_spend(x->s, x->len))
		return false;
	n = find_places(x, lines);
	if (!salvage_gap(x->s, x->segment, n, true, &begin, &end))
		return false;
	tell_gap(x, n, begin, end);
	return true;
}

/* As combine(), with a stretch of text somewhere in what is left. */
static bool combine_gap(struct search *x, size_t i, unsigned int cost, int above, unsigned int most)
{
	struct salvage_feed *f = &x->s->lines->feeds[i];

	if (i == x->s->lines->n)
		return (int)cost > above && x->gaps++ < GAPS_MAX && check_gap(x, true);
	for (f->chosen = 0; f->chosen < f->n; f->chosen++) {
		unsigned int sum = cost + f->readings[f->chosen].cost;

		if (x->gaps == GAPS_MAX || !salvage_spend(x->s, 2))
			return false;
		if (sum <= most && combine_gap(x, i + 1, sum, above, most))
			return true;
	}
	return false;
}

static bool gap_beside_lines(struct search *x)
{
	for (unsigned int most = 0; most <= FLIP_COST_MAX; most += FLIP_COST_STEP)
		if (combine_gap(x, 0, 0, (int)most - (int)FLIP_COST_STEP, most))
			return true;
	return false;
}

/* Cheap things first; the last effort is the dearest. */
static enum salvage_way search(struct search *x, bool feeds)
{
	bool done = !feeds, fits = x->len <= SALVAGE_GAP_SEGMENT;

	if (feeds && salvage_meet(x->s, x->segment, x->len, 0, &done))
		return SALVAGE_UNTANGLED;
	if (feeds && one_bit_wrong(x))
		return SALVAGE_REPAIRED;
	if (fits && (x->gap = check_gap(x, false)))
		return SALVAGE_UNTANGLED;
	if (!x->likely)
		return SALVAGE_NOTHING;
	for (unsigned int effort = 1; effort < SALVAGE_EFFORTS - 1 && !done; effort++)
		if (salvage_meet(x->s, x->segment, x->len, effort, &done))
			return SALVAGE_UNTANGLED;
	if (fits && (x->gap = gap_beside_lines(x)))
		return SALVAGE_UNTANGLED;
	if (!done && salvage_meet(x->s, x->segment, x->len, SALVAGE_EFFORTS - 1, &done))
		return SALVAGE_UNTANGLED;
	return SALVAGE_NOTHING;
}

static void tell_proved(struct salvage *s)
{
	for (size_t i = 0; i < s->lines->n; i++)
		tell_line(s, salvage_begin(&s->lines->feeds[i]), s->lines->feeds[i].end);
}

static void tell_likely(struct salvage *s)
{
	for (size_t i = 0; i < s->lines->n; i++) {
		struct salvage_feed *f = &s->lines->feeds[i];

		f->chosen = salvage_likeliest(f);
		if (f->sure < f->end || f->end - salvage_begin(f) > SURE_LEN)
			tell_line(s, salvage_begin(f), f->end);
	}
}

enum salvage_way salvage_untangle(struct salvage *s, const uint8_t *segment, size_t len)
{
	struct search x = {.s = s, .segment = segment, .len = len};
	uint64_t share = s->for_text / SHARE;
	bool feeds;

	s->n_text = 0;
	s->for_text -= share;
	s->purse = &share;
	feeds = find_feeds(&x);
	if (!feeds)
		s->lines->n = 0;
	x.found = search(&x, feeds);
	if (x.found == SALVAGE_NOTHING)
		tell_likely(s);
	else if (!x.gap)
		tell_proved(s);
	s->for_text += share;
	s->purse = &s->for_repair;
	return x.found;
}
