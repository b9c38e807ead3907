/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/function_target.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "target/probes/intern.h"

static struct function_target *new_target(struct function_targets *t)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		struct function_target *grown = realloc(t->at, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		t->at = grown;
		t->cap = cap;
	}
	t->at[t->n] = (struct function_target){0};
	return &t->at[t->n];
}

/* ---- each once
 * --------------------------------------------------------------------------------- */

static void put(uint64_t *seen, size_t size, uint64_t hash)
{
	size_t i = (size_t)hash & (size - 1);

	while (seen[i])
		i = (i + 1) & (size - 1);
	seen[i] = hash;
}

static int grow_seen(struct function_targets *t)
{
	size_t size = t->seen_size ? 2 * t->seen_size : 256, i;
	uint64_t *grown = calloc(size, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	for (i = 0; i < t->seen_size; i++)
		if (t->seen[i])
			put(grown, size, t->seen[i]);
	free(t->seen);
	t->seen = grown;
	t->seen_size = size;
	return 0;
}

/* 1: new, 0: seen before, or too many to tell. */
static int is_new(struct function_targets *t, uint64_t hash)
{
	size_t i;

	if (t->n_different == FUNCTION_SEEN_MAX)
		return 0;
	if (2 * t->n_different >= t->seen_size && grow_seen(t))
		return -ENOMEM;
	hash |= 1; /* 0 says free */
	for (i = (size_t)hash & (t->seen_size - 1); t->seen[i]; i = (i + 1) & (t->seen_size - 1))
		if (t->seen[i] == hash)
			return 0;
	t->seen[i] = hash;
	t->n_different++;
	return 1;
}

int function_targets_add_kernel(struct function_targets *t, const char *symbol, bool by_spec)
{
	int fresh = is_new(t, intern_hash(0, symbol, strlen(symbol)));
	struct function_target *f;

	if (fresh <= 0)
		return fresh;
	if (t->n >= FUNCTION_TARGETS_MAX)
		return 0;
	f = new_target(t);
	if (!f)
		return -ENOMEM;
	f->symbol = strdup(symbol);
	f->by_spec = by_spec;
	if (!f->symbol)
		return -ENOMEM;
	t->n++;
	return 0;
}

/* ---- user functions
 * --------------------------------------------------------------------------- */

static uint64_t place_hash(const struct user_path *file, uint64_t offset)
{
	uint64_t hash = intern_hash(0, &file->dev, sizeof(file->dev));

	hash = intern_hash(hash, &file->ino, sizeof(file->ino));
	return intern_hash(hash, &offset, sizeof(offset));
}

/* The default version's name is the better one. */
static int rename_old_version(struct function_targets *t, const char *symbol,
	const struct user_path *file, uint64_t offset)
{
	char *better;
	size_t i;

	if (!t->old_versions || strchr(symbol, '@'))
		return 0;
	for (i = 0; i < t->n; i++) {
		struct function_target *f = &t->at[i];

		if (!f->path || f->offset != offset || f->dev != file->dev || f->ino != file->ino)
			continue;
		if (!strchr(f->symbol, '@'))
			return 0;
		better = strdup(symbol);
		if (!better)
			return -ENOMEM;
		free(f->symbol);
		f->symbol = better;
		return 0;
	}
	return 0;
}

int function_targets_add(struct function_targets *t, const char *symbol,
	const struct user_path *file, uint64_t offset, struct function_target **added)
{
	struct function_target *f;
	int fresh = is_new(t, place_hash(file, offset));

	*added = NULL;
	if (fresh <= 0)
		return fresh ? fresh : rename_old_version(t, symbol, file, offset);
	if (t->n >= FUNCTION_TARGETS_MAX)
		return 0;
	f = new_target(t);
	if (!f)
		return -ENOMEM;
	*f = (struct function_target){.symbol = strdup(symbol),
		.path = strdup(file->path),
		.dev = file->dev,
		.ino = file->ino,
		.offset = offset,
		.by_spec = true};
	if (!f->symbol || !f->path) {
		free(f->symbol);
		free(f->path);
		return -ENOMEM;
	}
	t->n++;
	t->old_versions |= strchr(symbol, '@') != NULL;
	*added = f;
	return 0;
}

/* ---- names of files
 * ---------------------------------------------------------------------------- */

static bool same_file(const struct function_target *a, const struct function_target *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

/* The last `parts` parts of a path; all of it if there are fewer. */
static const char *path_end(const char *path, size_t parts)
{
	const char *at = path + strlen(path);

	while (at > path)
		if (*--at == '/' && !--parts)
			return at + 1;
	return path;
}

static bool others_end_so(
	const struct function_targets *t, const struct function_target *f, size_t parts)
{
	const char *end = path_end(f->path, parts);
	const struct function_target *last = f;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct function_target *other = &t->at[i];

		if (!other->path || same_file(other, f) || same_file(other, last))
			continue;
		last = other;
		if (!strcmp(path_end(other->path, parts), end))
			return true;
	}
	return false;
}

void function_targets_name_owners(struct function_targets *t)
{
	const struct function_target *last = NULL;
	size_t parts = 1, i;

	for (i = 0; i < t->n; i++) {
		struct function_target *f = &t->at[i];

		if (!f->path)
			continue;
		if (!last || !same_file(last, f))
			for (parts = 1;
				others_end_so(t, f, parts) && path_end(f->path, parts) > f->path;
				parts++)
				;
		f->owner = path_end(f->path, parts);
		last = f;
	}
}

void function_targets_free(struct function_targets *t)
{
	while (t->n) {
		t->n--;
		free(t->at[t->n].symbol);
		free(t->at[t->n].path);
		free(t->at[t->n].end);
	}
	free(t->at);
	free(t->seen);
	*t = (struct function_targets){0};
}
