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

static __always_inline void innermost_push(__u32 func)
{
	__u64 key = innermost_key();
	struct ayp_innermost *in = bpf_map_lookup_elem(&innermost, &key);
	__u32 depth;

	if (!in) {
		struct ayp_innermost fresh = {.func = {func}, .depth = 1};

		bpf_map_update_elem(&innermost, &key, &fresh, BPF_ANY);
		return;
	}
	depth = in->depth;
	if (depth < AYP_INNERMOST_DEPTH)
		in->func[depth & (AYP_INNERMOST_DEPTH - 1)] = func;
	in->depth = depth + 1;
}

/* Leave `func` and whatever missed its own exit inside it. */
static __always_inline void innermost_pop(__u32 func)
{
	__u64 key = innermost_key();
	struct ayp_innermost *in = bpf_map_lookup_elem(&innermost, &key);
	__u32 depth;
	int i;

	if (!in)
		return;
	depth = in->depth;
	if (depth > AYP_INNERMOST_DEPTH) {
		in->depth = depth - 1;
		return;
	}
	for (i = AYP_INNERMOST_DEPTH - 1; i >= 0; i--) {
		if (i < depth && in->func[i & (AYP_INNERMOST_DEPTH - 1)] == func) {
			in->depth = i;
			return;
		}
	}
}

/* Site number of the innermost function, 0 if there is none. */
static __always_inline __u32 innermost_site(void)
{
	__u64 key = innermost_key();
	struct ayp_innermost *in = bpf_map_lookup_elem(&innermost, &key);
	__u32 depth, site;

	if (!in || !in->depth)
		return 0;
	depth = in->depth > AYP_INNERMOST_DEPTH ? AYP_INNERMOST_DEPTH : in->depth;
	site = in->func[(depth - 1) & (AYP_INNERMOST_DEPTH - 1)] - params.mem_site_base + 1;
	return site < params.n_mem_sites ? site : 0;
}

#endif
