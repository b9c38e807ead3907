/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What target/probes/kernel_btf.c is asked for, of a kernel that was built without type
 * information: its headers and its configuration say where members are, and the compiler says it as
 * BTF (scripts/headers-btf.sh).
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>

/* Inline functions of slub_def.h look into it. */
struct slab {
	unsigned int objects;
};
void *slab_address(const struct slab *slab);
#include <linux/slub_def.h>

/* As include/trace/bpf_probe.h names the prototypes. */
#undef TRACE_EVENT
#undef TRACE_EVENT_CONDITION
#undef DECLARE_EVENT_CLASS
#undef DEFINE_EVENT
#define TRACE_EVENT(name, proto, ...)         typedef void (*btf_trace_##name)(void *, proto);
#define DEFINE_EVENT(class, name, proto, ...) TRACE_EVENT(name, PARAMS(proto))
#define TRACE_EVENT_CONDITION(...)
#define DECLARE_EVENT_CLASS(...)
#include <trace/events/kmem.h>

/* Types that nothing uses are left out. */
struct task_struct *task;
struct kmem_cache *cache;
btf_trace_kmalloc kmalloc_prototype;
btf_trace_kfree kfree_prototype;
btf_trace_kmem_cache_alloc kmem_cache_alloc_prototype;
btf_trace_kmem_cache_free kmem_cache_free_prototype;
