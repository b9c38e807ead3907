/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/name.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* "~" and the digits. */
#define MARK 17u

/* http://www.isthe.com/chongo/tech/comp/fnv */
static uint64_t fnv1a(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	return h;
}

bool name_fit(char *field, size_t cap, const char *name)
{
	size_t n = strlen(name);

	if (n < cap) {
		memcpy(field, name, n + 1);
		return false;
	}
	n = cap - 1 - MARK;
	/* Back to the first byte of a character (RFC 3629: all others are 10xxxxxx). */
	while (n && ((uint8_t)name[n] & 0xc0) == 0x80)
		n--;
	memcpy(field, name, n);
	snprintf(field + n, cap - n, "~%016llx", (unsigned long long)fnv1a(name));
	return true;
}
