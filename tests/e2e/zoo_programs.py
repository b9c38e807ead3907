# SPDX-License-Identifier: MIT OR Apache-2.0
"""The zoo by compiler, level and way of linking, on this machine. `make test` takes one of each kind (test_zoo.py), `make
test-boards` the rest (test_boards_zoo_here.py): what takes long to compile, and compilers that take long to install."""
import os
import subprocess

from harness import BOARD, need_bpf, test
from zoo import DEBIAN_PATH, MODES, MUSL_MODES, build, build_i386, check, events, own_counts, plain, script

PARTS = "parts of functions, entered by jumps"
EXCEPTIONS, IFUNCS, PANICS, STACKS = (100,), (100,), (101,), ((2000, 8), (60, 300))
LEVELS = ("-O0", "-O1", "-Os", "-O2", "-O3")
# All that differs is how it is linked.
LINKED = {"link-time optimization": ("-O2", "-flto"), "a fixed address": ("-O2", "-no-pie", "-fno-pie"), "static": ("-O2", "-static"),
          "static, -O0": ("-O0", "-static"), "static, to any address": ("-O2", "-static-pie", "-fPIE")}
# For `make test`, by title.
SHORT = ("C compiled with -O0", "C compiled with -O2", "C++ compiled with -O0", "C++ compiled with -O2", "C, link-time optimization",
         "C, a fixed address", "C, static:", "C, static, to any address", "C++, static:", "C with musl:", "C with musl, static",
         "C, 32 bits, -O2", "C, 32 bits, static", "IFUNCs, -O2", "IFUNCs, static:", "IFUNCs, 32 bits",
         "IFUNCs by their own names")

rows = []


def row(title):
    def add_row(function):
        rows.append((title, function))
        return function
    return add_row


def add(short):
    """Those of `make test`, or the others."""
    for start in SHORT:
        assert any(title.startswith(start) for title, _ in rows), f"no row begins with {start}"
    for title, function in rows:
        if title.startswith(SHORT) == short:
            test(title)(function)


# ---- everything that zoo.c does, exceptions, functions chosen at the start

for level in LEVELS:
    @row(f"C compiled with {level}: parts, tail calls, tables, recursion, longjmp, coroutines, 200 threads, processes")
    def levels(bench, level=level):
        need_bpf()
        told = check(bench, build(bench, "zoo.c", level), *MODES.items())
        if level == "-O2":
            assert PARTS in told and "zoo_cold.cold" in told, "a part of a function was not told"

    @row(f"C++ compiled with {level}: exceptions through every function")
    def exceptions(bench, level=level):
        need_bpf()
        check(bench, build(bench, "exceptions.cpp", level, compiler=("g++",)), EXCEPTIONS)

for title, flags in LINKED.items():
    @row(f"C, {title}: the same")
    def linked(bench, flags=flags):
        need_bpf()
        check(bench, build(bench, "zoo.c", *flags), *MODES.items())

    @row(f"C++, {title}: the same")
    def linked_cpp(bench, flags=flags):
        need_bpf()
        check(bench, build(bench, "exceptions.cpp", *flags, compiler=("g++",)), EXCEPTIONS)

for title, flags in {"": ("-O2",), ", -O0": ("-O0",), ", a fixed address": ("-O2", "-no-pie", "-fno-pie"), ", static": ("-O2", "-static")}.items():
    @row(f"C with musl{title}: the same")
    def musl(bench, flags=flags):
        need_bpf()
        check(bench, build(bench, "zoo.c", *flags, compiler=("musl-gcc", "-pthread")), *MUSL_MODES.items())

for title, flags in {"-O0": ("-O0",), "-Os": ("-Os",), "-O2": ("-O2",), "a fixed address": ("-O2", "-no-pie", "-fno-pie"),
                     "static": ("-O2", "-static")}.items():
    @row(f"C, 32 bits, {title}: the same")
    def narrow(bench, flags=flags):
        need_bpf()
        check(bench, build_i386(bench, "zoo.c", *flags), *MODES.items())


for title, flags in {"-O0": ("-O0",), "-O2": ("-O2",), **LINKED}.items():
    @row(f"IFUNCs, {title}: what is chosen is traced, and what chooses")
    def ifuncs(bench, flags=flags):
        need_bpf()
        check(bench, build(bench, "ifunc.c", *flags), IFUNCS)


@row("IFUNCs, 32 bits: what is chosen is traced, and what chooses")
def narrow_ifuncs(bench):
    need_bpf()
    check(bench, build_i386(bench, "ifunc.c", "-O2"), IFUNCS)


for title, flags in {"to any address": ("-O2",), "static": ("-O2", "-static"), "static, to any address": ("-O2", "-static-pie", "-fPIE")}.items():
    @row(f"IFUNCs by their own names, {title}: what a running program chose, under that name")
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
    @row(f"Rust, {title}: panics through every function")
    def rust(bench, flags=flags):
        need_bpf()
        check(bench, build(bench, "panics.rs", "-g", *flags, compiler=("rustc",)), PANICS)


@row("Go: stacks that move, panics through every function")
def go(bench):
    need_bpf()
    environment = {**os.environ, "PATH": DEBIAN_PATH, "GOCACHE": str(bench.tmp / "go"), "GO111MODULE": "off", "GOFLAGS": ""}
    check(bench, build(bench, "stacks.go", compiler=("go", "build"), env=environment), *STACKS)
