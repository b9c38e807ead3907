/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How likely it is that a line of text began here, or there. */
#ifndef HOST_SALVAGE_LIKELY_H
#define HOST_SALVAGE_LIKELY_H

#include "host/salvage/lines.h"

/* Give the feed its readings. `follows`: right behind the end of another line. */
void salvage_likely(struct salvage_feed *f, const uint8_t *segment, bool follows);
/* The likeliest one. */
uint8_t salvage_likeliest(const struct salvage_feed *f);

#endif
