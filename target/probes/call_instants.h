/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tracepoints of single system calls (syscalls:sys_enter_NAME, sys_exit_NAME). Each is a perf event
 * of its own, and the kernel waits for all tasks when one is removed: 20 ms each, 15 s for all 722.
 * All are made from two raw tracepoints, so many are taken from those.
 */
#ifndef TARGET_PROBES_CALL_INSTANTS_H
#define TARGET_PROBES_CALL_INSTANTS_H

#include <stdbool.h>

#include "bpf/syscall.h"
#include "target/probes/probe.h"

/* Fewer are attached one by one: that costs the other calls nothing. */
#define CALL_INSTANTS_LEAST 8u

struct call_instants {
	bool reserved; /* function ids */
	size_t n;
	struct ayp_syscall_params
		params; /* of syscall.bpf.c, for the programs that make instants */
};

/* Is "CATEGORY/NAME" one whose number is known? */
bool call_instants_know(const char *path);
/* Take one over, with its name as shown; *func gets its id. 0 or a negative errno. */
int call_instants_take(struct call_instants *c, struct probes *p, const char *path,
	const char *shown, uint16_t *func);
/* Attach what was taken. The programs and links are the module's. 0 or a negative errno. */
int call_instants_attach(const struct call_instants *c, struct module *m);

/* Fill in what the kernel's machine decides (module_syscall.c). -EOPNOTSUPP: this way is not known
 * there. */
int syscall_prepare_instants(struct ayp_syscall_params *params);

#endif
