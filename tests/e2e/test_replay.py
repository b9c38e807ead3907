# SPDX-License-Identifier: MIT OR Apache-2.0
"""Recordings through the whole program and back, over no line and over a good one."""
import json
import os
import struct

from harness import BOARD, as_nobody, main, skip, test
from recordings import FULL, SMALL, TRACEPOINTS, check_books, check_same_events


def log(bench, recording, path, *options, **run):
    """Replay into a file; the file and the daemon's summary."""
    out, summary = bench.tmp / "log.pb", bench.tmp / "log.json"
    bench.run(BOARD, "--replay", path, "--names", recording.names_path, "--mode", "log", "-o", out,
              "--summary-json", summary, *options, **run)
    return out, json.loads(summary.read_text())


def whole(bench, recording):
    path, data = recording.unpack(bench.tmp)
    out, summary = log(bench, recording, path)
    check_same_events(bench.events(out), data, recording.name)
    info = bench.info(out)
    check_books(info, summary)
    assert info["complete"] and info["events"] == len(data) // 16 and info["lost"]["total"] == 0, info
    assert summary["events_sent"] == summary["events"] and summary["lost"].get("total", 0) == 0
    names = set(bench.stats(out))
    # Functions whose every event is an exit at the edge of the recording have no row.
    assert len(names - recording.function_names(data)) == 0, "names that the recording does not have"
    assert len(names) > 0.8 * len(recording.function_names(data))
    size = os.path.getsize(out) / info["events"]
    assert size < 4, f"{size:.2f} bytes an event in the file"


@test("replayed recordings come back bit for bit from a log file")
def log_mode(bench):
    for recording in SMALL:
        whole(bench, recording)


@test("replayed recordings of 300,000 events come back bit for bit from a log file")
def log_mode_full(bench):
    if not FULL:
        skip("no shared/traces beside the checkout")
    for recording in FULL:
        whole(bench, recording)


@test("an ordinary user may replay")
def unprivileged(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp, 4001)
    names = bench.tmp / "names"
    names.write_bytes(TRACEPOINTS.names_path.read_bytes())
    program = bench.tmp / "ayaprof-uart"
    program.write_bytes(BOARD.read_bytes())
    program.chmod(0o755)
    place = bench.tmp / "theirs"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    bench.run(program, "--replay", path, "--names", names, "--mode", "log", "-o", place / "x.pb", **as_nobody())
    check_same_events(bench.events(place / "x.pb"), data, "as nobody")


@test("without --names, and with a prime number of events, every event is there")
def no_names(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp, 10007)
    out = bench.tmp / "x.pb"
    bench.run(BOARD, "--replay", path, "--mode", "log", "-o", out)
    check_same_events(bench.events(out), data, "without names")


@test("--resolution rounds times and changes nothing else")
def resolution(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp, 5003)
    out, _ = log(bench, TRACEPOINTS, path, "--resolution", "1000")
    found = bench.events(out)
    times = sorted(struct.unpack_from("<Q", record)[0] for record in found)
    assert all(time % 1000 == 0 for time in times)
    # Rounded down, or to nearest: both are rounding; each must be within one step of an original.
    original = sorted(struct.unpack_from("<Q", data, at)[0] for at in range(0, len(data), 16))
    assert all(abs(a - b) < 1000 for a, b in zip(times, original))
    rest = sorted(record[8:] for record in found)
    assert rest == sorted(data[at + 8:at + 16] for at in range(0, len(data), 16))


def over_line(bench, recording, baud, *board_options):
    path, data = recording.unpack(bench.tmp)
    name = f"{recording.name}-{baud}"
    line = bench.line("--baud", baud, name=f"line-{name}")
    out, summary = bench.tmp / f"{name}.pb", bench.tmp / f"{name}.json"
    host = bench.record(line.host, out, "-b", baud, name=f"hostdec-{name}")
    line.wait_open("host")
    board = bench.board("--replay", path, "--names", recording.names_path, "-b", baud, line.board,
                        "--summary-json", summary, *board_options, name=f"board-{name}")
    assert board.wait(120) == 0
    line.drain()
    assert host.stop() == 0
    info = bench.info(out)
    check_same_events(bench.events(out), data, name)
    check_books(info, json.loads(summary.read_text()))
    assert info["complete"] and info["lost"]["total"] == 0 and info["frames_bad"] == 0, info
    assert info["link"]["baud"] == baud
    stats = line.stats()
    carried = stats["board_to_host"]
    assert carried["delivered"] == carried["taken"] == json.loads(summary.read_text())["wire_bytes"], carried
    assert info["wire_bytes"] == carried["delivered"]
    assert stats["board_speed"] == baud, f"the board's port was set to {stats['board_speed']}"
    return info


