# SPDX-License-Identifier: MIT OR Apache-2.0
"""Lines that carry bytes back: what is damaged is sent again, and nothing is lost."""
import json
import random
import signal

from harness import HOSTDEC, main, test, wait_for
from recordings import TRACEPOINTS, check_books, check_same_events

SECONDS = 70

BAUD = 921600
PRINTK = ["[    0.000000] Linux version 6.1.0-18-arm64 (debian-kernel@lists.debian.org)\r\n",
          "[   12.345678] usb 1-1: new high-speed USB device number 2 using xhci_hcd\n",
          "<6>[  101.000001] eth0: link up, 1000 Mbps\n", "[ 1234.567890] audit: backlog limit exceeded\r\n"]


class Run:
    """A replay over a line with faults, recorded; everything checked that must hold for any of them."""

    def __init__(self, bench, *faults, link="auto", baud=BAUD, events=40000, meanwhile=None, name="run"):
        self.path, self.data = TRACEPOINTS.unpack(bench.tmp, events)
        self.line = bench.line("--baud", baud, *faults, name=f"line-{name}")
        self.out, summary, console = (bench.tmp / f"{name}.{kind}" for kind in ("pb", "json", "console"))
        self.host = bench.record(self.line.host, self.out, "-b", baud, "--console", console, name=f"hostdec-{name}")
        self.line.wait_open("host")
        self.board = bench.board("--replay", self.path, "--names", TRACEPOINTS.names_path, "-b", baud, self.line.board,
                                 "--link", link, "--summary-json", summary, name=f"board-{name}")
        if meanwhile:
            meanwhile(self)
        assert self.board.wait(180) == 0
        self.line.drain()
        assert self.host.wait(20) == 0, "the host has not heard the goodbye"
        self.info = bench.info(self.out)
        check_same_events(bench.events(self.out), self.data, f"over a line with {faults}")
        check_books(self.info, json.loads(summary.read_text()))
        assert self.info["lost"]["total"] == 0 and self.info["complete"]
        stats = self.line.stats()
        self.forward, self.back = stats["board_to_host"], stats["host_to_board"]
        self.console = console.read_bytes()


@test("bit errors of 1e-5 at 921600: every event, for at most 8 % more bytes; acknowledgements within 3 %")
def bit_errors(bench):
    clean = Run(bench, name="clean")
    assert clean.back["taken"] <= 0.03 * clean.forward["taken"], f"{clean.back} for {clean.forward}"
    for seed in (1, 2, 3):
        noisy = Run(bench, "--seed", seed, "--ber", "1e-5", "--back-ber", "1e-5", name=f"noisy{seed}")
        assert noisy.forward["flipped_bits"] > 0
        assert noisy.forward["taken"] <= 1.08 * clean.forward["taken"], f"{noisy.forward} against {clean.forward}"
        assert noisy.info["frames_repaired"] + noisy.info["frames_retransmitted"] > 0


@test("bit errors of 1e-4, both ways: still every event")
def many_bit_errors(bench):
    noisy = Run(bench, "--ber", "1e-4", "--back-ber", "1e-4")
    assert noisy.info["frames_retransmitted"] > 0


@test("lost and doubled bytes, bursts of garbage, a stall: every event")
def other_faults(bench):
    for name, faults in (("drop", ("--drop", "1e-4", "--back-drop", "1e-3")), ("dup", ("--dup", "1e-4")),
                         ("burst", ("--burst-gap", 5000)), ("stall", ("--at-byte", "20000:stall 3"))):
        Run(bench, *faults, name=name)


@test("unplugged for two seconds: nothing is lost, the board waits")
def unplugged(bench):
    run = Run(bench, "--at-byte", "20000:unplug host 2")
    assert run.info["connects"] == 2 and run.info["frames_retransmitted"] > 0


@test("auto, unplugged while the board ends, for longer than it takes for a host to be silent: nothing is lost")
def unplugged_at_the_end(bench):
    run = Run(bench, "--at-byte", "20000:unplug host 7")
    assert "for the host to come back" in run.board.err
    assert run.info["connects"] == 2 and run.info["frames_retransmitted"] > 0


