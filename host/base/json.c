/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/json.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/text.h"

static void write_string(FILE *out, const char *s)
{
	/* Cleaning leaves no control characters, so two escapes are enough (RFC 8259 section 7). */
	char most[512], *clean = most;
	size_t size = strlen(s) + 1, n;

	/* Names are of any length, and two of them must not become one. */
	if (size > sizeof(most))
		clean = malloc(size);
	if (!clean) {
		clean = most;
		size = sizeof(most);
	}
	n = text_clean(clean, clean == most ? sizeof(most) : size, s);
	fputc('"', out);
	for (size_t i = 0; i < n; i++) {
		if (clean[i] == '"' || clean[i] == '\\')
			fputc('\\', out);
		fputc(clean[i], out);
	}
	fputc('"', out);
	if (clean != most)
		free(clean);
}

static void lead(struct json *j, const char *key)
{
	unsigned int d = j->depth - 1;

	if (j->filled[d])
		fputc(',', j->out);
	if (!j->flat[d]) {
		fputc('\n', j->out);
		for (unsigned int i = 0; i <= d; i++)
			fputs("  ", j->out);
	} else if (j->filled[d]) {
		fputc(' ', j->out);
	}
	j->filled[d] = true;
	if (key) {
		write_string(j->out, key);
		fputs(": ", j->out);
	}
}

static void open_container(struct json *j, char bracket, bool flat)
{
	fputc(bracket, j->out);
	if (j->depth >= JSON_DEPTH)
		abort();
	j->filled[j->depth] = false;
	j->flat[j->depth] = flat;
	j->is_array[j->depth] = bracket == '[';
	j->depth++;
}

void json_begin(struct json *j, FILE *out)
{
	memset(j, 0, sizeof(*j));
	j->out = out;
	open_container(j, '{', false);
}

void json_object(struct json *j, const char *key)
{
	lead(j, key);
	open_container(j, '{', j->flat[j->depth - 1]);
}

void json_flat_object(struct json *j, const char *key)
{
	lead(j, key);
	open_container(j, '{', true);
}

void json_array(struct json *j, const char *key)
{
	lead(j, key);
	open_container(j, '[', j->flat[j->depth - 1]);
}

void json_close(struct json *j)
{
	j->depth--;
	if (j->filled[j->depth] && !j->flat[j->depth]) {
		fputc('\n', j->out);
		for (unsigned int i = 0; i < j->depth; i++)
			fputs("  ", j->out);
	}
	fputc(j->is_array[j->depth] ? ']' : '}', j->out);
}

void json_end(struct json *j)
{
	json_close(j);
	fputc('\n', j->out);
}

void json_uint(struct json *j, const char *key, uint64_t v)
{
	lead(j, key);
	fprintf(j->out, "%" PRIu64, v);
}

void json_digits(struct json *j, const char *key, uint64_t v)
{
	lead(j, key);
	fprintf(j->out, "\"%" PRIu64 "\"", v);
}

void json_wide(struct json *j, const char *key, uint64_t v)
{
	if (v <= UINT64_C(1) << 53)
		json_uint(j, key, v);
	else
		json_digits(j, key, v);
}

void json_int(struct json *j, const char *key, int64_t v)
{
	lead(j, key);
	fprintf(j->out, "%" PRId64, v);
}

void json_real(struct json *j, const char *key, double v)
{
	if (!isfinite(v)) {
		json_null(j, key);
		return;
	}
	lead(j, key);
	fprintf(j->out, "%.6g", v);
}

void json_bool(struct json *j, const char *key, bool v)
{
	lead(j, key);
	fputs(v ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key)
{
	lead(j, key);
	fputs("null", j->out);
}

void json_text(struct json *j, const char *key, const char *v)
{
	lead(j, key);
	write_string(j->out, v);
}

void json_part_begin(struct json *part, FILE *file, unsigned int depth)
{
	assert(depth >= 1 && depth < JSON_DEPTH);
	memset(part, 0, sizeof(*part));
	part->out = file;
	part->depth = depth;
	part->is_array[depth - 1] = true;
}

int json_part_put(struct json *j, struct json *part)
{
	char data[16384];
	size_t n;

	assert(j->depth == part->depth && j->is_array[j->depth - 1]);
	if (fflush(part->out) || ferror(part->out))
		return -(errno ? errno : EIO);
	rewind(part->out);
	while ((n = fread(data, 1, sizeof(data), part->out)) > 0)
		fwrite(data, 1, n, j->out);
	j->filled[j->depth - 1] |= part->filled[part->depth - 1];
	return ferror(part->out) ? -EIO : 0;
}
