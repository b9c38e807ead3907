/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* "Did you mean": of many names those that are nearest to one that is not there. */
#ifndef TARGET_BASE_NEAREST_H
#define TARGET_BASE_NEAREST_H

#include <stddef.h>

#define NEAREST_KEPT 3u
#define NEAREST_NAME 80u

struct nearest {
	char wanted[NEAREST_NAME]; /* without wildcards */
	size_t n;
	struct {
		char name[NEAREST_NAME];
		unsigned int distance;
	} at[NEAREST_KEPT];
};

/* What a pattern's letters spell is looked for. */
void nearest_init(struct nearest *n, const char *pattern);
/* What is not similar at all is not kept. */
void nearest_offer(struct nearest *n, const char *name);
/* "A, B or C"; "" if nothing was similar. Returns text. */
const char *nearest_text(const struct nearest *n, char *text, size_t size);

#endif
