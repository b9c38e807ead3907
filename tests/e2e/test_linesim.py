# SPDX-License-Identifier: MIT OR Apache-2.0
"""The line simulator itself: everything else believes it."""
import os
import random
import time

from harness import main, test, wait_for


class Terminal:
    """One end of the line as a program sees it."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def read(self):
        try:
            return os.read(self.fd, 65536)
        except BlockingIOError:
            return b""

    def write(self, data):
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0

    def close(self):
        os.close(self.fd)


def carry(line, data, enough):
    """Send data through; what arrives, once enough(bytes) says so, and how long it took."""
    host = Terminal(line.host)
    line.wait_open("host")
    board = Terminal(line.board)
    got, left, start = bytearray(), memoryview(data), time.monotonic()

    def step():
        nonlocal left
        left = left[board.write(left[:4096]):]
        got.extend(host.read())
        return not left and enough(got)
    wait_for("the bytes to pass", step, 60)
    took = time.monotonic() - start
    board.close()
    host.close()
    return bytes(got), took


def some_bytes(count, seed=7):
    return random.Random(seed).randbytes(count)


@test("a quiet line carries every byte at the rate asked for")
def pacing(bench):
    for baud, count in ((115200, 23040), (4000000, 1200000)):
        data = some_bytes(count)
        line = bench.line("--baud", baud, name=f"line{baud}")
        got, took = carry(line, data, lambda got: len(got) >= count)
        assert got == data, "bytes changed"
        expected = count * 10 / baud
        # 12 KB may be in flight in terminal buffers, none before the line carried them.
        assert 0.95 * expected < took < 1.25 * expected + 0.2, f"{baud}: {took:.3f} s, expected {expected:.3f}"
        assert line.stats()["board_to_host"]["delivered"] == count


@test("the same seed damages the same bytes, another seed others")
def reproducible(bench):
    data = some_bytes(200000)
    results = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        line = bench.line("--baud", 0, "--seed", seed, "--ber", "1e-4", "--drop", "1e-3", "--dup", "1e-3", name=name)
        got, _ = carry(line, data, lambda got: len(got) > 0.99 * len(data) and nothing_more(line, got))
        stats = line.stats()["board_to_host"]
        assert len(got) == stats["delivered"] == len(data) - stats["dropped"] + stats["duplicated"]
        # 160, 200, 200 expected; five standard deviations
        assert 97 < stats["flipped_bits"] < 223 and 130 < stats["dropped"] < 270 and 130 < stats["duplicated"] < 270
        results.append(got)
    assert results[0] == results[1] != results[2]


def nothing_more(line, got):
    """How many bytes come is the faults' choice: all are there when a drained line brings no more."""
    line.drain()
    line.seen, before = len(got), getattr(line, "seen", None)
    return line.seen == before


@test("text is inserted between frames, whole and unchanged")
def text(bench):
    lines = bench.tmp / "lines"
    lines.write_bytes(b"".join(b"kernel: message %d\r\n" % n for n in range(50)))
    frame = b"\0" + b"\x05abcdef" * 10 + b"\0"
    line = bench.line("--baud", 0, "--text", lines, "--text-gap", 500, "--text-log", bench.tmp / "log")
    got, _ = carry(line, frame * 500, lambda got: got.count(b"\0") == 1000)
    stats = line.stats()["board_to_host"]
    log = (bench.tmp / "log").read_bytes()
    assert stats["text_lines"] > 40 and log.count(b"\n") == stats["text_lines"]
    pieces = got.split(b"\0")
    assert b"".join(piece for piece in pieces if piece[:1] != b"\x05") == log
    assert sum(piece == frame.strip(b"\0") for piece in pieces) == 500


@test("bytes sent while the host is unplugged or nobody listens are gone and counted")
def unplugged(bench):
    line = bench.line("--baud", 0)
    board = Terminal(line.board)
    line.wait_open("board")
    board.write(b"nobody")
    line.drain()
    host = Terminal(line.host)
    line.wait_open("host")
    board.write(b"first")
    assert wait_for("the bytes", host.read) == b"first"
    line.command("unplug host")
    assert not os.path.lexists(line.host)
    wait_for("the reader to notice", lambda: gone(host))
    board.write(b"lost")
    line.drain()
    line.command("plug host")
    again = Terminal(line.host)
    line.wait_open("host", 2)
    board.write(b"again")
    assert wait_for("the bytes", again.read) == b"again"
    stats = line.stats()["board_to_host"]
    assert (stats["lost_unopened"], stats["lost_unplugged"], stats["delivered"]) == (6, 4, 10), stats


def gone(terminal):
    try:
        return os.read(terminal.fd, 1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@test("a stalled line holds the sender back and loses nothing")
def stall(bench):
    line = bench.line("--baud", 0)
    host, board = Terminal(line.host), Terminal(line.board)
    line.wait_open("host")
    line.wait_open("board")
    line.command("stall 1")
    start = time.monotonic()
    sent = 0
    while time.monotonic() < start + 0.5:
        n = board.write(b"x" * 4096)
        sent += n
        if not n:
            break
    assert 1000 < sent < 65536, f"a stalled line took {sent} bytes"
    got = bytearray()
    wait_for("the rest", lambda: got.extend(host.read()) or len(got) == sent)
    assert time.monotonic() - start > 0.9


main()
