/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Text that another writer of the UART put into a frame: whole lines, somewhere between its bytes.
 *
 * Each line feed in the segment may end such a line. Where the line begins is not certain: about three of
 * eight bytes of a frame look like text, so a few before the line may. Every line feed thus has some
 * readings: it is a byte of the frame, or a line that began here, or there. Each has a cost, about
 * twice the negative binary logarithm of its likelihood; all readings of all line feeds are combined, the cheapest
 * first, until a frame comes out. The COBS codes tell wrong ones at once: they must lead to the end exactly.
 */
#include "framing/salvage.h"
#include "framing/text.h"

#define READINGS  14u /* per line feed: data, and where the line may have begun */
#define COST_STEP 3u
#define COST_MAX  36u
/* Attempts with a CRC: each is right by chance once in 2^32. */
#define CHECKS_MAX 256u
/* Steps for one segment: the most that any of the unit test's 1,400 needs is 5 million. */
#define STEPS_MAX 6000000u
/* Of those whose codes fit, so many are tried with one bit flipped, too. */
#define FLIPS_MAX 4u
/* Without a frame to prove it, this much text is believed. */
#define SURE_LEN 16u

struct reading {
	size_t begin; /* of the line; its end if it is data */
	unsigned int cost;
};

struct feed {
	size_t floor; /* no line that ends here begins before */
	size_t end;   /* after the line feed */
	size_t sure;  /* where a line surely begins: a kernel's time stamp; or end */
	struct reading readings[READINGS]; /* by cost */
	size_t n;
	size_t chosen;
};

