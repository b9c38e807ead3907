# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the probe modules see of this kernel, and how the daemon behaves around it."""
import json
import os
import re
import signal
import subprocess

from harness import BOARD, HOSTDEC, WORKLOAD, main, need_bpf, need_root, skip, test, wait_for
from recordings import check_books

ALONE = "counts what lo carries, has XDP on it, and loses nothing of the whole machine's system calls"

TEXT = ("-M", "syscall")


def log(bench, *arguments, name="live", **run):
    out, summary = bench.tmp / f"{name}.pb", bench.tmp / f"{name}.json"
    result = bench.run(BOARD, "--mode", "log", "-o", out, "--summary-json", summary, *arguments, **run)
    info, books = bench.info(out), json.loads(summary.read_text())
    bench.note(f"{name}: {info} {books}")
    check_books(info, books)
    return out, info, books, result


def exported(bench, recording):
    out = bench.tmp / "export.json"
    bench.hostdec("export", recording, "-f", "json", "-o", out)
    return json.loads(out.read_text())


@test("default profiling at 3,000,000 baud while 3,000 header files are read: the books balance")
def default_profile(bench):
    need_bpf()
    line = bench.line("--baud", 3000000)
    out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
    host = bench.record(line.host, out, "-b", 3000000)
    line.wait_open("host")
    board = bench.board("-b", 3000000, "--summary-json", summary, line.board, "--",
                        "/bin/sh", "-c", f"{WORKLOAD} files 3000 && sleep 0.5 && {WORKLOAD} files 3000")
    assert board.wait(120) == 0
    line.drain()
    assert host.stop() == 0
    info, books = bench.info(out), json.loads(summary.read_text())
    bench.note(f"{info} {books}")
    check_books(info, books)
    assert info["events"] > 10000 and info["calls"] > 3000, info
    assert info["complete"] and not info["board"]["hostname"] == "" and info["board"]["cpus"] >= os.cpu_count()
    carried = line.stats()["board_to_host"]
    assert books["wire_bytes"] == carried["taken"] == info["wire_bytes"], (books["wire_bytes"], carried)
    stats = bench.stats(out)
    reads = stats.get("read") or stats.get("sys_read")
    assert reads and reads["count"] > 1000, "reading files shows no read calls"


@test("-d ends a run after so many seconds")
def duration(bench):
    need_bpf()
    _, info, _, _ = log(bench, *TEXT, "-d", "1")
    assert 0.8e9 < info["duration_ns"] < 4e9, info["duration_ns"]
    assert info["events"] > 0


@test("memory samples: bytes taken and given back while pipes come and go")
def memory(bench):
    need_bpf()
    out, info, _, _ = log(bench, "-M", "memory", "-i", "5", "--", WORKLOAD, "alloc", 2003)
    samples = exported(bench, out)["samples"]
    rows = [row for sample in samples for row in sample.get("memory", [])]
    assert len(samples) >= 2 and rows
    total = sum(max(int(row["alloc_bytes"]) for row in rows if row.get("type", 0) == kind)
                for kind in {row.get("type", 0) for row in rows})
    # Each pipe takes at least a page-array and an inode; all of it is given back.
    assert total > 2003 * 500, f"{total} bytes in {len(rows)} rows"
    for row in rows:
        assert int(row["free_bytes"]) <= int(row["alloc_bytes"]) and int(row["free_count"]) <= int(row["alloc_count"]), row


@test("throughput samples: a million bytes over loopback are a million bytes on lo")
def throughput(bench):
    need_bpf()
    sent = 5000011
    out, info, _, _ = log(bench, "-M", "throughput", "-i", "50", "--", WORKLOAD, "loopback", sent)
    samples = exported(bench, out)["samples"]
    rows = [row for sample in samples for row in sample.get("interfaces", []) if "lo" in (row.get("name"), row.get("ifname"))]
    assert rows, f"no samples of lo in {samples[:1]}"
    for direction in ("rx", "tx"):
        moved = int(rows[-1][f"{direction}_bytes"]) - int(rows[0][f"{direction}_bytes"])
        assert sent <= max(moved, int(rows[-1][f"{direction}_bytes"])) < sent * 3, (direction, rows[0], rows[-1])


