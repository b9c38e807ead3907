# SPDX-License-Identifier: MIT OR Apache-2.0
"""Do no harm: programs that a probe could disturb print what they print without us, and end as they do, while every
function of theirs is traced; entries and ends are as many as they count themselves."""
import os
import platform
import shutil
import struct
import subprocess

from harness import BOARD, main, need_bpf, skip, test
from zoo import MODES, MUSL_MODES, ZOO, events, own_counts, same, script

LEVELS = ("-O0", "-O1", "-Os", "-O2", "-O3")
PARTS = "parts of functions, entered by jumps"
EXCEPTIONS, IFUNCS, PANICS, STACKS = (100,), (100,), (101,), ((2000, 8), (60, 300))
# Debian's compilers, whatever else a user has before them.
DEBIAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# A 32-bit program runs with the libraries of its compiler, which nothing else looks for.
I386_LIB = "/usr/i686-linux-gnu/lib"
I386 = ("i686-linux-gnu-gcc", f"-Wl,--dynamic-linker={I386_LIB}/ld-linux.so.2,-rpath,{I386_LIB}")


def build(bench, source, *flags, compiler=("gcc", "-pthread"), **options):
    program = bench.tmp / f"zoo{bench.counter}"
    bench.counter += 1
    path = shutil.which(compiler[0], path=DEBIAN_PATH)
    if not path:
        skip(f"no {compiler[0]} here")
    done = subprocess.run([path, *compiler[1:], *flags, "-o", program, ZOO / source], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500, **options)
    assert not done.returncode, f"{compiler[0]} {' '.join(flags)} does not build {source}: {done.stdout[-1000:]}"
    return program


def build_cpp(bench, *flags):
    return build(bench, "exceptions.cpp", *flags, compiler=("g++",))


