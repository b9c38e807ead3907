/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Who runs where. One instant per switch, in the thread that leaves.
 *
 * Switches to and from the daemon are kept: they are the CPU's, and without them its time would be
 * given to whoever ran before. Places in task_struct come from the daemon: the kernel's type
 * information has them, and where that is missing, a file may (--btf).
 */
#include "bpf/sched.h"
#define OWN_PARAMS struct ayp_sched_params
#include "bpf/common.bpf.h"

SEC("?raw_tp/sched_switch")
int sched_switch_raw(__u64 *ctx)
{
	__u32 preempted = ctx[0] & 0xff;
	const void *prev = (void *)ctx[1], *next = (void *)ctx[2];
	__u64 pid, state = 0;

	if (!preempted)
		state = read_number(prev, own_params.prev_state.offset, own_params.prev_state.size);
	pid = read_number(next, own_params.next_pid.offset, own_params.next_pid.size);
	emit(own_params.func_switch, AYP_REC_INSTANT, EMIT_CPU, 2, (__u32)pid, state & 0xff, 0, 0);
	return 0;
}

/* Run by the daemon: is a thread's number where type information from elsewhere says? */
SEC("?raw_tp")
int task_pid_is_there(void *ctx)
{
	const void *task = (void *)bpf_get_current_task();
	__u32 pid = read_number(task, own_params.next_pid.offset, own_params.next_pid.size);

	return pid == (__u32)bpf_get_current_pid_tgid();
}
