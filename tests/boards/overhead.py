# SPDX-License-Identifier: MIT OR Apache-2.0
"""usage: overhead.py [BOARD/KERNEL]...    what a traced call costs, beside ftrace and bpftrace, in one run each

Boards as in board.py (aarch64/6.12). The tracers get the same functions, in turn on one boot, and the workload's own clock tells what a turn of it
takes: the least of 101 short rounds, and of three goes (bpftrace: one).
Ratios are what counts: the boards are emulated.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from board import MACHINES, Board, BoardError, Unavailable, fetch

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("O") or "build")
DEFAULT = ("aarch64/6.1", "aarch64/6.12", "x86_64/6.1", "x86_64/6.12")
ROUNDS = 101  # workload.c
TURNS = {"getppid": 250, "datagram": 25}
TIMEOUT_S = 900
MEMORY_MB = 2048  # bpftrace and its LLVM are 180 MB of files in memory
ATTEMPTS = 3      # emulated CPUs that patch one another's code make a boot fail now and then


def shared_objects(path):
    """(names a program needs, its interpreter)"""
    text = subprocess.run(["readelf", "-W", "-d", "-l", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=True).stdout
    loader = re.search(r"interpreter: (\S+)\]", text)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text), loader and loader.group(1)


def bpftrace_files(arch):
    """{path below /job: path here} of bpftrace with its libraries; none where it cannot be had."""
    try:
        root = Path(fetch("../../scripts/fetch-packages.sh", arch, "bpftrace", "+bpftrace"))
    except Unavailable as reason:
        print(f"overhead: without bpftrace: {reason}", file=sys.stderr)
        return {}
    program = root / "usr/bin/bpftrace"
    libraries = {p.name: p for pattern in ("lib/*/*.so*", "usr/lib/*/*.so*", "usr/lib/llvm-*/lib/*.so*")
                 for p in root.glob(pattern)}
    files, todo = {"bpftrace": str(program)}, shared_objects(program)[0]
    while todo:
        name = todo.pop()
        if f"lib/{name}" not in files and name in libraries:
            files[f"lib/{name}"] = str(libraries[name].resolve())
            todo += shared_objects(libraries[name])[0]
    loader = Path(shared_objects(program)[1]).name
    files["lib/ld.so"] = str(libraries[loader].resolve())
    return files


def run(board, kernel):
    arch = MACHINES[board].arch
    static = BUILD / ("static" if arch == os.uname().machine else f"{arch}/static")
    files = {name: str(static / name) for name in ("ayaprof-uart", "workload")}
    files.update(bpftrace_files(arch))
    job = (HERE / "overhead.sh").read_text()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with Board(board, kernel, job, files, memory_mb=MEMORY_MB, threads="multi") as b:
                return b.wait(TIMEOUT_S)
        except BoardError as reason:
            if attempt == ATTEMPTS:
                raise
            print(f"overhead: {board}/{kernel}: {reason}; once more", file=sys.stderr)


def lines(result, name):
    return [line.split() for line in result.files.get(name, b"").decode().splitlines()]


def report(cell, result):
    for what, turns in TURNS.items():
        times, events, how = {}, {}, {}
        for w, tracer, least, median in lines(result, "times"):
            if w == what:
                times.setdefault(tracer, []).append((float(least), float(median)))
        if "nothing" not in times:
            raise BoardError(f"no times; console ends: {result.console[-300:]}")
        for w, tracer, key, *value in lines(result, "counts"):
            if w == what and key in ("events", "total"):
                events.setdefault(tracer, {})[key] = int(value[0])
            elif w == what and key == "by":
                how[tracer] = value[0]
        functions = next(v for w, k, *v in lines(result, "counts") if w == what and k == "functions")
        base = min(least for least, _ in times["nothing"])
        spread = max(least for least, _ in times["nothing"]) / base
        ours = events.get("ayaprof", {})
        calls = ours.get("events", 0) / 2 / turns / ROUNDS
        print(f"\n{cell}, {what}: {len(functions)} functions, {calls:.2f} calls a turn, {base:.0f} ns a turn untraced "
              f"(its readings differ by {100 * (spread - 1):.0f} %)")
        print("| tracer | ns a turn | slowdown | ns a call | against function_graph |\n|---|---|---|---|---|")
        graph = min(least for least, _ in times["function_graph"]) if "function_graph" in times else 0
        for tracer, pairs in times.items():
            if tracer == "nothing" or not calls or (tracer in events and not events[tracer]["events"]):
                continue
            turn = min(least for least, _ in pairs)
            own = events[tracer]["events"] / 2 / turns / ROUNDS if tracer in events else calls
            each = (turn - base) / own
            ratio = f"{each / ((graph - base) / calls):.2f}" if graph else "-"
            note = ""
            if tracer in events and events[tracer]["total"]:
                note = f" ({100 * events[tracer]['total'] / events[tracer]['events']:.0f} % lost)"
            name = f"ayaprof-uart ({how[tracer]})" if tracer in how else tracer
            if tracer == "ayaprof":
                name += ", as it chooses"
            print(f"| {name}{note} | {turn:.0f} | {turn / base:.2f} | {each:.0f} | {ratio} |")
        for w, tracer, *why in lines(result, "refused"):
            if w == what:
                print(f"  {tracer}: {' '.join(why)}")
    sys.stdout.flush()


def main(cells):
    failed = False
    if not shutil.which("readelf"):
        sys.exit("overhead: readelf is missing: install binutils")
    for cell in cells or DEFAULT:
        board, _, kernel = cell.partition("/")
        if board not in MACHINES or not kernel:
            sys.exit(f"overhead: {cell}: no such board; write it as aarch64/6.12")
        try:
            report(cell, run(board, kernel))
        except (Unavailable, BoardError) as reason:
            print(f"overhead: {cell}: {reason}", file=sys.stderr)
            failed = True
    return failed


if __name__ == "__main__":
    if any(a.startswith("-") for a in sys.argv[1:]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
