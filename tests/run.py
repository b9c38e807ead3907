#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs every test program and adds up what they say in TAP.

usage: run.py [-v] [--boards | --line | --check] [WORD...]     only programs whose name contains one of the words
--boards: the whole matrix on emulated boards instead; without, its short part comes last.
--line: the whole matrix of line faults instead; without, its short part is among the others.
--check: only unit tests, golden vectors and kept fuzz inputs.
Environment: O, the build directory (build); PYTHON, an interpreter that sees Debian's packages.
As many programs run side by side as there are processors, the longest first; those with `ALONE = "why"` in their
script come last, one after the other. `SECONDS = N` there says how long one takes by itself, if that is half a minute or more.
The output of programs that failed is shown, and why tests were skipped. Exit 1 if anything failed or
nothing ran. The last line is `N passed, N failed, N skipped`.
"""
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(ROOT, os.environ.get("O") or "build")
PYTHON = os.environ.get("PYTHON") or "/usr/bin/python3"
TIMEOUT_S = {"unit": 180, "replay": 300, "pydecoder": 300, "e2e": 1200, "line": 1800, "boards": 7200}
USUAL_S = {"unit": 1, "replay": 2, "pydecoder": 10, "e2e": 15, "line": 60, "boards": 120}  # where the script says nothing
SHOWN_LINES = 120  # of a failed program's output

RESULT = re.compile(r"^\s*(not ok|ok)\b\s*(\d*)\s*(?:-\s*)?(.*?)(?:\s*#\s*(SKIP|TODO)\b\s*(.*))?$", re.I)
ALONE = re.compile(r'^ALONE = "(.+)"$', re.M)
SECONDS = re.compile(r"^SECONDS = (\d+)$", re.M)
NEEDS = re.compile(r"^(?:#\s*)?(needs .+)$")
PLAN = re.compile(r"^\s*1\.\.(\d+)\s*(?:#\s*SKIP\s*(.*))?$", re.I)


class Program:
    def __init__(self, kind, name, command):
        self.kind, self.name, self.command = kind, f"{kind} {name}", command
        self.passed = 0
        self.failures, self.skips = [], []
        self.output, self.seconds = "", 0.0
        script = Path(command[1]).read_text() if command[0] == PYTHON else ""
        seconds = SECONDS.search(script)
        self.expected_s = int(seconds[1]) if seconds else USUAL_S[kind]
        self.alone = ALONE.search(script) is not None

    def run(self):
        start = time.monotonic()
        status = self.execute() if os.access(self.command[0], os.X_OK) else "was not built"
        self.seconds = time.monotonic() - start
        planned = self.read_tap()
        ran = self.passed + len(self.failures) + len(self.skips)
        if status and not self.failures:
            self.failures.append(status)
        elif not status and planned is not None and planned != ran:
            self.failures.append(f"announced {planned} tests, ran {ran}")
        elif not status and not ran:
            self.failures.append("ran no test")
        return self

    def execute(self):
        """None, or what went wrong with the program as a whole."""
        env = dict(os.environ, O=str(BUILD), PYTHON=PYTHON, CMOCKA_MESSAGE_OUTPUT="TAP", PYTHONDONTWRITEBYTECODE="1")
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(self.command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT, start_new_session=True)
            try:
                code = process.wait(TIMEOUT_S[self.kind])
                status = f"exit status {code}" if code > 0 else f"killed by {signal.Signals(-code).name}" if code else None
            except subprocess.TimeoutExpired:
                status = f"still running after {TIMEOUT_S[self.kind]} s"
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)  # itself, or what it left behind
                except ProcessLookupError:
                    pass
                process.wait()
            out.seek(0)
            self.output = out.read().decode(errors="replace")
        return status

    def read_tap(self):
        """Count the results; the number of tests that was announced, None if none was."""
        planned, needed = None, []
        for line in self.output.splitlines():
            plan, result, needs = PLAN.match(line), RESULT.match(line), NEEDS.match(line)
            if needs:  # a unit test's reason comes before its result, which has no room for it
                needed.append(needs[1])
            if plan:
                planned = (planned or 0) + int(plan[1])
                if plan[2] is not None and plan[1] == "0":
                    self.skips.append(("all", plan[2]))
                    planned += 1
            elif result and (result[4] or "").upper() == "SKIP":  # cmocka 1.1.5 says `not ok N # SKIP NAME`
                unsaid = needed.pop(0) if not result[3] and needed else "no reason given"
                self.skips.append((result[3], result[5]) if result[3] else (result[5], unsaid))
            elif result and result[1].lower() == "not ok":
                self.failures.append(result[3])
            elif result:
                self.passed += 1
        return planned

    def skips_by_reason(self):
        reasons = {}
        for title, reason in self.skips:
            reasons.setdefault(reason, []).append(title)
        return reasons


def programs(long_boards, long_line, only_quick):
    line = [Program("line", script.stem.removeprefix("test_line_"), [PYTHON, str(script)])
            for script in sorted(ROOT.glob("tests/line/test_line_*.py"))]
    if long_line:
        return [program for program in line if program.name != "line short"]
    scripts = sorted(ROOT.glob("tests/boards/test_boards_*.py"))
    boards = [Program("boards", script.stem.removeprefix("test_boards_"), [PYTHON, str(script)]) for script in scripts]
    if long_boards:
        return boards
    unit = [Program("unit", source.stem[5:], [str(BUILD / "tests" / source.stem)])
            for source in sorted(ROOT.glob("tests/unit/test_*.c"))]
    fuzzed = [source.stem[5:] for source in sorted(ROOT.glob("tests/fuzz/fuzz_*.c"))]
    replay = [Program("replay", name, [str(BUILD / "tests" / f"replay_{name}"), str(ROOT / "tests/fuzz/corpus" / name)])
              for name in fuzzed]
    # The decoder written from PROTOCOL.md alone, on golden vectors and on what the C side writes.
    second = [Program("pydecoder", script.stem[5:], [PYTHON, str(script)])
              for script in sorted(ROOT.glob("tests/pydecoder/test_*.py"))]
    if only_quick:
        return unit + replay + [program for program in second if program.name == "pydecoder vectors"]
    e2e = [Program("e2e", script.stem[5:], [PYTHON, str(script)])
           for script in sorted(ROOT.glob("tests/e2e/test_*.py"))]
    short_line = [program for program in line if program.name == "line short"]
    return unit + replay + second + e2e + short_line + [program for program in boards if program.name == "boards short"]


def report(program, verbose):
    verdict = "FAIL" if program.failures else "ok" if program.passed else "skip"
    counts = [f"{program.passed} passed"]
    counts += [f"{len(program.failures)} FAILED"] if program.failures else []
    counts += [f"{len(program.skips)} skipped"] if program.skips else []
    print(f"{verdict:5} {program.name}: {', '.join(counts)} ({program.seconds:.1f} s)")
    for reason, titles in program.skips_by_reason().items():
        title = titles[0] if len(titles) == 1 else f"{len(titles)} tests"
        print(f"      skipped: {title}: {reason}")
    if program.failures or verbose:
        lines = program.output.splitlines()
        if len(lines) > SHOWN_LINES and not verbose:
            print(f"      | ... {len(lines) - SHOWN_LINES} lines before")
            lines = lines[-SHOWN_LINES:]
        for line in lines:
            print(f"      | {line}")
    sys.stdout.flush()


def run_all(chosen, workers, verbose):
    tty = sys.stdout.isatty()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(program.run): program for program in chosen}
        for done in concurrent.futures.as_completed(running):
            print("\r\033[K" if tty else "", end="")
            report(done.result(), verbose)
            left = [program.name for future, program in running.items() if future.running()]
            if tty and left:
                print(f"... {', '.join(left)}", end="", flush=True)


def main(words):
    verbose = "-v" in words
    long_boards, long_line = "--boards" in words, "--line" in words
    only_quick = "--check" in words
    words = [word for word in words if word not in ("-v", "--boards", "--line", "--check")]
    if any(word.startswith("-") for word in words):
        print(__doc__)
        return 2
    chosen = [p for p in programs(long_boards, long_line, only_quick) if not words or any(word in p.name for word in words)]
    chosen.sort(key=lambda p: -p.expected_s)
    run_all([p for p in chosen if not p.alone], os.cpu_count() or 1, verbose)
    run_all([p for p in chosen if p.alone], 1, verbose)
    failed = [(p.name, failure) for p in chosen for failure in p.failures]
    if failed:
        print("\nfailed:")
    for name, failure in failed:
        print(f"  {name}: {failure}")
    passed = sum(p.passed for p in chosen)
    print(f"{passed} passed, {len(failed)} failed, {sum(len(p.skips) for p in chosen)} skipped")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
