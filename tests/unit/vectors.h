/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads tests/data/vectors.txt (PROTOCOL.md, section 12). Tests run in the top directory. */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VECTOR_FIELDS 16
#define VECTOR_BYTES  16384

struct vectors {
	FILE *file;
	char line[65536];
	char *field[VECTOR_FIELDS]; /* of the current line; field[0] is what it is */
	size_t n;
};

static inline void vectors_open(struct vectors *v)
{
	v->file = fopen("tests/data/vectors.txt", "r");
	assert_non_null(v->file);
}

/* The next line, whatever it is; false at the end. */
static inline int vectors_next(struct vectors *v)
{
	while (fgets(v->line, sizeof(v->line), v->file)) {
		char *save = NULL;

		if (v->line[0] == '#')
			continue;
		v->line[strcspn(v->line, "\n")] = 0;
		v->n = 0;
		for (char *t = strtok_r(v->line, " ", &save); t && v->n < VECTOR_FIELDS;
			t = strtok_r(NULL, " ", &save))
			v->field[v->n++] = t;
		return 1;
	}
	fclose(v->file);
	return 0;
}

static inline int vectors_is(const struct vectors *v, const char *what)
{
	return strcmp(v->field[0], what) == 0;
}

static inline uint64_t vectors_number(const struct vectors *v, size_t i)
{
	assert_true(i < v->n);
	return strtoull(v->field[i], NULL, 10);
}

static inline size_t vectors_bytes(const struct vectors *v, size_t i, uint8_t out[VECTOR_BYTES])
{
	size_t n;

	assert_true(i < v->n);
	if (strcmp(v->field[i], "-") == 0)
		return 0;
	n = strlen(v->field[i]) / 2;
	assert_true(n <= VECTOR_BYTES);
	for (size_t k = 0; k < n; k++) {
		char two[3] = {v->field[i][2 * k], v->field[i][2 * k + 1], 0};

		out[k] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

#endif
