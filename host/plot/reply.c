/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int plot_reply_start(struct plot_reply *r)
{
	memset(r, 0, sizeof(*r));
	r->stream = open_memstream(&r->text, &r->text_len);
	if (!r->stream)
		return -ENOMEM;
	json_begin(&r->json, r->stream);
	return 0;
}

void plot_reply_free(struct plot_reply *r)
{
	if (r->stream)
		fclose(r->stream);
	free(r->text);
	free(r->blob);
	free(r->arrays);
	memset(r, 0, sizeof(*r));
}

const char *plot_key(char buf[PLOT_KEY], const char *prefix, const char *what, int n)
{
	if (n < 0)
		snprintf(buf, PLOT_KEY, "%s.%s", prefix, what);
	else
		snprintf(buf, PLOT_KEY, "%s.%s%d", prefix, what, n);
	return buf;
}

static bool make_room(struct plot_reply *r, size_t bytes)
{
	if (r->blob_cap - r->blob_len < bytes) {
		size_t cap = (r->blob_len + bytes) * 2;
		uint8_t *more = realloc(r->blob, cap);

		if (!more)
			return false;
		r->blob = more;
		r->blob_cap = cap;
	}
	if (r->n_arrays == r->cap_arrays) {
		size_t cap = r->cap_arrays ? r->cap_arrays * 2 : 64;
		struct plot_array *more = realloc(r->arrays, cap * sizeof(*more));

		if (!more)
			return false;
		r->arrays = more;
		r->cap_arrays = cap;
	}
	return true;
}

void *plot_reply_array(
	struct plot_reply *r, const char *name, const char *type, size_t count, size_t size)
{
	size_t bytes = (count * size + 7) & ~(size_t)7;
	struct plot_array *a;
	uint8_t *at;

	if (!make_room(r, bytes + 8)) { /* 8: an empty array has an address too */
		r->failed = true;
		return NULL;
	}
	a = &r->arrays[r->n_arrays++];
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->type = type;
	a->count = count;
	at = r->blob + r->blob_len;
	memset(at, 0, bytes);
	r->blob_len += bytes;
	return at;
}

int plot_reply_finish(struct plot_reply *r)
{
	bool bad;

	json_array(&r->json, "arrays");
	for (size_t i = 0; i < r->n_arrays; i++) {
		json_flat_object(&r->json, NULL);
		json_text(&r->json, "name", r->arrays[i].name);
		json_text(&r->json, "type", r->arrays[i].type);
		json_uint(&r->json, "count", r->arrays[i].count);
		json_close(&r->json);
	}
	json_close(&r->json);
	json_end(&r->json);
	bad = ferror(r->stream);
	bad |= fclose(r->stream) != 0;
	r->stream = NULL;
	return bad || r->failed ? -ENOMEM : 0;
}