@test("xdp sees the packets of lo, with length and protocol")
def xdp(bench):
    need_bpf()
    if "xdp" in subprocess.run(["ip", "link", "show", "lo"], stdout=subprocess.PIPE, text=True, check=False).stdout:
        skip("another program has XDP on lo")
    out, info, books, result = log(bench, "-M", "xdp", "--xdp-iface", "lo", "--", WORKLOAD, "loopback", 409607)
    stats = bench.stats(out)
    packets = [row for row in stats.values() if row["kind"] == "packet"]
    assert packets and sum(row["count"] for row in packets) >= 100, stats
    assert any("xdp" in str(group).lower() for group in (books["probes"], result.err)), books["probes"]


@test("stack samples come at their rate while a program burns time")
def samples(bench):
    need_bpf()
    out, info, _, _ = log(bench, "-M", "cpu", "--", WORKLOAD, "calls", 300000001)
    stats = bench.stats(out)
    taken = [row for row in stats.values() if row["kind"] == "sample"]
    assert taken and sum(row["count"] for row in taken) >= 20, stats
    folded = bench.run(HOSTDEC, "export", out, "-f", "folded", "-o", "-").out.splitlines()
    assert sum(int(line.rsplit(" ", 1)[1]) for line in folded) == sum(row["count"] for row in taken), folded
    burning = [line for line in folded if line.startswith("workload;") and ";run_calls" in line]
    assert burning, folded


@test("the daemon does not trace itself")
def not_itself(bench):
    need_bpf()
    line = bench.line("--baud", 3000000)
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", 3000000)
    line.wait_open("host")
    board = bench.board("-b", 3000000, *TEXT, line.board, "-d", "1")
    assert board.wait(30) == 0
    line.drain()
    assert host.stop() == 0
    own = {int.from_bytes(record[8:12], "little") for record in bench.events(out)}
    assert board.pid not in own, "the daemon's own calls are in the recording"
    assert line.popen.pid in own or host.pid in own, "nobody's calls are in the recording"


@test("-- COMMAND: stdout is its own, its end ends the run")
def command(bench):
    need_bpf()
    _, info, _, result = log(bench, *TEXT, "--", "/bin/sh", "-c", "echo to stdout; echo to stderr >&2; exit 7", code=None)
    assert result.out == "to stdout\n", result.out
    assert "to stderr" in result.err
    assert info["complete"] and info["duration_ns"] < 10e9
    assert info["session_list"][0]["end_reason"] == "command ended" and "exit 7" in info["session_list"][0]["command"]


@test("-- COMMAND sees probes that are live from its first instruction")
def command_first(bench):
    need_bpf()
    for count in (1, 2, 3):
        out, info, _, _ = log(bench, "-M", "none", "-p", f"u:{WORKLOAD}:ayp_work", "--", WORKLOAD, "calls", count,
                              name=f"first{count}")
        assert bench.stats(out)["ayp_work"]["count"] == count


@test("SIGINT and SIGTERM stop the probes, drain what was taken, exit 0")
def signals(bench):
    need_bpf()
    for number in (signal.SIGINT, signal.SIGTERM):
        line = bench.line("--baud", 1000000, name=f"line{number}")
        out, summary = bench.tmp / f"{number}.pb", bench.tmp / f"{number}.json"
        host = bench.record(line.host, out, "-b", 1000000, name=f"host{number}")
        line.wait_open("host")
        board = bench.board("-b", 1000000, *TEXT, "--summary-json", summary, line.board, name=f"board{number}")
        wait_for("some recording", lambda out=out: out.exists() and out.stat().st_size > 4000)
        assert board.stop(number) == 0
        line.drain()
        assert host.stop() == 0
        info = bench.info(out)
        check_books(info, json.loads(summary.read_text()))
        assert info["complete"] and info["lost"]["total"] == 0, info


@test("a second signal drops what is left, counted")
def second_signal(bench):
    need_bpf()
    line = bench.line("--baud", 19200)
    out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
    host = bench.record(line.host, out, "-b", 19200)
    line.wait_open("host")
    board = bench.board("-b", 19200, *TEXT, "--summary-json", summary, line.board)
    bench.spawn("burner", [WORKLOAD, "getppid", 100000000])
    wait_for("more than a hello", lambda: out.exists() and out.stat().st_size > 2000)
    board.popen.send_signal(signal.SIGINT)
    board.wait_text("drain", timeout=30)
    assert board.stop(signal.SIGINT, timeout=20) == 0
    line.drain()
    assert host.stop() == 0
    info, books = bench.info(out), json.loads(summary.read_text())
    bench.note(f"{info} {books}")
    check_books(info, books)
    assert books["lost"]["abandoned"] > 0 if "abandoned" in books["lost"] else books["lost"]["by_cause"].get("abandoned", 0) > 0


