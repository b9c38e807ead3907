/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Two flipped bits: the pair of places whose differences, taken together, make the one that the CRC shows.
 * In frames of 2 KB there is a second such pair for about one in sixteen; then nothing can be told. And
 * a frame with four wrong bits is taken for one with two as often: so this is for receivers that have nothing
 * better, and for payloads that are checked again.
 */
#include "host/salvage/two_bits.h"
#include "framing/bytes.h"

#define NOBODY UINT16_MAX
_Static_assert(8 * FRAMING_MAX_BODY < NOBODY, "places are kept in 16 bits");

struct place {
	size_t byte;
	unsigned int bit;
};

static uint32_t step(uint32_t d)
{
	return d >> 1 ^ (d & 1 ? FRAMING_CRC_POLYNOMIAL : 0);
}

static uint16_t bucket(uint32_t difference)
{
	return (uint16_t)((difference * 0x9e3779b1u) >> 16);
}

/* Bits of a body are numbered from the last one of the CRC; the CRC's own come first. */
static struct place place_of(size_t at, size_t n)
{
	if (at < 32)
		return (struct place){n + (31 - at) / 8, (31 - at) % 8};
	at -= 32;
	return (struct place){n - 1 - at / 8, 7 - at % 8};
}

static uint32_t first_difference(size_t at)
{
	return at < 32 ? 1u << (31 - at) : FRAMING_CRC_POLYNOMIAL;
}

static uint32_t next_difference(uint32_t d, size_t at)
{
	return at + 1 < 33 ? first_difference(at + 1) : step(d);
}

/* A 0 of the body is none on the line. */
static bool flippable(const uint8_t *body, struct place p)
{
	return body[p.byte] && (body[p.byte] ^ 1u << p.bit);
}

/* The pairs among `bits` bits that make `difference`, up to two of them. */
static unsigned int find_pairs(struct salvage_pairs *m, const uint8_t *body, size_t n,
	uint32_t difference, struct place pair[2])
{
	size_t bits = 8 * n + 32;
	unsigned int found = 0;
	uint32_t d = first_difference(0);

	for (size_t i = 0; i < sizeof(m->first) / sizeof(m->first[0]); i++)
		m->first[i] = NOBODY;
	for (size_t at = 0; at < bits; d = next_difference(d, at), at++) {
		struct place here = place_of(at, n);

		if (!flippable(body, here))
			continue;
		for (uint16_t other = m->first[bucket(d ^ difference)]; other != NOBODY;
			other = m->next[other]) {
			if (m->difference[other] != (d ^ difference))
				continue;
			pair[0] = place_of(other, n);
			pair[1] = here;
			if (++found == 2)
				return found;
		}
		m->difference[at] = d;
		m->next[at] = m->first[bucket(d)];
		m->first[bucket(d)] = (uint16_t)at;
	}
	return found;
}

bool salvage_flip_pair(struct salvage *s, size_t len)
{
	size_t n;
	struct place pair[2] = {0};

	if (!s->pairs || len > FRAMING_MAX_SEGMENT || !salvage_spend(s, 70000 + 40 * len))
		return false;
	n = framing_cobs_decode(s->body_mem, FRAMING_MAX_SEGMENT + 1, s->plain, len);
	if (n < FRAMING_MIN_BODY || n > FRAMING_MAX_BODY)
		return false;
	n -= FRAMING_CRC_SIZE;
	if (find_pairs(s->pairs, s->body_mem, n,
		    framing_crc32c(0, s->body_mem, n) ^ get_le32(s->body_mem + n), pair) != 1)
		return false;
	for (int i = 0; i < 2; i++)
		s->body_mem[pair[i].byte] ^= (uint8_t)(1u << pair[i].bit);
	return salvage_body_is_frame(s, n + FRAMING_CRC_SIZE, SALVAGE_GUESSED);
}
