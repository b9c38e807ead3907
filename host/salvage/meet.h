/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which of the lines that may stand in a segment leave a frame. */
#ifndef HOST_SALVAGE_MEET_H
#define HOST_SALVAGE_MEET_H

#include "host/salvage/lines.h"

/* Fill the tables. Once. */
void salvage_meet_init(struct salvage_lines *l);
/* Choose readings that leave a plausible frame; its outputs are then in s. effort: 0 .. SALVAGE_EFFORTS - 1, each tries
 * what those before did, and many times as many combinations. False: none found. *done: there are no others. */
#define SALVAGE_EFFORTS 4u
bool salvage_meet(
	struct salvage *s, const uint8_t *segment, size_t len, unsigned int effort, bool *done);

#endif
