/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Addresses to symbol ids of the names registry; each name is resolved and told once. */
#ifndef TARGET_PROBES_SYMBOLIZER_H
#define TARGET_PROBES_SYMBOLIZER_H

#include <stdint.h>

#include "target/names.h"

struct symbolizer;

struct symbolizer *symbolizer_new(struct names *names); /* NULL: out of memory */
void symbolizer_free(struct symbolizer *s);

/* Never fail: what cannot be resolved is "[unknown]" in the file it is from, as far as that is
 * known. */
uint32_t symbolizer_kernel(struct symbolizer *s, uint64_t address);
uint32_t symbolizer_user(struct symbolizer *s, uint32_t tgid, uint64_t address);

#endif
