/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Frames and text out of damaged segments: docs/salvage.md says with which odds.
 *
 * On a noisy line a damaged segment mostly has one flipped bit, and the CRC tells which one. On a line
 * that carries a console, another writer's lines stand in the middle of frames; without them the CRC
 * is right again. Nothing of this costs the line a byte, and nothing is guessed: a frame is what has
 * a matching CRC and is plausible to the caller.
 *
 * Pure C, no heap; work is bounded by what was received, whatever it is.
 */
#ifndef HOST_SALVAGE_SALVAGE_H
#define HOST_SALVAGE_SALVAGE_H

#include "host/salvage/attempt.h"
#include "host/salvage/likely.h"
#include "host/salvage/lines.h"
#include "host/salvage/two_bits.h"

/* mem: SALVAGE_MEM bytes, lines, and pairs, outlive it. pairs NULL: such are not looked for. */
#define SALVAGE_MEM (2u * (FRAMING_MAX_SEGMENT + 1u))
void salvage_init(struct salvage *s, uint8_t *mem, struct salvage_lines *lines,
	struct salvage_pairs *pairs, salvage_plausible plausible, void *ctx);
/* So many bytes came: they pay for the work. */
void salvage_received(struct salvage *s, size_t bytes);

/* A segment that is neither frame nor text. */
enum salvage_way salvage_segment(struct salvage *s, const uint8_t *segment, size_t len);
/* Two such segments with one delimiter between them: was it none, or is it one too many? No text is looked for. */
enum salvage_way salvage_joined(
	struct salvage *s, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

#endif
