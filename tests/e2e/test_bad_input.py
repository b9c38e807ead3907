# SPDX-License-Identifier: MIT OR Apache-2.0
"""Wrong usage and things that are not there: one clear line, the right exit code."""
import re

from harness import BOARD, HOSTDEC, WORKLOAD, as_nobody, main, need_bpf, test
from recordings import TRACEPOINTS


def one_line(result, program, *words):
    """The error is one line on stderr, from the program, and names what it is about."""
    errors = [line for line in result.err.splitlines() if line.strip()]
    assert len(errors) == 1, f"{len(errors)} lines instead of one: {result.err!r}"
    assert errors[0].startswith(f"{program}: "), errors[0]
    for word in words:
        assert re.search(word, errors[0], re.I), f"nothing of /{word}/ in: {errors[0]}"
    assert result.out == "", f"stdout: {result.out!r}"


def first_line(result, program, *words):
    """As one_line, but notes about what was tried may come before."""
    errors = [line for line in result.err.splitlines() if line.strip()]
    assert errors and all(line.startswith(f"{program}: ") for line in errors), result.err
    for word in words:
        assert any(re.search(word, line, re.I) for line in errors), f"nothing of /{word}/ in: {result.err}"


BOARD_USAGE = [
    ((), "tty"),
    (("/dev/null", "extra"), "extra"),
    (("--no-such-option",), "no-such-option"),
    (("-b", "fast", "/dev/null"), "fast"),
    (("-b", "0", "/dev/null"), "-b|baud"),
    (("-b", "-9600", "/dev/null"), "-9600"),
    (("-b", "99999999999", "/dev/null"), "99999999999"),
    (("--flow", "xonxoff", "/dev/null"), "xonxoff"),
    (("--link", "twoway", "/dev/null"), "twoway"),
    (("--mode", "nonsense"), "nonsense"),
    (("-M", "nosuchmodule", "/dev/null"), "nosuchmodule"),
    (("-M", "syscall,nosuchmodule", "/dev/null"), "nosuchmodule"),
    (("-p", "x:y", "/dev/null"), "x:y"),
    (("-p", "k:", "/dev/null"), "k:"),
    (("-p", "u:/bin/true", "/dev/null"), "u:/bin/true"),
    (("-d", "-1", "/dev/null"), "-1"),
    (("-d", "soon", "/dev/null"), "soon"),
    (("-i", "0", "/dev/null"), "-i|interval"),
    (("--resolution", "x", "/dev/null"), "resolution|x"),
    (("--spool-mem", "lots", "/dev/null"), "lots"),
    (("--replay-rate", "warp", "/dev/null"), "warp"),
    (("-b",), "-b|argument"),
]


@test("ayaprof-uart: wrong usage is one line and exit 2")
def board_usage(bench):
    for arguments, word in BOARD_USAGE:
        bench.note(f"arguments {arguments}")
        one_line(bench.run(BOARD, *arguments, code=2), "ayaprof-uart", word)


HOST_USAGE = [
    ((), "command"),
    (("frobnicate",), "frobnicate"),
    (("--port",), "port"),
    (("--no-such-option",), "no-such-option"),
    (("record", "--no-such-option"), "no-such-option"),
    (("--port", "/dev/null", "-b", "fast", "-o", "/dev/null"), "fast"),
    (("info",), "recording|file|run.pb"),
    (("stats",), "recording|file|run.pb"),
    (("stats", "x.pb", "--sort", "beauty"), "beauty"),
    (("stats", "x.pb", "--top", "many"), "many"),
    (("export", "x.pb", "-f", "nonsense", "-o", "y"), "nonsense"),
    (("export", "x.pb", "-f", "csv"), "-o"),
    (("plot",), "recording|file|run.pb"),
    (("plot", "x.pb", "-f", "10"), "10|filter|-f"),
    (("plot", "x.pb", "-m", "-o", "x.bmp"), "bmp"),
]


@test("hostdec: wrong usage is one line and exit 2")
def host_usage(bench):
    for arguments, word in HOST_USAGE:
        bench.note(f"arguments {arguments}")
        one_line(bench.run(HOSTDEC, *arguments, code=2), "hostdec", word)


@test("--help and --version of both programs go to stdout, exit 0")
def help_and_version(bench):
    for program in (BOARD, HOSTDEC):
        assert re.search(r"\d+\.\d+", bench.run(program, "--version").out)
        result = bench.run(program, "--help")
        assert "usage" in result.out.lower() and result.err == ""
    for option in ("--baud", "--module", "--probe", "--replay", "--spool-mem", "--check", "--summary-json"):
        assert option in bench.run(BOARD, "--help").out
    for command in ("record", "plot", "info", "stats", "export"):
        assert command in bench.run(HOSTDEC, "--help").out


