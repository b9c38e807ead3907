/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where an address lies in a file, by /proc/PID/maps. */
#ifndef TARGET_PROBES_OWN_CODE_H
#define TARGET_PROBES_OWN_CODE_H

#include <stddef.h>
#include <stdint.h>

/* Find the executable mapping of this process that holds `address`. Fills path and the place in
 * that file. -ENOENT if there is none. */
int own_code_place(const void *address, char *path, size_t size, uint64_t *offset);

#endif
