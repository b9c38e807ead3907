/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Kernel memory: what kmalloc and kmem_cache hand out and get back. Nothing is emitted; the daemon
 * reads totals. Frees are matched by address.
 *
 * The tracepoints' arguments moved between kernels (11e9734bcb6a in 6.1 and others), so the daemon
 * finds each value by its type in the BTF (raw: argument numbers) or by its name in the format
 * (record offsets) and says where in params.
 *
 * Not everything that is given back passes kfree or kmem_cache_free: see memory_bulk.h.
 */
#include "bpf/memory.h"
#define OWN_PARAMS struct ayp_memory_params
#include "bpf/innermost.bpf.h"

#define ALLOCS(name)                                                                               \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 1);                                                            \
		__type(key, __u64);                                                                \
		__type(value, struct ayp_alloc);                                                   \
	} name SEC(".maps")
ALLOCS(allocs0);
ALLOCS(allocs1);
ALLOCS(allocs2);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ayp_mem_cell);
} mem_cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ayp_mem_size);
} mem_sizes SEC(".maps");

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

static __always_inline void account_size(const struct ayp_alloc *a, __u32 change)
{
	__u32 index = bpf_get_smp_processor_id() * AYP_MEM_TYPES + (a->type & 1);
	struct ayp_mem_size *size;

	if (!own_params.by_size || a->bytes / 8 >= AYP_MEM_SIZES)
		return;
	index = index * AYP_MEM_SIZES + a->bytes / 8;
	size = bpf_map_lookup_elem(&mem_sizes, &index);
	if (!size)
		return;
	if (params.atomic)
		__sync_fetch_and_add(&size->live[a->cls & (AYP_MEM_CLASSES - 1)], change);
	else
		size->live[a->cls & (AYP_MEM_CLASSES - 1)] += change;
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
	return own_params.raw ? raw_arg(ctx, f->offset) : read_number(ctx, f->offset, f->size);
}

/* Which of the first three classes an address belongs to. Every bit of it counts (the finalizer of
 * MurmurHash3): objects of one slab differ in a few bits only. */
static __always_inline __u32 class_of(__u64 ptr)
{
	ptr ^= ptr >> 33;
	ptr *= 0xff51afd7ed558ccdull;
	ptr ^= ptr >> 33;
	ptr *= 0xc4ceb9fe1a85ec53ull;
	ptr >>= 64 - 2 * AYP_MEM_CLASS_SHIFT;
	if (!ptr)
		return AYP_MEM_CLASS_2;
	return ptr & ((1 << AYP_MEM_CLASS_SHIFT) - 1) ? AYP_MEM_CLASS_0 : AYP_MEM_CLASS_1;
}

static __always_inline void *table_of(__u32 cls)
{
	return cls == AYP_MEM_CLASS_0   ? (void *)&allocs0
	       : cls == AYP_MEM_CLASS_1 ? (void *)&allocs1
					: (void *)&allocs2;
}

/* What is left of this class is of no use. That of the last class always is, complete or not. */
static __always_inline int given_up(const struct ayp_control *c, __u32 cls)
{
	if (cls == AYP_MEM_CLASS_0)
		return c->mem_full[AYP_MEM_CLASS_0] || c->mem_full[AYP_MEM_CLASS_1];
	return cls == AYP_MEM_CLASS_1 && c->mem_full[AYP_MEM_CLASS_1];
}

static __always_inline void put_back(__u32 prog, const struct ayp_alloc *a)
{
	account(a->site,
		AYP_MEM_SLOT_FREE(prog, a->type & 1, (__u32)a->cls & (AYP_MEM_CLASSES - 1)),
		a->bytes);
	account_size(a, -1);
}

static __always_inline void give_back(const struct ayp_control *c, __u32 prog, __u64 ptr)
{
	struct ayp_alloc *a;
	__u32 cls;
	void *table;

	if (!(ptr & (AYP_MEM_PAGE - 1))) {
		a = bpf_map_lookup_elem(&allocs2, &ptr);
		if (a) {
			put_back(prog, a);
			bpf_map_delete_elem(&allocs2, &ptr);
			return;
		}
	}
	cls = class_of(ptr);
	if (given_up(c, cls))
		return;
	table = table_of(cls);
	a = bpf_map_lookup_elem(table, &ptr);
	if (!a)
		return;
	put_back(prog, a);
	bpf_map_delete_elem(table, &ptr);
}

static __always_inline void on_free(void *ctx, __u32 prog)
{
	struct ayp_control *c = active_control();
	__u64 ptr;

	if (!c)
		return;
	ptr = value(ctx, &own_params.ptr[prog]);
	if (ptr)
		give_back(c, prog, ptr);
}

static __always_inline void on_bulk(__u64 array, __u64 n)
{
	struct ayp_control *c = active_control();
	__u32 i;

	if (!c)
		return;
	for (i = 0; i < AYP_MEM_BULK_MAX; i++) {
		__u64 ptr;

		if (i >= n)
			break;
		ptr = read_number(
			(const void *)(long)array, i * own_params.pointer, own_params.pointer);
		if (ptr)
			give_back(c, AYP_MEMP_BULK, ptr);
	}
}

