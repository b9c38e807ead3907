/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Interrupts: hard, soft, and the timer. They belong to the CPU, whoever's time they take. */
#include "bpf/irq.h"
#define OWN_PARAMS struct ayp_irq_params
#include "bpf/common.bpf.h"

static __always_inline int irq_event(__u32 base, __u32 number, __u32 count, __u32 kind)
{
	if (number < count)
		EMIT0(base + number, kind, EMIT_CPU);
	return 0;
}

SEC("?raw_tp/irq_handler_entry")
int hardirq_enter(__u64 *ctx)
{
	return irq_event(own_params.func_hardirq, ctx[0], own_params.n_hardirq, AYP_REC_ENTRY);
}

SEC("?raw_tp/irq_handler_exit")
int hardirq_exit(__u64 *ctx)
{
	return irq_event(own_params.func_hardirq, ctx[0], own_params.n_hardirq, AYP_REC_EXIT);
}

SEC("?raw_tp/softirq_entry")
int softirq_enter(__u64 *ctx)
{
	return irq_event(own_params.func_softirq, ctx[0], AYP_SOFTIRQS, AYP_REC_ENTRY);
}

SEC("?raw_tp/softirq_exit")
int softirq_exit(__u64 *ctx)
{
	return irq_event(own_params.func_softirq, ctx[0], AYP_SOFTIRQS, AYP_REC_EXIT);
}

SEC("?raw_tp/local_timer_entry")
int local_timer_enter(__u64 *ctx)
{
	return irq_event(own_params.func_timer, 0, 1, AYP_REC_ENTRY);
}

SEC("?raw_tp/local_timer_exit")
int local_timer_exit(__u64 *ctx)
{
	return irq_event(own_params.func_timer, 0, 1, AYP_REC_EXIT);
}

SEC("?raw_tp/hrtimer_expire_entry")
int hrtimer_enter(__u64 *ctx)
{
	return irq_event(own_params.func_timer, 0, 1, AYP_REC_ENTRY);
}

SEC("?raw_tp/hrtimer_expire_exit")
int hrtimer_exit(__u64 *ctx)
{
	return irq_event(own_params.func_timer, 0, 1, AYP_REC_EXIT);
}
