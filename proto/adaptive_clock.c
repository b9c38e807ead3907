/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/adaptive_clock.h"

/* Steps of time a common divisor must divide before it is believed. */
#define DIVISOR_EVIDENCE 32u
/* A period is searched for with so many different small steps, none above LARGEST_SMALL, and
 * checked with all up to LARGEST_STEP. */
#define SMALL_STEPS   64u
#define LARGEST_SMALL 8192u
#define LARGEST_STEP  (1u << 20)
/* Shorter periods save too little to tell them from chance; longer ones are no clock's. */
#define ONE_NS     ((uint64_t)1 << AD_FRACTION_BITS)
#define MIN_PERIOD (5 * ONE_NS)
#define MAX_PERIOD (128 * ONE_NS)
/* A search in vain is repeated after 1, 2, 4... blocks. */
#define MAX_PATIENCE 64u

struct steps {
	const struct ad_model *m;
	const struct ayp_event *events;
	const uint16_t *order;
	uint32_t n, at;
	uint64_t prev;
	int cpu;
};

/* The next step of time on a CPU, its size if it goes back. False at the end. */
static bool next_step(struct steps *s, uint64_t *step)
{
	while (s->at < s->n) {
		const struct ayp_event *e = &s->events[s->order[s->at++]];
		const struct ad_cpu *c = &s->m->cpu[e->cpu];
		bool known = s->cpu == e->cpu || c->seen;
		uint64_t delta = e->t_ns - (s->cpu == e->cpu ? s->prev : c->t_ns);

		s->cpu = e->cpu;
		s->prev = e->t_ns;
		if (known) {
			*step = delta >> 63 ? 0 - delta : delta;
			return true;
		}
	}
	return false;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* What divides all steps and `divisor` (0: nothing known). */
static uint64_t find_divisor(struct steps s, uint64_t divisor, uint32_t *evidence)
{
	uint64_t step;

	*evidence = 0;
	while (divisor != 1 && next_step(&s, &step)) {
		++*evidence;
		if (divisor == 0)
			divisor = step;
		else if ((step | divisor) >> 32 ? step % divisor
						: (uint32_t)step % (uint32_t)divisor)
			divisor = common_divisor(divisor, step);
	}
	return divisor;
}

/* ---- a period that is no whole number
 * ------------------------------------------------------------ */

/* The smallest different steps, ascending. Returns how many. */
static uint32_t smallest_steps(struct steps s, uint32_t small[SMALL_STEPS])
{
	uint32_t n = 0;
	uint64_t step;

	while (next_step(&s, &step)) {
		uint32_t at = n;

		if (step == 0 || step > LARGEST_SMALL || (n == SMALL_STEPS && step >= small[n - 1]))
			continue;
		while (at > 0 && small[at - 1] > step)
			at--;
		if (at > 0 && small[at - 1] == step)
			continue;
		n += n < SMALL_STEPS;
		for (uint32_t i = n - 1; i > at; i--)
			small[i] = small[i - 1];
		small[at] = (uint32_t)step;
	}
	return n;
}

/* How far a step is from a number of periods, and that number. */
static uint64_t distance(uint64_t step, uint64_t period, uint64_t *ticks)
{
	uint64_t t = step << AD_FRACTION_BITS;

	*ticks = (t + period / 2) / period;
	return t > *ticks * period ? t - *ticks * period : *ticks * period - t;
}

static bool fits(const uint32_t *small, uint64_t period)
{
	uint32_t misses = 0;
	uint64_t ticks;

	for (uint32_t i = SMALL_STEPS; i-- > 0 && misses <= SMALL_STEPS / 32;)
		misses += distance(small[i], period, &ticks) > ONE_NS + ONE_NS / 4;
	return misses <= SMALL_STEPS / 32;
}

/* Rounding moves a step by less than 1 ns, so each one says between what the period is; larger ones
 * say it better, once it is known well enough to count their ticks. Returns 0 if they disagree. */
static uint64_t refine(struct steps all, uint64_t lo, uint64_t hi, uint64_t known)
{
	for (; known <= LARGEST_STEP; known *= 2) {
		struct steps s = all;
		uint32_t good = 0, bad = 0;
		uint64_t step, ticks;

		while (next_step(&s, &step)) {
			if (step == 0 || step > known)
				continue;
			(void)distance(step, (lo + hi) / 2, &ticks);
			if (ticks == 0)
				continue;
			uint64_t least = (step - 1) * ONE_NS / ticks,
				 most = (step + 1) * ONE_NS / ticks;
			bool agrees = least <= hi && most >= lo;

			good += agrees;
			bad += !agrees;
			if (agrees && least > lo)
				lo = least;
			if (agrees && most < hi)
				hi = most;
		}
		if (bad > good / 16)
			return 0;
	}
	return (lo + hi) / 2;
}

/* 0: none. The longest one is the tick; its fractions fit as well. */
static uint64_t find_period(struct steps all)
{
	uint32_t small[SMALL_STEPS];
	uint64_t least = 0, most = 0;

	if (smallest_steps(all, small) < SMALL_STEPS)
		return 0;
	for (uint64_t p = MAX_PERIOD; p > MIN_PERIOD; p -= p / small[SMALL_STEPS - 1] / 2) {
		if (fits(small, p)) {
			most = most ? most : p;
			least = p;
		} else if (most) {
			break;
		}
	}
	return most ? refine(all, least - least / 64, most + most / 64, small[SMALL_STEPS - 1]) : 0;
}

/* The CPU that was followed for the most ticks knows the period best: to 1 ns in all of them. */
static uint64_t measured_period(struct ad_model *m, uint64_t period)
{
	const struct ad_cpu *best = &m->cpu[0];
	uint64_t span, measured;

	for (uint32_t i = 1; i < AD_CPUS; i++)
		if (m->cpu[i].span_ticks > best->span_ticks)
			best = &m->cpu[i];
	span = best->t_ns - best->span_from_ns;
	if (best->span_ticks == 0 || span >> AD_TICK_STEP_BITS)
		return period;
	measured = (span << AD_FRACTION_BITS) / best->span_ticks;
	span = measured > period ? measured - period : period - measured;
	return span > 2 * ONE_NS / best->span_ticks ? measured : period;
}

static void forget_spans(struct ad_model *m)
{
	for (uint32_t i = 0; i < AD_CPUS; i++) {
		m->cpu[i].span_from_ns = m->cpu[i].t_ns;
		m->cpu[i].span_ticks = 0;
	}
}

static struct ad_clock search(struct clock_search *s, struct ad_model *m, struct steps all)
{
	uint64_t period;

	if (s->wait > 0) {
		s->wait--;
		return (struct ad_clock){.unit = 1, .exact = true};
	}
	period = find_period(all);
	if (period == 0) {
		s->wait = s->patience;
		s->patience = s->patience * 2 < MAX_PATIENCE ? s->patience * 2 : MAX_PATIENCE;
		return (struct ad_clock){.unit = 1, .exact = true};
	}
	s->patience = 1;
	forget_spans(m);
	return (struct ad_clock){.unit = period};
}

void clock_search_init(struct clock_search *s)
{
	*s = (struct clock_search){.clock = {.unit = 1, .exact = true}, .patience = 1};
}

struct ad_clock clock_choose(struct clock_search *s, struct ad_model *m,
	const struct ayp_event *events, const uint16_t *order, uint32_t n, bool fresh)
{
	struct steps all = {.m = m, .events = events, .order = order, .n = n, .cpu = -1};
	struct ad_clock clock = s->clock;
	uint32_t raw_steps = m->raw_steps, evidence;
	uint64_t unit;

	m->raw_steps = 0;
	if (clock.exact) {
		unit = find_divisor(all, fresh ? 0 : clock.unit, &evidence);
		/* A few events divide by much that the clock does not. */
		if (fresh && (unit == 0 || evidence < DIVISOR_EVIDENCE))
			unit = common_divisor(unit, clock.unit);
		clock.unit = unit && unit >> 62 == 0 ? unit : 1;
		if (clock.unit == 1)
			clock = search(s, m, all);
	} else if (raw_steps > n / 16 && !fresh) {
		clock = search(s, m, all);
	} else {
		unit = measured_period(m, clock.unit);
		if (unit != clock.unit)
			forget_spans(m);
		clock.unit = unit;
	}
	s->clock = clock;
	return clock;
}
