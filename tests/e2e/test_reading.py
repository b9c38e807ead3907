# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the commands that read have in common: files that grow, pipes, threads, filters, bounds on memory."""
import csv
import fcntl
import fnmatch
import io
import json
import os
import struct
import subprocess
import termios
import time

from harness import BOARD, HOSTDEC, PYTHON, main, test, wait_for
from recordings import SMALL, TRACEPOINTS

SECONDS = 60
QUANTILES = {"p50_ns": 50, "p90_ns": 90, "p99_ns": 99}


def replayed(bench, path, names=TRACEPOINTS.names_path, out="x.pb"):
    out = bench.tmp / out
    bench.run(BOARD, "--replay", path, "--names", names, "--mode", "log", "-o", out)
    return out


def small(bench, recording=TRACEPOINTS, events=None):
    path, _ = recording.unpack(bench.tmp, events)
    return replayed(bench, path, recording.names_path, f"{recording.name}.pb")


def rows(bench, path, *options):
    return list(csv.DictReader(io.StringIO(bench.hostdec("export", path, "-f", "csv", "-o", "-", *options).out)))


# ---- a recording that is being written -------------------------------------------------------------

def recording_now(bench):
    """Some seconds of recording over a slow line, begun: its file, recorder, board."""
    path, _ = TRACEPOINTS.unpack(bench.tmp, 24000)
    line = bench.line("--baud", 57600)
    out = bench.tmp / "now.pb"
    host = bench.record(line.host, out, "-b", 57600)
    line.wait_open("host")
    board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "-b", 57600, line.board)
    wait_for("events in the recording", lambda: out.exists() and out.stat().st_size > 3000)
    return out, host, board, line


@test("info on a recording that is being written: no damage, what waits on the board is backlog, not lost")
def info_meanwhile(bench):
    out, host, board, line = recording_now(bench)
    seen = []
    while board.running():
        seen.append(bench.info(out))
        assert bench.hostdec("stats", out, "--json").json["lost"] == 0
        assert not [row for row in rows(bench, out) if row["kind"] == "lost"]
        time.sleep(0.1)
    line.drain()
    assert host.stop() == 0
    seen = [info for info in seen if info["session_list"] and not info["session_list"][-1]["goodbye"]]
    assert len(seen) >= 3, f"only {len(seen)} looks while it was recorded"
    for info in seen:
        assert info["being_written"] and not info["complete"]
        assert info["file_damaged"] == 0 and info["lost"]["total"] == 0, info["lost"]
        assert sum(one["count"] for one in info["lost"]["ranges"]) == 0
        produced = sum(session["produced"] for session in info["session_list"])
        assert produced == info["events"] + info["withheld"] + info["lost"]["total"] + info["backlog"]
    assert any(info["backlog"] > 1000 for info in seen), [info["backlog"] for info in seen]
    last = bench.info(out)
    assert last["complete"] and not last["being_written"] and last["backlog"] == 0 and last["lost"]["total"] == 0
    assert last["events"] == 24000


@test("--follow on a recording that is being written ends with it, and shows at last what is shown afterwards")
def follow(bench):
    out, host, board, line = recording_now(bench)
    followers = {name: bench.spawn(f"follow-{name}", [HOSTDEC, *command, out, "--follow", *options]) for name, command, options in (
        ("stats", ("stats",), ("--json",)), ("info", ("info",), ("--json",)), ("text", ("stats",), ()),
        ("events", ("export", "-f", "events", "-o", bench.tmp / "followed"), ()))}
    assert board.wait(60) == 0
    assert all(view.running() for view in followers.values()), "a view ended before the recording did"
    line.drain()
    assert host.stop() == 0
    for name, view in followers.items():
        assert view.wait() == 0, name
        assert view.err == "", view.err
    assert json.loads(followers["stats"].out) == bench.hostdec("stats", out, "--json").json
    assert json.loads(followers["info"].out) == bench.info(out)
    assert followers["text"].out == bench.hostdec("stats", out).out
    followed = (bench.tmp / "followed").read_bytes()
    assert sorted(struct.iter_unpack("16s", followed)) == [(one,) for one in bench.events(out)]


