/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Text that another writer put into a frame. */
#ifndef HOST_SALVAGE_UNTANGLE_H
#define HOST_SALVAGE_UNTANGLE_H

#include "host/salvage/lines.h"

/* Is the segment, without the text in it, a plausible frame? Fills the outputs; s->text and s->n_text in any case. */
enum salvage_way salvage_untangle(struct salvage *s, const uint8_t *segment, size_t len);

#endif
