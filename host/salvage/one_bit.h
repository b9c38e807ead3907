/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One flipped bit. */
#ifndef HOST_SALVAGE_ONE_BIT_H
#define HOST_SALVAGE_ONE_BIT_H

#include "host/salvage/attempt.h"

/* Is the segment s->plain[0..len), with one bit flipped anywhere in it, a plausible frame? Fills the outputs. */
bool salvage_flip(struct salvage *s, size_t len);

#endif
