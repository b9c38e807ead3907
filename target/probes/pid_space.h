/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Whose process ids are whose. Records of the kernel programs carry ids of the initial PID
 * namespace. In a container the daemon has another one of its own, and /proc may show others again.
 */
#ifndef TARGET_PROBES_PID_SPACE_H
#define TARGET_PROBES_PID_SPACE_H

#include <stdbool.h>
#include <stdint.h>

struct maps;
struct ayp_params;

struct pid_space {
	uint32_t self;     /* the daemon's process id, as the kernel's programs see it */
	bool proc_differs; /* ids in /proc are not the kernel's */
	/* Then: the namespace that /proc is of, as bpf_get_ns_current_pid_tgid() wants it. */
	uint64_t dev, ino;
};

/* Ask the kernel. 0, or a negative errno after one line that says why nothing can be traced: no
 * permission, or a kernel that cannot say who we are (a daemon that does not know itself traces
 * itself without end). */
int pid_space_find(struct pid_space *s, const struct maps *maps, const struct ayp_params *params);

#endif
