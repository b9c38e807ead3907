# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who did what: system calls of every ABI, threads under their own names, the daemon in a PID namespace."""
import collections
import json
import os
import platform
import shutil
import struct
import subprocess

from harness import BOARD, BUILD, PYTHON, WORKLOAD, main, need_bpf, skip, test
from recordings import check_books

# A sanitizer looks for leaks from a process of its own: it would be counted, and is refused under ptrace.
os.environ["ASAN_OPTIONS"] = "detect_leaks=0"

ALONE = "loses nothing of the whole machine's system calls"

IDENTITIES = BUILD / "tests/identities"


def profile(bench, *options, command, prefix=(), name="run", board=BOARD, **run):
    """A COMMAND into a log file; its info and functions. The books are checked."""
    out, summary = bench.tmp / f"{name}.pb", bench.tmp / f"{name}.json"
    result = bench.run(*prefix, board, "--mode", "log", "-o", out, "--summary-json", summary, *options, "--", *command, **run)
    info, books = bench.info(out), json.loads(summary.read_text())
    bench.note(f"{name}: {info} {books} {result.err}")
    check_books(info, books)
    return out, info, bench.stats(out), result


def events(bench, recording):
    """Rows of the CSV export as (time, tid, task, kind, name)."""
    text = bench.hostdec("export", recording, "-f", "csv", "-o", "-").out.splitlines()
    head = text[0].split(",")
    at = [head.index(column) for column in ("t_ns", "tid", "task", "kind", "name")]
    return [tuple(row.split(",")[i] for i in at) for row in text[1:]]


def elf32():
    """A program of i386: exit(0)."""
    code = bytes.fromhex("31db" "b801000000" "cd80")  # xor ebx, ebx; mov eax, 1; int 0x80
    base, head = 0x08048000, 52 + 32
    header = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, base + head, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    return header + struct.pack("<8I", 1, 0, base, base, head + len(code), head + len(code), 5, 4096) + code


def need_ia32(bench):
    if platform.machine() != "x86_64":
        skip("i386's calls are x86-64's")
    program = bench.tmp / "exit32"
    program.write_bytes(elf32())
    program.chmod(0o755)
    try:
        subprocess.run([program], check=True)
    except (OSError, subprocess.CalledProcessError):
        skip("this kernel runs no i386 programs")
    return program


for mechanism in ("raw_tp", "tp"):
    @test(f"calls by int 0x80 and x32's have the names of their own ABI, and so has an execve into it: {mechanism}")
    def abis(bench, mechanism=mechanism):
        need_bpf()
        program = need_ia32(bench)
        out, info, stats, _ = profile(bench, "-M", "syscall", "--mechanism", mechanism, command=(IDENTITIES, "abis", 1009, program))
        assert info["lost"]["total"] == 0, info["lost"]
        tid = next(row[1] for row in events(bench, out) if row[4] == "ia32_sys_getpid")
        mine = [row for row in events(bench, out) if row[1] == tid]
        count = collections.Counter((row[4], row[3]) for row in mine)
        for name, calls in (("ia32_sys_getpid", 1009), ("x32_sys_getppid", 1010), ("sys_getppid", 1011)):
            assert count[name, "entry"] == count[name, "exit"] == calls, count
        assert not count["sys_writev", "entry"], count
        assert count["ia32_sys_exit", "entry"] == 1, count
        # The one that runs the program ends as what it began as.
        assert count["sys_execve", "entry"] == count["sys_execve", "exit"] >= 1 and not count["ia32_sys_execve", "exit"], count
        assert all(stats[name]["kind"] == "syscall" for name in ("ia32_sys_getpid", "x32_sys_getppid")), stats


@test("1,009 short threads that name themselves all have their own names")
def renamed(bench):
    need_bpf()
    threads = 1009
    out, info, _, _ = profile(bench, "-M", "syscall", command=(IDENTITIES, "threads", threads))
    assert info["lost"]["total"] == 0, info["lost"]
    names = {}
    for row in events(bench, out):
        if row[4] == "sys_getppid":
            names.setdefault(row[1], row[2])
    short = sorted(name for name in names.values() if name.startswith("short "))
    parents = [name for name in names.values() if name == "identities"]
    assert not parents, f"{len(parents)} threads carry the name of the program"
    # A thread id that lives a second life has one name in a recording.
    assert len(short) > threads * 0.9 and len(set(short)) == len(short), (len(short), len(set(short)))


@test("a thread that another one names is shown with that name")
def given(bench):
    need_bpf()
    out, info, _, _ = profile(bench, "-M", "syscall", command=(IDENTITIES, "given", 5003))
    calls = collections.Counter(row[2] for row in events(bench, out) if row[4] == "sys_getppid" and row[3] == "entry")
    assert calls["given"] == calls["identities"] == 5003, calls


def need_namespaces(*options):
    if not shutil.which("unshare"):
        skip("no unshare")
    if subprocess.run(["unshare", "--pid", "--fork", *options, "true"], check=False).returncode:
        skip("no PID namespaces here")


def in_namespace(bench, *options):
    need_bpf()
    need_namespaces(*options)
    if os.stat("/proc/self/ns/pid").st_ino != 0xEFFFFFFC:
        skip("this test is in a PID namespace already")
    # Others may run the program at the same time.
    board = bench.tmp / f"own{os.getpid()}"
    shutil.copy(BOARD, board)
    out, info, stats, result = profile(bench, "-M", "syscall,cpu,sched", command=(WORKLOAD, "getppid", 10007), timeout=120,
                                       prefix=("unshare", "--pid", "--fork", *options), board=board)
    rows = events(bench, out)
    own = {row[1] for row in rows if row[2] == board.name and row[3] in ("entry", "exit")}
    # What it starts has its name, too, until it is another program or takes a name of its own.
    own -= {row[1] for row in rows if row[2] != board.name}
    assert not own, f"the daemon's own calls are in the recording: {own}"
    asked = collections.Counter(row[2] for row in rows if row[4] == "sys_getppid" and row[3] == "entry")
    assert asked[WORKLOAD.name] == 10007, asked
    assert "PID namespace" in result.err, result.err
    return out, result


