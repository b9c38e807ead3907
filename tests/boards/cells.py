# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the board tests do on every board: one boot, one profile over its UART, recorded by hostdec.

A row of CELLS is a board, a kernel and what must work there.
"""
import collections
import json
import os
import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / "e2e")]
import board as boards  # noqa: E402
from line import Line  # noqa: E402
from harness import BUILD, skip, test  # noqa: E402

# Board (board.py), kernel, how its functions can be called for, best first: DESIGN section 2 measured it.
Cell = collections.namedtuple("Cell", "board kernel mechanisms")
CELLS = {(cell.board, cell.kernel): cell for cell in (
    Cell("x86_64", "5.10", ("fentry", "kprobe")),
    Cell("x86_64", "6.1", ("fentry", "kprobe")),
    Cell("x86_64", "6.12", ("fentry", "kprobe.multi", "kprobe")),
    Cell("aarch64", "5.10", ("kprobe",)),
    Cell("aarch64", "6.1", ("kprobe",)),
    Cell("aarch64", "6.12", ("fentry", "kprobe")),
    Cell("raspi3b", "6.1", ("kprobe",)),
    Cell("armv7l", "6.1", ("kprobe",)),  # no type information in Debian's kernel
)}
SHORT = (("aarch64", "6.1"), ("x86_64", "6.12"))  # part of `make test`
CHECK = "ayaprof-uart --check >/out/check; echo $? >/out/check.code\n"
# Linux's 8250 driver says nothing when it cannot have a rate: it takes 9600.
CLIPPED = """case $DATA in *ttyS*)
ayaprof-uart -b 921600 -M none -p k:create_pipe_files "$DATA" 2>/out/clipped; echo $? >/out/clipped.code ;;
esac
"""
# A paced line: 92 KB/s, and so many wrong bits that about one frame in four is hit.
BAUD, BER = 921600, 1e-4
RSS_MAX_KB = 16 << 10  # at the peak, with a ring of 4 MiB that is counted twice (bare.py has closer bounds)
# Mechanisms that put a call's return aside in one of few slots, and keep it there while the function sleeps.
WITH_SLOTS = ("kprobe", "kprobe.multi", "kretprobe")


def ways_with_slots(cell):
    """Boards with arm see ends of calls at return instructions, where one trace event may stand for many places (ends.py)."""
    ways = [m for m in cell.mechanisms if m in WITH_SLOTS]
    ends = boards.MACHINES[cell.board].arch in ("aarch64", "armv7l") and cell.kernel == "6.1"
    return ["kretprobe" if ends and m == "kprobe" else m for m in ways]


SLEEPERS = 41  # processes that sleep in pipe_read at once; each reads once more, to the end
# The kernel counts the returns it missed with a plain add (kernel/kprobes.c, rp->nmissed++): two CPUs that miss one at
# once may count one. On one CPU the books must be exact.
ONE_CPU = "maxcpus=1"
# No $(seq): the shell would read that through a pipe.
SLEEP = f"for i in {' '.join(map(str, range(SLEEPERS)))}; do {{ {{ sleep 2; echo; }} | cat >/dev/null; }} & done; wait\n"


def sleep_twice(mechanism):
    """The board's job: with the slots that it takes by itself, then with few."""
    runs = (f"ayaprof-uart --mode log -o /out/{name}.pb --summary-json /out/{name}.json -M none -p k:pipe_read "
            f"--mechanism {mechanism} {slots} -- sh /job/sleep || exit\n"
            for name, slots in (("run", ""), ("few", "--return-slots 8")))
    return "".join(runs) + "cp /sys/kernel/tracing/kprobe_events /out/left\n"


GETPPID = "__x64_sys_getppid"
CALLS, USER_CALLS, FORKS = 1009, 503, 23  # primes: nothing else comes in that number
BOOT_TIMEOUT_S = 240  # a boot takes 2 s, loading programs some more; the machine may be busy

Profile = collections.namedtuple("Profile", "result summary info stats")


def program(board, name):
    """A static program for a board; other architectures than this machine's are built by `make test-boards`."""
    arch = boards.MACHINES[board].arch
    path = (BUILD / "static" if os.uname().machine == arch else BUILD / arch / "static") / name
    if not path.exists():
        skip(f"no static {name} for {arch} in this build")
    return path


def static_hostdec():
    path = BUILD / "desk/hostdec"
    if not path.exists():
        skip("no static hostdec in this build")
    return path


unavailable = {}  # cell: why; a mirror that was not there a moment ago is not asked again


def boot(bench, cell, job, files=None, wait_host=False, join=None, append="", memory_mb=None):
    """A board that is running; ended with the test at the latest."""
    if cell in unavailable:
        skip(unavailable[cell])
    try:
        board = boards.Board(cell.board, cell.kernel, job, files, wait_host, join, append, memory_mb)
    except boards.Unavailable as reason:
        unavailable[cell] = str(reason)
        skip(str(reason))
    board.__enter__()
    board.kill = board.__exit__
    board.describe = lambda: [f"    board| {line}" for line in board.console().splitlines()[-25:]]
    bench.processes.append(board)
    return board


