/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/levels.h"

#include <string.h>

#include "host/trace/missed.h"
#include "host/trace/state.h"

#define FIRST_CAP 32u
#define USED      (UINT64_C(1) << 32)

/* Keys are USED | func; 0 is a free slot. */
struct set {
	uint64_t *keys;
	size_t cap, n; /* a power of two; at most three quarters of it */
};

/* ---- sets ----------------------------------------------------------------------------------- */

static uint64_t *slot_of(const struct pairer *p, uint64_t *keys, size_t cap, uint64_t key)
{
	uint64_t h = (key ^ key >> 17) * p->secret;
	size_t i = (size_t)(h >> 32) & (cap - 1);

	while (keys[i] && keys[i] != key)
		i = (i + 1) & (cap - 1);
	return &keys[i];
}

static bool set_has(const struct pairer *p, const struct set *s, uint64_t key)
{
	return *slot_of(p, s->keys, s->cap, key) != 0;
}

static bool set_grow(struct pairer *p, struct set *s)
{
	size_t cap = s->cap ? s->cap * 2 : FIRST_CAP;
	uint64_t *keys;

	if (cap > MISSED_SET_SLOTS || p->set_slots + cap - s->cap > MISSED_SLOTS)
		return false;
	keys = trace_alloc(p->mem, cap * sizeof(*keys));
	if (!keys)
		return false;
	for (size_t i = 0; i < s->cap; i++)
		if (s->keys[i])
			*slot_of(p, keys, cap, s->keys[i]) = s->keys[i];
	trace_release(p->mem, s->keys);
	p->set_slots += cap - s->cap;
	s->keys = keys;
	s->cap = cap;
	return true;
}

static bool set_add(struct pairer *p, struct set *s, uint64_t key)
{
	uint64_t *slot = slot_of(p, s->keys, s->cap, key);

	if (*slot)
		return true;
	if ((s->n + 1) * 4 > s->cap * 3) {
		if (!set_grow(p, s))
			return false;
		slot = slot_of(p, s->keys, s->cap, key);
	}
	*slot = key;
	s->n++;
	return true;
}

static void set_free(struct pairer *p, uint16_t big)
{
	struct set *s = p->sets[big - 1];

	p->sets[big - 1] = NULL;
	if (big - 1u < p->free_set)
		p->free_set = big - 1u;
	p->set_slots -= s->cap;
	trace_release(p->mem, s->keys);
	trace_release(p->mem, s);
}

/* Place of a new set, or 0. */
static uint16_t set_new(struct pairer *p)
{
	size_t at = p->free_set;
	struct set *s, **sets;

	while (at < p->n_sets && p->sets[at])
		at++;
	p->free_set = at;
	if (at == MISSED_SETS)
		return 0;
	sets = trace_grow(p->mem, p->sets, &p->cap_sets, at + 1, sizeof(struct set *));
	if (!sets)
		return 0;
	p->sets = sets;
	s = trace_alloc(p->mem, sizeof(*s));
	if (!s || !set_grow(p, s)) {
		trace_release(p->mem, s);
		return 0;
	}
	sets[at] = s;
	if (at == p->n_sets)
		p->n_sets++;
	p->free_set = at + 1;
	return (uint16_t)(at + 1);
}

/* ---- levels --------------------------------------------------------------------------------- */

/* It has no room: what is there is not all, so it is as if it were nothing. */
static void make_blind(struct pairer *p, struct level *l)
{
	level_clear(p, l);
	l->blind = true;
}

static struct set *make_big(struct pairer *p, struct level *l)
{
	if (!l->big) {
		l->big = set_new(p);
		if (!l->big)
			return NULL;
		for (unsigned int i = 0; i < l->n; i++)
			set_add(p, p->sets[l->big - 1], USED | l->beside[i]);
		l->n = 0;
	}
	return p->sets[l->big - 1];
}

static void add_key(struct pairer *p, struct level *l, uint64_t key)
{
	struct set *s = l->blind ? NULL : make_big(p, l);

	if (!l->blind && !(s && set_add(p, s, key)))
		make_blind(p, l);
}

