/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Kernel memory: what kmalloc and kmem_cache hand out and get back. Nothing is emitted; the daemon
 * reads totals. Frees are matched by address.
 *
 * The tracepoints' arguments moved between kernels (11e9734bcb6a in 6.1 and others), so the daemon
 * finds each value by its type in the BTF (raw: argument numbers) or by its name in the format
 * (record offsets) and says where in params.
 */
#include "bpf/innermost.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct ayp_alloc);
} allocs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ayp_mem_cell);
} mem_cells SEC(".maps");

static __always_inline void account(__u32 site, __u32 slot, __u64 bytes)
{
	__u32 index =
		(bpf_get_smp_processor_id() * params.n_mem_sites + site) * AYP_MEM_SLOTS + slot;
	struct ayp_mem_cell *cell = bpf_map_lookup_elem(&mem_cells, &index);

	if (cell) {
		COUNTER_ADD(cell->bytes, bytes);
		COUNTER_ADD(cell->count, 1);
	}
}

/* An argument by number. Each load stands on its own: a computed context offset is refused. */
static __always_inline __u64 raw_arg(__u64 *ctx, __u32 number)
{
	__u64 v = 0;

#define ARG(i)                                                                                     \
	do {                                                                                       \
		if (number == i) {                                                                 \
			v = ctx[i];                                                                \
			asm volatile("/* " #i " */" : "+r"(v));                                    \
		}                                                                                  \
	} while (0)
	ARG(0);
	ARG(1);
	ARG(2);
	ARG(3);
	ARG(4);
	ARG(5);
#undef ARG
	return v;
}

static __always_inline __u64 value(void *ctx, const volatile struct ayp_field *f)
{
	return params.mem_raw ? raw_arg(ctx, f->offset) : read_number(ctx, f->offset, f->size);
}

static __always_inline void on_free(void *ctx, __u32 prog)
{
	struct ayp_alloc *a;
	__u64 ptr;

	if (!active_control())
		return;
	ptr = value(ctx, &params.mem_ptr[prog]);
	if (!ptr)
		return;
	a = bpf_map_lookup_elem(&allocs, &ptr);
	if (!a)
		return;
	account(a->site, AYP_MEM_SLOT_FREE(prog, a->type & 1), a->bytes);
	bpf_map_delete_elem(&allocs, &ptr);
}

static __always_inline void on_alloc(void *ctx, __u32 prog, __u32 type)
{
	struct ayp_control *c = active_control();
	struct ayp_alloc a = {}, *old;
	__u64 ptr;

	if (!c)
		return;
	if (is_own(c, bpf_get_current_pid_tgid() >> 32) &&
		!in_interrupt(cpu_book(bpf_get_smp_processor_id())))
		return;
	ptr = value(ctx, &params.mem_ptr[prog]);
	if (!ptr)
		return;
	if (params.mem_bytes[prog].size)
		a.bytes = value(ctx, &params.mem_bytes[prog]);
	else
		a.bytes = read_number(
			(void *)value(ctx, &params.mem_cache[prog]), params.cache_size_offset, 4);
	a.site = innermost_site();
	a.type = type;
	/* Still there: its free was not seen (a program cannot run on top of itself). */
	old = bpf_map_lookup_elem(&allocs, &ptr);
	if (old)
		account(old->site, AYP_MEM_SLOT_FREE(prog, old->type & 1), old->bytes);
	if (bpf_map_update_elem(&allocs, &ptr, &a, BPF_ANY)) {
		account(0, AYP_MEM_SLOT_UNTRACKED(prog), a.bytes);
		if (old)
			bpf_map_delete_elem(&allocs, &ptr);
		return;
	}
	account(a.site, AYP_MEM_SLOT_ALLOC(prog), a.bytes);
}

/* One body behind two kinds of attachment. */
#define MEM_PROGRAM(event, call)                                                                   \
	SEC("?raw_tp/" #event) int event##_raw(void *ctx)                                          \
	{                                                                                          \
		call;                                                                              \
		return 0;                                                                          \
	}                                                                                          \
	SEC("?tp/kmem/" #event) int event##_tp(void *ctx)                                          \
	{                                                                                          \
		call;                                                                              \
		return PERF_KEEPS;                                                                 \
	}

MEM_PROGRAM(kmalloc, on_alloc(ctx, AYP_MEMP_KMALLOC, AYP_MEM_KMALLOC))
MEM_PROGRAM(kmalloc_node, on_alloc(ctx, AYP_MEMP_KMALLOC_NODE, AYP_MEM_KMALLOC))
MEM_PROGRAM(kmem_cache_alloc, on_alloc(ctx, AYP_MEMP_CACHE, AYP_MEM_KMEM_CACHE))
MEM_PROGRAM(kmem_cache_alloc_node, on_alloc(ctx, AYP_MEMP_CACHE_NODE, AYP_MEM_KMEM_CACHE))
MEM_PROGRAM(kfree, on_free(ctx, AYP_MEMP_KFREE))
MEM_PROGRAM(kmem_cache_free, on_free(ctx, AYP_MEMP_CACHE_FREE))
