# SPDX-License-Identifier: MIT OR Apache-2.0
"""Calls of kernel functions that end at return instructions instead of return probes (target/probes/kernel_code.h)."""
import json
import re

import board as boards
from cells import BOOT_TIMEOUT_S, SLEEP, SLEEPERS, balanced, boot, ends, program
from harness import test

TURNS = 10007
# What the timer's interrupt runs; kernels have one or the other name of the second.
TICK = ("update_process_times", "scheduler_tick", "sched_tick", "hrtimer_interrupt", "tick_sched_timer")
BY_ENDS = r"latency: (\d+) functions end at (\d+) return instructions, (\d+) by return probes"
GETPPID = {"aarch64": "__arm64_sys_getppid", "armv7l": "sys_getppid"}
CAP_SYS_RAWIO = 17
SOURCES = {"kcore": "", "program": "/proc/kcore: Operation not permitted"}
MANY = ("vfs_*", "ksys_*", "tcp_v4_*")
# Of a thread that ends, and of the idle one.
NEVER_END = ("do_exit", "do_group_exit", "do_task_dead", "do_el0_svc", "do_idle")
# Of those that match the globs, these end at return instructions, the others by return probes.
BY_ENDS_LEAST = {"aarch64": 0.9, "armv7l": 0.6}
# A profile leaves NAME.pb, NAME.json and NAME.err.
JOB = """
run() {
	name=$1
	shift
	ayaprof-uart -v --mode log -o "/out/$name.pb" --summary-json "/out/$name.json" -M none --ring-size 8M --spool-mem 8M "$@" 2>"/out/$name.err"
	code=$?
	[ $code = 0 ] || { tail -n 5 "/out/$name.err"; exit $code; }
}
set -f
for f in @TICK@; do grep -q " [tT] $f$" /proc/kallsyms && tick="$tick -p k:$f"; done
"""
TWO = "sh -c 'workload getppid @TURNS@ & workload getppid @TURNS@ & wait'"


def getppid(cell):
    return GETPPID[boards.MACHINES[cell.board].arch]


def job(cell, text):
    for name, value in (("@TICK@", " ".join(TICK)), ("@GETPPID@", getppid(cell)), ("@TWO@", TWO),
                        ("@TURNS@", str(TURNS))):
        text = text.replace(name, value)
    return text


def run(bench, cell, text, files=None, append=""):
    files = {**{name: program(cell.board, name) for name in ("ayaprof-uart", "workload")}, **(files or {})}
    result = boot(bench, cell, job(cell, JOB + text), files, append=append).wait(BOOT_TIMEOUT_S)
    assert result.code == 0, f"exit status {result.code} on the board: {result.console[-500:]}"
    return result


def recorded(bench, result, name):
    """A profile's recording: its books, the calls of each function, and what the daemon said."""
    recording = bench.tmp / f"{name}.pb"
    recording.write_bytes(result.files[f"{name}.pb"])
    info, summary = bench.info(recording), json.loads(result.files[f"{name}.json"])
    balanced(info, summary)
    said = result.files[f"{name}.err"].decode()
    bench.note(f"{name}: {info['events']} events, lost {info['lost']}; {[l for l in said.splitlines() if 'return' in l]}")
    return info, bench.stats(recording), said


def add_ticks(cell, compare=True):
    """compare: with return probes, too, which is for who reads along."""
    board = f"{cell.board} {cell.kernel}"
    ways = {"ends": "kprobe", "returns": "kretprobe"} if compare else {"ends": "kprobe"}

    @test(f"{board}: two busy tasks and the timer's tick: no call is passed over because another one returns")
    def ticks(bench):
        result = run(bench, cell, "".join(f"run {name} --mechanism {way} $tick -p k:@GETPPID@ -- @TWO@\n"
                                          for name, way in ways.items()))
        for name in ways:
            info, stats, said = recorded(bench, result, name)
            missed = info["lost"]["by_cause"].get("missed_return", 0)
            print(f"# {name}: {missed} of {info['events'] + info['lost']['total']} events missed", flush=True)
            if name == "ends":
                found = re.search(BY_ENDS, said)
                # What is left of return probes runs in the interrupt itself (docs/overhead.md).
                assert int(found.group(3)) <= (3 if cell.board == "armv7l" else 0), said
                assert info["lost"]["total"] == 0, info["lost"]
                assert len(stats) >= 4, stats
                assert 2 * TURNS <= stats[getppid(cell)]["count"] <= 2 * TURNS + 9, stats
                assert not [n for n, row in stats.items() if row["no_end"] > 1], stats



