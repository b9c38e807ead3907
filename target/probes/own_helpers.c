/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/own_helpers.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stddef.h>

#include "target/base/log.h"
#include "target/probes/kprobe_blacklist.h"

/*
 * What no mark of the kernel's own covers (kprobe_blacklist.h), or not on every kernel. Names come
 * from the call graphs of Debian's 6.1 and 6.12 for x86-64 and arm64 and of its 6.1 for arm, from
 * the handlers named here down to where only errors go on; tests/boards/probe_paths.py makes them.
 * After a row: the file, and the function that calls it. What is called through pointers (clocks)
 * is from the drivers' sources.
 */
enum part { TRAP, RETURN, HANDLER, FTRACE, TRAMPOLINE, PROGRAM, HELPER, MAP, CLOCK, LOCK };

static const char *const parts[] = {
	[TRAP] = "the trap of kprobes",
	[RETURN] = "the return trampoline of kprobes",
	[HANDLER] = "the handler of kprobes",
	[FTRACE] = "the way from a function's entry to its probes",
	[TRAMPOLINE] = "the trampoline of fentry programs",
	[PROGRAM] = "what runs a program",
	[HELPER] = "a helper that programs call",
	[MAP] = "a look into a program's map",
	[CLOCK] = "the clock that programs read",
	[LOCK] = "a lock that programs take",
};

/* In place: a pointer takes as much again, and a relocation three times as much. */
struct row {
	char pattern[35];
	unsigned char part;
};

