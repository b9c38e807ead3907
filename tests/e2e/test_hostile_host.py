# SPDX-License-Identifier: MIT OR Apache-2.0
"""A host, or a line back, that says anything: the board lives, stays small, and serves the next good host."""
import json
import random
import select
import time

import wire
from harness import main, open_tty, test
from recordings import TRACEPOINTS, check_books, check_same_events

SECONDS = 120

BAUD = 921600
CONTROL, ACK = 8, 9
STATUS, PAUSE, PROBE_ADD, RATE = 2, 3, 7, 9


def resident_kb(process):
    for row in open(f"/proc/{process.pid}/status", encoding="ascii"):
        if row.startswith("VmRSS"):
            return int(row.split()[1])
    raise AssertionError("no VmRSS")


def uncobs(data):
    out = bytearray()
    while data:
        out += data[1:data[0]] + (b"\0" if data[0] < 255 else b"")
        data = data[data[0]:]
    return bytes(out[:-1])


def session_heard(tty):
    """The session of the first frame that comes, as its header says."""
    end, text = time.monotonic() + 10, b""
    while time.monotonic() < end:
        select.select([tty], [], [], 0.1)
        text += tty.read(4096) or b""
        for segment in text.split(b"\0")[1:-1]:
            body = uncobs(segment)
            if len(body) > 14 and wire.crc32c(body[:-4]) == int.from_bytes(body[-4:], "little"):
                return int.from_bytes(body[2:6], "little")
    raise AssertionError("no frame came")


def say(tty, data):
    """Write all of it, and read what comes meanwhile, as a host does that wants nothing of it."""
    while data:
        readable, writable, _ = select.select([tty], [tty], [], 1)
        if readable:
            tty.read(65536)
        if writable:
            data = data[tty.write(data[:4096]):]


def absurd(choice, session, seq):
    """A valid frame of one of the kinds that a host may send, with contents that none would."""
    number = choice.choice((0, 1, 2, 200, 1 << 31, (1 << 32) - 1, choice.getrandbits(32)))
    if choice.random() < 0.5:
        runs = b"".join(wire.varint(choice.choice((0, 1, 7, (1 << 32) - 1))) for _ in range(choice.randrange(40)))
        payload = wire.field(2, number) + wire.field(3, runs) + wire.field(7, choice.choice((0, 5, choice.getrandbits(32))))
        payload += wire.field(8, choice.randrange(2)) + wire.field(9, choice.randrange(2))
        return wire.frame(ACK, payload, session=session, seq=seq)
    what = choice.choice((STATUS, PAUSE, PROBE_ADD, RATE, 15))
    value = {PROBE_ADD: bytes(choice.randrange(1, 256) for _ in range(choice.randrange(300))), RATE: 0}.get(what, 1)
    return wire.frame(CONTROL, wire.field(1, number) + wire.field(what, value), session=session, seq=seq)


def flood(bench, link, words, most, times):
    """A board that replays so often; words(session) to it, so many bytes."""
    path, data = TRACEPOINTS.unpack_again(bench.tmp, times)
    line = bench.line("--baud", BAUD)
    summary = bench.tmp / "x.json"
    board = bench.board("--replay", path, "-b", BAUD, "--link", link, "--spool-mem", "256K",
                        "--summary-json", summary, line.board)
    sizes = []
    with open_tty(line.host) as tty:
        session, total = session_heard(tty), 0
        for part in words(session):
            say(tty, part)
            total += len(part)
            assert board.running(), f"the board ended: {board.err}"
            sizes.append(resident_kb(board))
            if total > most:
                break
    bench.note(f"{sizes[::20]}")
    quarter = len(sizes) // 4
    assert max(sizes) <= 1.1 * max(sizes[:quarter]) + 512, "the board grew"
    return line, board, data, summary


def served(bench, line, board, data, summary):
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", BAUD)
    assert board.wait(120) == 0, board.err
    line.drain()
    assert host.wait(30) == 0
    return json.loads(summary.read_text()), bench.info(out), bench.events(out)


