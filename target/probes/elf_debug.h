/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where the symbols of a stripped program went. */
#ifndef TARGET_PROBES_ELF_DEBUG_H
#define TARGET_PROBES_ELF_DEBUG_H

#include "target/probes/elf_functions.h"

/*
 * The first that is there and belongs to the program: /usr/lib/debug/.build-id/XX/REST.debug (same
 * build id), what .gnu_debuglink names, beside the program, in .debug/ there or below
 * /usr/lib/debug (same build id or CRC), .gnu_debugdata inside it (xz). A program named
 * /proc/PID/root/PATH is looked for in that root first.
 *
 * 0 and looked->debug says which; -ENOENT; what was there and could not be used is in
 * looked->debug_no.
 */
int elf_debug_open(struct foreign_elf *program, const char *path, struct foreign_elf **debug,
	struct elf_looked *looked);

#endif
