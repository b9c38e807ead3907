# SPDX-License-Identifier: MIT OR Apache-2.0
"""Boards with little: of memory, of what init has mounted, of type information. Nothing here needs the UART."""
import json
import os

import board as boards
import btf
from cells import BOOT_TIMEOUT_S, CALLS, USER_CALLS, balanced, boot, program
from harness import BUILD, skip, test

# Of the daemon itself, when its probes have just come alive: without the ring and the spool.
RSS_MAX_KB = 3 << 10
# While it loads: without the ring.
PEAK_MAX_KB = 4 << 10

RUN = "ayaprof-uart --mode log -o /out/{name}.pb --summary-json /out/{name}.json {options} 2>/out/{name}.err || exit\n"
LOAD = f"sh -c 'workload alloc {CALLS}; workload calls {USER_CALLS}'"
PROBES = "-M syscall,sched,memory,cpu -p k:create_pipe_files -p u:/job/workload:ayp_work"

# Init has mounted /dev and no more (bare), or /proc and /sys (usual). Nothing can be written but to /out and /tmp.
READ_ONLY = """
mount -t tmpfs out /out
mount -o remount,ro /
touch /written 2>/dev/null && exit 90
umount /sys/kernel/tracing
cp /proc/mounts /out/before
"""
BARE = "umount /sys; umount /proc; ls /proc /sys >/out/nothing\n"
CHECK = "ayaprof-uart --check >/out/check 2>/out/check.err || exit\n"
BARE_AGAIN = "ls /proc /sys >/out/nothing.after; mount -t proc proc /proc; mount -t sysfs sysfs /sys\n"
AFTER = "cp /proc/mounts /out/after\n"


def run(name, options, command=""):
    return RUN.format(name=name, options=options + (f" -- {command}" if command else ""))


def finish(bench, cell, job, files):
    """Files that the job left; it must have succeeded."""
    names = {name: program(cell.board, name) for name in ("ayaprof-uart", "workload")}
    result = boot(bench, cell, job, {**names, **files}).wait(BOOT_TIMEOUT_S)
    for name, text in result.files.items():
        if name.endswith(".err"):
            bench.note(f"{name}: {text.decode()}")
    assert result.code == 0, f"exit status {result.code} on the board"
    return result.files


def summary_of(files, name):
    return json.loads(files[f"{name}.json"])


def exact(bench, files, name):
    """The recording that the board kept has every call of the workload, and its books balance."""
    recording = bench.tmp / f"{name}.pb"
    recording.write_bytes(files[f"{name}.pb"])
    info, stats, summary = bench.info(recording), bench.stats(recording), summary_of(files, name)
    balanced(info, summary)
    assert info["lost"]["total"] == 0, info["lost"]
    assert stats["create_pipe_files"]["count"] == CALLS == stats["sys_pipe2"]["count"], stats
    assert stats["ayp_work"]["count"] == USER_CALLS, stats
    return summary


def sorted_lines(text, without=()):
    return sorted(line for line in text.splitlines() if line.split()[1].decode() not in without)


def add_bare(cell):
    board = f"{cell.board} {cell.kernel}"

    @test(f"{board}: a read-only board whose init has mounted /dev and no more is traced, and left as it was")
    def bare(bench):
        files = finish(bench, cell, READ_ONLY + BARE + CHECK + run("run", PROBES, LOAD) + BARE_AGAIN + AFTER, {})
        exact(bench, files, "run")
        assert files["nothing"] == files["nothing.after"] == b"/proc:\n\n/sys:\n", files["nothing.after"]
        own = ("/proc", "/sys")
        assert sorted_lines(files["before"], own) == sorted_lines(files["after"], own), files["after"].decode()
        assert b"/proc, /sys, for this program only" in files["check"], files["check"].decode()
        assert b"tracefs     mounted privately" in files["check"], files["check"].decode()


def add_usual(cell):
    board = f"{cell.board} {cell.kernel}"

    @test(f"{board}: neither tracefs, debugfs nor bpffs is mounted, nor mounted by a run")
    def usual(bench):
        files = finish(bench, cell, READ_ONLY + run("run", PROBES, LOAD) + AFTER, {})
        exact(bench, files, "run")
        assert b"tracefs" not in files["before"] and b"bpf" not in files["before"], files["before"].decode()
        assert sorted_lines(files["before"]) == sorted_lines(files["after"]), files["after"].decode()


def hold(name, summary):
    """The daemon's memory, within bounds. The ring is mapped twice, one after the other, and counted twice."""
    ring = 2 * summary["ring_bytes"] // 1024
    live, peak = summary["rss_kb"] - ring, summary["peak_rss_kb"] - ring
    print(f"# {name}: {summary['attached']} probes, ring {summary['ring_bytes'] >> 10} KiB; without it {live} KB live, "
          f"{peak} KB at most", flush=True)
    assert 0 < live <= RSS_MAX_KB, f"{live} KB when the probes were live"
    assert live <= peak <= PEAK_MAX_KB, f"{peak} KB while loading"


def add_memory(cell, options=("", "-M none -p 'k:tcp_*'")):
    board = f"{cell.board} {cell.kernel}"

    @test(f"{board}: at most {RSS_MAX_KB >> 10} MB resident beside the ring when the probes are live")
    def resident(bench):
        job = "".join(run(f"run{i}", f"-d 1 {o}") for i, o in enumerate(options))
        files = finish(bench, cell, job, {})
        for i, o in enumerate(options):
            hold(f"{board} {o or 'default modules'}", summary_of(files, f"run{i}"))