def start(bench, cell, options, command, before="", wait_host=True, join=None):
    """A board that profiles `command` with `options` and streams over its data UART."""
    files = {name: program(cell.board, name) for name in ("ayaprof-uart", "workload")}
    job = f'{before}\nayaprof-uart {options} --summary-json /out/summary.json "$DATA" -- {command}\n'
    return boot(bench, cell, job, files, wait_host, join)


def record(bench, board):
    """hostdec on the board's UART, until the board is switched off."""
    return bench.record(f"unix:{board.data}", bench.tmp / "run.pb", "--no-reconnect")


def balanced(info, summary):
    """Produced = in the recording + lost."""
    assert info["complete"], "the recording is not complete"
    assert summary["events"] == info["events"] + info["lost"]["total"], \
        f"{summary['events']} produced, {info['events']} here, lost {info['lost']}"


def finish(bench, board, host):
    """What the board says about the profile and what is in the recording; the books of both must agree."""
    result = board.wait(BOOT_TIMEOUT_S)
    assert result.code == 0, f"exit status {result.code} on the board"
    host.wait()
    recording = bench.tmp / "run.pb"
    p = Profile(result, json.loads(result.files["summary.json"]), bench.info(recording), bench.stats(recording))
    assert p.info["frames_bad"] == 0, f"{p.info['frames_bad']} damaged frames on a clean line"
    balanced(p.info, p.summary)
    return p


def profile(bench, cell, options, command, before=""):
    board = start(bench, cell, options, command, before)
    return finish(bench, board, record(bench, board))


def exactly(p, name, calls):
    """That many calls, all of them here, each with its beginning and end."""
    assert p.info["lost"]["total"] == 0, f"lost {p.info['lost']}"
    row = p.stats.get(name)
    assert row, f"no {name} among {sorted(p.stats)}"
    assert row["count"] == calls, f"{row['count']} calls of {name}, {calls} were made"
    assert 0 < row["min_ns"] <= row["p50_ns"] <= row["max_ns"] < 10**10, row


def used(p, mechanism):
    """The summary says that kernel functions were called for this way."""
    assert mechanism in re.split(r"[^a-z_.]+", str(p.summary["probes"])), f"no {mechanism} in {p.summary['probes']}"


def ends(bench, result, name):
    """Entries and exits in a recording that the board kept, and how many exits its books call missed."""
    recording = bench.tmp / f"{name}.pb"
    recording.write_bytes(result.files[f"{name}.pb"])
    info, summary = bench.info(recording), json.loads(result.files[f"{name}.json"])
    kinds = collections.Counter(record[15] for record in bench.events(recording))
    missed = info["lost"]["by_cause"].get("missed_return", 0)
    bench.note(f"{name}: {kinds} {info['lost']} {summary}")
    assert summary["events"] == info["events"] + info["lost"]["total"] and info["lost"]["total"] == missed, info["lost"]
    return kinds[0], kinds[1], missed


def tell(p, mechanism):
    """Figures for whoever reads along; what they should be, docs/overhead.md tells."""
    s = p.summary
    print(f"# {mechanism}: {s['attached']} attached in {s['attach_seconds']:.2f} s, {s['refused']} refused, "
          f"{s['events']} events, peak RSS {s['peak_rss_kb']} KB, board was up {p.result.seconds:.1f} s", flush=True)
    assert s["peak_rss_kb"] < RSS_MAX_KB, f"{s['peak_rss_kb']} KB"


