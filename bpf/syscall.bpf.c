/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* System calls: entry and exit, one function id per number and ABI. */
#include "bpf/syscall.h"
#define OWN_PARAMS struct ayp_syscall_params
#include "bpf/common.bpf.h"

/* Is this call made the way that 32-bit programs do? A fact of the call, not of the program: on x86
 * any may use int 0x80. */
static __always_inline int in_compat(const void *regs)
{
	const void *base = regs;

	if (own_params.compat.base == AYP_MARK_NONE)
		return 0;
	if (own_params.compat.base == AYP_MARK_TASK)
		base = (void *)bpf_get_current_task();
	return (read_number(base, own_params.compat.offset, 4) & own_params.compat.mask) ==
	       own_params.compat.value;
}

static __always_inline __u32 id_of(__u32 abi, __u32 nr)
{
	return nr < own_params.ids[abi].count ? own_params.ids[abi].first + nr : AYP_NO_SYSCALL;
}

static __always_inline __u32 call_id(__u32 nr, int compat)
{
	if (compat)
		return id_of(AYP_ABI_COMPAT, nr);
	if (own_params.ids[AYP_ABI_X32].count && nr & AYP_X32_BIT)
		return id_of(AYP_ABI_X32, nr & ~AYP_X32_BIT);
	if (own_params.probe && nr - own_params.probe < 2)
		return AYP_NO_SYSCALL;
	return id_of(AYP_ABI_NATIVE, nr);
}

/* By the number alone: at its end the call may seem to be one of the new program's ABI. */
static __always_inline int may_be_exec(__u32 nr)
{
	__u32 i, is = 0;

	if (own_params.ids[AYP_ABI_X32].count)
		nr &= ~AYP_X32_BIT;
#pragma unroll
	for (i = 0; i < AYP_EXECS; i++)
		is |= nr == own_params.exec[i];
	return is;
}

static __always_inline struct ayp_task_seen *seen_task(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&tasks, &tid);
}

static __always_inline void syscall_enter(__u32 nr, const void *regs)
{
	struct ayp_cpu_book *book = cpu_book(bpf_get_smp_processor_id());
	__u32 id = call_id(nr, in_compat(regs));

	if (book)
		book->last_syscall = id;
	if (id == AYP_NO_SYSCALL)
		return;
	EMIT0(id, AYP_REC_ENTRY, EMIT_TASK);
	if (may_be_exec(nr)) {
		struct ayp_task_seen *task = seen_task();

		if (task)
			task->exec = id + 1;
	}
}

/* The calls that return to where a signal came wipe their number on the way out; they do not
 * sleep. */
static __always_inline __u32 wiped_id(void)
{
	struct ayp_cpu_book *book = cpu_book(bpf_get_smp_processor_id());
	__u32 i, id = AYP_NO_SYSCALL;

	if (!book)
		return id;
#pragma unroll
	for (i = 0; i < AYP_SIGRETURNS; i++)
		if (book->last_syscall == own_params.sigreturn[i])
			id = own_params.sigreturn[i];
	return id;
}

/* A program that executes one of another ABI leaves the call as it was entered. On x86 so does
 * execveat, which the kernel then calls execve (set_personality_64bit). */
static __always_inline __u32 exec_id(__u32 id)
{
	struct ayp_task_seen *task = seen_task();

	if (!task || !task->exec)
		return id;
	id = task->exec - 1;
	task->exec = 0;
	return id;
}

static __always_inline void syscall_exit(__u32 nr, const void *regs)
{
	__u32 id = nr == (__u32)-1 ? wiped_id() : call_id(nr, in_compat(regs));

	if (may_be_exec(nr))
		id = exec_id(id);
	if (id == AYP_NO_SYSCALL)
		return;
	EMIT0(id, AYP_REC_EXIT, EMIT_TASK);
}

/* Arguments: struct pt_regs *, number. */
SEC("?raw_tp/sys_enter")
int syscall_enter_raw(__u64 *ctx)
{
	syscall_enter(ctx[1], (void *)ctx[0]);
	return 0;
}

/* Arguments: struct pt_regs *, result. The number is in the registers, at a place that is ABI on
 * the architectures where the daemon uses this. */
SEC("?raw_tp/sys_exit")
int syscall_exit_raw(__u64 *ctx)
{
	const void *regs = (void *)ctx[0];

	syscall_exit(read_number(regs, own_params.nr_offset, 4), regs);
	return 0;
}

/* Record: 8 bytes of header, then `long id`; the low half tells the number on 32 and 64 bits alike.
 */
SEC("?tp/raw_syscalls/sys_enter")
int syscall_enter_tp(__u32 *ctx)
{
	syscall_enter(ctx[2], NULL);
	return PERF_KEEPS;
}

SEC("?tp/raw_syscalls/sys_exit")
int syscall_exit_tp(__u32 *ctx)
{
	syscall_exit(ctx[2], NULL);
	return PERF_KEEPS;
}

/* ---- single calls as instants
 * ------------------------------------------------------------------ */

/* As the tracepoints syscalls:sys_enter_NAME: native calls only (trace_get_syscall_nr). */
static __always_inline void call_instant(__u32 at, __u32 nr, const void *regs)
{
	__u32 bit = nr & (AYP_CALL_INSTANTS - 1);

	/* The verifier forgets what the comparison says; the compiler must not forget the mask. */
	asm volatile("" : "+r"(bit));
	if (nr >= AYP_CALL_INSTANTS || in_compat(regs))
		return;
	if (own_params.instants[at].wanted[bit / 64] >> (bit % 64) & 1)
		EMIT0(own_params.instants[at].first + bit, AYP_REC_INSTANT, EMIT_TASK);
}

SEC("?raw_tp/sys_enter")
int call_enter_instant(__u64 *ctx)
{
	call_instant(0, ctx[1], (void *)ctx[0]);
	return 0;
}

SEC("?raw_tp/sys_exit")
int call_exit_instant(__u64 *ctx)
{
	const void *regs = (void *)ctx[0];

	call_instant(1, read_number(regs, own_params.nr_offset, 4), regs);
	return 0;
}
