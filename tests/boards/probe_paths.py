# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a kernel runs for every probe, read from its own code: from the handlers named here along all calls and
tail calls, down to where only errors go on. Calls through pointers are not seen: their targets are roots.
arm64 and arm, where an instruction is a word; target/probes/own_helpers.c has what comes out.

usage: probe_paths.py ARCH KERNEL-DIRECTORY KALLSYMS     prints NAME CALLER, ARCH being aarch64 or armv7l
"""
import bisect
import fnmatch
import lzma
import re
import struct
import sys
from pathlib import Path

ROOTS = {
    "aarch64": """el1h_64_sync_handler do_debug_exception do_el1_brk64 kprobe_breakpoint_handler kprobe_breakpoint_ss_handler
        kprobe_brk_handler kprobe_ss_brk_handler trampoline_probe_handler arch_rethook_* arch_counter_* arch_timer_read_*""",
    "armv7l": """do_undefinstr kprobe_trap_handler kprobe_handler trampoline_handler trampoline_probe_handler optimized_callback
        arch_counter_* arch_timer_read_* gt_clocksource_read""",
    "all": """get_kprobe kprobe_busy_begin kprobe_busy_end pre_handler_kretprobe aggr_pre_handler opt_pre_handler
        __kretprobe_trampoline_handler kretprobe_rethook_handler kprobe_dispatcher kretprobe_dispatcher trace_call_bpf
        rethook_hook rethook_try_get rethook_recycle fprobe_handler fprobe_exit_handler kprobe_multi_link_handler
        kprobe_multi_link_exit_handler __bpf_prog_enter* __bpf_prog_exit* __bpf_tramp_enter __bpf_tramp_exit bpf_trace_run[1-6]
        bpf_ringbuf_reserve bpf_ringbuf_submit bpf_ringbuf_query bpf_ktime_get_ns bpf_get_smp_processor_id
        bpf_get_current_pid_tgid bpf_get_current_comm bpf_get_func_ip_kprobe* bpf_get_func_ip_tracing bpf_get_attach_cookie_*
        bpf_probe_read_kernel array_map_lookup_elem htab_lru_map_lookup_elem htab_lru_map_update_elem clocksource_mmio_read*
        _raw_spin_lock_irqsave _raw_spin_unlock_irqrestore""",
}
# Errors, what sleeps, what a program that ended leaves to do: no probe comes there.
STOPS = """*printk* *warn* *WARN* panic __panic_unhandled fortify_panic __fortify_* __stack_chk_fail die die_* *notify_die* notify_*
    bug_* report_* dump_* show_* __show_regs add_taint oops_* arm64_force_sig* send_user_sigtrap force_sig* el1_abort do_el1_*
    do_mem_abort do_ptrauth* do_sp_pc* __list_*_valid* refcount_* rcu_note_* ___ratelimit *_sleepable*
    schedule* __schedule preempt_schedule* *cond_resched* __might_* mutex_* down_* up_* synchronize_* call_rcu* __cpu_suspend*
    alloc_htab_elem free_htab_elem check_and_free_fields bpf_obj_free_fields htab_*percpu* *kmem* k*alloc* kfree* __kmalloc*
    __set_cpus_allowed_ptr* affine_move* bpf_prog_put* bpf_prog_free* smp_cross_call __smp_call* irq_work_queue_on wake_up*
    __traceiter_* trace_event_* trace_hardirqs_* perf_tp_event perf_bp_event kprobe_trace_func kretprobe_trace_func
    process_fetch_insn* tick_nohz_* rcu_read_unlock_special rcu_read_unlock_trace_special __rcu_irq_enter_check_tick
    user_* do_user_* arm_notify_die arm64_notify_die debug_traps_* reinstall_suspended_bps toggle_bp_registers perf_event_*
    bpf_prog_inc_misses_counters *irq_enter* *irq_exit* kgdb_* unwind_* do_breakpoint do_watchpoint try_* mem*  __mem* __pi_*
    _find_* strnlen jhash iounmap __cfi* hook_* is_valid_* set_regs_spsr_ss* clear_regs_spsr_ss* single_step_handler do_softstep
    arch_stack_walk* ftrace_graph_* __asan* vfp_* crunch_* iwmmxt_* __und_* get_user* __get_user* copy_from_user*
    reserved_fault_brk_handler aarch32_* task_rq_lock __probestub_*""".split()
STOPS_OF = {"aarch64": ["do_undefinstr"], "armv7l": []}


def image(arch, directory):
    """The kernel as it lies in memory, from _text on."""
    data = (Path(directory) / "vmlinuz").read_bytes()
    if arch == "aarch64":
        return data  # Documentation/arm64/booting.rst: an Image
    for at in re.finditer(rb"\xfd7zXZ\x00", data):
        try:
            return lzma.LZMADecompressor().decompress(data[at.start():])
        except lzma.LZMAError:
            continue
    raise ValueError("no xz payload in vmlinuz")


class Kernel:
    def __init__(self, arch, directory, kallsyms):
        self.arch, self.code = arch, image(arch, directory)
        bounds, names = {}, {}
        for line in kallsyms.splitlines():
            address, kind, name, *module = line.split()
            if module:
                continue
            bounds[name] = int(address, 16)
            if kind in "tTwW" and name[0] != "$" and not re.search(r"_(text|info)_(start|begin|end)$|^_s?text$", name):
                names.setdefault(int(address, 16), []).append(name)
        self.names, self.addresses, self.base = names, sorted(names), 0
        # The image begins before _stext, and arm's and arm64's symbols do not say where: where calls meet functions.
        # arm: TEXT_OFFSET behind a border of 1 MB; arm64: SEGMENT_ALIGN for the head.
        text = bounds["_stext"]
        places = [text - 0x10000] if arch == "aarch64" else range((text & ~0xFFFFF) - 0x3F8000, text, 0x100000)
        self.base = max(places, key=lambda base: self.fits(base, text))

    def fits(self, base, text):
        """How many of some calls go to a function's beginning if the image is there."""
        self.base = base
        some = self.addresses[1000:1100]
        return sum(there in self.names for here in some for there in self.targets(here))

    def function(self, address):
        at = bisect.bisect(self.addresses, address) - 1
        return self.addresses[at] if at >= 0 else None

    def targets(self, start):
        """Where this function's branches with an immediate go."""
        at = bisect.bisect(self.addresses, start)
        end = self.addresses[at] if at < len(self.addresses) else start
        for place in range(start, min(end, self.base + len(self.code) - 4), 4):
            word, = struct.unpack_from("<I", self.code, place - self.base)
            if self.arch == "aarch64" and word & 0x7C000000 == 0x14000000:  # B, BL
                yield place + 4 * ((word & 0x3FFFFFF ^ 0x2000000) - 0x2000000)
            elif self.arch == "armv7l" and word >> 25 & 7 == 5 and word >> 28 != 15:  # B, BL
                yield place + 8 + 4 * ((word & 0xFFFFFF ^ 0x800000) - 0x800000)

    def calls(self, start):
        """Functions that this one calls or jumps to."""
        return {self.function(target) for target in self.targets(start)} - {start, None}

    def paths(self):
        """{name: its caller, "" for a root}"""
        def matches(address, patterns):
            return any(fnmatch.fnmatchcase(name, p) for name in self.names[address] for p in patterns)

        roots = (ROOTS[self.arch] + " " + ROOTS["all"]).split()
        stops = STOPS + STOPS_OF[self.arch]
        todo = [a for a in self.addresses if matches(a, roots)]
        caller = {address: "" for address in todo}
        while todo:
            here = todo.pop()
            for there in self.calls(here):
                if there not in caller and not matches(there, stops):
                    caller[there] = self.names[here][0]
                    todo.append(there)
        return {name: by for address, by in caller.items() for name in self.names[address]}


if __name__ == "__main__":
    for name, by in sorted(Kernel(sys.argv[1], sys.argv[2], Path(sys.argv[3]).read_text()).paths().items()):
        print(name, by)
