/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/times.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{"ns", 1}, {"us", 1000}, {"\xc2\xb5s", 1000}, {"ms", 1000000}, {"min", 60000000000ull},
	{"s", 1000000000}, {"", 1}, /* last: every text begins with it */
};

/* Digits, optionally a fraction, optionally a unit. Exact: no floating point. */
static bool scan_time(const char **text, uint64_t *ns)
{
	const char *s = *text;
	uint64_t whole = 0, part = 0, part_of = 1;
	size_t u = 0;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
			__builtin_add_overflow(whole, (uint64_t)(*s - '0'), &whole))
			return false;
	if (*s == '.')
		for (s++; isdigit((unsigned char)*s); s++)
			if (part_of < 1000000000) {
				part = part * 10 + (uint64_t)(*s - '0');
				part_of *= 10;
			}
	while (strncmp(s, units[u].name, strlen(units[u].name)))
		u++;
	*text = s + strlen(units[u].name);
	return !__builtin_mul_overflow(whole, units[u].ns, &whole) &&
	       !__builtin_add_overflow(
		       whole, (uint64_t)((unsigned __int128)part * units[u].ns / part_of), ns);
}

bool times_parse(const char *text, uint64_t *ns)
{
	return scan_time(&text, ns) && !*text;
}

bool times_parse_range(const char *text, uint64_t *from_ns, uint64_t *to_ns)
{
	if (*text == '=')
		text++;
	*from_ns = 0;
	*to_ns = UINT64_MAX;
	if (!strcmp(text, "-") || (*text != '-' && !scan_time(&text, from_ns)) || *text++ != '-')
		return false;
	if (*text && !scan_time(&text, to_ns))
		return false;
	return !*text && *from_ns < *to_ns;
}

bool times_parse_share(const char *text, double *share)
{
	char *end;

	*share = strtod(text, &end);
	if (end == text || !isfinite(*share))
		return false;
	/* Up to 1 it is a share, as in the network profiler's tool; beyond it can only be percent.
	 */
	if (!strcmp(end, "%") || (!*end && *share > 1))
		*share /= 100;
	else if (*end)
		return false;
	return *share >= 0 && *share <= 1;
}
