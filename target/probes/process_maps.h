/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which file, and where in it, an address of a process belongs to. */
#ifndef TARGET_PROBES_PROCESS_MAPS_H
#define TARGET_PROBES_PROCESS_MAPS_H

#include <stddef.h>
#include <stdint.h>

struct process_mapping {
	uint64_t start, end, offset;
	char *path; /* as /proc says: a file, "[vdso]"...; "" if anonymous */
};
struct process_maps {
	uint32_t tgid;
	uint64_t read_ns; /* CLOCK_MONOTONIC; 0: not read */
	struct process_mapping *at;
	size_t n;
};

/* Read the executable mappings of a process (again). A process that is gone leaves what was known
 * of it. */
void process_maps_read(struct process_maps *m, uint32_t tgid);
void process_maps_free(struct process_maps *m);
/* NULL if no executable mapping has it. */
const struct process_mapping *process_maps_find(const struct process_maps *m, uint64_t address);

#endif
