# SPDX-License-Identifier: MIT OR Apache-2.0
"""Frames as lines of text: over a console in its usual settings that does not carry eight bits, with a login
and a kernel on it."""
import json
import os
import pty
import re
import select
import termios
import threading

from harness import BOARD, main, test, wait_for
from recordings import TRACEPOINTS, check_books, check_same_events, check_subset

SECONDS = 45

FRAME = re.compile(rb"~\{[A-Za-z0-9+/]*\}~\r*\n")


class Console:
    """A terminal that the board writes to, and the terminal that the desk listens to; between them a
    terminal server: it strips the eighth bit, and other writers put in what `others` gives for a position."""

    def __init__(self, bench, others=lambda at: b"", damage=lambda at, byte: byte):
        self.board_master, self.board_slave = pty.openpty()
        self.host_master, self.host_slave = pty.openpty()
        self.board, self.host = os.ttyname(self.board_slave), os.ttyname(self.host_slave)
        self.settings = termios.tcgetattr(self.board_slave)
        self.others, self.damage = others, damage
        self.came, self.said, self.back = bytearray(), bytearray(), 0
        self._at, self._stop = 0, False
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self):
        while not self._stop:
            ready, _, _ = select.select([self.board_master, self.host_master], [], [], 0.02)
            try:
                if self.board_master in ready:
                    self._forward(os.read(self.board_master, 4096))
                if self.host_master in ready:
                    data = os.read(self.host_master, 4096)
                    self.back += len(data)
                    os.write(self.board_master, data)
            except OSError:
                return

    def _forward(self, data):
        self.came += data
        out = bytearray()
        for byte in data:
            more = self.others(self._at)
            self.said += more
            out += more
            out.append(self.damage(self._at, byte) & 0x7F)
            self._at += 1
        view = memoryview(out)
        while view and not self._stop:
            view = view[os.write(self.host_master, view):]

    def say(self, text):
        """Somebody else writes, while the line is quiet."""
        self.said += text
        os.write(self.host_master, text)

    def close(self):
        self._stop = True
        self._thread.join()
        for fd in (self.board_master, self.board_slave, self.host_master, self.host_slave):
            os.close(fd)


def through(bench, events, *options, others=lambda at: b"", damage=lambda at, byte: byte):
    """Replay in text framing; info, events found, events sent, console text, the line."""
    path, data = TRACEPOINTS.unpack(bench.tmp, events)
    out, summary, console = bench.tmp / "run.pb", bench.tmp / "run.json", bench.tmp / "console"
    line = Console(bench, others, damage)
    try:
        host = bench.record(line.host, out, "--console", console)
        wait_for("the recorder to have the line", out.exists)
        board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "--framing", "text",
                            "--summary-json", summary, *options, line.board)
        assert (board.wait(120) if "reliable" in options else bench.end_unanswered(board)) == 0
        assert host.wait(60) == 0
        assert termios.tcgetattr(line.board_slave) == line.settings, "the console's settings have changed"
    finally:
        line.close()
    info, found = bench.info(out), bench.events(out)
    check_books(info, json.loads(summary.read_text()))
    check_subset(found, data)
    return info, found, data, console.read_bytes(), line


@test("--framing text: every event over a 7-bit console that adds carriage returns")
def seven_bits(bench):
    info, found, data, console, line = through(bench, 20011)
    check_same_events(found, data, "as text")
    assert info["complete"] and info["frames_bad"] == 0 and info["lost"]["total"] == 0, info
    assert console == b"" and info["console_bytes"] == 0
    assert b"\r\n" in line.came, "the console was to be left in its usual settings"
    assert not FRAME.sub(b"", bytes(line.came)), "something that is no line of text"
    longest = max(len(one) for one in line.came.splitlines())
    assert longest < 4096, f"a line of {longest} characters"
    assert line.back == 0, "a host answered on a console"
    assert info["link"]["board_uart"] is None and info["link"]["host_uart"] is None
    assert info["link"]["mode"] == "oneway"


@test("--framing text: what others write comes out as it was written, and costs no event")
def console_text(bench):
    lines = [b"[%5d.000042] usb 1-1: new device number %d\r\n" % (n, n) for n in range(1000)]
    spots = {}

    def others(at):
        if at % 3001 == 0 and at:
            spots[at] = True
            return lines[at // 3001]
        return b""
    info, found, data, console, line = through(bench, 20011, others=others)
    assert len(spots) > 8
    assert console == bytes(line.said), "console text has changed"
    check_same_events(found, data, "with a kernel writing into frames")
    assert info["console_bytes"] == len(console)


@test("--framing text: damage costs events, never exactness, and never the text around it")
def damaged(bench):
    prompt = b"\r\nboard login: "

    def damage(at, byte):
        return byte ^ 0x04 if at % 5003 == 77 else byte
    info, found, data, console, line = through(
        bench, 20011, "-b", 57600, others=lambda at: prompt if at == 0 else b"", damage=damage)
    assert info["frames_bad"] > 3
    assert info["lost"]["by_cause"]["line"] == info["lost"]["total"] > 0
    assert len(found) + info["lost"]["total"] == len(data) // 16
    assert prompt in console


@test("--framing text --link reliable: what was damaged is sent again, as text in both directions")
def reliable(bench):
    broken = []

    def damage(at, byte):
        if at % 9001 == 5000:
            broken.append(at)
            return byte ^ 0x02
        return byte
    info, found, data, console, line = through(bench, 20011, "--link", "reliable", damage=damage)
    assert len(broken) > 2
    check_same_events(found, data, "sent again")
    assert info["lost"]["total"] == 0 and info["link"]["mode"] == "reliable"
    assert line.back > 0


main()
