/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One stretch of foreign bytes in a frame, whatever they are and wherever they begin and end. */
#ifndef HOST_SALVAGE_GAP_H
#define HOST_SALVAGE_GAP_H

#include "host/salvage/lines.h"

/*
 * Of the segment, the bytes at s->lines->place[0..n) are left (the others are lines that are taken
 * out). Is there a stretch among them without which they are a plausible frame? Fills the outputs;
 * the stretch is then place[*begin..*end). Where it may as well begin a few bytes earlier or later,
 * it is the one that looks most like text.
 *
 * text: only a stretch of text, of whatever character set of 8 bits, counts. That is as good a proof
 * as a CRC. Otherwise any other stretch counts, as a guess.
 */
bool salvage_gap(
	struct salvage *s, const uint8_t *segment, size_t n, bool text, size_t *begin, size_t *end);

#endif