@test("--check says what can be traced and how; exit 0 where something can")
def check(bench):
    need_bpf()
    result = bench.run(BOARD, "--check")
    for module in ("syscall", "irq", "sched", "latency", "cpu", "memory", "throughput", "xdp"):
        assert module in result.out, f"nothing about {module}"
    assert re.search("tp_btf|raw_tp|tracepoint", result.out)


@test("functions that every probe runs through are left out, and -v says which and why")
def own_helpers(bench):
    need_root()
    every = bench.run(BOARD, "--list-functions", "bpf_ringbuf*", code=None)
    listed = bench.run(BOARD, "-v", "--list-functions", "*rcu_read*lock*", code=None)
    told = [line for line in listed.err.splitlines() if "left out: " in line]
    assert every.out == "" and "-v says why" in every.err and len(every.err.splitlines()) == 1, every.err
    names = {line.split("left out: ")[1].split(":")[0] for line in told}
    assert names and not names & set(listed.out.split()), told
    probed = bench.run(BOARD, "--mode", "log", "-o", bench.tmp / "x.pb", "-M", "none", "-p", "k:bpf_ringbuf*", "-d", 1, code=1)
    assert "every probe itself runs through" in probed.err and len(probed.err.splitlines()) == 1, probed.err
    # Named in full it is no other: such a probe can end the machine. Nothing is attached here.
    named = bench.run(BOARD, "--mode", "log", "-o", bench.tmp / "x.pb", "-M", "none", "-p", "k:bpf_ringbuf_submit", "-d", 1, code=1)
    assert "runs through bpf_ringbuf_submit" in named.err and "--unsafe" in named.err, named.err
    settings = bench.tmp / "settings"
    settings.write_text("unsafe = yes\n")
    for insist in (("--unsafe",), ("-c", settings)):
        insisted = bench.run(BOARD, *insist, "--list-functions", "bpf_ringbuf_*mit")
        assert "bpf_ringbuf_submit" in insisted.out.split(), insisted


@test("--list-modules and --list-functions list")
def lists(bench):
    listed = bench.run(BOARD, "--list-modules").out
    for module in ("syscall", "irq", "sched", "latency", "cpu", "memory", "throughput", "xdp"):
        assert re.search(rf"^\s*{module}\b", listed, re.M), f"no {module} in {listed}"
    need_root()
    functions = bench.run(BOARD, "--list-functions", "tcp_v4_*").out
    assert len(functions.splitlines()) > 5 and "tcp_v4_" in functions


@test("the daemon is small: peak resident memory in the summary is what the kernel says")
def footprint(bench):
    need_bpf()
    _, _, books, _ = log(bench, "--", WORKLOAD, "files", 503)
    assert 500 < books["peak_rss_kb"] < (1 << 20 if "asan" in str(BOARD) else 65536), books["peak_rss_kb"]
    assert 0 < books["cpu_seconds"] < 60


@test("a profiled stream of the whole kernel survives an unplugged host; the books balance")
def live_unplug(bench):
    need_bpf()
    line = bench.line("--baud", 3000000)
    out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
    board = bench.board("-b", 3000000, "--link", "oneway", "--summary-json", summary, line.board)
    line.wait_open("board")
    traffic = bench.spawn("traffic", [WORKLOAD, "mix", 30])
    host = bench.record(line.host, out, "-b", 3000000)
    wait_for("some recording", lambda: out.exists() and out.stat().st_size > 20000)
    line.command("unplug host 1")
    line.wait_open("host", 2)
    size = out.stat().st_size
    wait_for("more recording", lambda: out.stat().st_size > size + 20000)
    traffic.kill()
    assert board.stop() == 0
    line.drain()
    assert host.stop() == 0
    info, books = bench.info(out), json.loads(summary.read_text())
    bench.note(f"{info} {books}")
    check_books(info, books)
    assert info["lost"]["by_cause"].get("line", 0) > 0 and info["complete"]


@test("the probes are gone when the daemon is")
def detached(bench):
    need_bpf()
    if subprocess.run(["bpftool", "version"], stdout=subprocess.DEVNULL, check=False).returncode:
        skip("no bpftool")
    log(bench, *TEXT, "-d", "0.3")
    programs = json.loads(subprocess.check_output(["bpftool", "prog", "list", "-j"]))
    mine = [entry for entry in programs if any("ayaprof" in who.get("comm", "") for who in entry.get("pids", []))]
    assert not mine, mine


main()
