# SPDX-License-Identifier: MIT OR Apache-2.0
"""Other tools that look at the same points count the same, whether the daemon runs or not."""
import os
import re
import shutil

from harness import BOARD, WORKLOAD, main, need_bpf, skip, test

# A sanitizer looks for leaks from a process of its own: it would be counted, and is refused under ptrace.
os.environ["ASAN_OPTIONS"] = "detect_leaks=0"

ALONE = "holds what the whole machine does against what perf and a second daemon count of it"

LOG = ("--mode", "log")


def need(program):
    if not shutil.which(program):
        skip(f"{program} is not installed")


def counted(text, event):
    """perf's count of an event. perf is of no kernel in particular, but does not count everywhere."""
    rows = [line.split(",") for line in text.splitlines() if event in line]
    assert rows, text
    if not rows[0][0].isdigit():
        skip(f"perf stat -e {event}: {rows[0][0]}")
    return int(rows[0][0])


def perf_counts(bench, event, workload, options=None):
    """What perf counts of the workload: alone, or as COMMAND of a daemon that looks at `options`."""
    out = bench.tmp / "perf.csv"
    command = ["perf", "stat", "-x,", "-o", out, "-e", event, "--", WORKLOAD, *workload]
    if options is not None:
        command = [BOARD, *LOG, "-o", bench.tmp / "x.pb", *options, "--", *command]
    result = bench.run(*command, code=None)
    if result.code and options is None:
        skip(f"perf stat -e {event}: {(result.err.strip().splitlines() or ['no word'])[0]}")
    assert result.code == 0, result.err
    return counted(out.read_text(), event)


def check_perf(bench, event, workload, expected, *ways):
    assert perf_counts(bench, event, workload) == expected, f"{event}: perf alone is wrong"
    for options in ways:
        seen = perf_counts(bench, event, workload, options)
        assert seen == expected, f"{event} beside {' '.join(options)}: perf counts {seen} of {expected}"
        events = bench.info(bench.tmp / "x.pb")["events"]
        assert events >= (1 if "memory" not in options else 0), f"{' '.join(options)}: the daemon saw nothing"


@test("perf counts 1,009 calls of a tracepoint of system calls while the daemon takes the same one")
def syscall_tracepoint(bench):
    need_bpf()
    need("perf")
    check_perf(bench, "syscalls:sys_enter_getppid", ("getppid", 1009), 1009,
               ("-M", "none", "-p", "t:syscalls:sys_enter_getppid"),
               ("-M", "none", "-p", "t:syscalls:sys_*_getppid", "--mechanism", "tp"))


@test("perf counts every system call beside -M syscall and -p t:raw_syscalls, by either mechanism")
def raw_syscalls(bench):
    need_bpf()
    need("perf")
    alone = perf_counts(bench, "raw_syscalls:sys_enter", ("getppid", 1009))
    assert alone >= 1009
    check_perf(bench, "raw_syscalls:sys_enter", ("getppid", 1009), alone,
               ("-M", "syscall", "--mechanism", "tp"), ("-M", "syscall"),
               ("-M", "none", "-p", "t:raw_syscalls:sys_enter", "--mechanism", "tp"))


@test("perf counts 23 forks beside tracepoints of the scheduler")
def forks(bench):
    need_bpf()
    need("perf")
    check_perf(bench, "sched:sched_process_fork", ("forks", 23), 23,
               ("-M", "none", "-p", "t:sched:sched_process_fork", "--mechanism", "tp"),
               ("-M", "none", "-p", "t:sched:*", "--mechanism", "tp"))


@test("perf counts context switches and allocations beside -M sched and -M memory by tracepoints")
def sched_and_memory(bench):
    need_bpf()
    need("perf")
    for event, module in (("sched:sched_switch", "sched"), ("kmem:kmalloc", "memory"), ("kmem:kfree", "memory"),
                          ("kmem:kmem_cache_alloc", "memory"), ("kmem:kmem_cache_free", "memory")):
        workload = ("forks", 23)
        alone = perf_counts(bench, event, workload)
        assert alone > 0, f"{event}: perf alone counts nothing"
        # How often exactly is the machine's affair; none at all was ours.
        seen = perf_counts(bench, event, workload, ("-M", module, "--mechanism", "tp"))
        assert seen >= alone / 4, f"{event} beside -M {module}: perf counts {seen}, alone {alone}"


