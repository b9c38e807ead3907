/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/elf_version.h"

/* Bit 15 of a symbol's version: not the default (binutils calls it VERSYM_HIDDEN). */
#define NOT_DEFAULT 0x8000u
#define NUMBER      0x7fffu
/* Definitions in one file; glibc has 40. */
#define MAX_DEFINITIONS 1024u
/* For all symbols together. Those of glibc that are older, 547, take 10,000. */
#define MAX_STEPS (1u << 20)

void elf_versions_open(struct elf_versions *v, struct foreign_elf *f, uint32_t table)
{
	GElf_Shdr sh;
	uint32_t i;

	*v = (struct elf_versions){.f = f};
	for (i = 1; i < foreign_elf_sections(f); i++) {
		if (!foreign_elf_section(f, i, &sh))
			return;
		if (sh.sh_type == SHT_GNU_versym && sh.sh_link == table) {
			v->of_symbols = sh;
			v->have = true;
		}
		if (sh.sh_type == SHT_GNU_verdef && foreign_elf_section(f, sh.sh_link, &v->strings))
			v->definitions = sh;
	}
}

static uint32_t number_at(const struct elf_versions *v, uint64_t offset, size_t bytes)
{
	uint32_t n;

	(void)foreign_elf_number(v->f, offset, bytes, &n);
	return n;
}

/* Elf64_Verdef (the same for 32 bits): vd_version, vd_flags, vd_ndx, vd_cnt: 2 bytes each; vd_hash,
 * vd_aux, vd_next: 4. Elf64_Verdaux: vda_name, vda_next: 4. */
static void find_name(struct elf_versions *v, uint32_t number, char version[ELF_VERSION_NAME])
{
	uint64_t at = v->definitions.sh_offset;
	uint32_t i, next;

	version[0] = '\0';
	if (!v->definitions.sh_size)
		return;
	for (i = 0; i < MAX_DEFINITIONS && v->steps < MAX_STEPS; i++, v->steps++) {
		if ((number_at(v, at + 4, 2) & NUMBER) == number) {
			foreign_elf_string(v->f, &v->strings,
				number_at(v, at + number_at(v, at + 12, 4), 4), version,
				ELF_VERSION_NAME);
			return;
		}
		next = number_at(v, at + 16, 4);
		if (!next)
			return;
		at += next;
	}
}

bool elf_version_is_old(struct elf_versions *v, uint64_t index, char version[ELF_VERSION_NAME])
{
	uint32_t number;

	if (!v->have || index >= v->of_symbols.sh_size / 2)
		return false;
	number = number_at(v, v->of_symbols.sh_offset + 2 * index, 2);
	if (!(number & NOT_DEFAULT))
		return false;
	find_name(v, number & NUMBER, version);
	return true;
}