static const struct row rows[] = {
	/* arch/arm64/kernel/{entry-common,debug-monitors}.c, arch/arm64/kernel/probes/kprobes.c:
	 * marked in the kernel, but not on all; newer kernels
	 * (6.12.117, 6.17) have a function for each cause */
	{"el1_dbg", TRAP},             /* el1h_64_sync_handler */
	{"el1_brk64", TRAP},           /* el1h_64_sync_handler */
	{"do_el1_brk64", TRAP},        /* el1_brk64 */
	{"call_el1_break_hook", TRAP}, /* do_el1_brk64 */
	{"do_debug_exception", TRAP},  /* el1_dbg */
	{"debug_exception_*", TRAP},   /* do_debug_exception */
	{"brk_handler", TRAP},         /* do_debug_exception */
	{"call_break_hook", TRAP},     /* brk_handler */
	{"arm64_*_el1_dbg", TRAP},     /* el1_dbg */
	{"kprobe_breakpoint_*", TRAP}, /* call_break_hook */
	{"post_kprobe_handler", TRAP}, /* kprobe_breakpoint_ss_handler */
	/* arch/arm/kernel/traps.c, arch/arm/probes/kprobes/core.c */
	{"do_undefinstr", TRAP},       /* __und_svc */
	{"call_undef_hook", TRAP},     /* do_undefinstr */
	{"kprobe_trap_handler", TRAP}, /* call_undef_hook */
	{"kprobe_handler", TRAP},      /* kprobe_trap_handler */
	/* arch/x86/kernel/{traps,kprobes/core,kprobes/opt}.c */
	{"exc_int3", TRAP}, {"do_int3", TRAP}, /* exc_int3 */
	{"kprobe_int3_handler", TRAP},         /* do_int3 */
	{"kprobe_debug_handler", TRAP},        /* exc_debug, before 5.12 */
	{"optimized_callback", TRAP},          /* optprobe_template_func; arm, too */
	/* kernel/kprobes.c */
	{"get_kprobe", HANDLER},                 /* kprobe_handler, kprobe_ftrace_handler */
	{"aggr_*_handler", HANDLER},             /* kprobe_handler */
	{"opt_pre_handler", HANDLER},            /* optimized_callback */
	{"kprobes_inc_nmissed_count", HANDLER},  /* reenter_kprobe */
	{"pre_handler_kretprobe", HANDLER},      /* aggr_pre_handler */
	{"arch_prepare_kretprobe", HANDLER},     /* pre_handler_kretprobe */
	{"kprobe_ftrace_handler", HANDLER},      /* ftrace_caller */
	{"kprobe_busy_begin", RETURN},           /* kretprobe_trampoline_handler */
	{"kprobe_busy_end", RETURN},             /* kretprobe_trampoline_handler */
	{"trampoline_*handler", RETURN},         /* __kretprobe_trampoline */
	{"*kretprobe_trampoline*", RETURN},      /* every return */
	{"*kretprobe_find_ret_addr", RETURN},    /* kretprobe_trampoline_handler */
	{"arch_kretprobe_fixup_return", RETURN}, /* __kretprobe_trampoline_handler */
	{"kretprobe_rethook_handler", RETURN},   /* rethook_trampoline_handler */
	{"kretprobe_hash_*lock", RETURN},        /* kretprobe_trampoline_handler, before 5.11 */
	{"recycle_rp_inst", RETURN},             /* kretprobe_trampoline_handler */
	{"free_rp_inst_rcu", RETURN},            /* recycle_rp_inst */
	/* kernel/trace/rethook.c (5.18, 54ecbe6f1ed5), lib/objpool.c (6.7, b4edb8d2d464) */
	{"rethook_*", RETURN},         /* fprobe_handler, pre_handler_kretprobe */
	{"arch_rethook_*", RETURN},    /* every return */
	{"objpool_*", RETURN},         /* rethook_try_get, rethook_recycle */
	{"cpumask_next_wrap", RETURN}, /* rethook_try_get */
	/* kernel/trace/trace_kprobe.c */
	{"kprobe_dispatcher", HANDLER},    /* aggr_pre_handler */
	{"kretprobe_dispatcher", HANDLER}, /* __kretprobe_trampoline_handler */
	{"kprobe_perf_func", HANDLER},     /* kprobe_dispatcher */
	{"kretprobe_perf_func", HANDLER},  /* kretprobe_dispatcher */
	/* kernel/trace/{ftrace,fprobe,fgraph,bpf_trace}.c; fprobe on fgraph: 6.14, 4346ba160409 */
	{"__gnu_mcount_nc", FTRACE},             /* arm: trampoline_handler */
	{"*ftrace_ops_list_func", FTRACE},       /* ftrace_caller */
	{"ftrace_ops_assist_func", FTRACE},      /* ftrace_caller */
	{"hash_contains_ip*", FTRACE},           /* arch_ftrace_ops_list_func */
	{"*ftrace_lookup_ip", FTRACE},           /* hash_contains_ip */
	{"call_direct_funcs", FTRACE},           /* arch_ftrace_ops_list_func */
	{"ftrace_find_rec_direct", FTRACE},      /* call_direct_funcs */
	{"prepare_ftrace_return", FTRACE},       /* ftrace_caller */
	{"ftrace_graph_func", FTRACE},           /* ftrace_caller */
	{"function_graph_enter*", FTRACE},       /* ftrace_graph_func */
	{"*ftrace_return_to_handler", FTRACE},   /* return_to_handler */
	{"*fprobe_handler*", FTRACE},            /* ftrace_caller */
	{"fprobe_exit_handler", FTRACE},         /* rethook_trampoline_handler */
	{"fprobe_kprobe_handler", FTRACE},       /* ftrace_caller */
	{"fprobe_ftrace_entry", FTRACE},         /* ftrace_caller */
	{"fprobe_fgraph_entry", FTRACE},         /* function_graph_enter */
	{"fprobe_return", FTRACE},               /* ftrace_return_to_handler */
	{"kprobe_multi_link_*handler", FTRACE},  /* fprobe_handler, fprobe_exit_handler */
	{"kprobe_multi_link_prog_run*", FTRACE}, /* kprobe_multi_link_handler */
	{"get_entry_ip", FTRACE},                /* kprobe_multi_link_handler */
	/* kernel/bpf/trampoline.c */
	{"__bpf_prog_enter*", TRAMPOLINE}, {"__bpf_prog_exit*", TRAMPOLINE},
	{"__bpf_tramp_*", TRAMPOLINE}, {"update_prog_stats", TRAMPOLINE}, /* __bpf_prog_exit */
	{"bpf_prog_inc_misses_counter*", TRAMPOLINE}, /* __bpf_prog_enter_recur */
	/* kernel/{sched/core,rcu/tree_plugin,rcu/tree}.c: around every program */
	{"migrate_disable", PROGRAM},           /* trace_call_bpf, __bpf_prog_enter */
	{"migrate_enable", PROGRAM},            /* trace_call_bpf, __bpf_prog_exit */
	{"__migrate_*able", PROGRAM},           /* migrate_disable */
	{"__rcu_read_lock", PROGRAM},           /* trace_call_bpf, __bpf_prog_enter */
	{"__rcu_read_unlock", PROGRAM},         /* trace_call_bpf, __bpf_prog_exit */
	{"rcu_read_unlock_strict", PROGRAM},    /* the same with CONFIG_RCU_STRICT_GRACE_PERIOD */
	{"rcu_is_watching", PROGRAM},           /* rethook_try_get */
	{"debug_lockdep_rcu_enabled", PROGRAM}, /* rcu_read_lock with CONFIG_LOCKDEP */
	{"rcu_read_lock_*held*", PROGRAM},      /* the same */
	{"preempt_count_*", PROGRAM},           /* kprobe_busy_begin; CONFIG_DEBUG_PREEMPT */
	/* kernel/{trace/bpf_trace,trace/trace_event_perf,events/core}.c */
	{"trace_call_bpf", PROGRAM},                     /* kprobe_perf_func */
	{"bpf_trace_run*", PROGRAM},                     /* tracepoints */
	{"perf_trace_run_bpf_submit", PROGRAM},          /* tracepoints */
	{"perf_trace_buf_*", PROGRAM},                   /* tracepoints, kprobe_perf_func */
	{"perf_swevent_*et_recursion_context", PROGRAM}, /* perf_trace_buf_alloc */
	/* kernel/bpf/{ringbuf,helpers}.c, kernel/trace/bpf_trace.c, mm/maccess.c,
	 * kernel/irq_work.c */
	{"bpf_ringbuf_*", HELPER}, {"__bpf_ringbuf_*", HELPER}, /* bpf_ringbuf_reserve */
	{"irq_work_queue", HELPER},                             /* bpf_ringbuf_commit */
	{"__irq_work_queue_local", HELPER},                     /* irq_work_queue */
	{"irq_work_claim", HELPER},                             /* irq_work_queue */
	{"llist_add_batch", HELPER},                            /* __irq_work_queue_local */
	{"arch_irq_work_raise", HELPER},                        /* __irq_work_queue_local */
	{"bpf_get_smp_processor_id", HELPER}, {"bpf_get_current_*", HELPER},
	{"strscpy", HELPER},       /* bpf_get_current_comm */
	{"sized_strscpy", HELPER}, /* bpf_get_current_comm */
	{"bpf_get_func_ip_*", HELPER}, {"bpf_get_attach_cookie_*", HELPER},
	{"bpf_probe_read_kernel", HELPER},
	{"copy_from_kernel_nofault*", HELPER}, /* bpf_probe_read_kernel */
	/* kernel/bpf/{arraymap,hashtab,bpf_lru_list,helpers}.c */
	{"bpf_map_*_elem", MAP}, {"array_map_lookup_elem", MAP}, {"htab_lru_*", MAP},
	{"__htab_lru_*", MAP}, {"__htab_map_lookup_elem", MAP}, /* htab_lru_map_lookup_elem */
	{"htab_map_hash", MAP},                                 /* __htab_map_lookup_elem */
	{"lookup_nulls_elem_raw", MAP},                         /* __htab_map_lookup_elem */
	{"lookup_elem_raw", MAP},                               /* htab_lru_map_update_elem */
	{"htab_*lock_bucket", MAP},                             /* htab_lru_map_update_elem */
	{"prealloc_lru_pop", MAP},                              /* htab_lru_map_update_elem */
	{"bpf_lru_*", MAP},                                     /* prealloc_lru_pop */
	{"__bpf_lru_*", MAP},                                   /* bpf_lru_pop_free */
	{"__local_list_*", MAP},                                /* bpf_lru_pop_free */
	{"copy_map_value_locked", MAP},                         /* htab_lru_map_update_elem */
	{"__copy_map_value*", MAP},                             /* htab_lru_map_update_elem */
	{"bpf_obj_memcpy", MAP},                                /* htab_lru_map_update_elem */
	/* kernel/time/timekeeping.c and what it calls through the clock source:
	 * drivers/clocksource/, arch/{x86/kernel/{tsc,hpet,kvmclock},arm/mach-*}.c */
	{"bpf_ktime_get_ns", CLOCK}, {"ktime_get_mono_fast_ns", CLOCK}, /* bpf_ktime_get_ns */
	{"delta_to_ns_safe*", CLOCK},                                   /* ktime_get_mono_fast_ns */
	{"arch_counter_*", CLOCK},
	{"arch_timer_read_*", CLOCK},    /* arch_counter_get_cntvct_stable */
	{"*_read_cnt[pv]ct_el0", CLOCK}, /* the same where the chip has a fault */
	{"read_tsc", CLOCK}, {"read_hpet", CLOCK}, {"read_hv_clock*", CLOCK},
	{"acpi_pm_read*", CLOCK}, {"kvm_clock_get_cycles", CLOCK}, {"xen_clocksource_*", CLOCK},
	{"pvclock_clocksource_read*", CLOCK}, /* kvm_clock_get_cycles */
	{"clocksource_mmio_read*", CLOCK}, {"gt_clocksource_read", CLOCK},
	{"exynos4_frc_read", CLOCK}, {"clocksource_read_cycles", CLOCK}, {"jiffies_read", CLOCK},
	{"dummy_clock_read", CLOCK},
	{"sched_clock", CLOCK}, /* trace_call_bpf with bpf_stats_enabled */
	{"sched_clock_noinstr", CLOCK}, {"native_sched_clock", CLOCK},
	/* kernel/locking/: the ring's lock, the maps' locks, and on arm that of call_undef_hook */
	{"_raw_spin_lock", LOCK}, {"_raw_spin_unlock", LOCK}, {"_raw_spin_trylock", LOCK},
	{"_raw_spin_lock_irqsave", LOCK}, {"_raw_spin_unlock_irqrestore", LOCK},
	{"do_raw_spin_*lock", LOCK},          /* _raw_spin_lock */
	{"*queued_spin_lock_slowpath", LOCK}, /* _raw_spin_lock */
	{"__bpf_spin_*lock_irq*", LOCK},
	{"arch_local_irq_*", LOCK}, /* __bpf_ringbuf_reserve, where it is not inlined */
};

static const char *in_rows(const char *symbol)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!fnmatch(rows[i].pattern, symbol, 0))
			return parts[rows[i].part];
	return NULL;
}

static bool in_blacklist(const char *symbol)
{
	static struct kprobe_blacklist list;
	static bool read;

	if (!read) {
		read = true;
		if (kprobe_blacklist_read(&list))
			log_warn("out of memory for the kernel's list of functions that must not "
				 "be probed");
		else
			log_detail("the kernel itself forbids %zu functions to kprobes", list.n);
	}
	return kprobe_blacklist_has(&list, symbol);
}

const char *own_helper(const char *symbol)
{
	const char *part = in_rows(symbol);

	if (!part && in_blacklist(symbol))
		part = "the kernel forbids kprobes there";
	return part;
}
