/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An ELF file that may lie: read piece by piece in at most 512 KiB, whatever it says about itself.
 * libelf translates (class, byte order), but does not read: it takes whole sections into memory.
 *
 * Errors: -ENOEXEC no ELF file, -ENODATA it ends before what its headers say, -EFBIG more sections
 * or symbols than anybody has, and those of foreign_file.h.
 */
#ifndef TARGET_PROBES_FOREIGN_ELF_H
#define TARGET_PROBES_FOREIGN_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gelf.h>

#include "target/base/foreign_file.h"

/* In one table. More is refused: the largest programs there are have one or two millions. */
#define FOREIGN_ELF_MAX_SYMBOLS (4u << 20)
/* With its end; what is longer is cut there. */
#define FOREIGN_ELF_MAX_NAME 4096u

struct foreign_elf;

int foreign_elf_open(struct foreign_elf **f, const char *path);
/* The same of bytes in memory, which are taken over (free), also on an error. */
int foreign_elf_open_bytes(struct foreign_elf **f, uint8_t *bytes, size_t n);
void foreign_elf_close(struct foreign_elf *f);

const GElf_Ehdr *foreign_elf_header(const struct foreign_elf *f);
/* fd -1 where it is in memory. */
const struct foreign_file *foreign_elf_file(const struct foreign_elf *f);
uint32_t foreign_elf_sections(const struct foreign_elf *f);

/* Bytes at an offset; -ENODATA past the end. */
int foreign_elf_read(struct foreign_elf *f, uint64_t offset, void *to, size_t n);
/* A number of 1 to 4 bytes there, in the file's byte order. 0 or -ENODATA; *n is then 0. */
int foreign_elf_number(struct foreign_elf *f, uint64_t offset, size_t bytes, uint32_t *n);
/* A string of a string section at a place; false: there is none. size: at most
 * FOREIGN_ELF_MAX_NAME. */
bool foreign_elf_string(
	struct foreign_elf *f, const GElf_Shdr *strings, uint64_t at, char *text, size_t size);

bool foreign_elf_section(struct foreign_elf *f, uint32_t index, GElf_Shdr *sh);
/* The first section of a name or, name NULL, of a type; its index, 0: none. */
uint32_t foreign_elf_find(struct foreign_elf *f, const char *name, uint32_t type, GElf_Shdr *sh);
bool foreign_elf_segment(struct foreign_elf *f, uint32_t index, GElf_Phdr *ph);

/* Where an address stands in the file, by the segment of code that holds it. */
bool foreign_elf_offset(struct foreign_elf *f, uint64_t address, uint64_t *offset);

/* Entry `index` of a table of symbols, of relocations with addend. False: there is none. */
bool foreign_elf_symbol(
	struct foreign_elf *f, const GElf_Shdr *table, uint64_t index, GElf_Sym *sym);
bool foreign_elf_rela(
	struct foreign_elf *f, const GElf_Shdr *table, uint64_t index, GElf_Rela *rela);
/* How many entries a table has; 0 where its entries are of another size. -EFBIG, -ENODATA. */
int64_t foreign_elf_entries(const struct foreign_elf *f, const GElf_Shdr *table);

/* The bytes of NT_GNU_BUILD_ID; 0: has none. */
size_t foreign_elf_build_id(struct foreign_elf *f, uint8_t *id, size_t size);

#endif
