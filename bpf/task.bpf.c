/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Notes about a CPU that the other programs read; nothing is emitted here. */
#include "bpf/common.bpf.h"

/* A thread that has executed a new program has a new name: have it looked at again. */
SEC("?raw_tp/sched_process_exec")
int task_exec(__u64 *ctx)
{
	struct ayp_cpu_book *book = cpu_book(bpf_get_smp_processor_id());

	if (book)
		book->last_tid = 0;
	return 0;
}

/*
 * Is this CPU in an interrupt? Packets that arrive while the daemon happens to run are not the
 * daemon's doing, and would be missing from every count. Shared lines run one handler after the
 * other, so a flag is enough, and a missed exit does not stick for long.
 */
SEC("?raw_tp/softirq_entry")
int mark_softirq_enter(__u64 *ctx)
{
	struct ayp_cpu_book *book = cpu_book(bpf_get_smp_processor_id());

	if (book)
		book->in_softirq = 1;
	return 0;
}

SEC("?raw_tp/softirq_exit")
int mark_softirq_exit(__u64 *ctx)
{
	struct ayp_cpu_book *book = cpu_book(bpf_get_smp_processor_id());

	if (book)
		book->in_softirq = 0;
	return 0;
}

SEC("?raw_tp/irq_handler_entry")
int mark_hardirq_enter(__u64 *ctx)
{
	struct ayp_cpu_book *book = cpu_book(bpf_get_smp_processor_id());

	if (book)
		book->in_hardirq = 1;
	return 0;
}

SEC("?raw_tp/irq_handler_exit")
int mark_hardirq_exit(__u64 *ctx)
{
	struct ayp_cpu_book *book = cpu_book(bpf_get_smp_processor_id());

	if (book)
		book->in_hardirq = 0;
	return 0;
}
