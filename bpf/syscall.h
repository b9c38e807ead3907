/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the daemon tells syscall.bpf.c. */
#ifndef AYP_BPF_SYSCALL_H
#define AYP_BPF_SYSCALL_H

#include "bpf/events.h"

#define AYP_SIGRETURNS 4u
#define AYP_EXECS      6u
struct ayp_syscall_ids {
	ayp_u16 first; /* function id of number 0 */
	ayp_u16 count; /* of numbers that have one; 0: the kernel has no such calls */
};

/* A word of the kernel's that tells something by some of its bits. */
enum ayp_mark_base {
	AYP_MARK_NONE = 0, /* nothing to tell */
	AYP_MARK_TASK = 1, /* in the current task_struct */
	AYP_MARK_REGS = 2, /* in the struct pt_regs that the tracepoint passes */
};
struct ayp_mark {
	ayp_u16 base;   /* enum ayp_mark_base */
	ayp_u16 offset; /* of 4 bytes */
	ayp_u32 mask, value;
};

/* Calls by number that are instants each: those of one tracepoint, sys_enter or sys_exit. */
#define AYP_CALL_INSTANTS 512u
struct ayp_call_instants {
	ayp_u64 first; /* function id of number 0 */
	ayp_u64 wanted[AYP_CALL_INSTANTS / 64];
};

struct ayp_syscall_params {
	ayp_u32 nr_offset; /* in struct pt_regs */
	ayp_u16 probe;     /* first of two that the kernel's own probes make; 0: none */
	ayp_u16 zero;
	struct ayp_syscall_ids ids[AYP_ABIS];
	/* Function ids of calls that wipe their number, and numbers of calls that may change the
	 * ABI before they end; AYP_NO_SYSCALL where there are fewer. */
	ayp_u16 sigreturn[AYP_SIGRETURNS], exec[AYP_EXECS];
	struct ayp_mark compat; /* of AYP_ABI_COMPAT */
	ayp_u32 zero_too;
	struct ayp_call_instants instants[2]; /* enter, exit */
};
AYP_ASSERT_SIZE(struct ayp_syscall_ids, 4);
AYP_ASSERT_SIZE(struct ayp_mark, 12);
AYP_ASSERT_SIZE(struct ayp_call_instants, 8 + 64);
AYP_ASSERT_SIZE(struct ayp_syscall_params, 8 + 12 + 20 + 12 + 4 + 2 * 72);

#endif
