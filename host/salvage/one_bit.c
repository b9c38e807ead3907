/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One flipped bit. In a byte that COBS passes through, it is one flipped bit of the body, and the CRC is
 * linear: the difference between the CRC that came and the one that was computed depends on nothing but the bit's
 * distance from the end. In a code byte it moves a zero and everything that follows: there are few of
 * those, and they are tried.
 */
#include "host/salvage/one_bit.h"
#include "framing/bytes.h"

/* The bit, counted from the last one of the `bits` before the CRC, whose flip makes this difference; or
 * bits: none. */
static size_t find_bit(uint32_t difference, size_t bits)
{
	uint32_t d =
		FRAMING_CRC_POLYNOMIAL; /* of the last bit; each further one has been shifted once more */
	size_t at = 0;

	while (at < bits && d != difference) {
		d = d >> 1 ^ (d & 1 ? FRAMING_CRC_POLYNOMIAL : 0);
		at++;
	}
	return at;
}

/* Flip a bit of the body, if it can have been flipped in one on the line: a 0 of the body is none there. */
static bool flip_body_bit(uint8_t *body, size_t byte, unsigned int bit)
{
	uint8_t flipped = (uint8_t)(body[byte] ^ 1u << bit);

	if (body[byte] == 0 || flipped == 0)
		return false;
	body[byte] = flipped;
	return true;
}

static bool flip_data(struct salvage *s, size_t len)
{
	size_t n = framing_cobs_decode(s->body_mem, FRAMING_MAX_SEGMENT + 1, s->plain, len), at,
	       bits;
	uint32_t difference;
	uint8_t *crc;

	if (n < FRAMING_MIN_BODY || n > FRAMING_MAX_BODY)
		return false;
	n -= FRAMING_CRC_SIZE;
	crc = s->body_mem + n;
	bits = 8 * n;
	difference = framing_crc32c(0, s->body_mem, n) ^ get_le32(crc);
	if ((difference & (difference - 1)) == 0) {
		for (at = 0; at < 31 && difference >> at != 1; at++)
			;
		if (!flip_body_bit(crc, at / 8, at % 8))
			return false;
	} else {
		at = find_bit(difference, bits);
		if (at == bits || !flip_body_bit(s->body_mem, n - 1 - at / 8, 7 - at % 8))
			return false;
	}
	return salvage_body_is_frame(s, n + FRAMING_CRC_SIZE, SALVAGE_REPAIRED);
}

static bool flip_code(struct salvage *s, size_t len)
{
	/* Up to the flipped code the walk is right, so that code is on it. */
	for (size_t at = 0; at < len;) {
		uint8_t code = s->plain[at];

		for (unsigned int bit = 0; bit < 8; bit++) {
			uint8_t flipped = (uint8_t)(code ^ 1u << bit);

			if (flipped == 0 || !salvage_leads_to_end(s, at + flipped, len))
				continue;
			s->plain[at] = flipped;
			if (salvage_try(s, len, SALVAGE_REPAIRED))
				return true;
			s->plain[at] = code;
		}
		if (code == 0 || !salvage_spend(s, 8))
			return false;
		at += code;
	}
	return false;
}

bool salvage_flip(struct salvage *s, size_t len)
{
	if (len > FRAMING_MAX_SEGMENT || !salvage_spend(s, 12 * len))
		return false;
	return flip_data(s, len) || flip_code(s, len);
}
