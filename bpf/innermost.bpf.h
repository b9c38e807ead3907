/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Which profiled function is a thread in right now? Kept only while `memory` wants to know; times
 * are paired on the host. Interrupts stack on the thread they interrupt and unwind before it goes
 * on.
 */
#ifndef AYP_INNERMOST_BPF_H
#define AYP_INNERMOST_BPF_H

#include "bpf/common.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct ayp_innermost);
} innermost SEC(".maps");

static __always_inline __u64 innermost_key(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	return tid ? tid : 1ull << 32 | bpf_get_smp_processor_id();
}

static __always_inline __u64 stack_pointer(const void *regs)
{
	return read_number(regs, params.user_sp.offset, params.user_sp.size);
}

/*
 * Calls of a program whose frames are gone: left by longjmp or an exception, or by a probe that was
 * missed. The stack grows downwards, so whoever is entered with the same stack pointer or a higher
 * one is not inside them; and while a program runs, no function of the kernel that it called does.
 *
 * Another stack (a coroutine's) may make a call that only waits look gone. It is dropped then; its
 * exit finds nothing and changes nothing.
 */
static __always_inline __u32 drop_gone(struct ayp_innermost *in, __u32 depth, __u64 sp)
{
	int i;

	if (depth > AYP_INNERMOST_DEPTH) {
		if (in->sp[AYP_INNERMOST_DEPTH - 1] > sp)
			return depth;
		depth = AYP_INNERMOST_DEPTH;
	}
	for (i = AYP_INNERMOST_DEPTH - 1; i >= 0; i--)
		if (i + 1 == depth && in->sp[i & (AYP_INNERMOST_DEPTH - 1)] <= sp)
			depth = i;
	return depth;
}

/* The mask in an instruction of its own: the compiler leaves out one that a comparison before it
 * makes needless, and the verifier (6.1) has forgotten what was compared once the value is in
 * another register. */
static __always_inline __u64 place_of(__u64 depth)
{
	asm volatile("%0 &= %1" : "+r"(depth) : "i"(AYP_INNERMOST_DEPTH - 1));
	return depth;
}

/* Where the function returns to that was just entered, of a program; lower half. 0: not known. */
static __always_inline __u32 return_address(const void *regs, __u64 sp)
{
	__u32 back = 0;

	if (params.user_link.size)
		return read_number(regs, params.user_link.offset, params.user_link.size);
	bpf_probe_read_user(&back, sizeof(back), (void *)sp);
	return back;
}

/* sp, back: at the entry of a program's function; 0: a kernel function. */
static __always_inline void innermost_push(__u32 func, __u64 sp, __u32 back)
{
	__u64 key = innermost_key();
	struct ayp_innermost *in = bpf_map_lookup_elem(&innermost, &key);
	__u32 depth;

	if (!in) {
		struct ayp_innermost fresh = {
			.func = {func}, .depth = 1, .sp = {sp}, .back = {back}};

		bpf_map_update_elem(&innermost, &key, &fresh, BPF_ANY);
		return;
	}
	depth = in->depth;
	if (sp)
		depth = drop_gone(in, depth, sp);
	if (depth < AYP_INNERMOST_DEPTH) {
		__u64 place = place_of(depth);

		in->func[place] = func;
		in->sp[place] = sp;
		in->back[place] = back;
	}
	in->depth = depth + 1;
}

/* Leave `func` and whatever missed its own exit inside it. */
static __always_inline void innermost_pop(__u32 func, __u64 sp)
{
	__u64 key = innermost_key();
	struct ayp_innermost *in = bpf_map_lookup_elem(&innermost, &key);
	__u32 depth;
	int i;

	if (!in)
		return;
	depth = in->depth;
	if (depth > AYP_INNERMOST_DEPTH) {
		if (!sp || in->sp[AYP_INNERMOST_DEPTH - 1] > sp) {
			in->depth = depth - 1;
			return;
		}
		depth = AYP_INNERMOST_DEPTH;
	}
	for (i = AYP_INNERMOST_DEPTH - 1; i >= 0; i--) {
		if (i < depth && in->func[i & (AYP_INNERMOST_DEPTH - 1)] == func) {
			in->depth = i;
			return;
		}
	}
}

/* The current thread when it left user space; sp 0: not known. */
struct left {
	__u64 sp;
	__u32 back;
};

static __always_inline struct left thread_left(void)
{
	struct left left = {};

	if (params.task_regs) {
		const void *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());

		left.sp = stack_pointer(regs);
		left.back = return_address(regs, left.sp);
	}
	return left;
}

/* 1 if a < b, both below 2^63, without a branch: the kernel's verifier follows each branch of each
 * turn of a loop with each depth that is possible there. */
static __always_inline __u32 less(__u64 a, __u64 b)
{
	asm volatile("%0 -= %1\n\t%0 >>= 63" : "+r"(a) : "r"(b));
	return a;
}

/* 1 if they differ, likewise. */
static __always_inline __u32 differ(__u64 a, __u64 b)
{
	asm volatile("%0 ^= %1\n\t%1 = %0\n\t%1 = -%1\n\t%0 |= %1\n\t%0 >>= 63" : "+r"(a), "+r"(b));
	return a;
}

/*
 * Site number of the innermost function, 0 if there is none. A longjmp gives no sign of itself;
 * that the thread's stack now begins above a call's frame does. Where it begins just there, the
 * thread is in that call, which has no frame, or in one that its caller made after it: they return
 * to different places.
 */
static __always_inline __u32 innermost_site(void)
{
	struct ayp_innermost *in;
	struct left now;
	__u32 depth, site;
	__u64 key;
	int i;

	if (params.n_mem_sites <= 1)
		return 0;
	key = innermost_key();
	in = bpf_map_lookup_elem(&innermost, &key);
	if (!in || !in->depth)
		return 0;
	now = thread_left();
	depth = in->depth > AYP_INNERMOST_DEPTH ? AYP_INNERMOST_DEPTH : in->depth;
	for (i = AYP_INNERMOST_DEPTH - 1; i >= 0; i--) {
		__u32 place = i & (AYP_INNERMOST_DEPTH - 1);
		__u64 sp = in->sp[place];
		__u32 gone = less(sp, now.sp) |
			     (less(sp, now.sp + 1) & differ(in->back[place], now.back));

		/* The outermost of those that are left, where it is a program's and gone. */
		depth -= less(i, depth) & less(depth, i + 2) & less(0, sp) & gone;
	}
	if (!depth)
		return 0;
	site = in->func[(depth - 1) & (AYP_INNERMOST_DEPTH - 1)] - params.mem_site_base + 1;
	return site < params.n_mem_sites ? site : 0;
}

#endif
