/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/elf_symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gelf.h>

struct place {
	uint32_t section, index;
};

typedef int (*symbol_fn)(
	void *ctx, const GElf_Sym *sym, const char *name, uint64_t offset, struct place at);

/* Address to file offset, by the segment that holds it. */
static bool to_offset(Elf *elf, uint64_t address, uint64_t *offset)
{
	size_t n, i;
	GElf_Phdr ph;

	if (elf_getphdrnum(elf, &n))
		return false;
	for (i = 0; i < n; i++)
		if (gelf_getphdr(elf, (int)i, &ph) && ph.p_type == PT_LOAD && (ph.p_flags & PF_X) &&
			address >= ph.p_vaddr && address - ph.p_vaddr < ph.p_filesz) {
			*offset = address - ph.p_vaddr + ph.p_offset;
			return true;
		}
	return false;
}

/* A function's name and place in the file; false if the symbol is no function with both. */
static bool is_function(
	Elf *elf, const GElf_Shdr *sh, const GElf_Sym *sym, const char **name, uint64_t *offset)
{
	uint64_t address = sym->st_value;
	GElf_Ehdr eh;

	if (GELF_ST_TYPE(sym->st_info) != STT_FUNC || sym->st_shndx == SHN_UNDEF ||
		!gelf_getehdr(elf, &eh))
		return false;
	/* Bit 0 of an arm address says Thumb; the instruction is at the even place. */
	if (eh.e_machine == EM_ARM)
		address &= ~1ull;
	*name = elf_strptr(elf, sh->sh_link, sym->st_name);
	return *name && **name && to_offset(elf, address, offset);
}

static int each_in_table(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, symbol_fn fn, void *ctx)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t i, n = data && sh->sh_entsize ? sh->sh_size / sh->sh_entsize : 0;
	int err = 0;

	for (i = 0; i < n && !err; i++) {
		const char *name;
		uint64_t offset;
		GElf_Sym sym;

		if (gelf_getsym(data, (int)i, &sym) && is_function(elf, sh, &sym, &name, &offset))
			err = fn(ctx, &sym, name, offset,
				(struct place){(uint32_t)elf_ndxscn(scn), (uint32_t)i});
	}
	return err;
}

static int with_elf(const char *path, int (*use)(Elf *elf, void *ctx), void *ctx)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	Elf *elf;

	if (fd < 0)
		return -errno;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	err = elf && elf_kind(elf) == ELF_K_ELF ? use(elf, ctx) : -ENOEXEC;
	elf_end(elf);
	close(fd);
	return err;
}

struct walk {
	symbol_fn fn;
	void *ctx;
};

static int walk_tables(Elf *elf, void *ctx)
{
	struct walk *w = ctx;
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	int err = 0;

	while (!err && (scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) &&
			(sh.sh_type == SHT_SYMTAB || sh.sh_type == SHT_DYNSYM))
			err = each_in_table(elf, scn, &sh, w->fn, w->ctx);
	return err;
}

struct each {
	elf_function_fn fn;
	void *ctx;
	GElf_Ehdr eh;
};

static int hand_over(
	void *ctx, const GElf_Sym *sym, const char *name, uint64_t offset, struct place at)
{
	struct each *e = ctx;
	bool arm = e->eh.e_machine == EM_ARM;
	struct elf_function f = {
		.name = name,
		.offset = offset,
		.address = arm ? sym->st_value & ~1ull : sym->st_value,
		.size = sym->st_size,
		.machine = e->eh.e_machine,
		.elf_class = e->eh.e_ident[EI_CLASS],
		.type = GELF_ST_TYPE(sym->st_info),
		.thumb = arm && (sym->st_value & 1),
	};

	return e->fn(e->ctx, &f);
}

static int walk_functions(Elf *elf, void *ctx)
{
	struct each *e = ctx;
	struct walk w = {hand_over, e};

	return gelf_getehdr(elf, &e->eh) ? walk_tables(elf, &w) : -ENOEXEC;
}

int elf_functions_each(const char *path, elf_function_fn fn, void *ctx)
{
	struct each e = {.fn = fn, .ctx = ctx};

	return with_elf(path, walk_functions, &e);
}

/* ---- by offset ---------------------------------------------------------------------------------
 */

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

static int collect(
	void *ctx, const GElf_Sym *sym, const char *name, uint64_t offset, struct place at)
{
	struct elf_symbols *s = ctx;
	uint32_t table = s->n_sections - 1;

	if (!s->n_sections || s->section[table] != at.section) {
		if (s->n_sections == 1 << SECTION_BITS)
			return 0;
		table = s->n_sections++;
		s->section[table] = at.section;
	}
	if (at.index >> (32 - SECTION_BITS))
		return 0;
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
		.size = sym->st_size > UINT32_MAX ? UINT32_MAX : (uint32_t)sym->st_size,
		.place = table << (32 - SECTION_BITS) | at.index,
	};
	return 0;
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
	struct walk w = {collect, s};
	int err;

	if (!s)
		return NULL;
	err = with_elf(path, walk_tables, &w);
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

struct lookup {
	const struct elf_symbols *s;
	const struct symbol *sym;
	char *name;
	size_t size;
};

/* The file may have been replaced since: believe only the same function in the same place. */
static int read_name(Elf *elf, void *ctx)
{
	const struct lookup *l = ctx;
	uint32_t index = l->sym->place & (UINT32_MAX >> SECTION_BITS);
	Elf_Scn *scn = elf_getscn(elf, l->s->section[l->sym->place >> (32 - SECTION_BITS)]);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	const char *name;
	uint64_t offset;
	GElf_Shdr sh;
	GElf_Sym sym;

	if (!data || !gelf_getshdr(scn, &sh) || !gelf_getsym(data, (int)index, &sym) ||
		!is_function(elf, &sh, &sym, &name, &offset) || offset != l->sym->offset)
		return -ESTALE;
	snprintf(l->name, l->size, "%s", name);
	return 0;
}

int elf_symbols_name(
	const struct elf_symbols *s, const char *path, uint64_t offset, char *name, size_t size)
{
	struct lookup l = {s, find(s, offset), name, size};

	return l.sym ? with_elf(path, read_name, &l) : -ENOENT;
}
