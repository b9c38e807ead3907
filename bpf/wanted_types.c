/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What target/probes/kernel_btf.c is asked for, as relocations that `bpftool gen min_core_btf`
 * understands: it cuts a kernel's type information down to this. Compiled for that, never loaded.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct___since_5_14 {
	unsigned int __state;
	int pid;
};
struct task_struct___before_5_14 {
	volatile long state;
};
struct kmem_cache___size {
	unsigned int size;
};
#pragma clang attribute pop

/* A prototype is taken whole if the number and kinds of its arguments are right, whatever the
 * names: the shapes that the tracepoints of kmem have had since 5.8. */
/* A cache is any struct that has a definition. */
#define CACHE   struct kmem_cache___size *
#define ADDRESS const void *
#define NUMBER  unsigned long
#define SHAPE(event, flavour, ...)                                                                 \
	typedef void (*btf_trace_##event##___##flavour)(void *, __VA_ARGS__)
SHAPE(kmalloc, plain, NUMBER, ADDRESS, NUMBER, NUMBER, unsigned int);
SHAPE(kmalloc, cache, NUMBER, ADDRESS, CACHE, NUMBER, NUMBER, unsigned int);
SHAPE(kmalloc, node, NUMBER, ADDRESS, NUMBER, NUMBER, unsigned int, int);
SHAPE(kmalloc_node, plain, NUMBER, ADDRESS, NUMBER, NUMBER, unsigned int, int);
SHAPE(kmalloc_node, cache, NUMBER, ADDRESS, CACHE, NUMBER, NUMBER, unsigned int, int);
SHAPE(kmem_cache_alloc, plain, NUMBER, ADDRESS, NUMBER, NUMBER, unsigned int);
SHAPE(kmem_cache_alloc, cache, NUMBER, ADDRESS, CACHE, NUMBER, NUMBER, unsigned int);
SHAPE(kmem_cache_alloc, node, NUMBER, ADDRESS, CACHE, unsigned int, int);
SHAPE(kmem_cache_alloc_node, plain, NUMBER, ADDRESS, NUMBER, NUMBER, unsigned int, int);
SHAPE(kmem_cache_alloc_node, cache, NUMBER, ADDRESS, CACHE, NUMBER, NUMBER, unsigned int, int);
SHAPE(kfree, plain, NUMBER, ADDRESS);
SHAPE(kmem_cache_free, plain, NUMBER, ADDRESS);
SHAPE(kmem_cache_free, name, NUMBER, ADDRESS, const char *);
SHAPE(kmem_cache_free, cache, NUMBER, ADDRESS, CACHE);

SEC("raw_tp")
int wanted(__u64 *ctx)
{
	struct task_struct___since_5_14 *task = (void *)ctx[0];
	struct task_struct___before_5_14 *old = (void *)ctx[0];
	struct kmem_cache___size *cache = (void *)ctx[0];
	int n = bpf_core_field_exists(task->pid) + bpf_core_field_exists(task->__state) +
		bpf_core_field_exists(old->state) + bpf_core_field_exists(cache->size);

#define HAS(event, flavour) n += bpf_core_type_exists(btf_trace_##event##___##flavour)
	HAS(kmalloc, plain);
	HAS(kmalloc, cache);
	HAS(kmalloc, node);
	HAS(kmalloc_node, plain);
	HAS(kmalloc_node, cache);
	HAS(kmem_cache_alloc, plain);
	HAS(kmem_cache_alloc, cache);
	HAS(kmem_cache_alloc, node);
	HAS(kmem_cache_alloc_node, plain);
	HAS(kmem_cache_alloc_node, cache);
	HAS(kfree, plain);
	HAS(kmem_cache_free, plain);
	HAS(kmem_cache_free, name);
	HAS(kmem_cache_free, cache);
	return n;
}

char _license[] SEC("license") = "Dual MIT/GPL";
