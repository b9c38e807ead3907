# SPDX-License-Identifier: MIT OR Apache-2.0
"""The zoo (tests/e2e/zoo.py) on a board: all functions of a static program are traced while it does what a probe could disturb."""
import re
import subprocess
from pathlib import Path

import board as boards
from cells import BOOT_TIMEOUT_S, boot, program
from harness import skip, test
from zoo import MODES, ZOO, same

# Each mode plain, then traced, with its exit status in a file: what the daemon ends with is its own.
JOB = """
while read -r mode n; do
	/job/zoo $mode $n >/out/$mode.plain
	echo $? >/out/$mode.plain.code
	ayaprof-uart --mode log -o /out/$mode.pb -M none -p 'u:/job/zoo:*' -- \\
		sh -c '/job/zoo $0 $1 >/out/$0.traced; echo $? >/out/$0.traced.code' $mode $n 2>/out/$mode.err
	echo "zoo: $mode: $(cut -d' ' -f1 /proc/uptime) s"
done </job/modes
"""
# musl has no coroutines.
BOARD_MODES = {mode: n for mode, n in MODES.items() if mode != "coroutines"}


def build(bench, arch, flags):
    """The zoo, static, by the compiler of the boards' programs."""
    try:
        compiler = Path(boards.fetch("../../scripts/build-musl-libs.sh", arch)) / "bin/cc"
    except boards.Unavailable as reason:
        skip(str(reason))
    out = bench.tmp / "zoo"
    subprocess.run([compiler, *flags, "-static", "-o", out, ZOO / "zoo.c"], stdin=subprocess.DEVNULL, check=True, timeout=300)
    return out


def add_zoo(cell, *flags, modes=BOARD_MODES):
    @test(f"{cell.board} {cell.kernel}: a program built with {' '.join(flags)} does the same with a probe on each of its functions")
    def zoo(bench):
        wanted = bench.tmp / "modes"
        wanted.write_text("".join(f"{mode} {n}\n" for mode, n in modes.items()))
        files = {"zoo": build(bench, boards.MACHINES[cell.board].arch, flags), "modes": wanted,
                 "ayaprof-uart": program(cell.board, "ayaprof-uart")}
        result = boot(bench, cell, JOB, files).wait(BOOT_TIMEOUT_S)
        assert result.code == 0, f"exit status {result.code} on the board"
        for mode in modes:
            bench.note(f"{mode}: {result.files[f'{mode}.err'].decode()}")
            recording = bench.tmp / f"{mode}.pb"
            recording.write_bytes(result.files[f"{mode}.pb"])
            plain, traced = ((result.files[f"{mode}.{how}"].decode(), int(result.files[f"{mode}.{how}.code"])) for how in ("plain", "traced"))
            assert re.search(r"^calls zoo_\w+ [1-9]", plain[0], re.M), plain
            same(bench, mode, plain, traced, recording)
        print(f"# {result.seconds:.0f} s", flush=True)
