/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Notes about threads and CPUs that the other programs read, and what the daemon runs by itself;
 * nothing is emitted here. */
#include "bpf/common.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ayp_text);
} text SEC(".maps");

/* Run by the daemon in its own context: which process does the kernel take it for? */
SEC("?raw_tp")
int own_process(void *ctx)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/* The same: copy the part of a page at this address. The kernel gives an error where nothing is. */
SEC("?raw_tp")
int read_text(__u64 *ctx)
{
	__u32 zero = 0;
	struct ayp_text *t = bpf_map_lookup_elem(&text, &zero);

	return t ? bpf_probe_read_kernel(t, sizeof(*t), (const void *)ctx[0]) : -1;
}

/* A thread gets a new name: by exec, by itself (prctl), or from a sibling. Any CPU may have seen it
 * last. */
SEC("?raw_tp/task_rename")
int task_rename(__u64 *ctx)
{
	struct ayp_control *c = the_control();

	if (c)
		COUNTER_ADD(c->renames, 1);
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
