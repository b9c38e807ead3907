/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Versions of dynamic symbols: which of several of a name is the one that programs are linked to
 * today. Format: Linux Standard Base, "Symbol Versioning". */
#ifndef TARGET_PROBES_ELF_VERSION_H
#define TARGET_PROBES_ELF_VERSION_H

#include "target/probes/foreign_elf.h"

#define ELF_VERSION_NAME 64u

struct elf_versions {
	struct foreign_elf *f;
	GElf_Shdr of_symbols, definitions, strings;
	bool have;
	uint32_t steps; /* of looking for names, in all */
};

/* Of the table of dynamic symbols that is section `table`. */
void elf_versions_open(struct elf_versions *v, struct foreign_elf *f, uint32_t table);

/* True: the symbol of this index is an older version, kept for programs that were linked to it; its
 * name in `version` ("" if the file does not tell). False: it is the default, or has none. */
bool elf_version_is_old(struct elf_versions *v, uint64_t index, char version[ELF_VERSION_NAME]);

#endif