@test("random bytes from the host for a while: the board goes on, and loses nothing of a good host's")
def random_bytes(bench):
    choice = random.Random(3)

    def noise(_):
        while True:
            yield choice.randbytes(4000)
    line, board, data, summary = flood(bench, "reliable", noise, 200000, 4)
    _, info, events = served(bench, line, board, data, summary)
    check_same_events(events, data, "after random bytes from a host")
    assert info["lost"]["total"] == 0


@test("floods of valid frames with absurd contents from the host: the board goes on, does not grow, its books are right")
def nonsense(bench):
    choice = random.Random(4)

    def talk(session):
        for seq in range(1 << 30):
            yield b"".join(absurd(choice, session, seq * 50 + i) for i in range(50))
    line, board, data, summary = flood(bench, "auto", talk, 250000, 45)  # events go on meanwhile: many of them
    told, info, _ = served(bench, line, board, data, summary)
    check_books(info, told)


def acknowledge(session, seq, next_seq, receiver, begin=0, leaving=0):
    payload = wire.field(2, next_seq) + wire.field(7, receiver) + wire.field(8, leaving) + wire.field(9, begin)
    return wire.frame(ACK, payload, session=session, seq=seq)


def command(session, seq, number, what, value):
    return wire.frame(CONTROL, wire.field(1, number) + wire.field(what, value), session=session, seq=seq)


# What a host says over and over: number n of it.
FLOODS = {
    "begin, each time another host": lambda session, n: acknowledge(session, n, 0, n + 1, begin=1),
    "begin, always the same host": lambda session, n: acknowledge(session, n, 0, 7, begin=1),
    "acknowledge nothing": lambda session, n: acknowledge(session, n, 0, 7),
    "acknowledge and leave in turn": lambda session, n: acknowledge(session, n, 0, 7, leaving=n % 2),
    "begin and acknowledge nothing, each time another host": lambda session, n: acknowledge(session, n, 0, n // 2 + 1, begin=n % 2),
    "another rate": lambda session, n: command(session, n, n + 1, RATE, (230400, 460800)[n % 2]),
    "status": lambda session, n: command(session, n, n + 1, STATUS, 1),
}


@test("hosts that say one thing over and over: events go on, the run ends at its time, few messages, a good host is served")
def one_thing(bench):
    path, _ = TRACEPOINTS.unpack_again(bench.tmp, 60)
    for number, (name, what) in enumerate(FLOODS.items()):
        line = bench.line("--baud", BAUD, name=f"line{number}")
        out, summary = bench.tmp / f"{number}.pb", bench.tmp / f"{number}.json"
        board = bench.board("--replay", path, "--replay-rate", "realtime", "-b", BAUD, "-d", 6, "--summary-json", summary,
                            line.board, name=f"board{number}")
        with open_tty(line.host) as tty:
            session, start, n, heard = session_heard(tty), time.monotonic(), 0, b""
            while time.monotonic() < start + 3:
                readable, writable, _ = select.select([tty], [tty], [], 0.1)
                if readable:
                    heard += tty.read(65536)
                if writable:
                    part = b"".join(what(session, n + i) for i in range(20))
                    while part:
                        part = part[tty.write(part):]
                    n += 20
        kinds = [uncobs(segment)[:1] for segment in heard.split(b"\0") if len(segment) > 20]
        assert kinds.count(b"\3") > 5, f"{name}: {kinds.count(bytes([3]))} frames of events in 3 s"
        host = bench.record(line.host, out, "-b", BAUD, name=f"hostdec{number}")
        assert board.wait(40) == 0, f"{name}: {board.err}"
        assert host.wait(30) == 0, f"{name}: {host.err}"
        check_books(bench.info(out), json.loads(summary.read_text()))
        assert bench.info(out)["events"] > 1000, name
        assert len(board.err.splitlines()) < 120, f"{name}: {len(board.err.splitlines())} lines"


main()
