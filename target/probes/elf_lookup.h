/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What function stands at a place in a file that somebody else has made and may be changing.
 *
 * For a process that must not be hurt by it: no allocation, no mapping, a bounded number of bytes
 * read, by pread only. One place is asked for at a time; the symbol tables are gone through each
 * time, which for 10,000 symbols is 0.1 ms.
 */
#ifndef TARGET_PROBES_ELF_LOOKUP_H
#define TARGET_PROBES_ELF_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#define ELF_LOOKUP_NAME 256u
/* A file with more symbols has no names here: each of them would be read for each question. */
#define ELF_LOOKUP_SYMBOLS (1u << 20)

struct elf_place {
	bool function; /* false: no function is known at the place */
	/* File offsets, the place between them: the same answer holds for all of [begin, end). */
	uint64_t begin, end;
	char name[ELF_LOOKUP_NAME]; /* of any bytes; cut; "" without a function */
};

/* 0 or a negative errno: -ENOEXEC not such a file, -ENODATA it ends before it should, -E2BIG more
 * than the bounds. Not for two threads at once. */
int elf_lookup(int fd, uint64_t offset, struct elf_place *place);

#endif
