# SPDX-License-Identifier: MIT OR Apache-2.0
"""This kernel, known workloads, prime counts: what was done is what is counted."""
import json

from harness import BOARD, WORKLOAD, main, need_bpf, test
from recordings import check_books

ALONE = "counts system calls and forks of the whole machine, none of which may be lost"

QUIET = ("-M", "none")


def profile(bench, *options, workload=(), command=(), name="live"):
    """A COMMAND into a log file; info, functions, summary. The books are checked."""
    out, summary = bench.tmp / f"{name}.pb", bench.tmp / f"{name}.json"
    bench.run(BOARD, "--mode", "log", "-o", out, "--summary-json", summary, *options, "--",
              *(command or (WORKLOAD, *workload)))
    info, summary = bench.info(out), json.loads(summary.read_text())
    bench.note(f"{name}: {info} {summary}")
    check_books(info, summary)
    assert info["complete"]
    return info, bench.stats(out), summary


@test("10,007 calls of a user function are 10,007 calls")
def user_calls(bench):
    need_bpf()
    info, stats, _ = profile(bench, *QUIET, "-p", f"u:{WORKLOAD}:ayp_work", workload=("calls", 10007))
    assert info["lost"]["total"] == 0, info["lost"]
    row = stats["ayp_work"]
    assert row["count"] == 10007 and row["kind"] == "user", row
    assert info["events"] >= 20014 and info["calls"] >= 10007
    assert 0 < row["min_ns"] <= row["p50_ns"] <= row["p90_ns"] <= row["p99_ns"] <= row["max_ns"] <= row["total_ns"]
    assert row["self_ns"] <= row["total_ns"] and abs(row["mean_ns"] - row["total_ns"] / 10007) <= 1


@test("10,007 calls over a paced line are 10,007 calls")
def user_calls_line(bench):
    need_bpf()
    line = bench.line("--baud", 3000000)
    out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
    host = bench.record(line.host, out, "-b", 3000000)
    line.wait_open("host")
    board = bench.board("-b", 3000000, *QUIET, "-p", f"u:{WORKLOAD}:ayp_work", "--summary-json", summary, line.board,
                        "--", WORKLOAD, "calls", 10007)
    assert board.wait(60) == 0
    line.drain()
    assert host.stop() == 0
    info = bench.info(out)
    check_books(info, json.loads(summary.read_text()))
    assert info["lost"]["total"] == 0 and info["complete"], info
    assert bench.stats(out)["ayp_work"]["count"] == 10007


@test("user functions nest: callers contain their callees, recursion counts each call")
def nested(bench):
    need_bpf()
    info, stats, _ = profile(bench, *QUIET, *(word for name in ("serve_request", "parse_request", "compute_*",
                             "checksum_reply", "send_reply") for word in ("-p", f"u:{WORKLOAD}:{name}")),
                             workload=("mix", 1))
    assert info["lost"]["total"] == 0
    requests = stats["serve_request"]["count"]
    assert requests >= 20 and requests % 4 == 0
    for name in ("parse_request", "compute_reply", "checksum_reply", "send_reply"):
        assert stats[name]["count"] == requests, f"{name}: {stats[name]['count']}, requests: {requests}"
    # The four requests hold these numbers; each costs n + 1 calls of the recursive function.
    per_turn = sum(n + 1 for n in (1, 4, 2, 5, 3, 2, 2, 2, 2, 0, 5, 1, 3, 4))
    assert stats["compute_fold"]["count"] == requests // 4 * per_turn
    inner = sum(stats[name]["total_ns"] for name in ("parse_request", "compute_reply", "checksum_reply", "send_reply"))
    outer = stats["serve_request"]
    assert outer["total_ns"] - inner == outer["self_ns"], f"self {outer['self_ns']} of {outer['total_ns']}, inner {inner}"


@test("1,009 getppid calls of the workload are 1,009 system calls")
def getppid(bench):
    need_bpf()
    info, stats, _ = profile(bench, "-M", "syscall", workload=("getppid", 1009))
    assert info["lost"]["total"] == 0, info["lost"]
    # Nothing else on a quiet machine calls it often; the shell and cron may, now and then.
    calls = stats["getppid"]["count"] if "getppid" in stats else stats["sys_getppid"]["count"]
    assert 1009 <= calls <= 1009 + 50, calls


@test("23 forks are 23 processes")
def forks(bench):
    need_bpf()
    info, stats, _ = profile(bench, *QUIET, "-p", "t:sched:sched_process_fork", "-p", "t:sched:sched_process_exit",
                             workload=("forks", 23))
    assert info["lost"]["total"] == 0
    forks = next(row["count"] for name, row in stats.items() if "sched_process_fork" in name)
    assert 23 <= forks <= 23 + 40, f"{forks} forks"


@test("`forks 23` among system calls: 23 waits at least, and a scheduler that switched")
def forks_syscalls(bench):
    need_bpf()
    info, stats, _ = profile(bench, "-M", "syscall,sched", workload=("forks", 23))
    assert info["lost"]["total"] == 0
    by_name = {name.removeprefix("sys_"): row for name, row in stats.items()}
    assert by_name["wait4"]["count"] >= 23
    assert any(row["kind"] == "switch" and row["count"] > 46 for row in stats.values()), sorted(stats)


@test("a ring too small loses events, says why and where, and the books balance")
def tiny_ring(bench):
    need_bpf()
    config = bench.tmp / "small.conf"
    config.write_text("# as small as it goes\nring-size = 4K\nmodule = none\n")
    # The command stops the daemon while it works: nobody empties the ring then.
    info, stats, summary = profile(bench, "-c", config, "-p", f"u:{WORKLOAD}:ayp_work", command=(
        "/bin/sh", "-c", f"kill -STOP $PPID; {WORKLOAD} calls 10007; kill -CONT $PPID"))
    assert info["lost"]["by_cause"].get("ring_full", 0) > 0, info["lost"]
    assert summary["events"] == 2 * 10007
    assert stats["ayp_work"]["exact_count"] == 10007, "the kernel's own count must not suffer"
    assert stats["ayp_work"]["count"] < 10007
    assert all(row["first_ns"] < row["last_ns"] for row in info["lost"]["ranges"]), info["lost"]


@test("a spool too small for the line loses whole blocks, and the books balance")
def tiny_spool(bench):
    need_bpf()
    line = bench.line("--baud", 230400)
    out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
    host = bench.record(line.host, out, "-b", 230400)
    line.wait_open("host")
    board = bench.board("-b", 230400, "--spool-mem", "64K", *QUIET, "-p", f"u:{WORKLOAD}:ayp_work", "--summary-json", summary,
                        line.board, "--", WORKLOAD, "calls", 50021)
    assert board.wait(120) == 0
    line.drain()
    assert host.stop() == 0
    info, summary = bench.info(out), json.loads(summary.read_text())
    bench.note(f"{info} {summary}")
    check_books(info, summary)
    assert info["lost"]["by_cause"].get("spool_full", 0) > 0, info["lost"]
    assert summary["spool_peak"] <= 65536
    assert bench.stats(out)["ayp_work"]["exact_count"] == 50021


main()
