# SPDX-License-Identifier: MIT OR Apache-2.0
"""Lines that damage what they carry: what arrives is right, what does not is counted, exactly."""
import json
import random
import signal

from harness import main, test
from recordings import TRACEPOINTS, check_books, check_subset


def through(bench, *faults, events=40000, baud=3000000, name="run", patient=False):
    """Replay over a bad line; line counts, info, and the books checked. patient: the board says all of its goodbyes."""
    path, data = TRACEPOINTS.unpack(bench.tmp, events)
    line = bench.line("--baud", baud, *faults, name=f"line-{name}")
    out, summary, console = (bench.tmp / f"{name}.{kind}" for kind in ("pb", "json", "console"))
    host = bench.record(line.host, out, "-b", baud, "--console", console, name=f"hostdec-{name}")
    line.wait_open("host")
    board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "-b", baud, line.board,
                        "--link", "oneway", "--summary-json", summary, name=f"board-{name}")
    assert (board.wait(120) if patient else bench.end_unanswered(board)) == 0
    line.drain()
    assert host.stop() == 0
    stats = line.stats()["board_to_host"]
    info, found = bench.info(out), bench.events(out)
    bench.note(f"{faults}: {stats} {info}")
    check_subset(found, data)
    assert len(found) == info["events"]
    assert info["events"] + info["lost"]["total"] == len(data) // 16, \
        f"{info['events']} events + {info['lost']} are not the {len(data) // 16} that were sent"
    check_books(info, json.loads(summary.read_text()))
    return stats, info, console.read_bytes() if console.exists() else b""


@test("bit errors cost events, never exactness")
def bit_errors(bench):
    for seed, ber, least in ((1, "1e-5", 0.8), (2, "3e-5", 0.1), (3, "1e-4", 0)):
        stats, info, _ = through(bench, "--seed", seed, "--ber", ber, name=f"ber{seed}")
        assert stats["flipped_bits"] > 3 and info["frames_bad"] + info["frames_repaired"] > 0
        by_cause = info["lost"]["by_cause"]
        assert by_cause["line"] + by_cause["undecodable"] == info["lost"]["total"]
        assert info["events"] >= least * 40000, f"{info['events']} of 40000 at {ber}"
        # A flipped bit costs a frame, or two where it joins them; a frame holds a few hundred events.
        assert info["frames_bad"] <= 2 * stats["flipped_bits"]


@test("lost bytes cost events, never exactness")
def dropped_bytes(bench):
    for seed, drop in ((1, "1e-3"), (2, "3e-3")):  # so often that not all are restored
        stats, info, _ = through(bench, "--seed", seed, "--drop", drop, name=f"drop{seed}")
        assert stats["dropped"] > 3 and info["lost"]["total"] > 0


@test("single bytes lost or doubled here and there are restored")
def restored_bytes(bench):
    for name, fault in (("lost", "--drop"), ("twice", "--dup")):
        shares = []
        for seed in (1, 2):
            stats, info, _ = through(bench, "--seed", seed, fault, "2e-5", name=f"{name}{seed}")
            shares.append((stats["dropped"] + stats["duplicated"], info["frames_repaired"], info["events"]))
        assert sum(share[1] for share in shares) > 0, shares
        assert sum(share[2] for share in shares) >= 0.8 * 2 * 40000, shares


@test("doubled bytes cost events, never exactness")
def doubled_bytes(bench):
    stats, info, _ = through(bench, "--dup", "1e-3")
    assert stats["duplicated"] > 3 and info["lost"]["total"] > 0


@test("bursts of garbage cost events, never exactness")
def bursts(bench):
    stats, info, _ = through(bench, "--burst-gap", 20000, "--burst-len", 200)
    assert stats["bursts"] > 1 and info["lost"]["total"] > 0


@test("everything at once: noise, drops, doubles, bursts and text")
def everything(bench):
    lines = bench.tmp / "lines"
    lines.write_text("[   12.345678] usb 1-1: new high-speed USB device\n")
    for seed in (11, 12, 13):
        through(bench, "--seed", seed, "--ber", "1e-5", "--drop", "3e-5", "--dup", "3e-5", "--burst-gap", 30000,
                "--text", lines, "--text-gap", 5000, "--text-at", "anywhere", name=f"all{seed}")


@test("a damaged line back to the board disturbs nobody")
def noise_back(bench):
    _, info, _ = through(bench, "--back-ber", "0.2")
    assert info["lost"]["total"] == 0


