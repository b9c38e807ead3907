# SPDX-License-Identifier: MIT OR Apache-2.0
"""usage: demo.py ARCH KERNEL    profile an emulated board over its UART, record here, draw

The board has no network and no libraries: a static program, a kernel, a serial line.
"""
import os
import subprocess
import sys
from pathlib import Path

from board import Board, BoardError, Unavailable

BUILD = Path(os.environ.get("O") or "build")
TIMEOUT_S = 300
JOB = """
ayaprof-uart -M latency,irq,memory,throughput "$DATA" -- workload loopback 400000
"""


def say(text):
    print(f"==> {text}", flush=True)


def main(arch, kernel):
    static = BUILD / ("static" if arch == os.uname().machine else f"{arch}/static")
    hostdec, out = BUILD / "hostdec", BUILD / f"demo-board-{arch}-{kernel}"
    out.mkdir(parents=True, exist_ok=True)
    recording, picture = out / "run.pb", out / "run.png"
    recording.unlink(missing_ok=True)
    say(f"a board boots ({arch}, Debian kernel {kernel}); its UART is a socket here")
    files = {name: str(static / name) for name in ("ayaprof-uart", "workload")}
    with Board(arch, kernel, JOB, files, wait_host=True) as board:
        host = subprocess.Popen([hostdec, "--port", f"unix:{board.data}", "-o", recording, "--no-reconnect"])
        try:
            result = board.wait(TIMEOUT_S)
            host.wait(30)
        finally:
            if host.poll() is None:
                host.kill()
                host.wait()
    say(f"the board's console ({result.seconds:.1f} s from power-on to power-off)")
    print(result.console, end="")
    if result.code:
        return f"the board's job ended with {result.code}"
    say("where the time went")
    subprocess.run([hostdec, "stats", recording, "--top", "15"], check=True)
    say("the picture")
    subprocess.run([hostdec, "plot", recording, "-s+", "-m", "-t", "-o", picture], check=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    try:
        sys.exit(main(*sys.argv[1:]))
    except (Unavailable, BoardError) as reason:
        sys.exit(f"demo-board: {reason}")
    except subprocess.SubprocessError as reason:
        sys.exit(f"demo-board: {reason}")
