# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tests that no kernel function that can be asked for ends a board (every_function.py, probe_paths.py)."""
import time

import board as boards
from every_function import Chunk, Culprits, chunks_of, go, listed, survive
from harness import skip, test
from probe_paths import Kernel

# What people who write drivers ask for; the last two together once ended arm64 boards at any nanosleep.
GLOBS = ("kprobe_*", "*probe*", "*nanosleep*", "arch_*")
SHORT = (("kprobe_*", "hrtimer_nanosleep"), ("*probe*", "*nanosleep*"), ("arch_*",))


def available(run):
    """run(), skipped where there is no such board."""
    try:
        return run()
    except boards.Unavailable as reason:
        skip(str(reason))


def lives(bench, cell, names, more, chunks):
    start = time.monotonic()
    try:
        n = survive(cell, names, more, bench.tmp, chunks, lambda line: bench.note(line))
    except Culprits as e:
        raise AssertionError(f"boards did not live with {e}") from None
    print(f"# {n} chunks in {time.monotonic() - start:.0f} s", flush=True)


def ways(cell):
    """The default, and kprobe where that is another."""
    return [[], ["--mechanism", "kprobe"]] if cell.mechanisms[0] != "kprobe" else [[]]


def add_short(cell):
    @test(f"{cell.board} {cell.kernel}: globs that hold what every probe runs through, under load: the board lives")
    def short(bench):
        available(lambda: lives(bench, cell, [], [], [Chunk(globs, 4096) for globs in SHORT]))


def add_unsafe(cell):
    @test(f"{cell.board} {cell.kernel}: what is left out ends the board under the same load, where --unsafe insists")
    def unsafe(bench):
        chunks = [Chunk(("kprobe_busy_*", "hrtimer_nanosleep"), 4096)]
        # Through the trampoline of return probes, which calls these: probes on return instructions pass them by.
        way = ["--unsafe", "--mechanism", "kretprobe"]
        done, end = available(lambda: go(cell, chunks, way, bench.tmp, bench.note))
        assert not done and "board: job ended" not in end, end


def is_slow(cell, more):
    """x86 patches the kernel's text for each kprobe by itself, with a word to all processors: a chunk takes a quarter of an hour."""
    return cell.board == "x86_64" and (bool(more) or cell.kernel == "6.1")


def add_every(cell):
    for more in ways(cell):
        which = "what drivers' people ask for" if is_slow(cell, more) else "every function that can be traced"

        @test(f"{cell.board} {cell.kernel}: {which} is probed under load, "
              f"{' '.join(more) or 'in the best way'}: the board lives")
        def every(bench, more=more):
            def run():
                names = listed(cell)[0]
                assert len(names) > 20000, f"{len(names)} functions"
                chunks = [Chunk((glob,), 4096) for glob in GLOBS] + ([] if is_slow(cell, more) else chunks_of(names))
                print(f"# {len(names)} names in {len(chunks)} chunks", flush=True)
                lives(bench, cell, names, more, chunks)
            available(run)


def add_paths(cell):
    @test(f"{cell.board} {cell.kernel}: what the kernel's own code runs for a probe is left out of every list")
    def paths(bench):
        names, symbols, directory = available(lambda: listed(cell))
        on_the_way = Kernel(boards.MACHINES[cell.board].arch, directory, symbols).paths()
        assert len(on_the_way) > 80 and "kprobe_busy_begin" in on_the_way, sorted(on_the_way)
        free = set(names)
        both = sorted(free & set(on_the_way))
        assert free and not both, [f"{name}, called by {on_the_way[name] or 'the trap'}" for name in both]
        print(f"# {len(on_the_way)} functions on the way, {len(free)} free", flush=True)
