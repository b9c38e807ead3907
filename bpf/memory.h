/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the daemon tells memory.bpf.c. */
#ifndef AYP_BPF_MEMORY_H
#define AYP_BPF_MEMORY_H

#include "bpf/events.h"

/* By enum ayp_mem_prog. raw: argument numbers; else offsets in the record. */
struct ayp_memory_params {
	ayp_u32 raw;
	/* object size in struct kmem_cache, where `bytes` is that cache */
	ayp_u32 cache_size_offset;
	struct ayp_field ptr[AYP_MEM_PROGS];   /* bulk: the array */
	struct ayp_field bytes[AYP_MEM_PROGS]; /* bulk: how many */
	struct ayp_field cache[AYP_MEM_PROGS];
	ayp_u32 by_size; /* `mem_sizes` are kept */
	ayp_u32 pointer; /* bytes of a pointer in the kernel */
};
AYP_ASSERT_SIZE(struct ayp_memory_params, 8 + 3 * 7 * 4 + 8);

#endif
