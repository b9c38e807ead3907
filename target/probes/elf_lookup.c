/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/elf_lookup.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "target/probes/elf_file.h"

struct symbol {
	uint64_t value, size;
	uint32_t name;
	bool function;
};

/* The best that was found so far for an address. */
struct search {
	uint64_t address;
	struct symbol best;
	bool found;
	uint64_t strings, strings_size; /* of the table that best is from */
	uint64_t before, after; /* end of the last one before it, begin of the first behind it */
	uint64_t symbols;       /* looked at */
};

/* ---- symbols -------------------------------------------------------------------------------- */

static bool symbol_at(const struct elf_file *f, uint64_t at, struct symbol *sym)
{
	size_t size = f->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	const void *bytes = elf_file_look(at, size);
	unsigned int type, section;
	Elf64_Sym wide;
	Elf32_Sym narrow;

	if (!bytes)
		return false;
	if (f->wide) {
		memcpy(&wide, bytes, sizeof(wide));
		*sym = (struct symbol){wide.st_value, wide.st_size, wide.st_name, false};
		type = ELF64_ST_TYPE(wide.st_info);
		section = wide.st_shndx;
	} else {
		memcpy(&narrow, bytes, sizeof(narrow));
		*sym = (struct symbol){narrow.st_value, narrow.st_size, narrow.st_name, false};
		type = ELF32_ST_TYPE(narrow.st_info);
		section = narrow.st_shndx;
	}
	/* Bit 0 of an arm address says Thumb; the instruction is at the even place. */
	if (f->arm)
		sym->value &= ~UINT64_C(1);
	sym->function =
		(type == STT_FUNC || type == STT_GNU_IFUNC) && section != SHN_UNDEF && sym->name;
	return true;
}

/* The last function that begins at or before the address; of aliases the first, which is the file's
 * own choice, but one that says how long it is before one that does not. */
static bool better(const struct search *s, const struct symbol *sym)
{
	if (!s->found || sym->value > s->best.value)
		return true;
	return sym->value == s->best.value && !s->best.size && sym->size;
}

static void consider(struct search *s, const struct symbol *sym, const struct elf_section *strings)
{
	uint64_t end = sym->value + sym->size;

	if (sym->value > s->address) {
		if (sym->value < s->after)
			s->after = sym->value;
		return;
	}
	if (end >= sym->value && end <= s->address && end > s->before)
		s->before = end;
	if (!better(s, sym))
		return;
	s->best = *sym;
	s->found = true;
	s->strings = strings->offset;
	s->strings_size = strings->size;
}

static int search_table(const struct elf_file *f, const struct elf_segment *seg,
	const struct elf_section *table, struct search *s)
{
	size_t size = f->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t n = table->size / size;
	struct elf_section strings;
	struct symbol sym;

	if (table->entsize != size || table->link >= f->shnum)
		return 0;
	if (!elf_file_section(f, table->link, &strings))
		return -ENODATA;
	if (n > ELF_LOOKUP_SYMBOLS - s->symbols)
		return -E2BIG;
	s->symbols += n;
	for (uint64_t i = 0; i < n; i++) {
		if (!symbol_at(f, table->offset + i * size, &sym))
			return -ENODATA;
		if (sym.function && sym.value >= seg->address &&
			sym.value - seg->address < seg->size)
			consider(s, &sym, &strings);
	}
	return 0;
}

static int search_all(const struct elf_file *f, const struct elf_segment *seg, struct search *s)
{
	struct elf_section table;

	for (uint64_t i = 0; f->shoff && i < f->shnum; i++) {
		int err;

		if (!elf_file_section(f, i, &table))
			return -ENODATA;
		if (table.type != SHT_SYMTAB && table.type != SHT_DYNSYM)
			continue;
		err = search_table(f, seg, &table, s);
		if (err)
			return err;
	}
	return 0;
}

static void read_name(const struct search *s, char *name)
{
	uint64_t room = s->best.name < s->strings_size ? s->strings_size - s->best.name : 0;

	for (size_t i = 0; i < ELF_LOOKUP_NAME - 1 && i < room; i++) {
		const char *c = elf_file_look(s->strings + s->best.name + i, 1);

		if (!c || !*c)
			return;
		name[i] = *c;
	}
}

int elf_lookup(int fd, uint64_t offset, struct elf_place *place)
{
	struct search s;
	struct elf_segment seg = {0};
	struct elf_file f;
	bool inside;
	int err;

	memset(place, 0, sizeof(*place));
	err = elf_file_open(&f, fd);
	if (err)
		return err;
	if (!elf_file_segment(&f, offset, &seg))
		return -ENOENT;
	s = (struct search){.address = seg.address + (offset - seg.offset),
		.before = seg.address,
		.after = seg.address + seg.size};
	err = search_all(&f, &seg, &s);
	if (err)
		return err;
	/* A function of size 0 (assembly) reaches to the next one. */
	inside = s.found && (!s.best.size || s.address - s.best.value < s.best.size);
	if (inside)
		read_name(&s, place->name);
	place->function = place->name[0] != '\0';
	/* Also of one without a name: before it, and behind it, there may be one that has a
	 * name. */
	if (inside && s.best.value > s.before)
		s.before = s.best.value;
	if (inside && s.best.size && s.best.size < s.after - s.best.value)
		s.after = s.best.value + s.best.size;
	place->begin = seg.offset + (s.before - seg.address);
	place->end = seg.offset + (s.after - seg.address);
	return 0;
}
