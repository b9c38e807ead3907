/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two flipped bits. */
#ifndef HOST_SALVAGE_TWO_BITS_H
#define HOST_SALVAGE_TWO_BITS_H

#include "host/salvage/attempt.h"

/* Working memory, the caller's. */
struct salvage_pairs {
	uint16_t first[65536], next[8 * FRAMING_MAX_BODY];
	uint32_t difference[8 * FRAMING_MAX_BODY];
};

/* Is the segment s->plain[0..len), with two of the bits flipped that COBS passes through, a plausible frame, and with
 * only one such pair? Fills the outputs. False without s->pairs. */
bool salvage_flip_pair(struct salvage *s, size_t len);

#endif