def plain(program, *runs):
    done = subprocess.run(["/bin/sh", "-c", script(program, *runs)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=120)
    return done.stdout.decode()


def traced(bench, program, *runs, options=()):
    """Run with a probe on each of its functions: what it printed, the recording, the messages."""
    out = bench.tmp / "zoo.pb"
    run = bench.run(BOARD, "--mode", "log", "-o", out, "-M", "none", *options, "-p", f"u:{program}:*", "--",
                    "/bin/sh", "-c", script(program, *runs), timeout=300)
    return run.out, out, run.err


def check(bench, program, *runs, options=()):
    printed = plain(program, *runs)
    seen, out, err = traced(bench, program, *runs, options=options)
    bench.note(f"{program.name} {runs} {options}: {err}")
    same(bench, f"{runs} {options}", printed, seen, out)
    return err


# ---- everything that zoo.c does, exceptions, functions chosen at the start

for level in LEVELS:
    @test(f"C compiled with {level}: parts, tail calls, tables, recursion, longjmp, coroutines, 200 threads, processes")
    def levels(bench, level=level):
        need_bpf()
        told = check(bench, build(bench, "zoo.c", level), *MODES.items())
        if level == "-O2":
            assert PARTS in told and "zoo_cold.cold" in told, "a part of a function was not told"

    @test(f"C++ compiled with {level}: exceptions through every function")
    def exceptions(bench, level=level):
        need_bpf()
        check(bench, build_cpp(bench, level), EXCEPTIONS)

# All that differs is how it is linked.
LINKED = {"link-time optimization": ("-O2", "-flto"), "a fixed address": ("-O2", "-no-pie", "-fno-pie"), "static": ("-O2", "-static"),
          "static, -O0": ("-O0", "-static"), "static, to any address": ("-O2", "-static-pie", "-fPIE")}
for title, flags in LINKED.items():
    @test(f"C, {title}: the same")
    def linked(bench, flags=flags):
        need_bpf()
        check(bench, build(bench, "zoo.c", *flags), *MODES.items())

    @test(f"C++, {title}: the same")
    def linked_cpp(bench, flags=flags):
        need_bpf()
        check(bench, build_cpp(bench, *flags), EXCEPTIONS)

for title, flags in {"": ("-O2",), ", -O0": ("-O0",), ", a fixed address": ("-O2", "-no-pie", "-fno-pie"), ", static": ("-O2", "-static")}.items():
    @test(f"C with musl{title}: the same")
    def musl(bench, flags=flags):
        need_bpf()
        check(bench, build(bench, "zoo.c", *flags, compiler=("musl-gcc", "-pthread")), *MUSL_MODES.items())


def build_i386(bench, source, *flags):
    if platform.machine() != "x86_64":
        skip("a 32-bit program of this machine's kind is not built here")
    program = build(bench, source, *flags, compiler=I386)
    try:
        subprocess.run([program, "cold"], stdout=subprocess.DEVNULL, timeout=30)
    except OSError as reason:
        skip(f"this kernel runs no 32-bit programs: {reason.strerror}")
    return program


for title, flags in {"-O0": ("-O0",), "-Os": ("-Os",), "-O2": ("-O2",), "a fixed address": ("-O2", "-no-pie", "-fno-pie"),
                     "static": ("-O2", "-static")}.items():
    @test(f"C, 32 bits, {title}: the same")
    def narrow(bench, flags=flags):
        need_bpf()
        check(bench, build_i386(bench, "zoo.c", *flags), *MODES.items())


for title, flags in {"-O0": ("-O0",), "-O2": ("-O2",), **LINKED}.items():
    @test(f"IFUNCs, {title}: what is chosen is traced, and what chooses")
    def ifuncs(bench, flags=flags):
        need_bpf()
        check(bench, build(bench, "ifunc.c", *flags), IFUNCS)


@test("IFUNCs, 32 bits: what is chosen is traced, and what chooses")
def narrow_ifuncs(bench):
    need_bpf()
    check(bench, build_i386(bench, "ifunc.c", "-O2"), IFUNCS)


for title, flags in {"to any address": ("-O2",), "static": ("-O2", "-static"), "static, to any address": ("-O2", "-static-pie", "-fPIE")}.items():
    @test(f"IFUNCs by their own names, {title}: what a running program chose, under that name")
    def ifuncs_by_name(bench, flags=flags):
        need_bpf()
        program = build(bench, "ifunc.c", *flags)
        running = bench.spawn("waits", (program, 1, "wait"), stdin=subprocess.PIPE)
        running.wait_text("^waits", stream="out")
        printed, out = plain(program, IFUNCS), bench.tmp / "named.pb"
        run = bench.run(BOARD, "--mode", "log", "-o", out, "-M", "none", "-p", f"u:{program}:zoo_chosen", "-p", f"u:{program}:zoo_pointed",
                        "--", "/bin/sh", "-c", script(program, IFUNCS))
        own, count = own_counts(printed)["calls"], events(bench, out)
        assert run.out == printed, run.out
        assert count == {(kind, name): own[chosen] for kind in ("entry", "exit")
                         for name, chosen in (("zoo_chosen", "zoo_fast"), ("zoo_pointed", "zoo_wide"))}, (count, own)


# ---- other languages

for title, flags in {"not optimized": (), "-O": ("-O",), "for size": ("-C", "opt-level=s")}.items():
    @test(f"Rust, {title}: panics through every function")
    def rust(bench, flags=flags):
        need_bpf()
        check(bench, build(bench, "panics.rs", "-g", *flags, compiler=("rustc",)), PANICS)


@test("Go: stacks that move, panics through every function")
def go(bench):
    need_bpf()
    environment = {**os.environ, "PATH": DEBIAN_PATH, "GOCACHE": str(bench.tmp / "go"), "GO111MODULE": "off", "GOFLAGS": ""}
    check(bench, build(bench, "stacks.go", compiler=("go", "build"), env=environment), *STACKS)


# ---- more of it, other ways

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
    check(bench, build(bench, "zoo.c", "-O2"), ("deep", 100000))
    deepest = bench.stats(bench.tmp / "zoo.pb")["zoo_deep"]
    assert deepest["count"] == 100000, deepest


@test("a probe at each place by itself does the same")
def single(bench):
    need_bpf()
    program = build(bench, "zoo.c", "-O2")
    check(bench, program, *[(mode, MODES[mode]) for mode in ("cold", "tail", "switch")], options=("--mechanism", "uprobe"))
    check(bench, build_cpp(bench, "-O2"), (30,), options=("--mechanism", "uprobe"))


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
    printed = plain(program, ("leave",), ("exec",))
    assert printed.startswith("leave: exit status 7\ncold: 0 wrong"), printed
    seen, out, _ = traced(bench, program, ("leave",), ("exec",))
    assert seen == printed, seen
    assert events(bench, out)["entry", "zoo_cold"] == 5


main()
