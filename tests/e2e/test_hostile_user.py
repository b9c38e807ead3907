# SPDX-License-Identifier: MIT OR Apache-2.0
"""A user without rights against the daemon that runs as root: it ends when it should, small, with a recording that reads."""
import json
import os
import shutil

from harness import BOARD, BUILD, NOBODY, as_nobody, main, need_bpf, test, wait_for

SECONDS = 35

HOSTILE = BUILD / "tests/hostile"
LIMIT_KB = 30 * 1024
SANITIZED = "asan" in str(BOARD)


def play(bench, trick, seconds, copy=0):
    """The trick, in a directory of its own."""
    directory = bench.tmp / f"{trick}{copy}"
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    program = directory / "hostile"
    shutil.copy(HOSTILE, program)
    return bench.spawn(f"{trick}{copy}-user", [program, trick, seconds], cwd=directory, **as_nobody())


def withstand(bench, tricks, *arguments, seconds=3):
    """Run the daemon over them; its folded stacks."""
    need_bpf()
    players = [play(bench, *trick) if isinstance(trick, tuple) else play(bench, trick, 120) for trick in tricks]
    for player in players:
        player.wait_text("^ready", 120, stream="out")
    out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
    result = bench.run(BOARD, "--mode", "log", "-M", "cpu", "-o", out, "--summary-json", summary, "-d", seconds,
                       *arguments, timeout=120)
    bench.note(result.err)
    info, books = bench.info(out), json.loads(summary.read_text())
    bench.note(f"{info} {books}")
    assert info["complete"] and info["events"] > 0, info
    memory = books["peak_rss_kb"] + books["helper_peak_rss_kb"]
    assert books["helper_peak_rss_kb"] > 0, "no helper was needed: nothing was looked up"
    assert SANITIZED or memory < LIMIT_KB, f"{memory} kB"
    folded = bench.hostdec("export", out, "-f", "folded", "-o", "-").out
    bench.note("\n".join(sorted(folded.splitlines())[-60:]))
    return folded


def must_not_have(folded, *bytes_):
    for wrong in bytes_:
        assert wrong not in folded, f"{wrong!r} reaches whoever reads the recording"


@test("things that are no program stand in a program's place: FIFOs, links to devices, both in turn")
def no_programs(bench):
    folded = withstand(bench, ["fifo", "link", "swap", "busy"])
    assert "be_busy" in folded, "an honest program beside them has no names"


@test("a program that is truncated and written again all the time")
def truncated(bench):
    withstand(bench, ["truncated", ("truncated", 120, 1), "busy"])


@test("20,000,000 symbols, and a file that says it has 300,000,000")
def symbols(bench):
    folded = withstand(bench, ["symbols", "sparse", "busy"])
    assert "be_busy" in folded, "an honest program beside them has no names"


@test("processes with 60,000 mappings of a path of thousands of characters, and processes that vanish")
def mappings(bench):
    withstand(bench, [("mappings", 120, 0), ("mappings", 120, 1), ("mappings", 120, 2), "vanish", "busy"])


@test("names of any bytes: of threads, of files, of functions; escape sequences reach nobody")
def names(bench):
    folded = withstand(bench, ["names", "busy"])
    assert "evil" in folded, "the program with such names was not seen"
    must_not_have(folded, "\x1b", "\a", "\r")


@test("programs that have been deleted, that never had a file, and in a container are named as others are")
def without_file(bench):
    folded = withstand(bench, ["memfd", "container"], seconds=4)
    named = {line.split(";")[0] for line in folded.splitlines() if "be_busy" in line}
    assert len(named) == 2, named  # a program that never had a file has the name of a descriptor
    must_not_have(folded, "\x1b")
    players = [process for process in bench.processes if process.name.endswith("-user")]
    assert all(player.running() for player in players)


@test("a deleted program has names: the file is looked at by its mapping")
def deleted(bench):
    need_bpf()
    player = play(bench, "busy", 120)
    player.wait_text("^ready", 60, stream="out")
    (bench.tmp / "busy0" / "hostile").unlink()
    out = bench.tmp / "x.pb"
    bench.run(BOARD, "--mode", "log", "-M", "cpu", "-o", out, "-d", 3, timeout=120)
    folded = bench.hostdec("export", out, "-f", "folded", "-o", "-").out
    bench.note(folded)
    assert any("be_busy" in line for line in folded.splitlines() if line.startswith("hostile")), "it has none"


@test("a FIFO given as a program, as type information, as names, as events: one line, at once")
def fifo_options(bench):
    fifo = bench.tmp / "fifo"
    os.mkfifo(fifo)
    events, names_file = bench.tmp / "x.bin", bench.tmp / "x.names"
    events.write_bytes(bytes(16))
    names_file.write_text("0 f\n")
    log = (BOARD, "--mode", "log", "-o", bench.tmp / "x.pb")
    assert "not a regular file" in bench.run(*log, "--replay", fifo, code=1).err
    assert "not a regular file" in bench.run(*log, "--replay", events, "--names", fifo, code=1).err
    need_bpf()
    assert bench.run(*log, "-M", "none", "-p", f"u:{fifo}:f", code=1).err
    bench.run(*log, "-M", "cpu", "--btf", fifo, "-d", "0.2", code=None)


@test("a file of names that has no line ends is refused, whatever its size")
def endless_names(bench):
    events, names_file = bench.tmp / "x.bin", bench.tmp / "x.names"
    events.write_bytes(bytes(16))
    with open(names_file, "wb") as file:
        file.write(b"0 f")
        file.truncate(7 << 30)
    log = (BOARD, "--mode", "log", "-o", bench.tmp / "x.pb")
    said = bench.run(*log, "--replay", events, "--names", names_file, code=1).err
    assert "NUL" in said, said


@test("the helper ends with the daemon, and is replaced when somebody ends it")
def helper_ends(bench):
    need_bpf()
    play(bench, "busy", 120).wait_text("^ready", 60, stream="out")
    out = bench.tmp / "x.pb"
    board = bench.board("--mode", "log", "-M", "cpu", "-o", out)
    board.wait_text("recording to", stream="err")

    def helpers():
        found = []
        for process in os.listdir("/proc"):
            if not process.isdigit():
                continue
            try:
                fields = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
                if int(fields[1]) == board.pid and fields[0] != "Z":
                    found.append(int(process))
            except OSError:
                pass
        return found

    first = wait_for("the helper", helpers)
    assert len(first) == 1
    # It has them for a moment: it gives them up first thing.
    wait_for("the helper to give up its rights",
             lambda: "NoNewPrivs:\t1" in open(f"/proc/{first[0]}/status").read())
    os.kill(first[0], 9)
    second = wait_for("another helper", lambda: [pid for pid in helpers() if pid != first[0]])
    board.kill()
    wait_for("the helper to end with the daemon", lambda: not os.path.exists(f"/proc/{second[0]}/maps")
             or not open(f"/proc/{second[0]}/cmdline").read())


main()
