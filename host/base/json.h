/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A JSON writer: commas, indentation and escapes are its business. Keys are NULL inside arrays.
 * Containers nest at most JSON_DEPTH deep. Write errors are the FILE's: check ferror at the end.
 */
#ifndef HOST_JSON_H
#define HOST_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH 16

struct json {
	FILE *out;
	unsigned int depth;
	bool filled[JSON_DEPTH];
	bool flat[JSON_DEPTH]; /* on one line */
	bool is_array[JSON_DEPTH];
};

void json_begin(struct json *j, FILE *out); /* opens the outermost object */
void json_end(struct json *j);              /* closes it, ends the line */

void json_object(struct json *j, const char *key);
void json_flat_object(struct json *j, const char *key); /* written on one line */
void json_array(struct json *j, const char *key);
void json_close(struct json *j);

void json_uint(struct json *j, const char *key, uint64_t v);
void json_digits(struct json *j, const char *key, uint64_t v); /* in quotes */
/* Beyond 2^53 in quotes: readers that take numbers for doubles would cut it. */
void json_wide(struct json *j, const char *key, uint64_t v);
void json_int(struct json *j, const char *key, int64_t v);
void json_real(struct json *j, const char *key, double v); /* null unless finite */
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);
void json_text(
	struct json *j, const char *key, const char *v); /* v: UTF-8; other bytes become '?' */

/* Elements of an array that is `depth` deep (the outermost object is 1), written to a file of their own before it is
 * its turn: a file to be read and written. */
void json_part_begin(struct json *part, FILE *file, unsigned int depth);
/* Put them into the array that is open in j. Returns 0 or a negative errno: the file could not be written or read. */
int json_part_put(struct json *j, struct json *part);

#endif
