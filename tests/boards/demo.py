# SPDX-License-Identifier: MIT OR Apache-2.0
"""usage: demo.py ARCH KERNEL    profile an emulated board over its UART, record here, draw

The board has no network and no libraries: a static program, a kernel, a serial line.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

from board import MACHINES, Board, BoardError, Unavailable

BUILD = Path(os.environ.get("O") or "build")
TIMEOUT_S = 300
JOB = """
ayaprof-uart -M latency,irq,memory,throughput -p 'k:sock_*_iter' -p k:inet_sendmsg -p k:inet_recvmsg -p k:tcp_sendmsg \\
	-p k:sock_def_readable "$DATA" -- workload loopback 400000
"""


def say(text):
    print(f"==> {text}", flush=True)


def one_packet(hostdec, recording, out):
    """Nanoseconds from, to, and the CPU of the richest undisturbed call that a packet is received in: most functions, then
    shortest."""
    calls_file = out / "calls.json"
    subprocess.run([hostdec, "export", recording, "-f", "json", "-o", calls_file], check=True)
    with open(calls_file, encoding="utf-8") as f:
        recorded = json.load(f)
    best, inside = None, {}
    # In the order of their ends, so a call comes after what it calls.
    for call in sorted(recorded["calls"], key=lambda c: (c["end_ns"], -c["depth"])):
        names = inside.setdefault(call["cpu"], set())
        # An interrupt of something else would be most of the picture.
        names.add(call["name"] if call["kind"] != "hardirq" else None)
        if call["depth"] == 0:
            score = (len(names), call["start_ns"] - call["end_ns"])
            if call["complete"] and None not in names and names & {"tcp_v4_rcv", "udp_rcv"} and (not best or score > best[0]):
                best = (score, call)
            inside[call["cpu"]] = set()
    if not best:
        return None
    start, end = (best[1][key] - recorded["origin_ns"] for key in ("start_ns", "end_ns"))
    margin = (end - start) // 50
    return max(start - margin, 0), end + margin, best[1]["cpu"]


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
    packet = one_packet(hostdec, recording, out)
    if packet:
        say("one packet's way through it")
        start, end, cpu = packet
        others = [str(n) for n in range(MACHINES[arch].cpus) if n != cpu]
        subprocess.run([hostdec, "plot", recording, "-s+", "-f", f"{start}-{end}", "-o", out / "packet.png",
                        *(["--ignored-cpus", *others] if others else [])], check=True)
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
