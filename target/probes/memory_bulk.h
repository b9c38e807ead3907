/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Objects that the kernel takes back without the tracepoints kfree and kmem_cache_free.
 *
 * | way | since | ends in |
 * |---|---|---|
 * | kmem_cache_free_bulk(cache, n, array): skbs, io_uring, maple tree nodes, kfree_bulk() | Linux 4.3 | that function |
 * | kfree_rcu(): collects a page of pointers, frees them after a grace period | 5.7, 34c881745549 | kfree_bulk(), announced by the tracepoint rcu_invoke_kfree_bulk_callback where CONFIG_RCU_TRACE is set; one by one (no memory for the page) it is kvfree(), which is seen |
 * | the same for caches with sheaves (6.18: VMAs, maple tree nodes) | 6.18, ec66e0d59952 | neither: the sheaf becomes stock of the cache |
 *
 * So, best first: the function's entry by kprobe, which sees the first two rows; the tracepoint,
 * which sees kfree_rcu() only. (Not fentry: a program there may not read an argument of type void
 * **, btf_ctx_access in kernel/bpf/btf.c.) What is not seen is told, and reckoned with by
 * memory_slab.h.
 */
#ifndef TARGET_PROBES_MEMORY_BULK_H
#define TARGET_PROBES_MEMORY_BULK_H

#include "bpf/memory.h"
#include "target/probes/probe.h"

/* Attach the best way that params (of the other programs, already set) allow, and note it in the
 * module's report. Returns what is not seen: bits of MemorySample.unseen (PROTOCOL.md). */
uint32_t memory_bulk_attach(struct module *m, const struct ayp_memory_params *params);
/* --check: a line for each way. */
int memory_bulk_check(struct module *m);

/* What this kernel could do without being seen if there were no way at all. */
uint32_t memory_bulk_unseen(void);

#endif
