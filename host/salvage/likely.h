/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How likely it is that a line of text began here, or there. */
#ifndef HOST_SALVAGE_LIKELY_H
#define HOST_SALVAGE_LIKELY_H

#include "host/salvage/lines.h"

/* Give the feed its readings. `follows`: right behind the end of another line. */
void salvage_likely(struct salvage_feed *f, const uint8_t *segment, bool follows);
/* The likeliest one. */
uint8_t salvage_likeliest(const struct salvage_feed *f);

/* What a character costs as text after the one before it, in half bits: 16 is as good as a byte of a
 * frame. A line feed stands for the begin and the end of a text. */
unsigned int salvage_follows_cost(uint8_t before, uint8_t c);

/* Text in some character set of 8 bits or UTF-8: no control characters but those of terminals, any
 * byte above 0x7f. Random bytes are that, too, with probability 0.78 each. */
bool salvage_is_text8(const uint8_t *p, size_t len);

/* Such bytes that are 32 bits likelier as text than as bytes of a frame. */
bool salvage_looks_like_text(const uint8_t *p, size_t len);

#endif
