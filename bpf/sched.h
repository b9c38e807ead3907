/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the daemon tells sched.bpf.c and sched_tp.bpf.c. */
#ifndef AYP_BPF_SCHED_H
#define AYP_BPF_SCHED_H

#include "bpf/events.h"

struct ayp_sched_params {
	struct ayp_field prev_state,
		next_pid; /* in struct task_struct, or in the tracepoint's record */
	ayp_u16 func_switch;
	ayp_u16 zero;
};
AYP_ASSERT_SIZE(struct ayp_sched_params, 12);

#endif
