/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where the kernel keeps a thread's number and state, by type information. */
#ifndef TARGET_PROBES_TASK_LAYOUT_H
#define TARGET_PROBES_TASK_LAYOUT_H

#include "bpf/events.h"

struct maps;

/* Places in task_struct. -ENODATA: no type information; -ENOENT: it has no such member. */
int task_layout(struct ayp_field *pid, struct ayp_field *state);

/* Ask the kernel whether that is true for it, by running a program there. -ESTALE: it is not, the
 * type information is another kernel's. 0 also where it cannot be asked (before Linux 5.10,
 * 1b4d60ec162f). */
int task_layout_verify(const struct maps *maps, const struct ayp_params *params);

#endif
