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
#ifndef FRAMING_SALVAGE_H
#define FRAMING_SALVAGE_H

#include "framing/framing.h"
#include "framing/salvage_lines.h"

enum salvage_way {
	SALVAGE_NOTHING,
	SALVAGE_REPAIRED, /* one bit of the line was wrong, or one byte too many */
	SALVAGE_GUESSED, /* two bits were wrong, and only one pair of them would do; or one byte was lost */
	SALVAGE_UNTANGLED /* exactly as sent; text was written into it */
};

/* Could this frame be one that is expected? Called for frames whose CRC matches, before they count. */
typedef bool (*salvage_plausible)(
	void *ctx, const struct framing_header *header, enum salvage_way way);

/* Working memory for pairs of wrong bits. */
struct salvage_pairs {
	uint16_t first[65536], next[8 * FRAMING_MAX_BODY];
	uint32_t difference[8 * FRAMING_MAX_BODY];
};

struct salvage {
	/* outputs; pointers into mem, valid until the next call */
	struct framing_header header;
	const uint8_t *payload;
	size_t payload_len;
	const uint8_t *body;
	size_t body_len;
	/* Text in the segment that was given, in order; also when no frame was found. */
	struct {
		size_t at, len;
	} text[SALVAGE_FEEDS];
	size_t n_text;
	/* private */
	salvage_plausible plausible;
	void *ctx;
	uint8_t *plain,
		*body_mem; /* an attempt: bytes between delimiters, and what they stand for */
	struct salvage_pairs *pairs;
	struct salvage_lines *lines;
	/* Steps of work left. Text has a purse of its own: a line that is bad for long has no text in it,
	 * but places where some could be, and looking there must not leave repairs unpaid. */
	uint64_t for_repair, for_text;
	uint64_t *purse; /* that pays at the moment */
};

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

/* ---- between the files of this unit ---- */

/* The CRC's register behind a body and its own CRC, without the final xor. */
#define SALVAGE_RESIDUE 0xb798b438u

/* Spend steps; false: there are not enough. */
bool salvage_spend(struct salvage *s, uint64_t steps);
/* Is what the segment s->plain[0..len) stands for a plausible frame? Fills the outputs. */
bool salvage_try(struct salvage *s, size_t len, enum salvage_way way);
/* Do the codes in s->plain[0..len) from `at` on lead exactly to the end? */
bool salvage_leads_to_end(struct salvage *s, size_t at, size_t len);
/* The same with one bit flipped anywhere in it; with two of those that COBS passes through. */
bool salvage_flip(struct salvage *s, size_t len);
bool salvage_flip_pair(struct salvage *s, size_t len);
/* The same with one byte more or less. */
enum salvage_way salvage_shift(struct salvage *s, size_t len);
/* Is the body in s->body_mem a plausible frame? Fills the outputs. */
bool salvage_body_is_frame(struct salvage *s, size_t len, enum salvage_way way);
/* Without the text in it; fills s->text, s->n_text in any case. */
enum salvage_way salvage_untangle(struct salvage *s, const uint8_t *segment, size_t len);

#endif
