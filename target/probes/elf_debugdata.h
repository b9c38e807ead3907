/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Symbols that are packed into the program (.gnu_debugdata: an ELF file in xz; GDB manual,
 * "MiniDebugInfo"). */
#ifndef TARGET_PROBES_ELF_DEBUGDATA_H
#define TARGET_PROBES_ELF_DEBUGDATA_H

#include "target/probes/foreign_elf.h"

/* Bounds: unpacked at most 32 MiB, with at most 16 MiB for the decoder. -ENOENT: has none; -EBADMSG
 * damaged; -EFBIG larger than that; -ENOEXEC what is in it is no ELF file. */
int elf_debugdata_open(struct foreign_elf *program, struct foreign_elf **out);
const char *elf_debugdata_why(int err);

#endif
