/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A symbol table that stays: names by address, packed (a kernel's 50,000 take 0.3 MB instead of 2),
 * unpacked a block at a time when an address is asked for. Symbols come in any order; what belongs
 * together should come together.
 */
#ifndef TARGET_PROBES_SYMBOL_BLOCKS_H
#define TARGET_PROBES_SYMBOL_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol_blocks;

struct symbol_blocks *symbol_blocks_new(void); /* NULL: out of memory */
void symbol_blocks_free(struct symbol_blocks *s);

/* false: out of memory. Then, and after seal, nothing can be added. */
bool symbol_blocks_add(
	struct symbol_blocks *s, uint64_t address, const char *name, const char *owner);
/* No more will come: now it can be searched. */
bool symbol_blocks_seal(struct symbol_blocks *s);

/* The last symbol at or below an address; NULL if there is none. Both valid until the next call. */
const char *symbol_blocks_find(struct symbol_blocks *s, uint64_t address, const char **owner);
/* Bytes that it takes. */
size_t symbol_blocks_size(const struct symbol_blocks *s);

#endif