@test("--link reliable: a host that comes late has everything from the start")
def late(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", BAUD, "--at-byte", "15000:mark")
    board = bench.board("--replay", path, "-b", BAUD, "--link", "reliable", line.board)
    line.wait_text("ok mark", stream="out")
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", BAUD)
    assert board.wait(60) == 0
    assert host.wait(20) == 0
    check_same_events(bench.events(out), data, "for a host that came late")
    assert bench.info(out)["lost"]["total"] == 0


@test("--link reliable and nobody there: a board waits, a second signal ends it")
def signal_without_host(bench):
    path, _ = TRACEPOINTS.unpack(bench.tmp, 200)
    line = bench.line("--baud", BAUD, "--at-byte", "800:mark")
    board = bench.board("--replay", path, "-b", BAUD, "--link", "reliable", line.board)
    # All is sent soon; from then on it asks, again and again, who has got it.
    line.wait_text("ok mark", stream="out")
    board.popen.send_signal(signal.SIGTERM)
    assert board.stop(signal.SIGINT, timeout=20) == 0
    assert "no host has acknowledged" in board.err


@test("a host killed and started again: both recordings, one behind the other, have every event")
def killed(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", BAUD, "--at-byte", "20000:mark")
    first, second = bench.tmp / "1.pb", bench.tmp / "2.pb"
    host = bench.record(line.host, first, "-b", BAUD, name="host1")
    line.wait_open("host")
    board = bench.board("--replay", path, "-b", BAUD, line.board)
    line.wait_text("ok mark", stream="out")
    host.stop(signal.SIGKILL)
    host = bench.record(line.host, second, "-b", BAUD, name="host2")
    assert board.wait(60) == 0
    assert host.wait(20) == 0
    both = bench.tmp / "both.pb"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    check_same_events(bench.events(both), data, "in both recordings")
    assert bench.info(both)["lost"]["total"] == 0


@test("a host killed again and again, and started with --append: one recording, every event, none of them twice")
def killed_append(bench):
    path, data = TRACEPOINTS.unpack_again(bench.tmp, 4)
    line = bench.line("--baud", BAUD)
    out = bench.tmp / "x.pb"
    board = bench.board("--replay", path, "-b", BAUD, "--link", "reliable", line.board)
    for number in range(3):
        size = out.stat().st_size if out.exists() else 0
        host = bench.record(line.host, out, "-b", BAUD, "--append", name=f"host{number}")
        wait_for("more of the recording", lambda: out.exists() and out.stat().st_size > size + 10000)
        host.stop(signal.SIGKILL)
        with open(out, "ab") as file:
            file.write(b"\x0a\x90")  # as if it had been cut in the middle of a write
    host = bench.record(line.host, out, "-b", BAUD, "--append", name="last")
    assert board.wait(60) == 0
    assert host.wait(20) == 0
    check_same_events(bench.events(out), data, "in the recording")
    info = bench.info(out)
    assert info["lost"]["total"] == 0 and info["sessions"] == 1, info
    # What was received before each kill is there, and the last run has ended in order: nothing is cut off.
    assert info["complete"] and info["file_damaged"] == 0, info


@test("--append leaves alone what is no recording")
def append_to_text(bench):
    out = bench.tmp / "notes.txt"
    out.write_text("not a recording\n")
    captured = bench.tmp / "captured"
    captured.write_bytes(b"\0")
    result = bench.run(HOSTDEC, "--port", captured, "-o", out, "--append", code=1)
    assert "is no recording" in result.err and len(result.err.splitlines()) == 1, result.err
    assert out.read_text() == "not a recording\n"


@test("1,000 kernel messages written into frames at random: every line and every event comes out")
def printk(bench):
    lines = bench.tmp / "printk"
    choice = random.Random(4)
    lines.write_text("".join(choice.choice(PRINTK) for _ in range(997)), newline="")
    for link in ("auto", "oneway"):
        log = bench.tmp / f"log-{link}"
        run = Run(bench, "--text", lines, "--text-gap", 60, "--text-at", "anywhere", "--text-log", log, link=link,
                  name=link)
        assert run.forward["text_lines"] > 900, run.forward
        assert run.console == log.read_bytes(), "the console text differs from what was written"


@test("auto: best effort for a host that only listens; one that ends its recording is not waited for")
def auto(bench):
    path, _ = TRACEPOINTS.unpack(bench.tmp, 20000)
    line = bench.line("--baud", BAUD)
    host = bench.record(line.host, bench.tmp / "x.pb", "-b", BAUD, "--listen-only")
    line.wait_open("host")
    board = bench.board("--replay", path, "-b", BAUD, line.board)
    assert board.wait(60) == 0 and host.wait(20) == 0
    assert line.stats()["host_to_board"]["taken"] == 0
    info = bench.info(bench.tmp / "x.pb")
    assert info["link"]["mode"] == "oneway" and info["lost"]["total"] == 0, info

    path, _ = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", 115200, name="line2")
    host = bench.record(line.host, bench.tmp / "y.pb", "-b", 115200, "--duration", "1.5", name="host2")
    line.wait_open("host")
    board = bench.board("--replay", path, "-b", 115200, line.board, name="board2")
    assert host.wait(20) == 0
    board.wait_text("best effort", stream="err")
    wait_for("the end", lambda: not board.running(), 30)
    assert board.wait() == 0


main()