def places(result, name):
    """What had a kprobe: SYMBOL or SYMBOL+OFFSET."""
    return sorted(line.split()[1] for line in result.files[f"{name}.probes"].decode().splitlines() if line.startswith("p:"))


def add_sources(cell):
    board = f"{cell.board} {cell.kernel}"

    @test(f"{board}: without the right to /proc/kcore a BPF program reads the kernel's code: calls end at the same instructions")
    def sources(bench):
        script = bench.tmp / "profile"
        script.write_text(job(cell, JOB) + "".join(f"many=\"$many -p k:{glob}\"\n" for glob in MANY) + """
run "$1" --mechanism kprobe $many -- cp /sys/kernel/tracing/kprobe_events "/out/$1.probes"
run "$1.tick" --mechanism kprobe $tick -p k:%s -- %s
""" % (getppid(cell), TWO.replace("@TURNS@", str(TURNS))))
        result = run(bench, cell, f"sh /job/profile kcore && workload without {CAP_SYS_RAWIO} 'sh /job/profile program'\n",
                     {"profile": script})
        found = {}
        for name, why in SOURCES.items():
            said = result.files[f"{name}.err"].decode()
            assert ("/proc/kcore" in said) == bool(why) and why in said, said
            found[name] = re.search(BY_ENDS, said).group(0)
            info, stats, _ = recorded(bench, result, f"{name}.tick")
            assert info["lost"]["total"] == 0, info["lost"]
            assert 2 * TURNS <= stats[getppid(cell)]["count"] <= 2 * TURNS + 9, stats
        print(f"# {found}", flush=True)
        assert places(result, "kcore") == places(result, "program") and len(places(result, "kcore")) > 250, found


def add_pairs(cell):
    board = f"{cell.board} {cell.kernel}"

    @test(f"{board}: {SLEEPERS} calls that sleep at once and hundreds of functions: each entry has its end, without any slot")
    def pairs(bench):
        script = bench.tmp / "sleep"
        script.write_text(SLEEP)
        result = run(bench, cell, "run sleep --mechanism kprobe -p k:pipe_read --return-slots 1 -- sh /job/sleep\n"
                                  "run calls --mechanism kprobe -p 'k:vfs_*' -p 'k:ksys_*' -p 'k:do_*' --return-slots 16 -- sh -c 'workload alloc 307; "
                                  "workload forks 7; workload loopback 40009; ls -l /proc/self/ >/dev/null'\n"
                                  "cp /sys/kernel/tracing/kprobe_events /out/left\n", {"sleep": script})
        entries, exits, missed = ends(bench, result, "sleep")
        assert missed == 0 and entries >= 2 * SLEEPERS, (entries, exits, missed)
        # A call that was asleep when the profile began has an end only, one that still sleeps has none.
        assert -3 <= entries - exits <= entries - 2 * SLEEPERS, (entries, exits)
        info, stats, said = recorded(bench, result, "calls")
        open_calls = {n: row["no_end"] for n, row in stats.items() if row["no_end"]}
        found = re.search(BY_ENDS, said)
        print(f"# {found.group(0)}; calls without an end: {open_calls}, lost {info['lost']['total']} of {info['events']}", flush=True)
        by_ends, by_returns = int(found.group(1)), int(found.group(3))
        assert by_ends > BY_ENDS_LEAST[boards.MACHINES[cell.board].arch] * (by_ends + by_returns), found.group(0)
        others = sum(n for name, n in open_calls.items() if name not in NEVER_END)
        assert info["events"] > 5000 and others <= 3, open_calls
        assert not result.files["left"], result.files["left"]


def add_ends(cell):
    add_ticks(cell)
    add_pairs(cell)
    if boards.MACHINES[cell.board].arch != "armv7l":  # which has no /proc/kcore at all
        add_sources(cell)
