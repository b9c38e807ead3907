/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An answer to the drawing script: a JSON object and raw arrays.
 *
 * On the pipe: u64 length of the JSON, u64 length of the arrays (little-endian), the JSON, the
 * arrays. The JSON's last member "arrays" lists {name, type (numpy's), count} in their order; each
 * starts at a multiple of 8 bytes. Running out of memory is remembered and told by
 * plot_reply_finish.
 */
#ifndef HOST_PLOT_REPLY_H
#define HOST_PLOT_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "host/base/json.h"

struct plot_array {
	char name[32];
	const char *type;
	size_t count;
};

struct plot_reply {
	struct json
		json; /* members are added with host/base/json.h; keys of a panel carry its prefix */
	FILE *stream;
	char *text; /* after plot_reply_finish: the JSON, text_len bytes */
	size_t text_len;
	uint8_t *blob;
	size_t blob_len, blob_cap;
	struct plot_array *arrays;
	size_t n_arrays, cap_arrays;
	bool failed;
};

/* Types carry the byte order of this machine, so nothing is swapped on the way. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PLOT_ORDER "<"
#else
#define PLOT_ORDER ">"
#endif

/* 0 or -ENOMEM. Release with plot_reply_free after success. */
int plot_reply_start(struct plot_reply *r);
void plot_reply_free(struct plot_reply *r);

/* "PREFIX.WHAT" or "PREFIX.WHATn" when n >= 0, in a buffer of the caller; at most 31 characters. */
#define PLOT_KEY 32
const char *plot_key(char buf[PLOT_KEY], const char *prefix, const char *what, int n);

/* An array of `count` elements of `size` bytes, appended. Returns its bytes to be filled in before
 * the next call, zeroed; NULL when out of memory (already remembered). `type` must be a literal. */
void *plot_reply_array(
	struct plot_reply *r, const char *name, const char *type, size_t count, size_t size);

/* Complete the JSON. 0 or -ENOMEM. */
int plot_reply_finish(struct plot_reply *r);

#endif