@test("perf counts 10,007 calls of a user function beside a probe on it, by either mechanism")
def user_function(bench):
    need_bpf()
    need("perf")
    group = f"ayptest{os.getpid()}"
    made = bench.run("perf", "probe", "-q", "-x", WORKLOAD, "--add", f"{group}:work=ayp_work", code=None)
    if made.code:
        skip(f"perf probe: {(made.err.strip().splitlines() or ['no word'])[-1]}")
    try:
        probe = f"u:{WORKLOAD}:ayp_work"
        check_perf(bench, f"{group}:work", ("calls", 10007), 10007, ("-M", "none", "-p", probe),
                   ("-M", "none", "-p", probe, "--mechanism", "uprobe"),
                   ("-M", "none", "-p", probe, "--mechanism", "uprobe.multi"))
        for mechanism in ("uprobe", "uprobe.multi"):
            perf_counts(bench, f"{group}:work", ("calls", 10007), ("-M", "none", "-p", probe, "--mechanism", mechanism))
            row = bench.stats(bench.tmp / "x.pb")["ayp_work"]
            assert row["count"] == 10007, f"{mechanism}: {row}"
    finally:
        bench.run("perf", "probe", "-q", "--del", f"{group}:*", code=None)


@test("two daemons at once: both have every call, by every mechanism")
def two_daemons(bench):
    need_bpf()
    ways = [("-p", f"u:{WORKLOAD}:ayp_work", "--mechanism", name) for name in ("uprobe", "uprobe.multi")]
    for way in ways:
        outs = [bench.tmp / f"{name}.pb" for name in ("outer", "inner")]
        command = [word for out in outs for word in (BOARD, *LOG, "-o", out, "-M", "none", *way, "--")]
        bench.run(*command, WORKLOAD, "calls", 10007)
        for out in outs:
            assert bench.stats(out)["ayp_work"]["count"] == 10007, f"{out.stem}, {way[-1]}"
    for mechanism in ("raw_tp", "tp"):
        outs = [bench.tmp / f"{name}.pb" for name in ("outer", "inner")]
        command = [word for out in outs for word in
                   (BOARD, *LOG, "-o", out, "-M", "syscall", "--mechanism", mechanism, "--")]
        bench.run(*command, WORKLOAD, "getppid", 1009)
        for out in outs:
            count = bench.stats(out)["sys_getppid"]["count"]
            assert 1009 <= count <= 1059, f"{out.stem}, {mechanism}: {count}"


@test("bpftrace counts the same beside the daemon: tracepoints and user functions")
def bpftrace(bench):
    need_bpf()
    need("bpftrace")
    for point, workload, expected, options in (
            ("tracepoint:syscalls:sys_enter_getppid", "getppid 1009", 1009,
             ("-M", "none", "-p", "t:syscalls:sys_enter_getppid")),
            (f"uprobe:{WORKLOAD}:ayp_work", "calls 10007", 10007, ("-M", "none", "-p", f"u:{WORKLOAD}:ayp_work"))):
        script = f'{point} /comm == "workload"/ {{ @n = count(); }}'
        reader = ["bpftrace", "-e", script, "-c", f"{WORKLOAD} {workload}"]
        alone = bench.run(*reader, code=None, timeout=120)
        found = re.search(r"@n: (\d+)", alone.out)
        if not found:
            skip(f"bpftrace: {(alone.err.strip().splitlines() or ['counts nothing here'])[0]}")
        assert int(found[1]) == expected, alone.out
        beside = bench.run(BOARD, *LOG, "-o", bench.tmp / "b.pb", *options, "--", *reader, timeout=120)
        found = re.search(r"@n: (\d+)", beside.out)
        assert found and int(found[1]) == expected, beside.out + beside.err


main()
