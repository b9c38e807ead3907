/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The headers of an ELF file that somebody else has made and may be changing: no allocation, no
 * mapping, read by pread through one window. The format: System V ABI, chapter 4; only of this
 * machine's byte order, both classes. Not for two threads, or two files, at once.
 */
#ifndef TARGET_PROBES_ELF_FILE_H
#define TARGET_PROBES_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_FILE_WINDOW   16384u
#define ELF_FILE_SECTIONS 65536u

struct elf_file {
	bool wide;                    /* 64-bit */
	bool arm;                     /* of a 32-bit ARM */
	uint64_t phoff, shoff, shnum; /* shoff 0: no sections */
	uint16_t phnum, shstrndx;
	size_t phentsize, shentsize;
};

/* A stretch of the file and the address that it is for. */
struct elf_segment {
	uint64_t offset, address, size;
};

struct elf_section {
	uint64_t offset, size, entsize;
	uint32_t name, type, link;
};

/* 0, -ENOEXEC: no such file, -ENODATA: it ends before it should, -E2BIG: more sections than
 * ELF_FILE_SECTIONS. */
int elf_file_open(struct elf_file *f, int fd);

/* n bytes of the file, ELF_FILE_WINDOW at most, valid until the next call of any of these; NULL
 * past its end. */
const void *elf_file_look(uint64_t at, size_t n);
/* False: the file ends before. */
bool elf_file_section(const struct elf_file *f, uint64_t i, struct elf_section *s);
/* The first section of a name. */
bool elf_file_section_named(const struct elf_file *f, const char *name, struct elf_section *s);
/* The executable segment that has a file offset. */
bool elf_file_segment(const struct elf_file *f, uint64_t offset, struct elf_segment *s);

#endif
