/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Who runs where, without type information: places of the fields come from the tracepoint's
 * format. */
#include "bpf/sched.h"
#define OWN_PARAMS struct ayp_sched_params
#include "bpf/common.bpf.h"

SEC("?tp/sched/sched_switch")
int sched_switch_tp(void *ctx)
{
	__u64 next, state;

	next = read_number(ctx, own_params.next_pid.offset, own_params.next_pid.size);
	/* The record marks a preempted thread by a bit above the states; it is still runnable. */
	state = read_number(ctx, own_params.prev_state.offset, own_params.prev_state.size) & 0xff;
	emit(own_params.func_switch, AYP_REC_INSTANT, EMIT_CPU, 2, (__u32)next, state, 0, 0);
	return PERF_KEEPS;
}
