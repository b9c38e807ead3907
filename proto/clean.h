/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Text that came from a board, made safe to print. */
#ifndef PROTO_CLEAN_H
#define PROTO_CLEAN_H

#include <stddef.h>

/* Copy src to dst[cap], terminated: control characters, invalid UTF-8 and characters that change
 * the direction of text become '?'. Never longer than src. Returns the length written. cap must not
 * be 0. */
size_t text_clean(char *dst, size_t cap, const char *src);

#endif