bool level_beside_big(const struct pairer *p, const struct level *l, uint16_t func)
{
	return set_has(p, p->sets[l->big - 1], USED | func);
}

void level_add_big(struct pairer *p, struct level *l, uint16_t func)
{
	if (!l->big && l->n < LEVEL_FUNCS && !l->blind)
		l->beside[l->n++] = func;
	else
		add_key(p, l, USED | func);
}

void level_join(struct pairer *p, struct level *l, const struct level *of)
{
	const struct set *s = of->big ? p->sets[of->big - 1] : NULL;

	for (unsigned int i = 0; i < of->n; i++)
		level_add(p, l, of->beside[i]);
	for (size_t i = 0; s && i < s->cap; i++)
		if (s->keys[i])
			level_add(p, l, (uint16_t)s->keys[i]);
	if (of->blind)
		make_blind(p, l);
}

void level_clear(struct pairer *p, struct level *l)
{
	if (l->big)
		set_free(p, l->big);
	*l = (struct level){0};
}

static size_t level_count(const struct pairer *p, const struct level *l)
{
	return l->big ? p->sets[l->big - 1]->n : l->n;
}

void level_state(struct pairer *p, struct level *l, struct state *s)
{
	const struct set *set = l->big ? p->sets[l->big - 1] : NULL;
	size_t n = state_count(s, level_count(p, l), MISSED_SET_SLOTS);

	STATE(s, l->blind);
	if (state_reading(s)) {
		for (size_t i = 0; i < n && !s->failed; i++)
			level_add(p, l, state_func(s, 0));
		return;
	}
	for (size_t i = 0; set && i < set->cap; i++)
		if (set->keys[i])
			state_func(s, (uint16_t)set->keys[i]);
	for (unsigned int i = 0; !set && i < l->n; i++)
		state_func(s, l->beside[i]);
}

void levels_free(struct pairer *p)
{
	for (size_t i = 0; i < p->n_sets; i++) {
		if (p->sets[i]) {
			trace_release(p->mem, p->sets[i]->keys);
			trace_release(p->mem, p->sets[i]);
		}
	}
	trace_release(p->mem, p->sets);
	trace_release(p->mem, p->pairs);
}

/* ---- pairs ---------------------------------------------------------------------------------- */

void pair_learn(struct pairer *p, uint16_t caller, uint16_t func)
{
	uint32_t bit = pair_bit(caller, func);

	if (!p->pairs)
		p->pairs = trace_alloc(p->mem, (1u << PAIR_BITS) / 8);
	if (p->pairs)
		p->pairs[bit / 8] |= (uint8_t)(1u << bit % 8);
}

void pair_learn_level(struct pairer *p, uint16_t caller, const struct level *l)
{
	const struct set *s = l->big ? p->sets[l->big - 1] : NULL;

	for (unsigned int i = 0; i < l->n; i++)
		pair_learn(p, caller, l->beside[i]);
	for (size_t i = 0; s && i < s->cap; i++)
		if (s->keys[i])
			pair_learn(p, caller, (uint16_t)s->keys[i]);
}

#define PAIRS (1u << PAIR_BITS)

/* Distances between the bits that are set. */
void pairs_state(struct pairer *p, struct state *s)
{
	uint32_t n = 0, at = 0;

	for (uint32_t bit = 0; p->pairs && !state_reading(s) && bit < PAIRS; bit++)
		n += p->pairs[bit / 8] >> bit % 8 & 1;
	n = (uint32_t)state_count(s, n, PAIRS);
	if (state_reading(s) && n && !p->pairs && !(p->pairs = trace_alloc(p->mem, PAIRS / 8)))
		s->failed = true;
	for (uint32_t i = 0; i < n && !s->failed; i++) {
		uint32_t bit = at;

		while (!state_reading(s) && !(p->pairs[bit / 8] >> bit % 8 & 1))
			bit++;
		bit = at + (uint32_t)state_number(s, bit - at, PAIRS - 1);
		if (state_reading(s) && bit >= PAIRS)
			s->failed = true;
		if (s->failed)
			return;
		if (state_reading(s))
			p->pairs[bit / 8] |= (uint8_t)(1u << bit % 8);
		at = bit + 1;
	}
}
