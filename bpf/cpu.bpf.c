/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the CPUs are busy with: stacks at a fixed rate. Idle CPUs are not sampled. */
#include "bpf/cpu.h"
#define OWN_PARAMS struct ayp_cpu_params
#include "bpf/common.bpf.h"

static __always_inline __u16 frames(long bytes)
{
	return bytes > 0 ? bytes / sizeof(__u64) : 0;
}

/* What /proc calls the current process. The kernel answers for the namespace that a process lives
 * in, not for those around it. */
static __always_inline __u32 proc_tgid(__u32 tgid)
{
	/* struct bpf_pidns_info, which is ABI: as vmlinux.h has it a look into it would be a
	 * relocation. */
	__u32 in_proc[2] = {0, 0}; /* pid, tgid */

	if (!own_params.proc_ino)
		return tgid;
	if (bpf_get_ns_current_pid_tgid(
		    own_params.proc_dev, own_params.proc_ino, (void *)in_proc, sizeof(in_proc)))
		return 0;
	return in_proc[1];
}

SEC("?perf_event")
int cpu_sample(void *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct ayp_control *c = active_control();
	struct ayp_cpu_book *book;
	struct ayp_rec_stack *rec;
	struct ayp_cell *cell;
	__u32 cpu;

	if (!c || !(__u32)id || is_own(c, id >> 32))
		return 0;
	cpu = bpf_get_smp_processor_id();
	cell = count_event(cpu, own_params.func_sample, AYP_HALF_BEGIN);
	if (!cell)
		return 0;
	book = cpu_book(cpu);
	identify(c, id, cpu, book);
	rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);
	if (!rec) {
		count_loss(cell, AYP_HALF_BEGIN, book);
		return 0;
	}
	rec->rec.t_ns = bpf_ktime_get_ns();
	rec->rec.tid = id;
	rec->rec.func = own_params.func_sample;
	rec->rec.cpu = cpu;
	rec->rec.kind = AYP_REC_STACK;
	rec->tgid = id >> 32;
	rec->proc_tgid = proc_tgid(id >> 32);
	rec->zero = 0;
	rec->kernel_frames = frames(bpf_get_stack(ctx, rec->kernel, sizeof(rec->kernel), 0));
	rec->user_frames =
		frames(bpf_get_stack(ctx, rec->user, sizeof(rec->user), BPF_F_USER_STACK));
	bpf_ringbuf_submit(rec, wake_flags(NULL));
	return 0;
}
