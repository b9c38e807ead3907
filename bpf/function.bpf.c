/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Calls of functions, of the kernel and of programs, and tracepoints: one body each, whatever calls
 * it (fentry, kprobe, kprobe.multi, uprobe, tracepoint).
 *
 * A program must know which function it was called for. body_*: the id is an immediate; the daemon
 * takes the loaded instructions, puts the id in, and loads a copy of the wanted type per function.
 * That works on every kernel. cookie_*: one program for all, where attachments carry a cookie
 * (Linux 5.15, 7adfc6c9b315). place_*: one attachment for all, whose program looks up the address
 * (bpf_get_func_ip in kprobes: Linux 5.15, 9ffd9f3ff719).
 *
 * What a program returns, see PERF_KEEPS, depends on what it is attached to as well: body_* and
 * cookie_* return another immediate that the daemon replaces in copies.
 */
#include "bpf/innermost.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ayp_place_bucket);
} places SEC(".maps");

static __always_inline __u32 func_magic(void)
{
	__u32 func;

	asm volatile("%0 = %1" : "=r"(func) : "i"(AYP_FUNC_MAGIC));
	return func;
}

/* Not the compiler's to know: it would fold it away. */
static __always_inline int keep_magic(void)
{
	__u32 keep;

	asm volatile("%0 = %1" : "=r"(keep) : "i"(AYP_KEEP_MAGIC));
	return keep;
}

static __always_inline void on_entry(__u32 func)
{
	if (params.n_mem_sites && active_control())
		innermost_push(func);
	EMIT0(func, AYP_REC_ENTRY, EMIT_CODE);
}

static __always_inline void on_exit(__u32 func)
{
	EMIT0(func, AYP_REC_EXIT, EMIT_CODE);
	if (params.n_mem_sites && active_control())
		innermost_pop(func);
}

/* The type of these three is only that of the first load, which checks and relocates them. */
SEC("?raw_tp")
int body_entry(void *ctx)
{
	on_entry(func_magic());
	return keep_magic();
}

SEC("?raw_tp")
int body_exit(void *ctx)
{
	on_exit(func_magic());
	return keep_magic();
}

SEC("?raw_tp")
int body_instant(void *ctx)
{
	EMIT0(func_magic(), AYP_REC_INSTANT, EMIT_CODE);
	return keep_magic();
}

/* Attached to single probes as they are: the immediate is not 0, and perf keeps the event. */
SEC("?kprobe")
int cookie_entry(void *ctx)
{
	on_entry(bpf_get_attach_cookie(ctx));
	return keep_magic();
}

SEC("?kprobe")
int cookie_exit(void *ctx)
{
	on_exit(bpf_get_attach_cookie(ctx));
	return keep_magic();
}

/* The function's id, or -1. */
static __always_inline __s64 func_at(__u32 low)
{
	__u32 index = (low * params.place_factor) >> (params.place_shift & 31);
	struct ayp_place_bucket *b = bpf_map_lookup_elem(&places, &index);
	__u32 i;

	if (!b)
		return -1;
#pragma unroll
	for (i = 0; i < AYP_PLACES_IN_BUCKET; i++)
		if (b->low[i] == low)
			return b->func[i];
	return -1;
}

/* Linux 5.18 to 6.0 on x86 with IBT gave the address behind ENDBR. */
#define ENDBR_BYTES 4

static __always_inline __s64 func_here(void *ctx)
{
	__u64 ip = bpf_get_func_ip(ctx);
	__s64 func = func_at(ip);
	struct ayp_cpu_book *book;

	if (func < 0)
		func = func_at(ip - ENDBR_BYTES);
	if (func >= 0)
		return func;
	book = cpu_book(bpf_get_smp_processor_id());
	if (book)
		book->strays++;
	return -1;
}

SEC("?kprobe")
int place_entry(void *ctx)
{
	__s64 func = func_here(ctx);

	if (func >= 0)
		on_entry(func);
	return PERF_KEEPS;
}

SEC("?kprobe")
int place_exit(void *ctx)
{
	__s64 func = func_here(ctx);

	if (func >= 0)
		on_exit(func);
	return PERF_KEEPS;
}
