/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Strings into the fixed fields of messages: cut to fit, always terminated. */
#ifndef TARGET_BASE_TEXT_H
#define TARGET_BASE_TEXT_H

#include <stddef.h>
#include <string.h>

static inline void text_copy(char *dst, size_t cap, const char *src)
{
	size_t n = strnlen(src, cap - 1);

	memcpy(dst, src, n);
	dst[n] = '\0';
}

#endif
