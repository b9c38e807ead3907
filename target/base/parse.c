/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Digits from *text on; *text is left behind them. */
static int digits(const char **text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	*value = strtoull(*text, &end, 10);
	if (errno)
		return -ERANGE;
	*text = end;
	return 0;
}

int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t v;
	int err = digits(&text, &v);

	if (err)
		return err;
	if (*text)
		return -EINVAL;
	if (v < min || v > max)
		return -ERANGE;
	*value = v;
	return 0;
}

int parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	uint64_t v;
	unsigned int shift = 0;
	int err = digits(&text, &v);

	if (err)
		return err;
	if (*text && (suffix = strchr(suffixes, toupper((unsigned char)*text))) != NULL) {
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
		text++;
	}
	if (*text && strcmp(text, "B") != 0 && (shift == 0 || strcmp(text, "iB") != 0))
		return -EINVAL;
	if (v > UINT64_MAX >> shift)
		return -ERANGE;
	v <<= shift;
	if (v < min || v > max)
		return -ERANGE;
	*value = v;
	return 0;
}

int parse_seconds(const char *text, double max, double *value)
{
	double v;
	char *end;

	/* Neither signs nor hex nor "inf", which strtod would take. */
	if (text[0] == '\0' || text[strspn(text, "0123456789.")] != '\0')
		return -EINVAL;
	v = strtod(text, &end);
	if (*end || end == text)
		return -EINVAL;
	if (v > max)
		return -ERANGE;
	*value = v;
	return 0;
}
