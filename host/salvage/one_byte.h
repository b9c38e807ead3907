/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A byte that the line lost, or gave twice. */
#ifndef HOST_SALVAGE_ONE_BYTE_H
#define HOST_SALVAGE_ONE_BYTE_H

#include "host/salvage/attempt.h"

/* Is the segment s->plain[0..len), with one byte more or less, a plausible frame? Fills the outputs. */
enum salvage_way salvage_shift(struct salvage *s, size_t len);

#endif