@test("in a PID namespace with its own /proc the daemon does not trace itself; user functions have names")
def namespace_own_proc(bench):
    out, _ = in_namespace(bench, "--mount-proc")
    prefix = ("unshare", "--pid", "--fork", "--mount-proc")
    out, _, _, _ = profile(bench, "-M", "cpu", command=(WORKLOAD, "calls", 300000001), prefix=prefix, name="cpu", timeout=120)
    folded = bench.hostdec("export", out, "-f", "folded", "-o", "-").out.splitlines()
    assert any(line.startswith("workload;") and ";run_calls" in line for line in folded), folded


@test("in a PID namespace with the /proc outside the daemon does not trace itself; user functions have names")
def namespace_other_proc(bench):
    out, _ = in_namespace(bench)
    prefix = ("unshare", "--pid", "--fork")
    out, _, _, _ = profile(bench, "-M", "cpu", command=(WORKLOAD, "calls", 300000001), prefix=prefix, name="cpu", timeout=120)
    folded = bench.hostdec("export", out, "-f", "folded", "-o", "-").out.splitlines()
    assert any(line.startswith("workload;") and ";run_calls" in line for line in folded), folded


@test("in a namespace within a namespace the daemon does not trace itself either")
def namespace_nested(bench):
    in_namespace(bench, "--mount-proc", "unshare", "--pid", "--fork")


@test("one of the two capabilities: one line says which is missing")
def capabilities(bench):
    need_bpf()
    if not shutil.which("setpriv"):
        skip("no setpriv")
    for keep, missing in (("bpf", "CAP_PERFMON is missing"), ("perfmon", "CAP_BPF is missing"), (None, "CAP_BPF and CAP_PERFMON are missing")):
        kept = "-all" + (f",+{keep}" if keep else "")
        result = bench.run("setpriv", f"--bounding-set={kept}", f"--inh-caps={kept}", BOARD, "--mode", "log", "-o", bench.tmp / "x.pb",
                           "-M", "syscall", "-d", 1, code=1)
        told = [line for line in result.err.splitlines() if "recording to" not in line]
        assert len(told) == 1 and missing in told[0], result.err


# An interface of a network namespace of its own, deleted and made again when the daemon is told to have begun; then traffic.
AGAIN = """
make() { ip link add a0 type veth peer name b0 && ip addr add 10.99.0.1/24 dev a0 && ip link set b0 up && ip link set a0 up; }
say() { for _ in $(seq 600); do grep -q "$1" "$ERR" && return; sleep 0.1; done; exit 91; }
make || exit 92
"$BOARD" --mode log -o "$OUT" --summary-json "$OUT.json" -M throughput,xdp --xdp-iface b0 -d 3600 2>"$ERR" &
board=$!
say "recording to"
ip link del a0
say "b0 is gone"
make || exit 93
[ "$(grep -c 'xdp: b0: ' "$ERR")" = 2 ] || for _ in $(seq 600); do [ "$(grep -c 'xdp: b0: ' "$ERR")" -lt 2 ] || break; sleep 0.1; done
"$PYTHON" -c 'import socket, time
for n in range(7):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"who has it?", ("10.99.0.7", 9))
    time.sleep(0.3)'
kill -INT $board
wait $board
"""


@test("an interface that is deleted and made again is followed, by its counters and by XDP")
def interface_again(bench):
    need_bpf()
    if not shutil.which("unshare") or subprocess.run(["unshare", "-n", "ip", "link", "add", "a0", "type", "veth"], check=False,
                                                     stderr=subprocess.DEVNULL).returncode:
        skip("no network namespaces with veth here")
    out, err = bench.tmp / "x.pb", bench.tmp / "x.err"
    err.touch()
    bench.run("unshare", "-n", "sh", "-c", AGAIN, timeout=240, env={**os.environ, "BOARD": str(BOARD), "OUT": str(out), "ERR": str(err), "PYTHON": PYTHON})
    bench.note(err.read_text())
    stats = bench.stats(out)
    assert sum(row["count"] for row in stats.values() if row["kind"] == "packet") > 0, stats
    samples = json.loads(bench.hostdec("export", out, "-f", "json", "-o", "-").out)["samples"]
    last = {row["name"]: row for row in samples[-1]["interfaces"]}
    first = {row["name"]: row for row in samples[0]["interfaces"]}
    assert last["b0"]["rx_packets"] > 0 and last["b0"]["ifindex"] != first["b0"]["ifindex"], (first, last)


@test("a program that is replaced while it is traced: one line says so")
def replaced(bench):
    need_bpf()
    program, other = bench.tmp / "program", bench.tmp / "other"
    shutil.copy(WORKLOAD, program)
    shutil.copy(WORKLOAD, other)
    for name, change in (("replaced", lambda: other.rename(program)), ("written over", lambda: os.utime(program, (1, 1))),
                         ("removed", program.unlink)):
        board = bench.board("--mode", "log", "-o", bench.tmp / "x.pb", "-M", "none", "-p", f"u:{program}:ayp_work", "-d", 3600, name=name.split()[0])
        board.wait_text("recording to", stream="err")
        change()
        board.wait_text(f"program was {name}", stream="err")
        assert board.stop() == 0
        assert board.err.count(" was ") == 1, board.err


main()
