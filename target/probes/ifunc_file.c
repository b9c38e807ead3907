/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/ifunc_file.h"

#include <string.h>

/* Segments that are looked at, and what one relocation of interest costs of those that may be
 * looked at. */
#define SEGMENTS_MAX 64u
#define COST         8u

/* The processors' ABI supplements; not every elf.h has all of them. */
#define X86_64_IRELATIVE  37u
#define I386_IRELATIVE    42u
#define AARCH64_IRELATIVE 1032u
#define ARM_IRELATIVE     160u

static uint32_t irelative(const struct foreign_elf *f)
{
	switch (foreign_elf_header(f)->e_machine) {
	case EM_X86_64:
		return X86_64_IRELATIVE;
	case EM_386:
		return I386_IRELATIVE;
	case EM_AARCH64:
		return AARCH64_IRELATIVE;
	case EM_ARM:
		return ARM_IRELATIVE;
	default:
		return 0;
	}
}

size_t ifunc_file_word_bytes(const struct foreign_elf *f)
{
	return foreign_elf_header(f)->e_ident[EI_CLASS] == ELFCLASS64 ? 8 : 4;
}

/* Where an address is in the file, code or data. */
static bool file_place(struct foreign_elf *f, uint64_t address, uint64_t *offset)
{
	GElf_Phdr ph;
	uint32_t k;

	for (k = 0; k < SEGMENTS_MAX && foreign_elf_segment(f, k, &ph); k++)
		if (ph.p_type == PT_LOAD && address >= ph.p_vaddr &&
			address - ph.p_vaddr < ph.p_filesz) {
			*offset = address - ph.p_vaddr + ph.p_offset;
			return true;
		}
	return false;
}

/* Of tables without addends it stands where the relocation points to. */
static uint64_t addend(struct foreign_elf *f, const GElf_Shdr *sh, const GElf_Rela *rela)
{
	uint64_t word = 0, offset;

	if (sh->sh_type == SHT_RELA)
		return (uint64_t)rela->r_addend;
	if (!file_place(f, rela->r_offset, &offset) ||
		foreign_elf_read(f, offset, &word, ifunc_file_word_bytes(f)))
		return 0;
	return ifunc_file_word_bytes(f) == 4 ? (uint32_t)word : word;
}

static struct ifunc *by_address(struct ifuncs *list, uint64_t address)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->at[i].address == address)
			return &list->at[i];
	return NULL;
}

static struct ifunc *by_symbol(
	struct ifuncs *list, struct foreign_elf *f, const GElf_Shdr *sh, uint64_t symbol)
{
	GElf_Shdr symbols, strings;
	char name[128];
	GElf_Sym sym;
	size_t i;

	if (!foreign_elf_section(f, sh->sh_link, &symbols) || symbols.sh_type != SHT_DYNSYM ||
		!foreign_elf_symbol(f, &symbols, symbol, &sym) || sym.st_shndx != SHN_UNDEF ||
		!foreign_elf_section(f, symbols.sh_link, &strings) ||
		!foreign_elf_string(f, &strings, sym.st_name, name, sizeof(name)))
		return NULL;
	for (i = 0; i < list->n; i++)
		if (!list->at[i].resolved && !strcmp(list->at[i].name, name))
			return &list->at[i];
	return NULL;
}

/* *left: what may still be looked at, in all tables together. */
static size_t find_in_table(struct ifuncs *list, struct foreign_elf *f, const GElf_Shdr *sh,
	bool own, struct ifunc_word *words, size_t n, uint64_t *left)
{
	int64_t entries = foreign_elf_entries(f, sh), i;
	uint32_t type = irelative(f);
	GElf_Rela rela;

	for (i = 0; i < entries && n<IFUNC_WORDS_MAX && * left> COST; i++, --*left) {
		struct ifunc *of;

		if (!foreign_elf_rela(f, sh, (uint64_t)i, &rela))
			break;
		if (own ? !type || GELF_R_TYPE(rela.r_info) != type : !GELF_R_SYM(rela.r_info))
			continue;
		*left -= COST;
		of = own ? by_address(list, addend(f, sh, &rela))
			 : by_symbol(list, f, sh, GELF_R_SYM(rela.r_info));
		if (of)
			words[n++] = (struct ifunc_word){rela.r_offset, of};
	}
	return n;
}

size_t ifunc_file_words(struct ifuncs *list, struct foreign_elf *f, bool own,
	struct ifunc_word words[IFUNC_WORDS_MAX])
{
	uint64_t left = FOREIGN_ELF_MAX_SYMBOLS;
	GElf_Shdr sh;
	uint32_t i;
	size_t n = 0;

	for (i = 1; i < foreign_elf_sections(f) && foreign_elf_section(f, i, &sh); i++)
		if (sh.sh_type == SHT_RELA || sh.sh_type == SHT_REL)
			n = find_in_table(list, f, &sh, own, words, n, &left);
	return n;
}

/* What its symbols say of the chosen function, if it has any. */
static int complete(void *ctx, const struct elf_function *f)
{
	struct ifuncs *list = ctx;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->at[i].resolved && list->at[i].function.offset == f->offset) {
			list->at[i].function = *f;
			list->at[i].function.name = list->at[i].name;
		}
	return 0;
}

void ifunc_file_describe(struct ifuncs *list, struct foreign_elf *f, const char *path)
{
	const GElf_Ehdr *eh = foreign_elf_header(f);
	uint64_t delta = 0, offset;
	size_t i;

	for (i = 0; i < list->n; i++) {
		struct ifunc *at = &list->at[i];

		/* The file may have been written since it was noted. */
		at->resolved = at->resolved && foreign_elf_offset(f, at->address, &offset);
		if (!at->resolved)
			continue;
		/* Both are code of one segment. */
		delta = at->address - offset;
		at->function.name = at->name;
		at->function.address = at->function.offset + delta;
		at->function.machine = eh->e_machine;
		at->function.elf_class = eh->e_ident[EI_CLASS];
		at->function.type = STT_FUNC;
	}
	elf_functions_each(path, complete, list);
}
