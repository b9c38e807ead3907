/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/own_helpers.h"

#include <fnmatch.h>
#include <stddef.h>

/* Those that the kernel itself marks (notrace, NOKPROBE_SYMBOL) are in no list of functions anyway; which
 * it marks differs between versions. */
static const char *const patterns[] = {
	/* what bpf/ calls, and what that calls (kernel/bpf/{helpers,ringbuf,hashtab,arraymap}.c) */
	"bpf_ringbuf_*",
	"__bpf_ringbuf_*",
	"bpf_ktime_get_ns",
	"ktime_get_mono_fast_ns",
	"bpf_get_smp_processor_id",
	"bpf_get_current_*",
	"bpf_get_func_ip_*",
	"bpf_get_attach_cookie_*",
	"bpf_probe_read_kernel",
	"copy_from_kernel_nofault",
	"array_map_lookup_elem",
	"htab_lru_map_*",
	"__htab_lru_*",
	"__htab_map_lookup_elem",
	"lookup_nulls_elem_raw",
	"lookup_elem_raw",
	"bpf_lru_*",
	"_raw_spin_lock_irqsave",
	"_raw_spin_unlock_irqrestore",
	/* how it comes there (kernel/bpf/trampoline.c, kernel/trace/{bpf_trace,trace_kprobe,fprobe}.c) */
	"__bpf_prog_enter*",
	"__bpf_prog_exit*",
	"__bpf_tramp_*",
	"bpf_trace_run*",
	"trace_call_bpf",
	"migrate_disable",
	"migrate_enable",
	"__rcu_read_lock",
	"__rcu_read_unlock",
	"kprobe_dispatcher",
	"kretprobe_dispatcher",
	"kprobe_perf_func",
	"kretprobe_perf_func",
	"kprobe_multi_link_*",
	"get_kprobe",
	"fprobe_handler",
	"fprobe_exit_handler",
	"rethook_*",
	"arch_rethook_*",
};

bool is_own_helper(const char *symbol)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		if (!fnmatch(patterns[i], symbol, 0))
			return true;
	return false;
}
