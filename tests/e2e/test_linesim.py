# SPDX-License-Identifier: MIT OR Apache-2.0
"""The line simulator itself: everything else believes it."""
import fcntl
import os
import random
import struct
import time

from harness import LINESIM, main, test, wait_for


TCGETS2, TCSETS2 = 0x802C542A, 0x402C542B
TERMIOS2 = struct.Struct("4I20s2I")  # flags, line discipline and characters, speeds
CBAUD, BOTHER = 0o10017, 0o10000


class Terminal:
    """One end of the line as a program sees it."""

    def __init__(self, path, speed=None):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        if speed:
            self.set_speed(speed)

    def set_speed(self, speed):
        iflag, oflag, cflag, lflag, rest, _, _ = TERMIOS2.unpack(fcntl.ioctl(self.fd, TCGETS2, bytes(TERMIOS2.size)))
        cflag = cflag & ~CBAUD | BOTHER
        fcntl.ioctl(self.fd, TCSETS2, TERMIOS2.pack(iflag, oflag, cflag, lflag, rest, speed, speed))

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


def pass_bytes(sender, receiver, data):
    """Send data; so many bytes as arrive in its place."""
    got, left = bytearray(), memoryview(data)

    def step():
        nonlocal left
        left = left[sender.write(left[:4096]):]
        got.extend(receiver.read())
        return not left and len(got) >= len(data)
    wait_for("the bytes to pass", step)
    return bytes(got)


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


@test("latency: bytes arrive whole, in order, never early, both ways; unplugged, they are lost under way")
def latency(bench):
    data = some_bytes(30000)
    line = bench.line("--baud", 4000000, "--latency", 500)
    board, host = Terminal(line.board), Terminal(line.host)
    line.wait_open("host")
    line.wait_open("board")
    for sender, receiver in ((board, host), (host, board)):
        start = time.monotonic()
        assert pass_bytes(sender, receiver, data) == data
        assert time.monotonic() - start >= 0.5
    board.write(b"under way")
    line.command("unplug host 0.001")
    line.drain()
    stats = line.stats()["board_to_host"]
    assert stats["delivered"] == len(data) and stats["lost_unplugged"] + stats["lost_unopened"] == 9, stats


@test("latency takes bounded memory: a line that is not paced waits")
def latency_bounded(bench):
    line = bench.line("--baud", 0, "--latency", 300)
    data = some_bytes(200000)
    got, _ = carry(line, data, lambda got: len(got) == len(data))
    assert got == data


@test("the same faults strike on the way back")
def back(bench):
    line = bench.line("--baud", 0, "--back-burst-gap", 2000, "--back-burst-len", 5, "--back-dup", "1e-3")
    board, host = Terminal(line.board), Terminal(line.host)
    line.wait_open("board")
    line.wait_open("host")
    pass_bytes(host, board, some_bytes(50000))
    assert pass_bytes(board, host, b"clean" * 1000) == b"clean" * 1000
    stats = line.stats()
    assert stats["host_to_board"]["bursts"] > 5 and stats["host_to_board"]["duplicated"] > 10
    assert stats["board_to_host"]["bursts"] == 0


@test("a schedule repeats: 100 times unplugged and plugged in again, then no more")
def repeated(bench):
    # 40 ms apart: a line that is held up for longer is unplugged again before it was plugged in.
    line = bench.line("--baud", 500000, "--every-byte", "2000*100:unplug host 0.001", "--every-byte", "10000*3:mark")
    board = Terminal(line.board)
    line.wait_open("board")
    left = 250000

    def step():
        nonlocal left
        left -= board.write(bytes(min(left, 4096)))
        return not left
    wait_for("the bytes to go", step)
    line.drain()
    wait_for("the last plug", lambda: line.out.count("ok plug host") == 100)
    assert line.out.count("ok unplug host") == 100 and line.out.count("ok mark") == 3 and "error" not in line.out
    assert os.path.lexists(line.host)


@test("--baud tty: each direction has its sender's rate; a receiver at another one reads garbage")
def speeds(bench):
    data = some_bytes(11520)
    results = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        line = bench.line("--baud", "tty", "--seed", seed, name=name)
        board, host = Terminal(line.board, 115200), Terminal(line.host, 117000)
        line.wait_open("board")
        line.wait_open("host")
        start = time.monotonic()
        assert pass_bytes(board, host, data) == data, "1.5 % apart"
        assert time.monotonic() - start > 0.7, "much faster than 115200 baud"
        host.set_speed(921600)
        garbage = pass_bytes(board, host, data[:4000])
        assert sum(a == b for a, b in zip(garbage, data)) < 100
        assert pass_bytes(host, board, data[:100]) != data[:100]
        line.drain()
        board.set_speed(921600)
        assert pass_bytes(board, host, data) == data and pass_bytes(host, board, data) == data
        stats = line.stats()
        assert stats["board_to_host"]["garbled"] == 4000 and stats["host_to_board"]["garbled"] == 100, stats
        assert stats["baud"] == stats["board_speed"] == stats["host_speed"] == 921600
        results.append(garbage)
    assert results[0] == results[1] != results[2]


@test("--baud tty: what was written before the rate changed goes at the old rate")
def speed_change(bench):
    line = bench.line("--baud", "tty")
    board, host = Terminal(line.board, 115200), Terminal(line.host, 115200)
    line.wait_open("board")
    line.wait_open("host")
    data = some_bytes(4000)
    got = bytearray()
    assert board.write(data) == len(data)
    wait_for("the first bytes", lambda: got.extend(host.read()) or got)
    assert len(got) < len(data)
    board.set_speed(4000000)
    wait_for("the bytes", lambda: got.extend(host.read()) or len(got) == len(data))
    assert got == data
    host.set_speed(4000000)
    assert pass_bytes(board, host, data) == data
    assert line.stats()["board_to_host"]["garbled"] == 0


@test("--max-baud: faster is garbage, whatever the receiver is set to")
def max_baud(bench):
    line = bench.line("--baud", "tty", "--max-baud", 1000000)
    board, host = Terminal(line.board, 921600), Terminal(line.host, 921600)
    line.wait_open("board")
    line.wait_open("host")
    data = some_bytes(4000)
    assert pass_bytes(board, host, data) == data
    line.drain()
    host.set_speed(3000000)
    board.set_speed(3000000)
    assert pass_bytes(board, host, data) != data
    assert line.stats()["board_to_host"]["garbled"] == len(data)


@test("wrong usage: one line that names the option, exit 2")
def usage(bench):
    for wrong in (("--ber", "x"), ("--bar", "1"), ("--flow", "maybe"), ("--at", "5"), ("--every-byte", "0:mark"), ("--seed",)):
        result = bench.run(LINESIM, "--board-link", "b", "--host-link", "h", *wrong, code=2)
        assert len(result.err.splitlines()) == 1 and wrong[0] in result.err, result.err


main()
