/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Attaching to functions of programs: a probe at the entry and one at each end that user_ends.h
 * found, or, where --mechanism says so, one at the entry and a return probe, for which the kernel
 * replaces the return address (x86-64: of at most 64 calls of a thread at once).
 *
 * A function without known ends gets a probe at its entry that makes instants.
 */
#ifndef TARGET_PROBES_USER_ATTACH_H
#define TARGET_PROBES_USER_ATTACH_H

#include "target/probes/attacher.h"

/* Each sets err and attached of the functions, and returns how many it took. All are of programs.
 * multi: all places of a file by one link (uprobe.multi, Linux 6.6); single: a perf event each. */
size_t user_attach_multi(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links);
size_t user_attach_multi_return(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links);
size_t user_attach_single(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links);
size_t user_attach_single_return(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links);

/* Where the programs find what they need in a probed program's registers. */
void user_attach_registers(struct ayp_params *params);

#endif
