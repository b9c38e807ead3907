/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whose programs does this kernel put probes into? Of others it says nothing: the probes are taken,
 * and never hit. */
#ifndef TARGET_PROBES_USER_MACHINE_H
#define TARGET_PROBES_USER_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* EM_* of a file's header. Of a kernel that is not known every machine is. */
bool user_machine_probed(uint16_t machine);
/* For "... is a program for NAME"; valid until the next call. */
const char *user_machine_name(uint16_t machine);

#endif
