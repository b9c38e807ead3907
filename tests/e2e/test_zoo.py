# SPDX-License-Identifier: MIT OR Apache-2.0
"""Do no harm: programs that a probe could disturb print what they print without us, and end as they do, while every
function of theirs is traced; entries and ends are as many as they count themselves."""
import collections
import csv
import io
import os
import platform
import shutil
import struct
import subprocess

from harness import BOARD, main, need_bpf, skip, test
from zoo import MODES, ZOO, events, same

SOME = ("cold", "tail", "switch", "jumps", "coroutines")
PARTS = "parts of functions, entered by jumps"


def build(bench, source, *flags, compiler="gcc"):
    program = bench.tmp / f"zoo{bench.counter}"
    bench.counter += 1
    done = subprocess.run([compiler, *flags, "-o", program, ZOO / source, "-pthread"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    if done.returncode:
        skip(f"{compiler} {' '.join(flags)} does not build {source}: {done.stdout.strip().splitlines()[-1]}")
    return program


def plain(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60)
    return done.stdout.decode(), done.returncode


def traced(bench, program, *arguments, options=(), glob="*"):
    """Run under the profiler: what it printed; the recording; the messages. The exit status goes through a file."""
    out, status = bench.tmp / "zoo.pb", bench.tmp / "status"
    run = bench.run(BOARD, "--mode", "log", "-o", out, "-M", "none", *options, "-p", f"u:{program}:{glob}", "--",
                    "/bin/sh", "-c", f'"$@"; echo $? >{status}', "sh", program, *arguments, timeout=180, code=None)
    return run.out, int(status.read_text()), out, run.err


def check(bench, program, *arguments, options=()):
    printed = plain(program, *arguments)
    seen, its_code, out, err = traced(bench, program, *arguments, options=options)
    bench.note(f"{program.name} {arguments} {options}: {err}")
    same(bench, f"{arguments} {options}", printed, (seen, its_code), out)
    return err


def every_mode(bench, program, modes=MODES, options=()):
    return [check(bench, program, mode, MODES[mode], options=options) for mode in modes]


for level in ("-O0", "-O1", "-Os", "-O2", "-O3"):
    @test(f"C compiled with {level}: parts, tail calls, tables, recursion, longjmp, coroutines, threads, processes")
    def levels(bench, level=level):
        need_bpf()
        told = every_mode(bench, build(bench, "zoo.c", level))
        if level == "-O2":
            assert PARTS in told[0] and "zoo_cold.cold" in told[0], "a part of a function was not told"

    @test(f"C++ compiled with {level}: exceptions through every function")
    def exceptions(bench, level=level):
        need_bpf()
        check(bench, build(bench, "exceptions.cpp", level, compiler="g++"), 100)


for title, flags in (("link-time optimization", ("-O2", "-flto")), ("a fixed address", ("-O2", "-no-pie", "-fno-pie")),
                     ("static", ("-O2", "-static")), ("static, stripped of nothing, -O0", ("-O0", "-static")),
                     ("32 bits", ("-O2", "-m32")), ("32 bits, -O0", ("-O0", "-m32"))):
    @test(f"C, {title}: the same")
    def kinds(bench, flags=flags):
        need_bpf()
        if "-m32" in flags:
            if platform.machine() != "x86_64":
                skip("a 32-bit program of this machine's kind is not built here")
            flags = (*flags, "-I/usr/include/x86_64-linux-gnu")
        every_mode(bench, build(bench, "zoo.c", *flags), modes=SOME)


@test("an end far out closes the thousand calls that were jumped out of, and nothing else")
def far_out(bench):
    record = struct.Struct("<QIHBB")
    events, t = [], 1000
    for kind, func in [(0, 0), *[(0, 1)] * 1000, (1, 0), (0, 0), (0, 1), (1, 1), (1, 0)]:
        events.append(record.pack(t, 7, func, 0, kind))
        t += 1000
    recording, names = bench.tmp / "far.bin", bench.tmp / "far.names"
    recording.write_bytes(b"".join(events))
    names.write_text("0 zoo_outer\n1 zoo_inner\n")
    bench.run(BOARD, "--mode", "log", "-o", bench.tmp / "far.pb", "--replay", recording, "--names", names)
    info, stats = bench.info(bench.tmp / "far.pb"), bench.stats(bench.tmp / "far.pb")
    assert (info["calls_without_end"], info["orphan_exits"]) == (1000, 0), info
    assert stats["zoo_outer"]["max_ns"] == 1001 * 1000 and stats["zoo_outer"]["min_ns"] == 3000, stats["zoo_outer"]


@test("100,000 calls deep, each has its own end")
def very_deep(bench):
    need_bpf()
    program = build(bench, "zoo.c", "-O2")
    check(bench, program, "deep", 100000)
    deepest = bench.stats(bench.tmp / "zoo.pb")["zoo_deep"]
    assert deepest["count"] == 100000, deepest


@test("a probe at each place by itself does the same")
def single(bench):
    need_bpf()
    program = build(bench, "zoo.c", "-O2")
    every_mode(bench, program, modes=("cold", "tail", "switch"), options=("--mechanism", "uprobe"))
    check(bench, build(bench, "exceptions.cpp", "-O2", compiler="g++"), 30, options=("--mechanism", "uprobe"))


@test("a part named by itself is refused, with the reason; others beside it are traced")
def part_by_name(bench):
    need_bpf()
    program = build(bench, "zoo.c", "-O2")
    run = bench.run(BOARD, "--mode", "log", "-o", bench.tmp / "x.pb", "-M", "none", "-p", f"u:{program}:zoo_cold.cold",
                    "--", "/bin/true", code=1)
    assert "zoo_cold.cold" in run.err and "entered by a jump" in run.err, run.err
    run = bench.run(BOARD, "--mode", "log", "-o", bench.tmp / "x.pb", "-M", "none", "-p", f"u:{program}:zoo_cold.cold",
                    "-p", f"u:{program}:zoo_cold", "--", program, "cold", 20, code=None)
    assert bench.stats(bench.tmp / "x.pb")["zoo_cold"]["count"] == 20


@test("programs that end or become another inside of a function do so")
def endings(bench):
    need_bpf()
    program = build(bench, "zoo.c", "-O2")
    assert traced(bench, program, "leave")[1] == 7
    seen, code, out, _ = traced(bench, program, "exec")
    assert (seen, code) == plain(program, "exec") and seen.startswith("cold: 0 wrong"), seen
    assert events(bench, out)["entry", "zoo_cold"] == 5


@test("Rust: panics through every function")
def rust(bench):
    need_bpf()
    rustc = shutil.which("rustc")
    if not rustc:
        skip("no rustc here")
    program = bench.tmp / "panics"
    done = subprocess.run([rustc, "-O", "-g", "-o", program, ZOO / "panics.rs"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=300)
    if done.returncode:
        skip(f"rustc does not build it: {done.stdout[-200:]}")
    printed, code = plain(program)
    seen, its_code, out, err = traced(bench, program, glob="zoo_*")
    bench.note(err)
    assert (seen, its_code) == (printed, code), seen
    count = events(bench, out)
    assert (count["entry", "zoo_middle"], count["exit", "zoo_middle"]) == (101, 51), count
    assert (count["entry", "zoo_plain"], count["exit", "zoo_plain"]) == (101, 101), count


@test("Go: stacks that move")
def go(bench):
    need_bpf()
    if not shutil.which("go"):
        skip("no go here")
    program = bench.tmp / "stacks"
    done = subprocess.run(["go", "build", "-o", program, ZOO / "stacks.go"], stdout=subprocess.PIPE, timeout=500,
                          stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "GOCACHE": str(bench.tmp / "go"), "GO111MODULE": "off", "GOFLAGS": ""})
    if done.returncode:
        skip(f"go does not build it: {done.stdout[-200:]}")
    printed, code = plain(program)
    seen, its_code, out, err = traced(bench, program, glob="main.*")
    bench.note(err)
    assert (seen, its_code) == (printed, code), seen
    rows = csv.DictReader(io.StringIO(bench.hostdec("export", out, "-f", "csv", "-o", "-").out))
    count = collections.Counter((row["kind"], row["name"]) for row in rows)
    assert (count["entry", "main.deep"], count["exit", "main.deep"]) == (8 * 2000, 8 * 2000), count


main()
