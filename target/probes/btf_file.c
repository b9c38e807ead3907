/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/btf_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/probes/elf_file.h"
#include "target/base/foreign_file.h"

#define WINDOW 16384u
/* Types between two whose places are remembered. */
#define STRIDE 128u
/* Sections of a kernel's are a few MB. */
#define SECTION_MAX (64u << 20)
#define NAME_SIZE   512u /* KSYM_NAME_LEN since Linux 6.1 */

/* What was read last of a section. */
struct window {
	uint64_t base; /* of the section, in the file */
	uint32_t len;  /* of the section */
	uint32_t at, filled;
	char bytes[WINDOW];
};

struct btf_file {
	struct foreign_file file;
	struct window types, strings;
	uint32_t n_types; /* ids 1 to n_types */
	uint32_t *place;  /* of types 1, 1 + STRIDE, ... */
};

/* n contiguous bytes (a window at most), valid until the next call; NULL past the end. */
static const void *look(struct btf_file *f, struct window *w, uint32_t at, uint32_t n)
{
	ssize_t got;

	if (at > w->len || n > w->len - at || n > WINDOW)
		return NULL;
	if (at < w->at || at + n > w->at + w->filled) {
		uint32_t want = w->len - at < WINDOW ? w->len - at : WINDOW, have = 0;

		w->at = at;
		w->filled = 0;
		/* sysfs gives a page at a time. */
		while (have < want) {
			got = pread(f->file.fd, w->bytes + have, want - have,
				(off_t)(w->base + at + have));
			if (got <= 0)
				break;
			have += (uint32_t)got;
		}
		w->filled = have;
		if (have < n)
			return NULL;
	}
	return w->bytes + (at - w->at);
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Where BTF begins in the file: 0, or at the section of an ELF file. */
static bool find_section(int fd, uint64_t *base)
{
	struct elf_section section;
	struct elf_file elf;
	uint16_t magic;

	*base = 0;
	if (pread(fd, &magic, sizeof(magic), 0) == sizeof(magic) && magic == BTF_MAGIC)
		return true;
	if (elf_file_open(&elf, fd) || !elf_file_section_named(&elf, ".BTF", &section))
		return false;
	*base = section.offset;
	return true;
}

static bool read_header(struct btf_file *f, uint64_t base)
{
	struct btf_header h;

	if (pread(f->file.fd, &h, sizeof(h), (off_t)base) != sizeof(h) || h.magic != BTF_MAGIC ||
		h.version != BTF_VERSION || h.hdr_len < sizeof(h) || h.type_len > SECTION_MAX ||
		h.str_len > SECTION_MAX || base > f->file.size)
		return false;
	f->types.base = base + h.hdr_len + h.type_off;
	f->types.len = h.type_len;
	f->strings.base = base + h.hdr_len + h.str_off;
	f->strings.len = h.str_len;
	/* What is said to be there is gone through byte by byte. */
	return f->types.base + f->types.len <= f->file.size &&
	       f->strings.base + f->strings.len <= f->file.size;
}

/* Bytes that follow a type's fixed part; -1: a kind of the future. */
static int64_t extra_bytes(const struct btf_type *t)
{
	uint32_t vlen = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (int64_t)vlen * (int64_t)sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return (int64_t)vlen * (int64_t)sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
	case BTF_KIND_DATASEC:
		return (int64_t)vlen * 12;
	case BTF_KIND_FUNC_PROTO:
		return (int64_t)vlen * (int64_t)sizeof(struct btf_param);
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	}
	return -1;
}

/* The type at a place, and the place of the one after it; false at the end or where it cannot be
 * read. */
static bool read_at(struct btf_file *f, uint32_t *at, struct btf_type *t)
{
	const void *bytes = look(f, &f->types, *at, sizeof(*t));
	int64_t extra;

	if (!bytes)
		return false;
	memcpy(t, bytes, sizeof(*t));
	extra = extra_bytes(t);
	if (extra < 0 || extra > f->types.len - *at - (int64_t)sizeof(*t))
		return false;
	*at += (uint32_t)(sizeof(*t) + (uint64_t)extra);
	return true;
}

static bool walk(struct btf_file *f)
{
	uint32_t at = 0, cap = 0;
	struct btf_type t;

	while (at < f->types.len) {
		uint32_t begin = at;

		if (!read_at(f, &at, &t))
			return false;
		if (f->n_types % STRIDE == 0) {
			if (f->n_types / STRIDE == cap) {
				uint32_t *grown;

				cap = cap ? 2 * cap : 64;
				grown = realloc(f->place, cap * sizeof(*grown));
				if (!grown)
					return false;
				f->place = grown;
			}
			f->place[f->n_types / STRIDE] = begin;
		}
		f->n_types++;
	}
	return f->n_types > 0;
}

struct btf_file *btf_file_open(const char *path)
{
	struct btf_file *f = calloc(1, sizeof(*f));
	uint64_t base;
	int err;

	if (!f)
		return NULL;
	err = foreign_file_open(&f->file, path);
	if (err) {
		free(f);
		errno = -err;
		return NULL;
	}
	if (!find_section(f->file.fd, &base) || !read_header(f, base) || !walk(f)) {
		btf_file_close(f);
		errno = ENOEXEC;
		return NULL;
	}
	return f;
}

void btf_file_close(struct btf_file *f)
{
	if (!f)
		return;
	foreign_file_close(&f->file);
	free(f->place);
	free(f);
}

