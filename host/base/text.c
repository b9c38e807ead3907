/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *text_clean_dup(const char *src)
{
	size_t cap = strlen(src) + 1;
	char *s = malloc(cap);

	if (s)
		text_clean(s, cap, src);
	return s;
}

struct unit {
	double from;
	double divide;
	const char *name;
};

static const char *with_unit(char dst[TEXT_NUMBER], double v, const struct unit *units)
{
	while (units->from > v)
		units++;
	v /= units->divide;
	snprintf(dst, TEXT_NUMBER,
		units->divide == 1 || v >= 999.95 ? "%.0f %s"
		: v >= 99.95                      ? "%.1f %s"
						  : "%.2f %s",
		v, units->name);
	return dst;
}

const char *text_duration(char dst[TEXT_NUMBER], uint64_t ns)
{
	static const struct unit units[] = {
		{1e9, 1e9, "s"}, {1e6, 1e6, "ms"}, {1e3, 1e3, "us"}, {0, 1, "ns"}};

	return with_unit(dst, (double)ns, units);
}

const char *text_bytes(char dst[TEXT_NUMBER], uint64_t bytes)
{
	static const struct unit units[] = {
		{1e9, 1e9, "GB"}, {1e6, 1e6, "MB"}, {1e3, 1e3, "kB"}, {0, 1, "B"}};

	return with_unit(dst, (double)bytes, units);
}
