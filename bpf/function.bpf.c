/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Calls of functions, of the kernel and of programs, and tracepoints: one body each, whatever calls
 * it (fentry, kprobe, kprobe.multi, uprobe, tracepoint).
 *
 * A program must know which function it was called for. body_*: the id is an immediate; the daemon
 * takes the loaded instructions, puts the id in, and loads a copy of the wanted type per function.
 * That works on every kernel. cookie_*: one program for all, where attachments carry a cookie
 * (Linux 5.15, 7adfc6c9b315).
 */
#include "bpf/innermost.bpf.h"

static __always_inline __u32 func_magic(void)
{
	__u32 func;

	asm volatile("%0 = %1" : "=r"(func) : "i"(AYP_FUNC_MAGIC));
	return func;
}

static __always_inline int on_entry(__u32 func)
{
	if (params.n_mem_sites && active_control())
		innermost_push(func);
	EMIT0(func, AYP_REC_ENTRY, EMIT_CODE);
	return 0;
}

static __always_inline int on_exit(__u32 func)
{
	EMIT0(func, AYP_REC_EXIT, EMIT_CODE);
	if (params.n_mem_sites && active_control())
		innermost_pop(func);
	return 0;
}

/* The type of these three is only that of the first load, which checks and relocates them. */
SEC("?raw_tp")
int body_entry(void *ctx)
{
	return on_entry(func_magic());
}

SEC("?raw_tp")
int body_exit(void *ctx)
{
	return on_exit(func_magic());
}

SEC("?raw_tp")
int body_instant(void *ctx)
{
	EMIT0(func_magic(), AYP_REC_INSTANT, EMIT_CODE);
	return 0;
}

SEC("?kprobe")
int cookie_entry(void *ctx)
{
	return on_entry(bpf_get_attach_cookie(ctx));
}

SEC("?kprobe")
int cookie_exit(void *ctx)
{
	return on_exit(bpf_get_attach_cookie(ctx));
}
