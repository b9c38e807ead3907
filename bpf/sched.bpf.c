/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Who runs where, on kernels with BTF. One instant per switch, in the thread that leaves.
 *
 * Switches to and from the daemon are kept: they are the CPU's, and without them its time would be
 * given to whoever ran before.
 */
#include "bpf/common.bpf.h"
#include <bpf/bpf_core_read.h>

/* Linux 5.14, 2f064a59a11f: task_struct.state became __state. */
struct task_struct___before_5_14 {
	long state;
} __attribute__((preserve_access_index));

SEC("?tp_btf/sched_switch")
int sched_switch_btf(__u64 *ctx)
{
	__u32 preempted = ctx[0] & 0xff;
	struct task_struct *prev = (void *)ctx[1];
	struct task_struct *next = (void *)ctx[2];
	__u64 state = 0;

	if (!preempted) {
		if (bpf_core_field_exists(prev->__state))
			state = BPF_CORE_READ(prev, __state);
		else
			state = BPF_CORE_READ((struct task_struct___before_5_14 *)prev, state);
	}
	emit(params.func_switch, AYP_REC_INSTANT, EMIT_CPU, 2, (__u32)next->pid, state & 0xff, 0,
		0);
	return 0;
}