static __always_inline void on_alloc(void *ctx, __u32 prog, __u32 type)
{
	struct ayp_control *c = active_control();
	struct ayp_alloc a = {}, *old;
	__u32 cls;
	void *table;
	__u64 ptr;

	if (!c)
		return;
	if (is_own(c, bpf_get_current_pid_tgid() >> 32) &&
		!in_interrupt(cpu_book(bpf_get_smp_processor_id())))
		return;
	ptr = value(ctx, &own_params.ptr[prog]);
	if (!ptr)
		return;
	if (own_params.bytes[prog].size)
		a.bytes = value(ctx, &own_params.bytes[prog]);
	else
		a.bytes = read_number((void *)value(ctx, &own_params.cache[prog]),
			own_params.cache_size_offset, 4);
	a.site = innermost_site();
	a.type = type;
	cls = class_of(ptr);
	a.cls = cls;
	if (a.bytes >= AYP_MEM_LARGE_BYTES && !(ptr & (AYP_MEM_PAGE - 1))) {
		cls = AYP_MEM_CLASS_2;
		a.cls = AYP_MEM_LARGE;
	}
	if (given_up(c, cls)) {
		account(a.site, AYP_MEM_SLOT_PASSED(prog), a.bytes);
		return;
	}
	table = table_of(cls);
	/* Still there: its free was not seen (a program cannot run on top of itself). */
	old = bpf_map_lookup_elem(table, &ptr);
	if (old)
		put_back(prog, old);
	if (bpf_map_update_elem(table, &ptr, &a, BPF_ANY)) {
		c->mem_full[cls & 3] = 1;
		account(a.site, AYP_MEM_SLOT_PASSED(prog), a.bytes);
		if (old)
			bpf_map_delete_elem(table, &ptr);
		return;
	}
	account(a.site, AYP_MEM_SLOT_ALLOC(prog, (__u32)a.cls & (AYP_MEM_CLASSES - 1)), a.bytes);
	account_size(&a, 1);
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

/*
 * Arrays, each program twice: with bpf_loop() (Linux 5.17, e6f2dd0f8067) the verifier looks at the
 * body once; else at all of its rounds, which takes it a second and more on a small board.
 */
struct bulk {
	__u64 array;
};

static long give_back_one(__u32 i, void *ctx)
{
	const struct bulk *b = ctx;
	struct ayp_control *c = active_control();
	__u64 ptr = read_number(
		(const void *)(long)b->array + i * own_params.pointer, 0, own_params.pointer);

	if (c && ptr)
		give_back(c, AYP_MEMP_BULK, ptr);
	return 0;
}

static __always_inline void on_bulk_loop(__u64 array, __u64 n)
{
	struct bulk b = {.array = array};

	if (active_control())
		bpf_loop(n < AYP_MEM_LOOP_MAX ? n : AYP_MEM_LOOP_MAX, give_back_one, &b, 0);
}

/* (name, how many, array) */
#define RCU_CALLBACK "rcu_invoke_kfree_bulk_callback"
SEC("?raw_tp/" RCU_CALLBACK)
int bulk_raw_loop(__u64 *ctx)
{
	on_bulk_loop(ctx[2], ctx[1]);
	return 0;
}

SEC("?raw_tp/" RCU_CALLBACK)
int bulk_raw(__u64 *ctx)
{
	on_bulk(ctx[2], ctx[1]);
	return 0;
}

/* A number that params say the place of: in a tracepoint's record, or a register in struct
 * pt_regs. */
static __always_inline __u64 bulk_number(void *ctx, const volatile struct ayp_field *f)
{
	return read_number(ctx, f->offset, f->size);
}
#define BULK_ARRAY(ctx) bulk_number(ctx, &own_params.ptr[AYP_MEMP_BULK])
#define BULK_COUNT(ctx) bulk_number(ctx, &own_params.bytes[AYP_MEMP_BULK])

SEC("?tp/rcu/" RCU_CALLBACK)
int bulk_tp_loop(void *ctx)
{
	on_bulk_loop(BULK_ARRAY(ctx), BULK_COUNT(ctx));
	return PERF_KEEPS;
}

SEC("?tp/rcu/" RCU_CALLBACK)
int bulk_tp(void *ctx)
{
	on_bulk(BULK_ARRAY(ctx), BULK_COUNT(ctx));
	return PERF_KEEPS;
}

SEC("?kprobe/kmem_cache_free_bulk")
int bulk_kprobe_loop(void *ctx)
{
	on_bulk_loop(BULK_ARRAY(ctx), BULK_COUNT(ctx));
	return PERF_KEEPS;
}

SEC("?kprobe/kmem_cache_free_bulk")
int bulk_kprobe(void *ctx)
{
	on_bulk(BULK_ARRAY(ctx), BULK_COUNT(ctx));
	return PERF_KEEPS;
}