CONSOLE = [b"[    0.000000] Linux version 6.1.0\r\n", b"login: root\n", b"\x1b[1;31mred\x1b[0m text\r\n",
           "Übertemperatur 85 °C – ✓\n".encode(), b"\ttab\n", b"\n", b"x" * 700 + b"\n"]


def console_file(bench):
    path = bench.tmp / "lines"
    path.write_bytes(b"".join(CONSOLE))
    return path


@test("console text between frames comes out unchanged and in order, and costs nothing")
def console(bench):
    stats, info, text = through(bench, "--text", console_file(bench), "--text-gap", 300,
                                "--text-log", bench.tmp / "log")
    assert stats["text_lines"] > 50
    log = (bench.tmp / "log").read_bytes()
    assert text == log, f"{len(text)} bytes of console, {len(log)} were inserted"
    assert info["lost"]["total"] == 0 and info["frames_bad"] == 0
    assert info["console_bytes"] == len(log)


@test("console text inside frames comes out unchanged and in order, and costs nothing either")
def console_inside(bench):
    stats, info, text = through(bench, "--text", console_file(bench), "--text-gap", 2000, "--text-at", "anywhere",
                             "--text-log", bench.tmp / "log")
    assert stats["text_lines"] > 10 and info["lost"]["total"] == 0 and info["frames_bad"] == 0
    assert text == (bench.tmp / "log").read_bytes()


UNENDED = ["board login: ".encode(), "Gerät bereit, 85 °C".encode("latin-1"), b"\x1b[1;32m OK \x1b[0m ", b"\r 7%\r 14%",
           b"[   12.345678] usb 1-1: new high-spe", "Übertemperatur – ".encode(), b"login: root\nPassword: "]


@test("text without a line end, one in every third frame and others between frames, comes out and costs nothing")
def no_line_end(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp, 40000)
    line = bench.line("--baud", 3000000)
    raw, clean = bench.tmp / "raw", bench.tmp / "clean.pb"
    host = bench.record(line.host, clean, "-b", 3000000, "--raw", raw)
    line.wait_open("host")
    board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "-b", 3000000, line.board, "--link", "oneway")
    assert bench.end_unanswered(board) == 0
    line.drain()
    assert host.stop() == 0
    pieces, written, places = raw.read_bytes().split(b"\0"), b"", random.Random(5)
    for i, piece in enumerate(pieces):
        text = UNENDED[i // 3 % len(UNENDED)]
        at = places.choice((0, len(piece), places.randrange(len(piece) + 1)))
        # The first frames tell the session. An empty piece stands between two frames.
        if i > 20 and i % 3 == 0 and i < len(pieces) - 1:
            pieces[i] = piece[:at] + text + piece[at:]
            written += text
    dirty, out, console = bench.tmp / "dirty", bench.tmp / "run.pb", bench.tmp / "console"
    dirty.write_bytes(b"\0".join(pieces))
    assert bench.record(dirty, out, "--console", console, "--strict", name="again").wait(60) == 0
    info = bench.info(out)
    bench.note(f"{len(written)} bytes of text: {info}")
    assert len(written) > 500 and info["lost"]["total"] == 0 and info["frames_bad"] == 0
    assert console.read_bytes() == written
    assert bench.events(out) == bench.events(clean) and len(bench.events(out)) == len(data) // 16


@test("a host that is unplugged when the board ends, for two seconds, still learns the final books")
def away_at_the_end(bench):
    _, info, _ = through(bench, "--at-byte", "20000:unplug host 2", patient=True)
    assert info["connects"] == 2 and info["lost"]["by_cause"]["line"] == info["lost"]["total"] > 0


@test("a host that reads too slowly loses bytes, and they are accounted for")
def overrun(bench):
    # The host's driver holds 4096 bytes; the reader is stopped for a moment in the middle.
    path, data = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", 1000000, "--host-buffer", 4096, "--at-byte", "20000:mark", "--at-byte", "45000:mark")
    out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
    host = bench.record(line.host, out, "-b", 1000000)
    line.wait_open("host")
    board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "-b", 1000000, line.board, "--link", "oneway",
                        "--summary-json", summary)
    line.wait_text("ok mark", stream="out")
    host.popen.send_signal(signal.SIGSTOP)
    line.wait_text("ok mark\n(.*\n)*ok mark", stream="out")
    host.popen.send_signal(signal.SIGCONT)
    assert bench.end_unanswered(board) == 0
    line.drain()
    assert host.stop() == 0
    stats = line.stats()["board_to_host"]
    assert stats["overrun"] > 1000, stats
    check_subset(bench.events(out), data)
    info = bench.info(out)
    assert info["lost"]["total"] > 0
    check_books(info, json.loads(summary.read_text()))


main()