def add_tests(cell):
    board = f"{cell.board} {cell.kernel}"

    @test(f"{board}: --check; {CALLS} calls of a kernel function by {cell.mechanisms[0]}, {USER_CALLS} of a user "
          f"function by uprobe, {FORKS} ends of processes by tracepoint, all over the UART")
    def best(bench):
        p = profile(bench, cell, "-M syscall,sched -p k:create_pipe_files -p u:/job/workload:ayp_work "
                    "-p t:sched:sched_process_exit",
                    f"sh -c 'workload alloc {CALLS}; workload calls {USER_CALLS}; workload forks {FORKS}'",
                    before=CHECK + CLIPPED)
        assert p.result.files["check.code"].strip() == b"0", p.result.files["check"].decode()
        if "clipped" in p.result.files:
            clipped = p.result.files["clipped"].decode()
            assert p.result.files["clipped.code"].strip() == b"1" and clipped.count("\n") == 1 and "9600" in clipped, clipped
        assert p.info["board"]["kernel"].startswith(cell.kernel + "."), p.info["board"]
        tell(p, cell.mechanisms[0])
        used(p, cell.mechanisms[0])
        used(p, "uprobe.multi" if cell.kernel == "6.12" else "uprobe")
        assert p.summary["refused"] == 0 and p.summary["attached"] >= 6, p.summary
        exactly(p, "create_pipe_files", CALLS)
        exactly(p, "sys_pipe2", CALLS)
        exactly(p, "ayp_work", USER_CALLS)
        # The shell's children end as well, and whatever else ends on the board.
        ends = p.stats["sched:sched_process_exit"]["count"]
        assert FORKS + 3 <= ends <= FORKS + 9, ends

    @test(f"{board}: {CALLS} calls over {BAUD} baud with wrong bits: every event is here or counted as lost")
    def noisy(bench):
        board = start(bench, cell, f"-b {BAUD if cell.board == 'raspi3b' else 115200} -M syscall,sched -p k:create_pipe_files",
                      f"workload alloc {CALLS}")
        line = Line(bench.tmp / "line", BAUD, BER)
        line.attach(board.data)
        host = bench.record(f"unix:{line.port}", bench.tmp / "run.pb", "--no-reconnect")
        result = board.wait(BOOT_TIMEOUT_S)
        assert result.code == 0, f"exit status {result.code} on the board"
        host.wait()
        info, summary = bench.info(bench.tmp / "run.pb"), json.loads(result.files["summary.json"])
        print(f"# {line.flipped} wrong bits in {line.carried} bytes: {info['frames_bad']} frames bad, "
              f"{info['frames_retransmitted']} repeated, {info['lost']['total']} of {summary['events']} events lost", flush=True)
        assert line.flipped, "nothing was damaged"
        balanced(info, summary)
        assert info["events"] > CALLS, info["events"]

    if boards.MACHINES[cell.board].arch == "x86_64":
        # One function, two names: the type information that fentry needs knows it by the other one.
        @test(f"{board}: a function that the best way cannot have is traced in another one, beside the rest")
        def mixed(bench):
            p = profile(bench, cell, f"-M syscall -p k:create_pipe_files -p k:{GETPPID}", f"workload getppid {CALLS}")
            exactly(p, GETPPID, CALLS)
            exactly(p, "sys_getppid", CALLS)

    for mechanism in cell.mechanisms[1:]:
        @test(f"{board}: {CALLS} calls with the choice made by the user, {mechanism}")
        def forced(bench, mechanism=mechanism):
            p = profile(bench, cell, f"-M none -p k:create_pipe_files --mechanism {mechanism}", f"workload alloc {CALLS}")
            used(p, mechanism)
            exactly(p, "create_pipe_files", CALLS)

    for mechanism in ways_with_slots(cell):
        @test(f"{board}: {SLEEPERS} calls sleep at once: {mechanism} sees all ends, or its books say how many it missed")
        def sleeping(bench, mechanism=mechanism):
            script = bench.tmp / "sleep"
            script.write_text(SLEEP)
            files = {"ayaprof-uart": program(cell.board, "ayaprof-uart"), "sleep": script}
            result = boot(bench, cell, sleep_twice(mechanism), files, append=ONE_CPU).wait(BOOT_TIMEOUT_S)
            assert result.code == 0, f"exit status {result.code} on the board"
            # Reads of pipes by any other process on the board are traced as well, and one that still waits
            # when the profile ends has no end. So: exact, but for as many calls as are not the sleepers'.
            for name in ("run", "few"):
                entries, exits, missed = ends(bench, result, name)
                others = entries - 2 * SLEEPERS
                assert 0 <= entries - exits - missed <= others
                # How many sleep at once depends on how fast the board starts them: with few returns, more than these.
                assert missed == 0 if name == "run" else missed > 0
            assert not result.files["left"], result.files["left"]

    if cell.kernel != "5.10":  # where each function is an attachment of its own
        @test(f"{board}: hundreds of functions at once, and none is left behind")
        def hundreds(bench):
            p = profile(bench, cell, "-M none -p k:create_pipe_files -p k:tcp_* -p k:ip_* -p k:udp_*",
                        f"workload alloc {CALLS}",
                        before="trap 'cat /sys/kernel/tracing/kprobe_events /sys/kernel/rcu_expedited >/out/left' EXIT\n")
            tell(p, "hundreds")
            assert p.summary["attached"] > 400 and p.summary["refused"] == 0, p.summary
            # An interrupt's calls inside of another probe the kernel passes over, and counts; the workload's are in none.
            lost = p.info["lost"]
            assert lost["total"] == lost["by_cause"]["missed_return"] < CALLS, lost
            row = p.stats["create_pipe_files"]
            assert row["count"] == CALLS and row["no_end"] == 0, row
            assert p.result.files["left"].split() == [b"0"], p.result.files["left"]

    @test(f"{board}: the functions of the network path around loopback traffic")
    def network(bench):
        p = profile(bench, cell, "-M latency,irq,throughput,memory", "workload loopback 100003")
        # Nothing else is sent: each packet that IP receives is TCP's.
        received = p.stats["ip_rcv"]["count"]
        assert received > 2 * 100003 // 4096, f"{received} packets for 100003 bytes in pieces of 4096, each acknowledged"
        for name in ("ip_rcv", "tcp_v4_rcv"):
            exactly(p, name, received)