@test("a missing tty, a regular file, a directory and a device that is no tty: one line each, exit 1")
def no_tty(bench):
    path, _ = TRACEPOINTS.unpack(bench.tmp, 100)
    regular = bench.tmp / "regular"
    regular.write_text("precious")
    for tty in (bench.tmp / "missing", regular, bench.tmp, "/dev/null"):
        one_line(bench.run(BOARD, "--replay", path, tty, code=1), "ayaprof-uart", re.escape(str(tty)))
    assert regular.read_text() == "precious"


@test("a missing port, a directory as port, outputs that cannot be written: one line each, exit 1")
def no_port(bench):
    missing = bench.tmp / "missing"
    capture = bench.tmp / "capture"
    capture.write_bytes(b"")
    for arguments in (("--port", missing, "-o", bench.tmp / "x.pb"), ("--port", bench.tmp, "-o", bench.tmp / "x.pb"),
                      ("--port", "tcp:127.0.0.1:1", "-o", bench.tmp / "x.pb"),
                      ("--port", f"unix:{missing}", "-o", bench.tmp / "x.pb"),
                      ("--port", capture, "-o", missing / "x.pb")):
        bench.note(f"arguments {arguments}")
        one_line(bench.run(HOSTDEC, *arguments, "--no-reconnect", "--duration", "3", code=1), "hostdec")


@test("replay files that are missing, a directory or damaged: one line, exit 1")
def bad_replay(bench):
    odd, wrong = bench.tmp / "odd.bin", bench.tmp / "wrong.bin"
    path, data = TRACEPOINTS.unpack(bench.tmp, 100)
    odd.write_bytes(data[:-5])  # as a recorder that was cut off leaves it: usable but for the end
    wrong.write_bytes(data[:15] + b"\x09" + data[16:])
    first_line(bench.run(BOARD, "--replay", odd, "--mode", "log", "-o", bench.tmp / "odd.pb"), "ayaprof-uart", "11 bytes")
    for replay in (bench.tmp / "missing", bench.tmp, wrong):
        result = bench.run(BOARD, "--replay", replay, "--mode", "log", "-o", bench.tmp / "x.pb", code=1)
        first_line(result, "ayaprof-uart", re.escape(str(replay)))
    result = bench.run(BOARD, "--replay", path, "--names", bench.tmp / "nonames", "--mode", "log", "-o",
                       bench.tmp / "x.pb", code=1)
    one_line(result, "ayaprof-uart", "nonames")
    one_line(bench.run(BOARD, "--replay", path, "--mode", "log", "-o", "/nonexistent/x.pb", code=1),
             "ayaprof-uart", "/nonexistent/x.pb")


@test("an ordinary user is told in one line what is refused, exit 1; --check says it too")
def bpf_refused(bench):
    program = bench.tmp / "ayaprof-uart"
    program.write_bytes(BOARD.read_bytes())
    program.chmod(0o755)
    place = bench.tmp / "theirs"
    place.mkdir()
    place.chmod(0o777)
    result = bench.run(program, "--mode", "log", "-o", place / "x.pb", "-d", "1", code=1, cwd=place, **as_nobody())
    one_line(result, "ayaprof-uart", "root|CAP_|permi|privileg")
    check = bench.run(program, "--check", code=1, cwd=place, **as_nobody())
    assert re.search("root|CAP_|permi|privileg", check.out + check.err, re.I)
    assert len(check.out.splitlines()) + len(check.err.splitlines()) < 100


@test("globs without a match are named; with nothing left to trace, exit 1")
def no_match(bench):
    need_bpf()
    for spec in ("k:no_such_function_*", f"u:{WORKLOAD}:no_such_*", "u:/nonexistent/program:main",
                 "t:sched:no_such_*", "t:nosuchcategory:*"):
        bench.note(spec)
        result = bench.run(BOARD, "-M", "none", "-p", spec, "--mode", "log", "-o", bench.tmp / "x.pb", "-d", "1",
                           code=1)
        first_line(result, "ayaprof-uart", re.escape(spec))
        assert len(result.err.splitlines()) <= 2, result.err


@test("what is not there yet says so with exit 2")
def not_yet(bench):
    for program, arguments in ((BOARD, ("--spool-file", "x", "/dev/null")),
                               (HOSTDEC, ("top", "x.pb")),
                               (HOSTDEC, ("export", "x.pb", "-f", "perfetto", "-o", "y"))):
        bench.note(f"{program.name} {arguments}")
        one_line(bench.run(program, *arguments, code=2, timeout=10), program.name, "not .*yet")


@test("a COMMAND that does not exist is one line")
def no_command(bench):
    need_bpf()
    result = bench.run(BOARD, "-M", "syscall", "--mode", "log", "-o", bench.tmp / "x.pb", "--",
                       bench.tmp / "no-such-program", code=1)
    first_line(result, "ayaprof-uart", "no-such-program")


main()
