/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/clean.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Length of the UTF-8 sequence at s and its code point; 0 if malformed (RFC 3629 section 4). */
static size_t utf8_sequence(const unsigned char *s, uint32_t *cp)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t min;
	} forms[] = {
		{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

	for (size_t n = 0; n < sizeof(forms) / sizeof(*forms); n++) {
		if ((s[0] & forms[n].mask) != forms[n].lead)
			continue;
		uint32_t c = s[0] & (uint8_t)~forms[n].mask;

		for (size_t i = 1; i <= n; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[i] & 0x3f);
		}
		if (c < forms[n].min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return 0;
		*cp = c;
		return n + 1;
	}
	return 0;
}

static bool printable(uint32_t cp)
{
	/* Controls (C0, DEL, C1), line separators, and bidirectional overrides, which let a name
	 * show as another one (Unicode TR 36 section 3.3). */
	return cp >= 0x20 && !(cp >= 0x7f && cp < 0xa0) && !(cp >= 0x2028 && cp <= 0x202e) &&
	       !(cp >= 0x2066 && cp <= 0x2069) && cp != 0xfeff && cp != 0x200e && cp != 0x200f;
}

size_t text_clean(char *dst, size_t cap, const char *src)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t n = 0;

	while (*s) {
		uint32_t cp;
		size_t len = utf8_sequence(s, &cp);
		bool ok = len && printable(cp);

		if (n + (ok ? len : 1) >= cap)
			break;
		if (ok)
			memcpy(dst + n, s, len);
		else
			dst[n] = '?';
		n += ok ? len : 1;
		s += len ? len : 1;
	}
	dst[n] = '\0';
	return n;
}
