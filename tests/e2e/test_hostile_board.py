# SPDX-License-Identifier: MIT OR Apache-2.0
"""A board, or a line, that sends anything: hostdec lives, stays small, and hears the next good frame."""
import random
import time

import wire
from harness import BOARD, main, open_tty, test, wait_for
from recordings import TRACEPOINTS, check_same_events


def memory_kb(process):
    for row in open(f"/proc/{process.pid}/status", encoding="ascii"):
        if row.startswith("VmHWM"):
            return int(row.split()[1])
    raise AssertionError("no VmHWM")


def babble(bench, line, seconds, chunks):
    """Write what chunks() gives to the board's end for so long."""
    end, total = time.monotonic() + seconds, 0
    with open_tty(line.board) as tty:
        line.wait_open("board")
        while time.monotonic() < end:
            chunk = chunks()
            total += len(chunk)
            while chunk:
                chunk = chunk[tty.write(chunk):]
        line.drain()
    return total


def then_replay(bench, line, host, out):
    """After all that a real board is heard at once, and the recording ends in order."""
    path, data = TRACEPOINTS.unpack(bench.tmp, 5003)
    board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "-b", 4000000, line.board)
    assert board.wait(60) == 0
    line.drain()
    assert host.running(), f"hostdec ended: {host.err}"
    memory = memory_kb(host)
    assert "asan" in str(BOARD) or memory < 64 * 1024, f"{memory} kB"
    assert host.stop() == 0
    return data


@test("random bytes for some seconds, then a good board: everything of it is there")
def random_bytes(bench):
    line = bench.line("--baud", 4000000)
    out, console = bench.tmp / "x.pb", bench.tmp / "console"
    host = bench.record(line.host, out, "-b", 4000000, "--console", console)
    line.wait_open("host")
    choice = random.Random(9)
    total = babble(bench, line, 5, lambda: choice.randbytes(4096))
    assert total > 500000
    data = then_replay(bench, line, host, out)
    check_same_events(bench.events(out), data, "after random bytes")
    info = bench.info(out)
    assert info["lost"]["total"] == 0 and info["frames_bad"] > 100
    assert out.stat().st_size < total, "random bytes were recorded"


@test("endless bytes without a delimiter are no frame, and take no memory")
def no_delimiter(bench):
    line = bench.line("--baud", 4000000)
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", 4000000)
    line.wait_open("host")
    babble(bench, line, 2, lambda: b"\xff" * 4096)
    data = then_replay(bench, line, host, out)
    check_same_events(bench.events(out), data, "after endless bytes")


@test("valid frames of nonsense from many sessions do not disturb a good one")
def nonsense_frames(bench):
    line = bench.line("--baud", 4000000)
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", 4000000)
    line.wait_open("host")
    choice = random.Random(10)
    frames = [wire.frame(choice.randrange(256), choice.randbytes(choice.randrange(100)),
                         session=choice.randrange(1 << 32), seq=choice.randrange(1 << 32)) for _ in range(2000)]
    babble(bench, line, 3, lambda: b"".join(choice.choices(frames, k=20)))
    data = then_replay(bench, line, host, out)
    found = set(bench.events(out))
    assert found >= {data[at:at + 16] for at in range(0, len(data), 16)}, "events of the good board are missing"


@test("a board that only sends text fills the console and nothing else")
def only_text(bench):
    line = bench.line("--baud", 1000000)
    out, console = bench.tmp / "x.pb", bench.tmp / "console"
    host = bench.record(line.host, out, "-b", 1000000, "--console", console)
    line.wait_open("host")
    text = b"".join(b"[%5d.%06d] some driver: message %d\r\n" % (n // 7, n, n) for n in range(2000))
    with open_tty(line.board) as tty:
        left = text
        while left:
            left = left[tty.write(left):]
        line.drain()
    # Text that no frame follows is shown without waiting for one.
    wait_for("the console text", lambda: console.exists() and console.stat().st_size == len(text))
    assert console.read_bytes() == text
    assert host.stop() == 1 and "no valid frame" in host.err and len(host.err.splitlines()) == 1, host.err
    assert bench.info(out)["console_bytes"] == len(text)


main()
