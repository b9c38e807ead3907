/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One attempt to make a frame of a damaged segment: what every way of repair stands on. A way writes what the segment
 * may have been to `plain` (or what that stands for to `body_mem`) and asks here whether it is a frame.
 *
 * Steps pay for it: so many for each byte received, so that work stays bounded by what came, whatever it is.
 */
#ifndef HOST_SALVAGE_ATTEMPT_H
#define HOST_SALVAGE_ATTEMPT_H

#include "framing/framing.h"

enum salvage_way {
	SALVAGE_NOTHING,
	SALVAGE_REPAIRED, /* one bit of the line was wrong, or one byte too many */
	SALVAGE_GUESSED, /* two bits were wrong, and only one pair of them would do; or one byte was lost */
	SALVAGE_UNTANGLED /* exactly as sent; text was written into it */
};

/* Could this frame be one that is expected? Called for frames whose CRC matches, before they count. */
typedef bool (*salvage_plausible)(
	void *ctx, const struct framing_header *header, enum salvage_way way);

/* Line feeds in one segment that are looked at. */
#define SALVAGE_FEEDS 512u

struct salvage_pairs; /* two_bits.h */
struct salvage_lines; /* lines.h */

struct salvage {
	/* outputs; pointers into the memory given at first, valid until the next call */
	struct framing_header header;
	const uint8_t *payload;
	size_t payload_len;
	const uint8_t *body;
	size_t body_len;
	/* Text in the segment that was given, in order; also when no frame was found. */
	struct {
		size_t at, len;
	} text[SALVAGE_FEEDS + 1];
	size_t n_text;
	/* private */
	salvage_plausible plausible;
	void *ctx;
	uint8_t *plain;    /* an attempt: bytes between delimiters, FRAMING_MAX_SEGMENT + 1 */
	uint8_t *body_mem; /* and what they stand for, as many */
	struct salvage_pairs *pairs;
	struct salvage_lines *lines;
	/* Steps of work left. Text has a purse of its own: a line that is bad for long has no text in it,
	 * but places where some could be, and looking there must not leave repairs unpaid. */
	uint64_t for_repair, for_text;
	uint64_t *purse; /* that pays at the moment */
};

/* The CRC's register behind a body and its own CRC, without the final xor. */
#define SALVAGE_RESIDUE 0xb798b438u

/* Spend steps; false: there are not enough. */
bool salvage_spend(struct salvage *s, uint64_t steps);
/* Do the codes in s->plain[0..len) from `at` on lead exactly to the end? */
bool salvage_leads_to_end(struct salvage *s, size_t at, size_t len);
/* Is the body in s->body_mem[0..len) a plausible frame? Fills the outputs. */
bool salvage_body_is_frame(struct salvage *s, size_t len, enum salvage_way way);
/* Is what the segment s->plain[0..len) stands for one? Fills the outputs. */
bool salvage_try(struct salvage *s, size_t len, enum salvage_way way);

#endif
