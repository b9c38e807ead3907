/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a file says of indirect functions: where processes keep them, and what the chosen ones
 * are. */
#ifndef TARGET_PROBES_IFUNC_FILE_H
#define TARGET_PROBES_IFUNC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/probes/foreign_elf.h"
#include "target/probes/ifunc.h"

/* A word that holds a chosen function once the file is loaded. */
struct ifunc_word {
	uint64_t address; /* as the file is linked */
	struct ifunc *of;
};

/* In one file. */
#define IFUNC_WORDS_MAX 4096u

/* own: f is the file that has the indirect functions; else one that calls them. How many there
 * are. */
size_t ifunc_file_words(struct ifuncs *list, struct foreign_elf *f, bool own,
	struct ifunc_word words[IFUNC_WORDS_MAX]);
size_t ifunc_file_word_bytes(const struct foreign_elf *f);

/* Those resolved, of which only the offset is known so far, as f, the file at path, has them. */
void ifunc_file_describe(struct ifuncs *list, struct foreign_elf *f, const char *path);

#endif