@test("over a line of 4,000,000 baud every replayed event arrives")
def fast_line(bench):
    for recording in SMALL:
        over_line(bench, recording, 4000000)


@test("over a line of 4,000,000 baud every one of 300,000 replayed events arrives")
def fast_line_full(bench):
    if not FULL:
        skip("no shared/traces beside the checkout")
    for recording in FULL:
        over_line(bench, recording, 4000000)


@test("a recording at recorded times takes its time and loses nothing")
def realtime(bench):
    info = over_line(bench, TRACEPOINTS, 4000000, "--replay-rate", "realtime")
    assert 600e6 < info["duration_ns"] < 5e9, info["duration_ns"]


def made_up(bench, events, names):
    """A recording of (t_ns, func, kind) rows of one thread, replayed; the file."""
    path, names_path, out = bench.tmp / "made.bin", bench.tmp / "made.names", bench.tmp / "made.pb"
    path.write_bytes(b"".join(struct.pack("<QIHBB", t_ns, 7, func, 0, kind) for t_ns, func, kind in events))
    names_path.write_text("".join(f"{func} {name}\n" for func, name in enumerate(names)))
    bench.run(BOARD, "--replay", path, "--names", names_path, "--mode", "log", "-o", out)
    return out


@test("functions whose names begin like system calls nest like functions; system calls of every ABI are known")
def like_syscalls(bench):
    names = ("sys_fillrect", "sys_imageblit", "sys_read", "ia32_sys_waitpid", "sys_466")
    turns = [(turn * 10000 + at, func, kind) for turn in range(1, 101) for at, func, kind in (
        (0, 0, 0), (100, 1, 0), (200, 1, 1), (300, 0, 1), (400, 2, 0), (500, 2, 1), (600, 3, 0), (700, 3, 1), (800, 4, 0), (900, 4, 1))]
    stats = bench.stats(made_up(bench, turns, names))
    for name in names:
        assert stats[name]["count"] == 100 and stats[name]["no_end"] == 0, stats[name]
    assert stats["sys_fillrect"]["total_ns"] == 30000 and stats["sys_fillrect"]["self_ns"] == 20000, stats["sys_fillrect"]
    assert [stats[name]["kind"] for name in names[:3]] == ["replay", "replay", "syscall"] and stats["sys_466"]["kind"] == "syscall", stats


@test("the total of a recursive function is that of its outermost calls")
def recursive(bench):
    depth = 10
    calls = [(1000, 0, 0)] + [(2000 + at * 1000, 1, 0) for at in range(depth)] + [(12000 + at * 1000, 1, 1) for at in range(depth)] + [(22000, 0, 1)]
    again = [(100000 + t_ns, func, kind) for t_ns, func, kind in calls]
    stats = bench.stats(made_up(bench, calls + again, ("caller", "recurse")))
    assert stats["recurse"]["count"] == 2 * depth and stats["recurse"]["total_ns"] == 2 * 19000, stats["recurse"]
    assert stats["recurse"]["mean_ns"] == 10000 and stats["recurse"]["max_ns"] == 19000, stats["recurse"]
    assert stats["caller"]["total_ns"] == 42000 and stats["caller"]["self_ns"] == 4000, stats["caller"]


@test("times beyond 2^53 ns keep every digit, for readers that take numbers for doubles, too")
def late_times(bench):
    start = 2**53 + 1
    calls = [(start + turn * 1001 + at, 0, kind) for turn in range(10) for at, kind in ((0, 0), (333, 1))]
    out = made_up(bench, calls, ("f",))
    rows = [line.split(",") for line in bench.hostdec("export", out, "-f", "csv", "-o", "-").out.splitlines()]
    at = {name: rows[0].index(name) for name in ("t_ns", "since_ns")}
    assert [int(row[at["t_ns"]]) for row in rows[1:]] == [t_ns for t_ns, _, _ in calls]
    assert [float(row[at["since_ns"]]) for row in rows[1:]] == [t_ns - start for t_ns, _, _ in calls]
    text = bench.hostdec("export", out, "-f", "json", "-o", "-").out
    doubles = json.loads(text, parse_int=float)
    assert int(doubles["origin"]) == start
    assert [int(doubles["origin"]) + int(call["since_ns"]) for call in doubles["calls"]] == [t_ns for t_ns, _, kind in calls if not kind]
    assert {call["duration_ns"] for call in doubles["calls"]} == {333.0}


main()
