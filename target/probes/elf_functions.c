/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/elf_functions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/probes/elf_debug.h"
#include "target/probes/elf_version.h"

struct walk {
	struct foreign_elf *program; /* whose places count */
	struct foreign_elf *tables;  /* whose symbols are read: the same, or its debug file */
	struct elf_versions versions;
	unsigned int want;
	elf_function_fn fn;
	void *ctx;
	char name[FOREIGN_ELF_MAX_NAME + ELF_VERSION_NAME];
};

static uint64_t code_address(struct foreign_elf *program, const GElf_Sym *sym)
{
	/* Bit 0 of an arm address says Thumb; the instruction is at the even place. */
	if (foreign_elf_header(program)->e_machine == EM_ARM)
		return sym->st_value & ~1ull;
	return sym->st_value;
}

static bool has_place(struct foreign_elf *program, const GElf_Sym *sym, uint64_t *offset)
{
	return sym->st_name && sym->st_shndx != SHN_UNDEF &&
	       foreign_elf_offset(program, code_address(program, sym), offset);
}

bool elf_is_function(struct foreign_elf *program, const GElf_Sym *sym, uint64_t *offset)
{
	return GELF_ST_TYPE(sym->st_info) == STT_FUNC && has_place(program, sym, offset);
}

/* Versions in the symbol table are a part of the name: NAME@@DEFAULT, NAME@OLDER. */
static void name_by_version(struct walk *w, uint64_t index, bool imported)
{
	char *at = strchr(w->name + 1, '@'), version[ELF_VERSION_NAME];
	size_t n;

	if (at && (imported || at[1] == '@'))
		*at = '\0';
	if (at || imported || !elf_version_is_old(&w->versions, index, version))
		return;
	n = strlen(w->name);
	snprintf(w->name + n, sizeof(w->name) - n, "@%s", version);
}

static bool wanted(const struct walk *w, const GElf_Sym *sym)
{
	int type = GELF_ST_TYPE(sym->st_info);

	if (!sym->st_name)
		return false;
	if (sym->st_shndx == SHN_UNDEF)
		return (w->want & ELF_WANT_IMPORTS) && (type == STT_FUNC || type == STT_NOTYPE);
	return type == STT_FUNC || (type == STT_GNU_IFUNC && (w->want & ELF_WANT_IFUNCS));
}

static int hand_over(struct walk *w, const GElf_Shdr *strings, const GElf_Sym *sym, uint64_t index)
{
	const GElf_Ehdr *eh = foreign_elf_header(w->program);
	struct elf_function f = {
		.name = w->name,
		.address = code_address(w->program, sym),
		.size = sym->st_size,
		.machine = eh->e_machine,
		.elf_class = eh->e_ident[EI_CLASS],
		.type = GELF_ST_TYPE(sym->st_info),
		.thumb = eh->e_machine == EM_ARM && (sym->st_value & 1),
		.imported = sym->st_shndx == SHN_UNDEF,
	};

	if (!f.imported && !has_place(w->program, sym, &f.offset))
		return 0;
	if (!foreign_elf_string(w->tables, strings, sym->st_name, w->name, FOREIGN_ELF_MAX_NAME) ||
		!w->name[0])
		return 0;
	name_by_version(w, index, f.imported);
	return w->fn(w->ctx, &f);
}

static int walk_table(struct walk *w, uint32_t section, const GElf_Shdr *sh)
{
	int64_t n = foreign_elf_entries(w->tables, sh), i;
	GElf_Shdr strings;
	GElf_Sym sym;
	int err = 0;

	if (n < 0)
		return (int)n;
	if (!foreign_elf_section(w->tables, sh->sh_link, &strings))
		return -ENODATA;
	elf_versions_open(&w->versions, w->tables, section);
	for (i = 0; i < n && !err; i++) {
		if (!foreign_elf_symbol(w->tables, sh, (uint64_t)i, &sym))
			return -ENODATA;
		if (wanted(w, &sym))
			err = hand_over(w, &strings, &sym, (uint64_t)i);
	}
	return err;
}

/* A file has one of a type (System V ABI, chapter 4); 65,536 that share their symbols would take
 * hours. */
static int walk_type(struct walk *w, uint32_t type, bool *any)
{
	GElf_Shdr sh;
	uint32_t i;

	for (i = 1; i < foreign_elf_sections(w->tables); i++) {
		if (!foreign_elf_section(w->tables, i, &sh))
			return -ENODATA;
		if (sh.sh_type != type)
			continue;
		*any = true;
		return walk_table(w, i, &sh);
	}
	return 0;
}

/* An error of a debug file is no error of the program's. */
static int walk_debug(struct walk *w, const char *path, struct elf_looked *looked)
{
	int err = elf_debug_open(w->program, path, &w->tables, looked);
	bool any = false;

	if (err)
		return err == -ENOENT ? 0 : err;
	err = walk_type(w, SHT_SYMTAB, &any);
	foreign_elf_close(w->tables);
	if (err == -ENODATA || err == -EFBIG) {
		snprintf(looked->debug_no, sizeof(looked->debug_no), "%.150s: %s", looked->debug,
			foreign_file_why(err));
		looked->debug[0] = '\0';
		err = 0;
	}
	return err;
}

static int walk_all(struct walk *w, const char *path, struct elf_looked *looked)
{
	const GElf_Ehdr *eh = foreign_elf_header(w->program);
	int err;

	looked->machine = eh->e_machine;
	looked->elf_class = eh->e_ident[EI_CLASS];
	w->tables = w->program;
	err = walk_type(w, SHT_SYMTAB, &looked->symtab);
	if (!err)
		err = walk_type(w, SHT_DYNSYM, &looked->dynsym);
	return err || looked->symtab ? err : walk_debug(w, path, looked);
}

int elf_functions_look(const char *path, unsigned int want, elf_function_fn fn, void *ctx,
	struct elf_looked *looked)
{
	struct walk w = {.want = want, .fn = fn, .ctx = ctx};
	struct elf_looked own;
	int err = foreign_elf_open(&w.program, path);

	if (!looked)
		looked = &own;
	*looked = (struct elf_looked){0};
	if (err)
		return err;
	err = walk_all(&w, path, looked);
	foreign_elf_close(w.program);
	return err;
}

int elf_functions_each(const char *path, elf_function_fn fn, void *ctx)
{
	return elf_functions_look(path, 0, fn, ctx, NULL);
}
