/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CSV_H
#define HOST_CSV_H

#include <stdio.h>
#include <string.h>

/* One field, in quotes where RFC 4180 section 2 wants them. */
static inline void csv_text(FILE *out, const char *s)
{
	if (!s[strcspn(s, ",\"\r\n")]) {
		fputs(s, out);
		return;
	}
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

#endif