@test("--follow on a terminal shows what is known again and again, in place, and at last what is known afterwards")
def follow_live(bench):
    out, host, board, line = recording_now(bench)
    shown = {}
    for view in ("stats", "info"):
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 200, 0, 0))
        process = subprocess.Popen([HOSTDEC, view, out, "--follow"], stdin=subprocess.DEVNULL, stdout=slave,
                                   stderr=slave, env=dict(os.environ, TERM="xterm"))
        os.close(slave)
        shown[view] = (process, master)
    assert board.wait(60) == 0
    line.drain()
    assert host.stop() == 0
    for view, (process, master) in shown.items():
        text = b""
        while True:
            try:
                text += os.read(master, 65536)
            except OSError:
                break  # its other end is closed
        assert process.wait(30) == 0
        os.close(master)
        screens = text.decode().replace("\r\n", "\n").split("\x1b[H\x1b[J")
        assert len(screens) >= 4, f"{view}: {len(screens)} screens"
        assert screens[-1] == bench.hostdec(view, out).out
        if view == "stats":
            assert all(screen.count("\n") < 12 for screen in screens[1:-1]), "more lines than the terminal has"
        else:
            assert all("it is being recorded" in screen for screen in screens[1:3]), screens[1]
            assert any("events wait on the board" in screen for screen in screens[1:-1]), screens[1:-1]
            assert all("lost       nothing" in screen for screen in screens[1:]), screens[1:]


