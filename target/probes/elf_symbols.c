/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/elf_symbols.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_BITS 4

struct symbol {
	uint64_t offset;
	uint32_t size;
	uint32_t place; /* number of the table (of this file's), index in it */
};

struct elf_symbols {
	struct symbol *symbol;
	size_t n, cap;
	uint32_t section[1 << SECTION_BITS];
	uint32_t n_sections;
};

static int add(struct elf_symbols *s, uint64_t offset, uint64_t size, uint32_t place)
{
	if (s->n == ELF_SYMBOLS_MAX)
		return -EFBIG;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 256;
		struct symbol *grown = realloc(s->symbol, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->symbol = grown;
		s->cap = cap;
	}
	s->symbol[s->n++] = (struct symbol){
		.offset = offset,
		.size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size,
		.place = place,
	};
	return 0;
}

static int collect_table(
	struct elf_symbols *s, struct foreign_elf *f, uint32_t section, const GElf_Shdr *sh)
{
	int64_t n = foreign_elf_entries(f, sh), i;
	uint32_t table = s->n_sections;
	uint64_t offset;
	GElf_Sym sym;
	int err = 0;

	if (n < 0)
		return (int)n;
	if (table == 1 << SECTION_BITS)
		return 0;
	s->section[s->n_sections++] = section;
	for (i = 0; i < n && !err; i++) {
		if (!foreign_elf_symbol(f, sh, (uint64_t)i, &sym))
			return -ENODATA;
		if (elf_is_function(f, &sym, &offset))
			err = add(
				s, offset, sym.st_size, table << (32 - SECTION_BITS) | (uint32_t)i);
	}
	return err;
}

static int collect(struct elf_symbols *s, struct foreign_elf *f)
{
	GElf_Shdr sh;
	uint32_t i;
	int err = 0;

	for (i = 1; i < foreign_elf_sections(f) && !err; i++) {
		if (!foreign_elf_section(f, i, &sh))
			return -ENODATA;
		if (sh.sh_type == SHT_SYMTAB || sh.sh_type == SHT_DYNSYM)
			err = collect_table(s, f, i, &sh);
	}
	return err;
}

static int by_offset(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

struct elf_symbols *elf_symbols_open(const char *path)
{
	struct elf_symbols *s = calloc(1, sizeof(*s));
	struct foreign_elf *f;
	int err;

	if (!s)
		return NULL;
	err = foreign_elf_open(&f, path);
	if (!err) {
		err = collect(s, f);
		foreign_elf_close(f);
	}
	if (err) {
		elf_symbols_close(s);
		errno = -err;
		return NULL;
	}
	if (s->n)
		qsort(s->symbol, s->n, sizeof(*s->symbol), by_offset);
	return s;
}

void elf_symbols_close(struct elf_symbols *s)
{
	if (!s)
		return;
	free(s->symbol);
	free(s);
}

size_t elf_symbols_count(const struct elf_symbols *s)
{
	return s->n;
}

static const struct symbol *find(const struct elf_symbols *s, uint64_t offset)
{
	size_t lo = 0, hi = s->n;
	const struct symbol *sym;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->symbol[mid].offset <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	sym = &s->symbol[lo - 1];
	/* Aliases stand together; the first is the file's own choice. */
	while (sym > s->symbol && sym[-1].offset == sym->offset)
		sym--;
	/* A function of size 0 (assembly) reaches to the next one. */
	return sym->size && offset - sym->offset >= sym->size ? NULL : sym;
}

/* The file may have been replaced since: believe only the same function in the same place. */
static int read_name(struct foreign_elf *f, const struct elf_symbols *s,
	const struct symbol *symbol, char *name, size_t size)
{
	uint32_t index = symbol->place & (UINT32_MAX >> SECTION_BITS);
	uint32_t section = s->section[symbol->place >> (32 - SECTION_BITS)];
	GElf_Shdr sh, strings;
	uint64_t offset;
	GElf_Sym sym;

	if (!foreign_elf_section(f, section, &sh) ||
		(sh.sh_type != SHT_SYMTAB && sh.sh_type != SHT_DYNSYM) ||
		index >= foreign_elf_entries(f, &sh) || !foreign_elf_symbol(f, &sh, index, &sym) ||
		!elf_is_function(f, &sym, &offset) || offset != symbol->offset ||
		!foreign_elf_section(f, sh.sh_link, &strings) ||
		!foreign_elf_string(f, &strings, sym.st_name, name, size) || !name[0])
		return -ESTALE;
	return 0;
}

int elf_symbols_name(
	const struct elf_symbols *s, const char *path, uint64_t offset, char *name, size_t size)
{
	const struct symbol *symbol = find(s, offset);
	struct foreign_elf *f;
	int err;

	if (!symbol)
		return -ENOENT;
	err = foreign_elf_open(&f, path);
	if (err)
		return err;
	err = read_name(f, s, symbol, name, size);
	foreign_elf_close(f);
	return err;
}