struct search {
	struct salvage *s;
	const uint8_t *segment;
	size_t len;
	struct feed feeds[SALVAGE_LINES];
	size_t n;
	unsigned int cost_from, cost_to; /* of this round: above, up to */
	unsigned int checks, flips;
	uint64_t least_left; /* in the purse: this segment has had its share */
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

static void add_reading(struct feed *f, size_t begin, unsigned int cost)
{
	size_t at;

	if (f->n == READINGS)
		return;
	for (at = f->n++; at > 0 && f->readings[at - 1].cost > cost; at--)
		f->readings[at] = f->readings[at - 1];
	f->readings[at] = (struct reading){begin, cost};
}

/* How unlikely it is that so many text-like bytes before a line feed are data, or a line. */
static void base_costs(size_t length, unsigned int *data, unsigned int *line)
{
	*data = length < 4 ? 0 : length < 8 ? 4 : length < 16 ? 14 : 30;
	*line = length == 0 ? 12 : length < 4 ? 9 : length < 8 ? 3 : 0;
}

static void weigh(struct feed *f, bool follows)
{
	unsigned int data, line;
	size_t length = f->end - 1 - f->floor;

	base_costs(f->sure < f->end ? SURE_LEN : length, &data, &line);
	add_reading(f, f->end, data);
	if (f->sure < f->end)
		add_reading(f, f->sure, 0);
	for (size_t i = 0; i <= length && i + 3 < READINGS; i++) {
		/* Right behind another line, its end is the beginning. */
		unsigned int start =
			i == 0 ? (follows ? 0 : 1) : (follows ? 8 : 1) + 3 * (unsigned int)i;

		if (f->floor + i != f->sure)
			add_reading(f, f->floor + i, line + start + (f->sure < f->end ? 12 : 0));
	}
}

/* False: too many line feeds to make sense of. */
static bool find_feeds(struct search *x)
{
	size_t floor = 0; /* where the text that leads here began */
	bool follows = false;

	for (size_t at = 0; at < x->len;) {
		size_t n = framing_text_char(x->segment + at, x->len - at);
		struct feed *f;

		if (n == 0) {
			floor = ++at;
			follows = false;
			continue;
		}
		at += n;
		if (x->segment[at - 1] != '\n')
			continue;
		if (x->n == SALVAGE_LINES)
			return false;
		f = &x->feeds[x->n++];
		*f = (struct feed){.floor = floor, .end = at, .sure = at};
		for (size_t p = floor; p < at && f->sure == at; p++)
			if (is_stamp(x->segment + p, x->segment + at))
				f->sure = p;
		weigh(f, follows);
		follows = f->sure < at || at - floor >= SURE_LEN;
		floor = at;
	}
	return x->n > 0;
}

/* ---- combining them ---------------------------------------------------------------------------- */

/* Put the segment without its lines to s->plain if its codes lead to its end. Returns its length, or 0. */
static size_t without_lines(struct search *x)
{
	uint8_t *plain = x->s->plain;
	size_t left = x->len, out = 0, code = 0, from = 0;

	for (size_t i = 0; i < x->n; i++)
		left -= x->feeds[i].end - x->feeds[i].readings[x->feeds[i].chosen].begin;
	if (left <= FRAMING_MIN_BODY || left > FRAMING_MAX_SEGMENT ||
		!salvage_spend(x->s, 16 + 2 * x->n))
		return 0;
	for (size_t i = 0; i <= x->n; i++) {
		size_t to = i < x->n ? x->feeds[i].readings[x->feeds[i].chosen].begin : x->len;

		/* Follow the codes over this piece: `code` is the next one's place in the result. */
		while (code < out + (to - from)) {
			uint8_t c = x->segment[from + (code - out)];

			if (c == 0 || !salvage_spend(x->s, 1))
				return 0;
			code += c;
		}
		out += to - from;
		from = i < x->n ? x->feeds[i].end : to;
	}
	if (code != left || !salvage_spend(x->s, left))
		return 0;
	out = from = 0;
	for (size_t i = 0; i <= x->n; i++) {
		size_t to = i < x->n ? x->feeds[i].readings[x->feeds[i].chosen].begin : x->len;

		while (from < to)
			plain[out++] = x->segment[from++];
		from = i < x->n ? x->feeds[i].end : to;
	}
	return left;
}

static bool check(struct search *x)
{
	size_t left = without_lines(x);

	if (left == 0)
		return false;
	x->checks++;
	if (salvage_try(x->s, left, SALVAGE_UNTANGLED))
		x->found = SALVAGE_UNTANGLED;
	else if (x->flips++ < FLIPS_MAX && salvage_flip(x->s, left))
		x->found = SALVAGE_REPAIRED;
	return x->found != SALVAGE_NOTHING;
}

static bool is_over(const struct search *x)
{
	return x->checks == CHECKS_MAX || *x->s->purse <= x->least_left;
}

/* All readings of the line feeds from i on whose cost, with what is chosen before, is this round's. */
static bool combine(struct search *x, size_t i, unsigned int cost)
{
	struct feed *f = &x->feeds[i];

	if (i == x->n)
		return cost >= x->cost_from && check(x);
	for (f->chosen = 0; f->chosen < f->n; f->chosen++) {
		unsigned int sum = cost + f->readings[f->chosen].cost;

		if (sum > x->cost_to || is_over(x) || !salvage_spend(x->s, 2))
			break;
		if (combine(x, i + 1, sum))
			return true;
	}
	f->chosen = 0;
	return false;
}

static bool search(struct search *x)
{
	unsigned int least = 0;

	for (size_t i = 0; i < x->n; i++)
		least += x->feeds[i].readings[0].cost;
	for (unsigned int cost = 0; cost <= COST_MAX && !is_over(x); cost += COST_STEP) {
		x->cost_from = cost ? least + cost - COST_STEP + 1 : 0;
		x->cost_to = least + cost;
		if (combine(x, 0, 0))
			return true;
	}
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

static void tell_proved(struct search *x)
{
	for (size_t i = 0; i < x->n; i++)
		tell_line(x->s, x->feeds[i].readings[x->feeds[i].chosen].begin, x->feeds[i].end);
}

static void tell_likely(struct search *x)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct feed *f = &x->feeds[i];

		if (f->sure < f->end)
			tell_line(x->s, f->sure, f->end);
		else if (f->end - f->floor > SURE_LEN)
			tell_line(x->s, f->floor, f->end);
	}
}

enum salvage_way salvage_untangle(struct salvage *s, const uint8_t *segment, size_t len)
{
	struct search x = {.s = s, .segment = segment, .len = len};

	s->n_text = 0;
	s->purse = &s->for_text;
	x.least_left = *s->purse > STEPS_MAX ? *s->purse - STEPS_MAX : 0;
	if (salvage_spend(s, 4 * len)) {
		if (find_feeds(&x) && search(&x))
			tell_proved(&x);
		else
			tell_likely(&x);
	}
	s->purse = &s->for_repair;
	return x.found;
}