def add_small(cell, memory_mb):
    board = f"{cell.board} {cell.kernel}"

    @test(f"{board} with {memory_mb} MB: ring and spool are a share of it, and the profile works")
    def small(bench):
        names = {name: program(cell.board, name) for name in ("ayaprof-uart", "workload")}
        job = run("run", f"-v {PROBES}", LOAD) + "grep MemTotal /proc/meminfo >/out/meminfo\n"
        result = boot(bench, cell, job, names, memory_mb=memory_mb).wait(BOOT_TIMEOUT_S)
        bench.note(result.files.get("run.err", b"").decode())
        assert result.code == 0, f"exit status {result.code} on the board"
        summary = exact(bench, result.files, "run")
        share = int(result.files["meminfo"].split()[1]) * 1024 // 32
        assert summary["ring_bytes"] <= share and summary["spool_bytes"] <= share, (summary, share)
        assert summary["ring_bytes"] < 4 << 20 and summary["spool_bytes"] < 4 << 20, summary
        assert f"spool up to {summary['spool_bytes'] >> 10} KiB" in result.files["run.err"].decode(), "not told"
        hold(f"{board} {memory_mb} MB", summary)


# ---- type information -------------------------------------------------------------------------------------------

# /sys/kernel/btf is empty, as on kernels without. The bundle lies beside the program.
HIDE = "mount -t tmpfs none /sys/kernel/btf\n"
BUNDLE = 'mkdir -p /job/btf; cp /job/bundle "/job/btf/$(uname -r).btf"\n'
CONVERT = "-M sched,memory,syscall -p k:create_pipe_files -p u:/job/workload:ayp_work"
# --btf FILE that is not this kernel's, and one that is not BTF: a line each.
WRONG = """
for file in /job/other /job/workload /job/nothing; do
	ayaprof-uart --mode log -o /out/wrong.pb -M sched -d 1 --btf $file 2>>/out/wrong && exit 91
	ayaprof-uart --check --btf $file 2>&1 >/dev/null | grep -q btf || exit 92
done
cp /job/other "/job/btf/$(uname -r).btf"
"""


def bundle(cell):
    wanted = BUILD / "btf/wanted_types.o"
    if not wanted.exists():
        skip("no wanted_types.o in this build")
    try:
        return btf.make(cell.board, cell.kernel, str(wanted), str(BUILD / "btf"))
    except boards.Unavailable as reason:
        skip(str(reason))


def ways(summary):
    """By which tracepoints; what is given back in bulk has none, and is seen by kprobes."""
    memory = summary["probes"]["memory"].split("+")
    return summary["probes"]["sched"], "+".join(way for way in memory if way != "kprobe")


def add_bundle(cell, other):
    board = f"{cell.board} {cell.kernel}"

    @test(f"{board}: without the kernel's type information, with a bundle, with another kernel's")
    def hidden(bench):
        path, all_bytes = bundle(cell)
        size = os.path.getsize(path)
        files = {"bundle": path, "other": bundle(other)[0]}
        job = (run("own", CONVERT, LOAD) + HIDE + run("none", CONVERT, LOAD) + run("given", f"{CONVERT} --btf /job/bundle", LOAD) +
               BUNDLE + run("found", CONVERT, LOAD) + CHECK + WRONG + run("distrusted", CONVERT, LOAD))
        files = finish(bench, cell, job, files)
        runs = {name: exact(bench, files, name) for name in ("own", "none", "given", "found", "distrusted")}
        for name in ("own", "given", "found"):
            assert ways(runs[name]) == ("raw_tp", "raw_tp"), (name, runs[name]["probes"])
        for name in ("none", "distrusted"):
            assert ways(runs[name]) == ("tp", "tp"), (name, runs[name]["probes"])
            assert "fentry" not in runs[name]["probes"]["latency"], runs[name]["probes"]
        assert b".btf; no fentry" in files["check"], files["check"].decode()
        lines = files["wrong"].decode().splitlines()
        assert len(lines) == 3, lines
        for line, words in zip(lines, ("does not match this kernel", "neither BTF nor an ELF file that holds it",
                                       "No such file")):
            assert words in line, line
        assert b"does not match this kernel: left alone" in files["distrusted.err"], files["distrusted.err"].decode()
        print(f"# {board}: bundle {size} of {all_bytes} bytes; peak RSS with the kernel's own "
              f"{runs['own']['peak_rss_kb']} KB, with the bundle {runs['found']['peak_rss_kb']} KB, without either "
              f"{runs['none']['peak_rss_kb']} KB", flush=True)


def add_without(cell):
    board = f"{cell.board} {cell.kernel}"

    @test(f"{board}: a kernel without type information, with what its headers say")
    def without(bench):
        path, _ = bundle(cell)
        job = run("none", CONVERT, LOAD) + BUNDLE + run("found", CONVERT, LOAD) + CHECK
        files = finish(bench, cell, job, {"bundle": path})
        none, found = exact(bench, files, "none"), exact(bench, files, "found")
        assert ways(none) == ("tp", "tp") and ways(found) == ("raw_tp", "raw_tp"), (none["probes"], found["probes"])
        assert b".btf; no fentry" in files["check"], files["check"].decode()
        hold(board, none)
        hold(f"{board} with {os.path.getsize(path)} bytes from headers", found)
