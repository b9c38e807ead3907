# SPDX-License-Identifier: MIT OR Apache-2.0
"""The one file for boards, of every architecture that is built: small, needs nothing, does the same. Programs of other
architectures run under QEMU's user emulation."""
import os
import shutil
import subprocess

from harness import BOARD, BUILD, ROOT, skip, test
from recordings import TRACEPOINTS, check_same_events

SIZE_MAX = 900_000  # bytes, stripped, with everything in it
EVENTS = 4001


def architectures():
    rows = (ROOT / "scripts/architectures.txt").read_text().splitlines()
    return [row.split() for row in rows if row and not row.startswith("#")]


def static(machine):
    path = BUILD / machine / "static/ayaprof-uart"
    if not path.exists():
        skip(f"no static program for {machine} in this build")
    return path


def musl(path):
    """A program that was built against glibc, for want of a mirror, is larger and no board's."""
    return (path.parent / "libc").read_text().strip() == "musl"


def emulator(machine, name):
    if machine == os.uname().machine:
        return []
    for candidate in (f"{name}-static", name):
        if shutil.which(candidate):
            return [candidate]
    return skip(f"no {name}-static here: install qemu-user-static")


def replay(bench, command, name):
    path, data = TRACEPOINTS.unpack(bench.tmp, EVENTS)
    out = bench.tmp / f"{name}.pb"
    bench.run(*command, "--replay", path, "--names", TRACEPOINTS.names_path, "--mode", "log", "-o", out)
    check_same_events(bench.events(out), data, name)
    return bench.info(out)


def add(machine, debian, _compiler, _musl, emulated_by):
    @test(f"the static program for {debian} has at most {SIZE_MAX // 1000} KB and needs no library")
    def size(bench):
        path = static(machine)
        if not musl(path):
            skip(f"built against {(path.parent / 'libc').read_text().strip()}")
        taken = path.stat().st_size
        print(f"# {debian}: {taken} bytes", flush=True)
        assert taken <= SIZE_MAX, f"{taken} bytes"
        sections = subprocess.run(["readelf", "-dlSW", path], stdout=subprocess.PIPE, text=True, check=True).stdout
        assert "INTERP" not in sections and "(NEEDED)" not in sections and ".debug" not in sections, sections

    @test(f"the static program for {debian} runs, and replays what the dynamic one does")
    def same(bench):
        command = [*emulator(machine, emulated_by), static(machine)]
        for option in ("--version", "--help", "--list-modules"):
            there, here = bench.run(*command, option), bench.run(BOARD, option)
            assert there.out == here.out and there.out, f"{option}: {there.out!r}, {here.out!r} by the dynamic one"
        theirs, ours = replay(bench, command, debian), replay(bench, [BOARD], "dynamic")
        for key in ("events", "calls", "lost", "complete"):
            assert theirs[key] == ours[key], (key, theirs[key], ours[key])
