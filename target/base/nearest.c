/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void nearest_init(struct nearest *n, const char *pattern)
{
	size_t len = 0;

	*n = (struct nearest){0};
	for (; *pattern && len + 1 < sizeof(n->wanted); pattern++)
		if (!strchr("*?[]\\", *pattern))
			n->wanted[len++] = *pattern;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Letters to insert, delete, replace or swap (optimal string alignment); case does not count. */
static unsigned int edits(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned int row[3][NEAREST_NAME + 1];
	size_t i, j;

	for (j = 0; j <= nb; j++)
		row[0][j] = (unsigned int)j;
	for (i = 1; i <= na; i++) {
		unsigned int *now = row[i % 3];
		const unsigned int *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = (unsigned int)i;
		for (j = 1; j <= nb; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
				y == tolower((unsigned char)a[i - 2]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
	}
	return row[na % 3][nb];
}

static unsigned int distance(const char *wanted, const char *name)
{
	size_t nw = strlen(wanted), nn = strnlen(name, NEAREST_NAME - 1), longer;
	unsigned int best;

	if (nw >= 3 && strcasestr(name, wanted))
		return 1;
	if (nn < nw)
		return nw - nn > nw / 3 + 1 ? NEAREST_NAME : edits(wanted, nw, name, nn);
	/* A pattern is similar to what one end of a name looks like. */
	longer = nn - nw;
	best = edits(wanted, nw, name, nw) + (longer != 0);
	if (longer)
		best = least(best, edits(wanted, nw, name + longer, nw) + 1);
	return longer > nw / 3 + 1 ? best : least(best, edits(wanted, nw, name, nn));
}

static bool is_kept(const struct nearest *n, const char *name)
{
	size_t i;

	for (i = 0; i < n->n; i++)
		if (!strncmp(n->at[i].name, name, NEAREST_NAME - 1))
			return true;
	return false;
}

void nearest_offer(struct nearest *n, const char *name)
{
	size_t nw = strlen(n->wanted), i;
	unsigned int d;

	if (nw < 2 || !name[0] || is_kept(n, name))
		return;
	d = distance(n->wanted, name);
	if (d > nw / 3 + 1)
		return;
	for (i = n->n; i > 0 && n->at[i - 1].distance > d; i--)
		if (i < NEAREST_KEPT)
			n->at[i] = n->at[i - 1];
	if (i == NEAREST_KEPT)
		return;
	n->at[i].distance = d;
	snprintf(n->at[i].name, NEAREST_NAME, "%s", name);
	if (n->n < NEAREST_KEPT)
		n->n++;
}

const char *nearest_text(const struct nearest *n, char *text, size_t size)
{
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < n->n && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s",
			!i              ? ""
			: i + 1 == n->n ? " or "
					: ", ",
			n->at[i].name);
	return text;
}