@test("the half record at the end of a recording that is being written is no damage; of one that is not, it is")
def half_record(bench):
    path = small(bench, events=5003)
    content = path.read_bytes()
    path.write_bytes(content[:-7])
    with open(path, "rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        info = bench.info(path)
    assert info["file_damaged"] == 0 and info["being_written"] and not info["complete"], info
    info = bench.info(path)
    assert info["file_damaged"] == 1 and not info["being_written"] and not info["complete"], info


@test("--follow ends when its recorder is killed, and at a signal; the figures are those of what is there")
def follow_ends(bench):
    out, host, board, _ = recording_now(bench)
    one = bench.spawn("follow-signal", [HOSTDEC, "stats", out, "--json", "--follow"])
    other = bench.spawn("follow-killed", [HOSTDEC, "info", out, "--json", "--follow"])
    time.sleep(0.5)
    assert one.running() and other.running()
    assert one.stop() == 0 and json.loads(one.out)["functions"]
    host.kill()
    assert other.wait(10) == 0
    info = json.loads(other.out)
    assert info == bench.info(out) and not info["complete"] and not info["being_written"] and info["events"] > 0
    board.kill()


@test("--follow of a finished recording is an ordinary reading; of a pipe it lasts until that ends")
def follow_finished(bench):
    path = small(bench, events=5003)
    assert bench.hostdec("stats", path, "--json", "--follow").json == bench.hostdec("stats", path, "--json").json
    content = path.read_bytes()
    view = bench.spawn("follow-pipe", [HOSTDEC, "stats", "-", "--json", "--follow"], stdin=subprocess.PIPE)
    for at in range(0, len(content), 1000):
        view.popen.stdin.write(content[at:at + 1000])
        view.popen.stdin.flush()
        time.sleep(0.02)
    assert view.running()
    view.popen.stdin.close()
    assert view.wait(10) == 0
    assert json.loads(view.out) == bench.hostdec("stats", path, "--json").json


# ---- pipes and threads -------------------------------------------------------------------------------

@test("a recording out of a pipe, a file as standard input, a FIFO: the same as the file")
def pipes(bench):
    path = small(bench)
    content = path.read_bytes()
    fifo = bench.tmp / "fifo"
    os.mkfifo(fifo)
    for view in (("info", "--json"), ("stats", "--json"), ("log", "--json"), ("export", "-f", "csv", "-o", "-")):
        expected = bench.hostdec(view[0], path, *view[1:]).out
        assert bench.hostdec(view[0], "-", *view[1:], input=content).out == expected, view
        with open(path, "rb") as file:
            assert subprocess.run([HOSTDEC, view[0], "-", *view[1:]], stdin=file, capture_output=True, check=True,
                                  text=True).stdout == expected
        feeder = bench.spawn("feeder", ["sh", "-c", f"exec cat '{path}' > '{fifo}'"])
        assert bench.hostdec(view[0], fifo, *view[1:]).out == expected
        feeder.wait()


@test("a pipe that is no recording: one line, exit 1, also when it never ends")
def not_a_recording(bench):
    for content in (b"", b"no recording\n" * 100):
        result = bench.hostdec("info", "-", input=content, code=1)
        assert len(result.err.splitlines()) == 1 and "standard input" in result.err, result.err
    with open("/dev/zero", "rb") as endless:
        run = subprocess.run([HOSTDEC, "stats", "-"], stdin=endless, capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode == 1 and "not a recording" in run.stderr, run
    result = bench.hostdec("stats", "-", input=b"x" * 10, code=1, env=dict(os.environ, TMPDIR="/nonexistent"))
    assert "not a recording" in result.err, "there are other places for temporary files"


@test("every export is the same on one processor and on all")
def processors(bench):
    for recording in SMALL:
        path = small(bench, recording)
        for form in ("events", "csv", "json"):
            outs = []
            for processors_ in (os.sched_getaffinity(0), {min(os.sched_getaffinity(0))}):
                out = bench.tmp / f"{form}.{len(processors_)}"
                bench.hostdec("export", path, "-f", form, "-o", out,
                              preexec_fn=lambda use=processors_: os.sched_setaffinity(0, use))
                outs.append(out.read_bytes())
            assert outs[0] == outs[1], f"{recording.name} as {form}"


# ---- statistics ----------------------------------------------------------------------------------------

def nearest_rank(sorted_values, percent):
    return sorted_values[(len(sorted_values) * percent + 99) // 100 - 1]


def check_row(row, durations):
    durations = sorted(durations)
    assert row["complete"] == len(durations), (row, len(durations))
    assert (row["min_ns"], row["max_ns"]) == (durations[0], durations[-1]), row
    assert row["mean_ns"] == sum(durations) // len(durations), row
    for key, percent in QUANTILES.items():
        exact = nearest_rank(durations, percent)
        assert abs(row[key] - exact) <= row["quantile_error"] * exact, f"{row['name']} {key}: {row[key]}, exactly {exact}"


@test("stats: count, min, max, mean and total are exact, quantiles within 0.1 % of those of every call")
def statistics(bench):
    for recording in SMALL:
        path = small(bench, recording)
        calls = bench.hostdec("export", path, "-f", "json", "-o", "-").json["calls"]
        by_name = {}
        for call in calls:
            by_name.setdefault(call["name"], []).append(call)
        found = bench.stats(path)
        checked = 0
        for name, of_name in by_name.items():
            row = found[name]
            assert row["quantile_error"] == 0.001
            complete = [call for call in of_name if call["complete"]]
            assert row["count"] == len(of_name) and row["no_end"] == len(of_name) - len(complete)
            assert row["self_ns"] == sum(call["self_ns"] for call in complete)
            if complete:
                check_row(row, [call["duration_ns"] for call in complete])
                checked += 1
        assert checked > 5, f"{recording.name}: {checked} functions"


@test("stats of durations that are known: quantiles of 1 ns to 100 s")
def known_durations(bench):
    durations = [(i * i * i * 7919) % 10 ** (1 + i % 11) + 1 for i in range(20011)]
    t, data = 1000, bytearray()
    for duration in durations:
        for kind, step in ((0, 5), (1, duration)):
            t += step
            data += struct.pack("<QIHBB", t, 77, 1, 0, kind)
    path = bench.tmp / "known.bin"
    path.write_bytes(data)
    names = bench.tmp / "known.names"
    names.write_text("1 known\n")
    row = bench.stats(replayed(bench, path, names))["known"]
    check_row(row, durations)
    assert row["count"] == 20011 and row["total_ns"] == row["self_ns"] == sum(durations)


# ---- filters ---------------------------------------------------------------------------------------------

@test("filters let through what they say: times, processors, threads, functions, kinds, durations")
def filters(bench):
    path = small(bench)
    everything = rows(bench, path)
    end = max(int(row["since_ns"]) for row in everything)
    cpus = sorted({row["cpu"] for row in everything})
    tid = everything[len(everything) // 2]["tid"]
    cases = (
        (("--range", f"{end // 4}-{end // 2}ns"), lambda row: end // 4 <= int(row["since_ns"]) <= end // 2),
        (("-f", f"{end // 2}-"), lambda row: int(row["since_ns"]) >= end // 2),
        (("--cpu", cpus[-1]), lambda row: row["cpu"] == cpus[-1]),
        (("--task", tid), lambda row: row["tid"] == tid),
        (("--func", "sys_*"), lambda row: fnmatch.fnmatchcase(row["name"], "sys_*")),
        (("--func", "*read*", "--cpu", cpus[0]), lambda row: "read" in row["name"] and row["cpu"] == cpus[0]),
        (("--kind", everything[0]["class"]), lambda row: row["class"] == everything[0]["class"]),
    )
    for options, passes in cases:
        expected = [row for row in everything if passes(row)]
        bench.note(f"{options}: {len(expected)} of {len(everything)}")
        if expected:
            assert rows(bench, path, *options) == expected
        else:
            bench.hostdec("export", path, "-f", "csv", "-o", "-", *options, code=1)
    assert sum(1 for options, passes in cases if 0 < sum(map(passes, everything)) < len(everything)) >= 4
    calls = bench.hostdec("export", path, "-f", "json", "-o", "-").json["calls"]
    complete = [call for call in calls if call["complete"]]
    limit = nearest_rank(sorted(call["duration_ns"] for call in complete), 90)
    found = bench.hostdec("stats", path, "--json", "--min-duration", f"{limit}ns").json["functions"]
    longer = [call for call in complete if call["duration_ns"] >= limit]
    assert sum(row["count"] for row in found) == len(longer) and min(row["min_ns"] for row in found) >= limit
    start, stop = end // 3, end // 3 + 1000000
    found = bench.hostdec("stats", path, "--json", "-f", f"{start}-{stop}", "--kind", calls[0]["kind"]).json["functions"]
    within = [call for call in calls if call["kind"] == calls[0]["kind"] and call["since_ns"] <= stop
              and call["since_ns"] + call["duration_ns"] >= start]
    instants = [row for row in everything if row["kind"] == "instant" and row["class"] == calls[0]["kind"]
                and start <= int(row["since_ns"]) <= stop]
    assert sum(row["count"] for row in found) == len(within) + len(instants), "calls that ran in it at any time"


@test("filters that make no sense: one line, exit 2")
def wrong_filters(bench):
    for options, word in ((("--range", "2s-1s"), "2s-1s"), (("--cpu", "3-"), "3-"), (("--cpu", "256"), "256"),
                          (("--task",), "--task"), (("--kind", "magic"), "magic"), (("--min-duration", "long"), "long")):
        result = bench.hostdec("stats", "x.pb", *options, code=2)
        assert len(result.err.splitlines()) == 1 and word in result.err, result.err
    bench.hostdec("export", "x.pb", "-f", "csv", "-o", "-", "--min-duration", "1us", code=2)


@test("log --calls has every entry, end and instant, with arguments")
def call_lines(bench):
    path = small(bench, events=5003)
    lines = bench.hostdec("log", path, "--calls").out.splitlines()
    events = rows(bench, path)
    calls = bench.hostdec("export", path, "-f", "json", "-o", "-").json["calls"]
    assert sum(line.endswith(") {") for line in lines) == sum(row["kind"] == "entry" for row in events)
    assert sum("  } " in line for line in lines) == len(calls)
    assert len(lines) == len(calls) + sum(row["kind"] != "exit" for row in events)


# ---- nothing, and too much ----------------------------------------------------------------------------------

@test("an export without anything to export says so, exits 1 and makes no file")
def nothing(bench):
    path = small(bench, events=101)
    out = bench.tmp / "out"
    for options in (("-f", "folded"), ("-f", "csv", "--func", "no_such"), ("-f", "events", "-f", "100s-200s")):
        result = bench.hostdec("export", path, *options, "-o", out, code=1)
        assert "nothing is exported" in result.err and not out.exists(), result.err
    out.write_text("precious")
    bench.hostdec("export", path, "-f", "folded", "-o", out, code=1)
    assert out.read_text() == "precious"


@test("hints for commands that are not: the nearest name, a file instead of one, help about one")
def hints(bench):
    assert "stats" in bench.hostdec("stat", code=2).err
    assert "export" in bench.hostdec("exprot", "x.pb", code=2).err
    path = small(bench, events=101)
    assert "hostdec info" in bench.hostdec(path, code=2).err
    assert bench.hostdec("help", "stats").out == bench.hostdec("stats", "--help").out
    assert "stats" in bench.hostdec("help", "stat", code=2).err


# Between us and the program, for it is small: what is forked counts with the memory of what forked it.
MEASURE = """import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""


def peak_kb(bench, command):
    return int(bench.run(PYTHON, "-c", MEASURE, *command).out)


def views(path, out):
    return ([HOSTDEC, "info", path], [HOSTDEC, "stats", path], [HOSTDEC, "log", path, "--calls"],
            *([HOSTDEC, "export", path, "-f", form, "-o", out] for form in ("events", "csv", "json")))


@test("memory does not grow with the recording: ten times the events in the same")
def same_memory(bench):
    paths = []
    for times in (2, 20):
        path, _ = TRACEPOINTS.unpack_again(bench.tmp, times)
        paths.append(replayed(bench, path, out=f"{times}.pb"))
    for short, long in zip(views(paths[0], "/dev/null"), views(paths[1], "/dev/null")):
        before, after = peak_kb(bench, short), peak_kb(bench, long)
        assert after < before + 6000, f"{' '.join(map(str, long[1:]))}: {before} kB, ten times as long {after} kB"


@test("recordings made to take all memory: a thread an event, entries only, a function each; under 150 MB each")
def hostile(bench):
    def events(make):
        path = bench.tmp / "hostile.bin"
        path.write_bytes(b"".join(struct.pack("<QIHBB", *make(i)) for i in range(150000)))
        return replayed(bench, path)

    for what, make in (("a thread an event", lambda i: (1000 + i, i + 1, 1, 0, 0)),
                       ("entries only", lambda i: (1000 + i, 7, i % 3, 0, 0)),
                       ("a function each", lambda i: (1000 + i * (i % 777), 7, i // 2 % 65536, 0, i % 2)),
                       ("identical instants", lambda i: (1000, 7, 1, 0, 2))):
        path = events(make)
        for view in views(path, "/dev/null")[:4]:
            used = peak_kb(bench, view)
            assert used < 150000, f"{what}, {' '.join(map(str, view[1:]))}: {used} kB"


if __name__ == "__main__":
    main()
