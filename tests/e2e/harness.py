# SPDX-License-Identifier: MIT OR Apache-2.0
"""End-to-end tests in TAP: processes, temporary directories, waiting for what one can see.

A test is a function with @test("what the user gets"); it takes a Bench, fails by AssertionError and
is left out by skip(reason). Everything it starts is ended, in reverse order, when it returns.
"""
import contextlib
import ctypes
import fcntl
import json
import os
import platform
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(ROOT, os.environ.get("O") or "build")
PYTHON = os.environ.get("PYTHON") or sys.executable
BOARD, HOSTDEC = BUILD / "ayaprof-uart", BUILD / "hostdec"
LINESIM, WORKLOAD = BUILD / "tests/linesim", BUILD / "tests/workload"
NOBODY = 65534
WAIT_S = 30  # for something that should come at once; generous, since the machine may be slow

tests = []


class Skip(Exception):
    pass


def test(title):
    def add(function):
        tests.append((title, function))
        return function
    return add


def skip(reason):
    raise Skip(reason)


def wait_for(what, condition, timeout=WAIT_S):
    """The first true value of condition(), looked at often."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {timeout} s in vain for {what}"
        time.sleep(0.01)


def die_with_parent(then):
    """What a child does first: however this script ends, what it started ends with it."""
    libc = ctypes.CDLL(None)

    def first():
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
        if then:
            then()
    return first


class Process:
    """A program in a process group of its own; its output is in files, so it never blocks on us."""

    def __init__(self, name, command, directory, stdin=subprocess.DEVNULL, preexec_fn=None, **options):
        self.name, self.argv = name, [str(word) for word in command]
        self.out_path, self.err_path = directory / f"{name}.out", directory / f"{name}.err"
        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            self.popen = subprocess.Popen(self.argv, stdin=stdin, stdout=out, stderr=err,
                                          start_new_session=True, preexec_fn=die_with_parent(preexec_fn),
                                          **options)

    @property
    def out(self):
        return self.out_path.read_text(errors="replace")

    @property
    def err(self):
        return self.err_path.read_text(errors="replace")

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def wait(self, timeout=60):
        """Its exit status, when it has ended by itself."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {timeout} s") from None

    def stop(self, number=signal.SIGINT, timeout=60):
        if self.running():
            self.popen.send_signal(number)
        return self.wait(timeout)

    def wait_text(self, pattern, timeout=WAIT_S, stream="both"):
        def look():
            text = (self.out if stream != "err" else "") + (self.err if stream != "out" else "")
            return re.search(pattern, text) or (not self.running() and "ended")
        found = wait_for(f"/{pattern}/ from {self.name}", look, timeout)
        assert found != "ended" or re.search(pattern, self.out + self.err), \
            f"{self.name} ended without saying /{pattern}/"
        return found

    def kill(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()

    def describe(self):
        yield f"{' '.join(self.argv)}  ->  {'running' if self.popen.poll() is None else self.popen.returncode}"
        for text in (self.out, self.err):
            yield from (f"    {line}" for line in text.splitlines()[-15:])


class Line(Process):
    """The simulated line between `board` and `host`."""

    def __init__(self, directory, options, name="line"):
        self.board, self.host = directory / f"{name}-board", directory / f"{name}-host"
        self.stats_path = directory / f"{name}.json"
        super().__init__(name, [LINESIM, "--board-link", self.board, "--host-link", self.host,
                                "--stats", self.stats_path, *options], directory, stdin=subprocess.PIPE)
        self.wait_text("^ready", stream="out")

    def command(self, text, timeout=WAIT_S):
        """Give a command and wait until it is done."""
        before = self.out.count(f"ok {text}\n")
        self.popen.stdin.write(f"{text}\n".encode())
        self.popen.stdin.flush()
        wait_for(f"the line to do `{text}`", lambda: self.out.count(f"ok {text}\n") > before, timeout)

    def wait_open(self, port, times=1):
        wait_for(f"opening number {times} of the {port} port",
                 lambda: self.out.count(f"open {port}\n") >= times)

    def drain(self, timeout=120):
        self.command("drain", timeout)

    def stats(self):
        """Ends the line; its counts."""
        if self.running():
            self.command("quit")
        assert self.wait() == 0
        return json.loads(self.stats_path.read_text())


def free_port():
    """One that no connection is given by the kernel (ip_local_port_range begins at 32768), for others connect meanwhile."""
    while True:
        port = random.randrange(10000, 32768)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


@contextlib.contextmanager
def build_directory():
    """For make in the directory where the tests' own programs are: one at a time, as tests run side by side."""
    with open(BUILD / "tests/make.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def open_tty(path):
    """Unbuffered, and never our controlling terminal."""
    return open(path, "r+b", buffering=0, opener=lambda name, flags: os.open(name, flags | os.O_NOCTTY))


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


class Bench:
    """What a test works with."""

    def __init__(self):
        self.tmp = Path(tempfile.mkdtemp(prefix="ayaprof-test-"))
        self.tmp.chmod(0o755)  # some programs run as another user
        self.processes, self.notes, self.counter = [], [], 0

    def note(self, text):
        """Shown when the test fails."""
        self.notes.append(text)

    def spawn(self, name, command, **options):
        process = Process(name, command, self.tmp, **options)
        self.processes.append(process)
        return process

    def line(self, *options, name="line"):
        line = Line(self.tmp, [str(option) for option in options], name)
        self.processes.append(line)
        return line

    def end_unanswered(self, board, timeout=120):
        """Its exit status, when it has sent all and, since nobody answers, would say goodbye for some seconds more."""
        board.wait_text("nobody answers", timeout, stream="err")
        return board.stop()

    def run(self, *command, code=0, timeout=60, input=None, **options):
        """Run to the end. code: the exit status it must have; None: any but death by signal."""
        command = [str(word) for word in command]
        self.counter += 1
        # Output through files: a grandchild that keeps a pipe open must not hold us up.
        process = Process(f"run{self.counter}", command, self.tmp, stdin=subprocess.PIPE if input is not None
                          else subprocess.DEVNULL, **options)
        self.processes.append(process)
        if input is not None:
            try:
                process.popen.stdin.write(input)
                process.popen.stdin.close()
            except BrokenPipeError:
                pass
        status = process.wait(timeout)
        assert status == code if code is not None else status >= 0, \
            f"{' '.join(command)}: exit status {status}, expected {code}"
        self.processes.remove(process)
        return Result(status, process.out, process.err)

    # -- the two programs ---------------------------------------------------------------------------
    def board(self, *arguments, name="board", **options):
        return self.spawn(name, [BOARD, *arguments], **options)

    def record(self, port, output, *arguments, name="hostdec", **options):
        return self.spawn(name, [HOSTDEC, "--port", port, "-o", output, *arguments], **options)

    def hostdec(self, *arguments, **options):
        return self.run(HOSTDEC, *arguments, **options)

    def info(self, recording):
        return self.hostdec("info", recording, "--json").json

    def stats(self, recording):
        """Functions by name."""
        rows = self.hostdec("stats", recording, "--json").json["functions"]
        return {row["name"]: row for row in rows}

    def events(self, recording):
        """The recording's events as CONTRACT's records of 16 bytes, sorted."""
        out = Path(f"{recording}.events")
        out.unlink(missing_ok=True)
        result = self.hostdec("export", recording, "-f", "events", "-o", out, code=None)
        assert result.code == 0 or "nothing is exported" in result.err, result.err
        return records(out.read_bytes() if out.exists() else b"")

    def close(self, failed):
        lines = []
        for process in reversed(self.processes):
            lines += list(process.describe()) if failed else []
            process.kill()
        shutil.rmtree(self.tmp, ignore_errors=True)
        return self.notes + lines if failed else []


def records(data):
    assert len(data) % 16 == 0, f"{len(data)} bytes are not whole records of 16"
    return sorted(data[at:at + 16] for at in range(0, len(data), 16))


# ---- what this machine can do -------------------------------------------------------------------------

def need_root():
    if os.geteuid() != 0:
        skip("needs root")


def need_bpf():
    """Asks the kernel itself, not the program under test."""
    need_root()
    number = {"x86_64": 321, "aarch64": 280, "armv7l": 386, "riscv64": 280}.get(platform.machine())
    if number is None:
        skip(f"do not know how to ask for BPF on {platform.machine()}")
    libc = ctypes.CDLL(None, use_errno=True)
    attr = (ctypes.c_uint32 * 32)(2, 4, 8, 1)  # BPF_MAP_CREATE: array, key 4, value 8, one entry
    fd = libc.syscall(number, 0, ctypes.byref(attr), ctypes.sizeof(attr))
    if fd < 0:
        skip(f"the kernel refuses BPF: {os.strerror(ctypes.get_errno())}")
    os.close(fd)


def as_nobody():
    """Options for spawn/run: an ordinary user, whoever runs the tests."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


# ---- TAP ------------------------------------------------------------------------------------------------

def run_one(number, title, function):
    bench, lines = Bench(), []
    start = time.monotonic()
    try:
        function(bench)
        verdict = f"ok {number} - {title}"
    except Skip as reason:
        verdict = f"ok {number} - {title} # SKIP {reason}"
    except Exception as error:
        verdict = f"not ok {number} - {title}"
        place = [frame for frame in traceback.extract_tb(error.__traceback__) if "/e2e/" in frame.filename]
        lines = [f"{type(error).__name__}: {error}".strip(),
                 " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(place))]
        lines += [f"  {place[0].line}"] if place else []
    lines += bench.close(failed=verdict.startswith("not"))
    print(verdict)
    for line in lines:
        print(f"# {line}")
    print(f"# {time.monotonic() - start:.1f} s", flush=True)
    return not verdict.startswith("not")


def main():
    words = sys.argv[1:]
    chosen = [entry for entry in tests if not words or any(word in entry[0] for word in words)]
    print(f"1..{len(chosen)}", flush=True)
    good = [run_one(number + 1, *entry) for number, entry in enumerate(chosen)]
    sys.exit(0 if all(good) else 1)
