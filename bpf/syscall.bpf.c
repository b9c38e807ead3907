/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* System calls: entry and exit, one function id per number. */
#include "bpf/common.bpf.h"

static __always_inline void syscall_enter(__u32 nr)
{
	struct ayp_cpu_book *book = cpu_book(bpf_get_smp_processor_id());

	if (book)
		book->last_syscall = nr;
	if (nr >= AYP_SYSCALLS || (params.syscall_probe && nr - params.syscall_probe < 2))
		return;
	EMIT0(params.func_syscall + nr, AYP_REC_ENTRY, EMIT_TASK);
}

/* Of the calls that programs make, only rt_sigreturn wipes its number on the way out; it does not
 * sleep. */
static __always_inline void syscall_exit(__u32 nr)
{
	struct ayp_cpu_book *book = cpu_book(bpf_get_smp_processor_id());

	if (nr == (__u32)-1 && book && book->last_syscall == params.syscall_sigreturn)
		nr = params.syscall_sigreturn;
	if (nr >= AYP_SYSCALLS || (params.syscall_probe && nr - params.syscall_probe < 2))
		return;
	EMIT0(params.func_syscall + nr, AYP_REC_EXIT, EMIT_TASK);
}

/* Arguments: struct pt_regs *, number. */
SEC("?raw_tp/sys_enter")
int syscall_enter_raw(__u64 *ctx)
{
	syscall_enter(ctx[1]);
	return 0;
}

/* Arguments: struct pt_regs *, result. The number is in the registers, at a place that is ABI on
 * the architectures where the daemon uses this. */
SEC("?raw_tp/sys_exit")
int syscall_exit_raw(__u64 *ctx)
{
	syscall_exit(read_number((void *)ctx[0], params.syscall_nr_offset, 4));
	return 0;
}

/* Record: 8 bytes of header, then `long id`; the low half tells the number on 32 and 64 bits alike.
 */
SEC("?tp/raw_syscalls/sys_enter")
int syscall_enter_tp(__u32 *ctx)
{
	syscall_enter(ctx[2]);
	return PERF_KEEPS;
}

SEC("?tp/raw_syscalls/sys_exit")
int syscall_exit_tp(__u32 *ctx)
{
	syscall_exit(ctx[2]);
	return PERF_KEEPS;
}
