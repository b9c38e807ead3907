/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the kernel's own statistics say about memory that was given back unseen.
 *
 * /proc/slabinfo counts the objects in use of every cache, rather too many (those that a CPU keeps
 * at hand count as in use) than too few. If more objects of a size are outstanding by our books
 * than there are in the kernel, the rest has been given back in a way that is not seen here. It is
 * a lower bound: objects from before the start are in use, too.
 */
#ifndef TARGET_PROBES_MEMORY_SLAB_H
#define TARGET_PROBES_MEMORY_SLAB_H

#include <stdint.h>
#include <stdio.h>

#include "target/probes/memory_totals.h"

#define MEMORY_SLAB_FILE "/proc/slabinfo"

struct memory_slab {
	uint64_t due_ns; /* when to look again: it takes 2 ms */
	struct ayp_mem_cell unseen[AYP_MEM_TYPES];
};

/* Look at `path` if it is time. Keeps what it had if the file cannot be read. */
void memory_slab_look(
	struct memory_slab *s, const struct maps *m, const char *path, uint64_t now_ns);

/* Objects in use by size (bytes / 8) and type; of kmem_cache all are counted, as kmalloc's caches
 * may be merged with others. 0 or a negative errno. */
int memory_slab_read(FILE *f, uint64_t in_use[AYP_MEM_TYPES][AYP_MEM_SIZES]);

#endif