/* ---- looking -------------------------------------------------------------------------------- */

/* Place of a type, with its fixed part; UINT32_MAX if there is none. */
static uint32_t place_of(struct btf_file *f, uint32_t id, struct btf_type *t)
{
	uint32_t at, begin, n;

	if (!id || id > f->n_types)
		return UINT32_MAX;
	at = f->place[(id - 1) / STRIDE];
	for (n = (id - 1) % STRIDE;; n--) {
		begin = at;
		if (!read_at(f, &at, t))
			return UINT32_MAX;
		if (!n)
			return begin;
	}
}

bool btf_file_type(struct btf_file *f, uint32_t id, struct btf_type *t)
{
	memset(t, 0, sizeof(*t));
	return !id || place_of(f, id, t) != UINT32_MAX;
}

void btf_file_name(struct btf_file *f, uint32_t name_off, char *name, size_t size)
{
	uint32_t left = name_off < f->strings.len ? f->strings.len - name_off : 0;
	uint32_t n = left < size - 1 ? left : (uint32_t)size - 1;
	const char *text = look(f, &f->strings, name_off, n);

	n = text ? (uint32_t)strnlen(text, n) : 0;
	if (n)
		memcpy(name, text, n);
	name[n] = '\0';
}

static bool part_of(struct btf_file *f, uint32_t id, uint32_t i, void *part, uint32_t size)
{
	struct btf_type t;
	uint32_t at = place_of(f, id, &t);
	const void *bytes;

	if (at == UINT32_MAX || i >= BTF_INFO_VLEN(t.info))
		return false;
	bytes = look(f, &f->types, at + (uint32_t)sizeof(t) + i * size, size);
	if (bytes)
		memcpy(part, bytes, size);
	return bytes;
}

bool btf_file_member(struct btf_file *f, uint32_t id, uint32_t i, struct btf_member *m)
{
	return part_of(f, id, i, m, sizeof(*m));
}

bool btf_file_param(struct btf_file *f, uint32_t id, uint32_t i, struct btf_param *p)
{
	return part_of(f, id, i, p, sizeof(*p));
}

/* Of the types of a kind, each with its id. */
static void each_of_kind(struct btf_file *f, uint32_t kind,
	bool (*fn)(struct btf_file *f, void *ctx, const struct btf_type *t, uint32_t id), void *ctx)
{
	struct btf_type t;
	uint32_t at = 0, id;

	for (id = 1; id <= f->n_types && read_at(f, &at, &t); id++)
		if (BTF_INFO_KIND(t.info) == kind && !fn(f, ctx, &t, id))
			return;
}

struct search {
	const char *name;
	uint32_t name_off;
	int id;
};

static bool is_it(struct btf_file *f, void *ctx, const struct btf_type *t, uint32_t id)
{
	struct search *s = ctx;

	if (t->name_off == s->name_off)
		s->id = (int)id;
	return s->id < 0;
}

/* Names are stored once. */
static bool find_name(struct btf_file *f, const char *name, uint32_t *name_off)
{
	uint32_t n = (uint32_t)strlen(name) + 1, at = 0;
	char text[NAME_SIZE];

	if (n > sizeof(text))
		return false;
	while (at < f->strings.len) {
		btf_file_name(f, at, text, sizeof(text));
		if (!strcmp(text, name)) {
			*name_off = at;
			return true;
		}
		at += (uint32_t)strlen(text) + 1;
	}
	return false;
}

int btf_file_find(struct btf_file *f, const char *name, uint32_t kind)
{
	struct search s = {.name = name, .id = -ENOENT};

	if (find_name(f, name, &s.name_off))
		each_of_kind(f, kind, is_it, &s);
	return s.id;
}

/* ---- functions ------------------------------------------------------------------------------ */

struct wanted {
	uint32_t name_off;
	size_t i; /* of the caller's */
};
struct lookup {
	struct wanted *wanted;
	size_t n;
	int *ids;
};

static int by_name_off(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return x->name_off < y->name_off ? -1 : x->name_off > y->name_off;
}

static int compare_names(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

static bool note_id(struct btf_file *f, void *ctx, const struct btf_type *t, uint32_t id)
{
	struct lookup *l = ctx;
	struct wanted key = {.name_off = t->name_off};
	const struct wanted *w = bsearch(&key, l->wanted, l->n, sizeof(*l->wanted), by_name_off);

	if (w && l->ids[w->i] < 0)
		l->ids[w->i] = (int)id;
	return true;
}

void btf_file_functions(struct btf_file *f, const char *const *names, int *ids, size_t n)
{
	struct lookup l = {.wanted = calloc(n ? n : 1, sizeof(*l.wanted)), .ids = ids};
	const char *const *row;
	char text[NAME_SIZE];
	uint32_t at = 0;
	size_t i;

	for (i = 0; i < n; i++)
		ids[i] = -ENOENT;
	while (l.wanted && l.n < n && at < f->strings.len) {
		btf_file_name(f, at, text, sizeof(text));
		row = bsearch(text, names, n, sizeof(*names), compare_names);
		if (row)
			l.wanted[l.n++] = (struct wanted){at, (size_t)(row - names)};
		at += (uint32_t)strlen(text) + 1;
	}
	if (l.n) {
		qsort(l.wanted, l.n, sizeof(*l.wanted), by_name_off);
		each_of_kind(f, BTF_KIND_FUNC, note_id, &l);
	}
	free(l.wanted);
}
