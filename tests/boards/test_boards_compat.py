# SPDX-License-Identifier: MIT OR Apache-2.0
"""Version 0.1.0 and this one on the two ends of a line: a board that is not updated, a desk that is not. 0.1.0 is built out of
the repository's own history, once."""
import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from harness import BOARD, BUILD, HOSTDEC, ROOT, WORKLOAD, build_directory, main, need_bpf, records, skip, test, wait_for  # noqa: E402
from recordings import TRACEPOINTS, check_books, check_same_events, check_subset  # noqa: E402

SECONDS = 240

OLD = "7d55e94"  # 0.1.0
PLACE = BUILD / "compat"
BAUD = 921600


def build_old():
    tree = PLACE / OLD
    if not tree.exists():
        fresh = PLACE / f"{OLD}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        archive = subprocess.Popen(["git", "-C", ROOT, "archive", OLD], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", fresh], stdin=archive.stdout, check=True)
        assert archive.wait() == 0
        fresh.rename(tree)
    # As its Makefile has it, whatever ours was called with.
    clean = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "O", "SAN")}
    done = subprocess.run(["nice", "make", "--no-print-directory", f"-j{os.cpu_count()}", "-C", tree, "all"], env=clean,
                          capture_output=True, text=True)
    assert done.returncode == 0, f"0.1.0 does not build here: {done.stderr[-2000:]}"
    return {"board": tree / "build/ayaprof-uart", "host": tree / "build/hostdec"}


@functools.cache
def old():
    """Its programs."""
    if not shutil.which("git"):
        return None
    found = subprocess.run(["git", "-C", ROOT, "cat-file", "-e", f"{OLD}^{{commit}}"], capture_output=True)
    if found.returncode != 0:
        return None
    with build_directory():
        return build_old()


NEW = {"board": BOARD, "host": HOSTDEC}


class Pair:
    """A board and a host of two versions on one line."""

    def __init__(self, bench, older, *faults, baud=BAUD, link="reliable", name="run", board=(), source=None, times=1):
        if old() is None:
            skip(f"this clone's history does not reach back to {OLD}, 0.1.0")
        other = "host" if older == "board" else "board"
        programs = {older: old()[older], other: NEW[other]}
        for program in programs.values():
            said = bench.run(program, "--version").out
            bench.note(f"{program}: {said}")
        self.bench, self.host_program = bench, programs["host"]
        runtime = bench.tmp / f"runtime-{name}"
        runtime.mkdir()
        self.environment = dict(os.environ, XDG_RUNTIME_DIR=str(runtime))
        self.line = bench.line("--baud", baud, *faults, name=f"line-{name}")
        self.out, self.summary = bench.tmp / f"{name}.pb", bench.tmp / f"{name}.json"
        self.host = bench.spawn(f"host-{name}", [self.host_program, "--port", self.line.host, "-o", self.out, "-b",
                                                 baud if baud != "tty" else BAUD], env=self.environment)
        self.line.wait_open("host")
        if source is None:
            path, self.data = TRACEPOINTS.unpack_again(bench.tmp, times)
            source = ["--replay", path, "--names", TRACEPOINTS.names_path]
        self.board = bench.spawn(f"board-{name}", [
            programs["board"], *board, "-b", baud if baud != "tty" else BAUD, "--link", link, "--summary-json", self.summary,
            *source[:4], self.line.board, *source[4:]])

    def ctl(self, *words, code=0):
        return self.bench.run(self.host_program, "ctl", *words, code=code, env=self.environment)

    def wait(self, heard=True):
        assert (self.board.wait(120) if heard else self.bench.end_unanswered(self.board)) == 0
        self.line.drain()
        assert (self.host.wait(20) if heard else self.host.stop()) == 0, "the host has not heard the goodbye"
        self.info = self.bench.info(self.out)
        check_books(self.info, json.loads(self.summary.read_text()))

    def read_by(self, program):
        out = self.bench.tmp / "by.events"
        self.bench.run(program, "export", self.out, "-f", "events", "-o", out)
        return records(out.read_bytes())

    def check_whole(self, what):
        """Both versions find everything that was sent in the recording."""
        assert self.info["lost"]["total"] == 0 and self.info["complete"], self.info
        check_same_events(self.read_by(HOSTDEC), self.data, what)
        check_same_events(self.read_by(old()["host"]), self.data, f"{what}, read by 0.1.0")


def words(older):
    return "a board of 0.1.0 and this host" if older == "board" else "this board and a host of 0.1.0"


def add(older):
    who = words(older)

    @test(f"{who}: a reliable line with bit errors loses nothing")
    def reliable(bench):
        pair = Pair(bench, older, "--seed", 3, "--ber", "2e-5", "--back-ber", "1e-5", link="auto")
        pair.wait()
        pair.check_whole(who)
        forward = pair.line.stats()["board_to_host"]
        assert forward["flipped_bits"] > 0 and pair.info["frames_retransmitted"] + pair.info["frames_repaired"] > 0

    @test(f"{who}: a one-way line, whole; with bit errors and lost bytes, counted to the last event")
    def one_way(bench):
        pair = Pair(bench, older, link="oneway", name="clean")
        pair.wait(heard=False)
        pair.check_whole(who)
        pair = Pair(bench, older, "--seed", 5, "--ber", "2e-5", "--drop", "1e-4", link="oneway", name="bad", baud=115200)
        pair.wait(heard=False)
        assert 0 < pair.info["events"] and pair.info["events"] + pair.info["lost"]["total"] == len(pair.data) // 16
        found = pair.read_by(HOSTDEC)
        check_subset(found, pair.data)
        assert found == pair.read_by(old()["host"])

    @test(f"{who}: frames as text")
    def text(bench):
        pair = Pair(bench, older, link="reliable", board=("--framing", "text"))
        pair.wait()
        pair.check_whole(who)

    @test(f"{who}: status is answered, the rate goes up and down, and stop ends it")
    def control(bench):
        pair = Pair(bench, older, baud="tty", times=40, board=("--spool-mem", "64K"))
        wait_for("an answer", lambda: "events taken" in pair.ctl("status", code=None).out)
        for baud in ("460800", "3000000", "230400"):
            assert baud in pair.ctl("baud", baud).out
            assert "events taken" in pair.ctl("status").out
        pair.ctl("stop")
        pair.wait()
        assert pair.info["complete"] and pair.info["lost"]["total"] == 0 < pair.info["events"] < 40 * 40000
        assert pair.info["session_list"][0]["end_reason"] == "stopped by the host"
        check_subset(pair.read_by(HOSTDEC), pair.data)

    @test(f"{who}: this kernel, profiled: every system call counted, under its name")
    def live(bench):
        need_bpf()
        pair = Pair(bench, older, baud=3000000, source=["-M", "syscall,sched,cpu,memory", "--kmsg", "new", "--", WORKLOAD,
                                                        "getppid", 1000])
        pair.wait()
        row = bench.stats(pair.out)["sys_getppid"]
        assert row["complete"] == 1000 and row["no_end"] == 0, row


add("board")
add("host")
main()
