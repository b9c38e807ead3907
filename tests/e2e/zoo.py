# SPDX-License-Identifier: MIT OR Apache-2.0
"""The programs of tests/zoo: how they are built, what they say about themselves, how a recording is held against it."""
import collections
import csv
import io
import platform
import re
import shutil
import subprocess

from harness import BOARD, ROOT, skip

ZOO = ROOT / "tests/zoo"
# What zoo.c does, and how often. musl has no coroutines.
MODES = {"cold": 101, "tail": 50, "switch": 64, "jumps": 40, "coroutines": 50, "deep": 5000, "threads": 5, "processes": 3}
MUSL_MODES = {mode: n for mode, n in MODES.items() if mode != "coroutines"}
# What compilers append to a function's name.
APPENDED = re.compile(r"\.(constprop|isra|part|cold|lto_priv)\b.*")
# Debian's compilers, whatever else a user has before them.
DEBIAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# A 32-bit program runs with the libraries of its compiler, which nothing else looks for.
I386_LIB = "/usr/i686-linux-gnu/lib"
I386 = ("i686-linux-gnu-gcc", f"-Wl,--dynamic-linker={I386_LIB}/ld-linux.so.2,-rpath,{I386_LIB}")


def build(bench, source, *flags, compiler=("gcc", "-pthread"), **options):
    """source: a file of tests/zoo, or any by its whole path."""
    program = bench.tmp / f"zoo{bench.counter}"
    bench.counter += 1
    path = shutil.which(compiler[0], path=DEBIAN_PATH)
    if not path:
        skip(f"no {compiler[0]} here")
    done = subprocess.run([path, *compiler[1:], *flags, "-o", program, ZOO / source], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500, **options)
    assert not done.returncode, f"{compiler[0]} {' '.join(flags)} does not build {source}: {done.stdout[-1000:]}"
    return program


def build_i386(bench, source, *flags):
    if platform.machine() != "x86_64":
        skip("a 32-bit program of this machine's kind is not built here")
    program = build(bench, source, *flags, compiler=I386)
    try:
        subprocess.run([program, "cold"], stdout=subprocess.DEVNULL, timeout=30)
    except OSError as reason:
        skip(f"this kernel runs no 32-bit programs: {reason.strerror}")
    return program


def script(program, *runs):
    """Does one after the other, and says what each ended with. A run: the program's arguments."""
    return "".join(f"'{program}' {' '.join(map(str, run))}\necho \"{' '.join(map(str, run))}: exit status $?\"\n" for run in runs)


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
    """It does the same with all of its functions traced. The daemon's messages."""
    printed = plain(program, *runs)
    seen, out, err = traced(bench, program, *runs, options=options)
    bench.note(f"{program.name} {runs} {options}: {err}")
    same(bench, f"{runs} {options}", printed, seen, out)
    return err


def events(bench, recording):
    """How many entries and exits, by name."""
    rows = csv.DictReader(io.StringIO(bench.hostdec("export", recording, "-f", "csv", "-o", "-", timeout=300).out))
    return collections.Counter((row["kind"], APPENDED.sub("", row["name"].split(" ")[0])) for row in rows)


def own_counts(text):
    """What all runs together did."""
    found = {"calls": collections.Counter(), "ends": collections.Counter()}
    for line in text.splitlines():
        word, *rest = line.split(" ")
        if word in found and len(rest) == 2:
            found[word][rest[0]] += int(rest[1])
    return found


def same(bench, what, plain, traced, recording):
    """plain, traced: what was printed. The recording has as many entries and ends as the program counted."""
    assert traced == plain, f"{what}: printed {traced!r} instead of {plain!r}"
    info = bench.info(recording)
    assert info["complete"] and info["lost"]["total"] == 0, f"{what}: {info['lost']}"
    own, count = own_counts(plain), events(bench, recording)
    assert sum(own["calls"].values()), f"{what}: it counts nothing: {plain!r}"
    for name, calls in own["calls"].items():
        expected = calls, own["ends"].get(name, calls)
        got = count["entry", name], count["exit", name]
        assert got == expected, f"{what}: {name}: {got} entries and ends, it counts {expected}"
