#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""This decoder and hostdec must make the same of what a board, a bad line or a foreign sender gives them.

Environment: O, the build directory (build).
"""
import json
import lzma
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import ayaprof_encode as encode
import tap
from ayaprof_decode import EVENT_RECORD, decode_line, decode_recording, event_records, summarise
from blocks import Event
from recording import RecordingReader
from test_vectors import adaptive_groups

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(ROOT, os.environ.get("O") or "build")
DATA = ROOT / "tests" / "data"
TIMEOUT_S = 60
ERROR_LINES = 3
FATES = ["arrives"] * 12 + ["late", "late", "twice", "lost", "damaged", "other codec", "dropped", "other block"]
CHAINED_SESSIONS = 12


def run(program, *arguments, may_say=None):
    """may_say: exit status 1 is right, too, when it says so."""
    path = BUILD / program
    if not os.access(path, os.X_OK):
        raise tap.Skip(f"{path} was not built")
    done = subprocess.run([str(path), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").splitlines()[-ERROR_LINES:]
        if may_say and done.returncode == 1 and may_say in said[-1]:
            return b""
        raise AssertionError(f"{program} {arguments[0]}: exit status {done.returncode}: {said}")
    return done.stdout


def records(data):
    size = EVENT_RECORD.size
    tap.equal(len(data) % size, 0, "half a record")
    return Counter(data[at:at + size] for at in range(0, len(data), size))


def exported(recording, directory):
    out = directory / "exported.bin"
    out.unlink(missing_ok=True)
    run("hostdec", "export", recording, "-f", "events", "-o", out, may_say="nothing is exported")
    return records(out.read_bytes() if out.exists() else b"")


def named_records(data, names):
    """Records with the names of their functions in place of ids."""
    found = Counter()
    for t_ns, tid, func, cpu, kind in EVENT_RECORD.iter_unpack(data):
        found[t_ns, tid, names.get(func), cpu, kind] += 1
    return found


def exported_by_name(recording, directory):
    """For a file of several sessions: hostdec gives functions of the same name one id, of its choice."""
    out, names = directory / "exported.bin", directory / "exported.names"
    run("hostdec", "export", recording, "-f", "events", "-o", out, "--names", names)
    pairs = (line.split(" ", 1) for line in names.read_text().splitlines())
    return named_records(out.read_bytes(), {int(func): name for func, name in pairs})


def decoded_by_name(receiver):
    found = Counter()
    for session in receiver.understood():
        names = {func: name.get("name") for (table, func), name in session.names.items() if table == 1}
        found += named_records(b"".join(event_records(session.events)), names)
    return found


def info(recording):
    return json.loads(run("hostdec", "info", "--json", recording))


def same_books(told, receiver, source):
    """What `hostdec info --json` and this decoder say of a file."""
    mine = summarise(receiver, source)
    for key in ("events", "complete"):
        tap.equal(told[key], mine[key], f"hostdec's {key}")
    for cause in sorted(set(told["lost"]["by_cause"]) | set(mine["lost"]["by_cause"])):
        both = (of["lost"]["by_cause"].get(cause, 0) for of in (told, mine))
        tap.equal(*both, f"hostdec's lost {cause}")
    tap.equal(told["lost"]["total"], mine["lost"]["total"], "hostdec's lost")
    tap.equal(told["sessions"], len(mine["sessions"]), "hostdec's sessions")


def replayed(name, directory):
    """(recording, its input) of a file of raw events."""
    raw = directory / "input.bin"
    raw.write_bytes(lzma.decompress((DATA / f"{name}.bin.xz").read_bytes()))
    recording = directory / "board.pb"
    run("ayaprof-uart", "--replay", raw, "--names", DATA / f"{name}.names", "--mode", "log", "-o", recording)
    return recording, raw


def check_replay(name, directory):
    recording, raw = replayed(name, directory)
    receiver, source = decode_recording(recording.read_bytes())
    given = records(raw.read_bytes())
    tap.equal(sum(given.values()) > 0, True, "there is input")
    tap.equal(Counter(event_records(receiver.events())) == given, True, "this decoder gives the input")
    tap.equal(exported(recording, directory) == given, True, "hostdec gives the input")
    tap.equal((receiver.complete(), source.damaged_stretches, source.cut_bytes), (True, 0, 0), "the file is whole")
    names = dict(line.split(" ", 1) for line in (DATA / f"{name}.names").read_text().splitlines() if line)
    session, = receiver.sessions.values()
    for event in session.events:
        if str(event.func) in names:
            tap.equal(session.names[1, event.func].get("name"), names[str(event.func)].strip(), "name")
    tap.equal(session.goodbye["status"]["produced"], session.books()["produced"], "produced")
    told = info(recording)
    same_books(told, receiver, source)
    # The file's own records are no frames of the board.
    sent = list(receiver_bodies(recording))
    size = sum(len(encode.record(body)) for body in sent)
    tap.equal((told["frames"], told["wire_bytes"]), (len(sent), size), "frames and bytes of the board")


def compare_line(line, directory):
    """hostdec records `line`; both decode the line and the recording."""
    captured, recording, console = (directory / name for name in ("line.bin", "run.pb", "console.txt"))
    captured.write_bytes(line)
    run("hostdec", "record", "--port", captured, "-o", recording, "--console", console, "--no-restore")
    receiver, deframer = decode_line(line)
    again, reader = decode_recording(recording.read_bytes())
    mine = Counter(event_records(receiver.events()))
    tap.equal(Counter(event_records(again.events())) == mine, True, "the recording has the events of the line")
    if len(receiver.sessions) == 1:
        tap.equal(exported(recording, directory) == mine, True, "hostdec exports them")
    else:
        tap.equal(exported_by_name(recording, directory) == decoded_by_name(receiver), True, "hostdec exports them")
    told = info(recording)
    same_books(told, again, reader)
    tap.equal(summarise(again, reader)["lost"], summarise(receiver, deframer)["lost"], "lost by line and by recording")
    tap.equal(told["frames_bad"], deframer.frames_bad, "frames_bad")
    tap.equal(told["frames"], deframer.frames, "frames")
    tap.equal(told["wire_bytes"], len(line), "wire_bytes")
    tap.equal(told["console_bytes"], deframer.console_bytes, "console_bytes")
    tap.equal(again.line_stats("bad_bytes"), deframer.bad_bytes, "bad_bytes")
    return receiver, deframer


def check_bad_line(name, directory):
    recording, _ = replayed(name, directory)
    receiver, _ = decode_recording(recording.read_bytes())
    bodies = list(receiver_bodies(recording))
    frames_seen = set()
    for seed in range(6):
        chance = random.Random(seed)
        line = bytearray()
        for body in bodies:
            wire = bytearray(encode.wire(body))
            fate = chance.randrange(16)
            if fate == 0:
                wire[chance.randrange(len(wire))] ^= 1 << chance.randrange(8)
            elif fate == 1:
                del wire[chance.randrange(len(wire)):]
            elif fate == 2:
                wire = wire * 2
            elif fate == 3:
                line += f"[{chance.random():12.6f}] eth0: Verbindung getrennt — neu\r\n".encode()
            elif fate == 4:
                line += chance.randbytes(chance.randrange(6000))
            elif fate == 5:
                continue
            line += wire
        if seed % 2:
            del line[:chance.randrange(len(line) // 3)]
            del line[-chance.randrange(len(line) // 3):]
        receiver, deframer = compare_line(bytes(line), directory)
        frames_seen.add(deframer.frames)
        tap.equal(deframer.frames > 0 and deframer.frames_bad > 0, True, "the line has frames and damage")
    tap.equal(len(frames_seen) > 1, True, "the lines differ")


def check_text_frames(name, directory):
    recording, _ = replayed(name, directory)
    bodies, bad, text = list(receiver_bodies(recording)), 0, 0
    for seed in range(6):
        chance = random.Random(seed)
        line = bytearray(b"U-Boot\r\n")
        for body in bodies:
            wire = bytearray(encode.text_line(body) if chance.randrange(8) else encode.wire(body))
            fate = chance.randrange(10) * (wire[:1] == b"~")
            if fate == 1:
                at = chance.randrange(2, len(wire) - 3)
                wire[at] = ord("A") if wire[at] != ord("A") else ord("B")
            elif fate == 2:
                line += chance.choice([b"login: ", "[ 1.5] Gerät\r\n".encode(), b"~{", b"~$ ", b"~{AAAA}~\n"])
            elif fate == 3:
                continue
            elif fate == 4:
                wire[-1:] = chance.choice([b"\r\n", b"\r\r\n"])
            line += wire
        _, deframer = compare_line(bytes(line), directory)
        bad, text = bad + deframer.frames_bad, text + deframer.console_bytes
    tap.equal(bad > 0 and text > 100, True, "there is damage and text")


def receiver_bodies(recording):
    """The frames of a recording that a line would have carried."""
    return [frame.body for frame in RecordingReader(recording.read_bytes()).frames() if frame.session]


def check_damaged_recording(name, directory):
    whole = replayed(name, directory)[0].read_bytes()
    damaged = directory / "damaged.pb"
    for seed in range(12):
        chance = random.Random(seed)
        data = bytearray(whole)
        for _ in range(chance.randrange(6)):
            at = chance.randrange(len(data))
            change = chance.randrange(3)
            if change == 0:
                data[at] ^= 1 << chance.randrange(8)
            elif change == 1:
                del data[at:at + chance.randrange(3000)]
            else:
                data[at:at] = bytes([chance.choice([0x0A, 0, 0xFF])]) * chance.randrange(300)
        if seed % 3 == 0:
            del data[chance.randrange(len(data)):]
        damaged.write_bytes(data)
        receiver, source = decode_recording(bytes(data))
        if not receiver.frames:
            continue
        mine = Counter(event_records(receiver.events()))
        tap.equal(exported(damaged, directory) == mine, True, f"events, seed {seed}")
        same_books(info(damaged), receiver, source)


def some_events(chance, n, funcs, arguments):
    time, events = chance.randrange(1 << 50), []
    for _ in range(n):
        time += chance.randrange(-100, 1 << chance.randrange(1, 40))
        args = [chance.getrandbits(chance.randrange(1, 65)) for _ in range(chance.randrange(7))] if arguments else []
        events.append(Event(time, chance.randrange(1 << 32), chance.choice(funcs), chance.randrange(256),
                            chance.randrange(3), tuple(args)))
    return events


def unusual_status(sender):
    """Unknown fields, a flag of the future, repeated numbers unpacked, fields not by number, causes nobody knows."""
    unknown = bytes.fromhex("f80f05" "f90f0102030405060708" "fa0f03616263" "fd0f01020304")
    unpacked = b"".join(encode.varint(5 << 3) + encode.varint(sender.index if cpu == 3 else 0) for cpu in range(4))
    lost = encode.message("Status", {"lost": [{"cause": 2, "count": 11}, {"cause": 1, "cpu_plus_1": 256, "count": 4},
                                              {"cause": 77, "count": 5}, {"cause": 4, "count": 70}]})
    taken = encode.message("Status", {"taken": sender.index, "produced": sender.index + 20})
    sender.send_payload(7, unknown + unpacked + lost + taken + unknown, flags=0x80)


def foreign_session(number, session):
    """The bodies of a session in forms that the project's own sender does not use."""
    chance = random.Random(number)
    funcs = [chance.randrange(1 << 16) for _ in range(20)]
    sender = encode.Sender(session)
    sender.seq = chance.choice([0, 0xFFFFFFFA])
    sender.send("Hello", {"protocol": 7, "protocol_min": 1, "hostname": "föreign", "boot_id": f"boot {number}"}, True)
    for level in range(10):
        n = chance.choice([1, 50, 120])
        sender.send_events(some_events(chance, n, funcs, level % 2), level=level)
        named = [{"table": 1, "id": func, "cls": 1 + at % 11, "name": f"function_{at + number}"}
                 for at, func in enumerate(funcs)]
        others = [{"table": table, "id": level, "cls": 200, "name": "\x1b[31m../../name"}
                  for table in (2, 3, 4, 5, 300)]
        sender.send("Names", {"names": named + others}, level % 2)
    sender.send_events(some_events(chance, 30, funcs, False), codec=200)
    sender.index += 70
    sender.send("Loss", {"ranges": [{"cause": 4, "count": 70, "first_ns": 5, "last_ns": 6}, {"cause": 2, "count": 9}]})
    sender.send_payload(20, b"what is this")
    unusual_status(sender)
    if number != 2:
        final = {"taken": sender.index + 6, "produced": sender.index + 6 + 20,
                 "lost": [{"cause": 4, "count": 70}, {"cause": 5, "count": 6}, {"cause": 1, "count": 20}]}
        sender.send("Goodbye", {"status": final, "reason": "finished"})
    return sender.bodies


def check_foreign_sender(directory):
    lines = []
    for number, session in enumerate((0xFFFFFFFF, 1, 0x01010101)):
        lines.append(b"U-Boot 2024.01\r\n" + b"".join(map(encode.wire, foreign_session(number, session))))
        compare_line(lines[-1], directory)
    receiver, deframer = compare_line(b"".join(lines), directory)
    tap.equal((len(receiver.sessions), deframer.frames_bad), (3, 0), "sessions, damage")
    tap.equal([(session.undecodable, session.frames_bad, session.frames_unknown)
               for session in receiver.sessions.values()], [(30, 0, 1)] * 3, "undecodable, bad, unknown")


def chained_session(number):
    """A session of groups of blocks that build on one another, where not every block comes, nor in its order."""
    chance = random.Random(number)
    sender, held = encode.Sender(number), []
    sender.send("Hello", {"protocol": 1, "protocol_min": 1, "codec": 2})
    for group, blocks in enumerate(adaptive_groups()):
        for block, events in blocks:
            fields = {"first_index": sender.index, "count": len(events), "codec": 2,
                      "block": bytes([group]) + block[1:]}
            sender.index += len(events)
            fate = chance.choice(FATES)
            if fate == "damaged":
                hurt = bytearray(fields["block"])
                hurt[chance.randrange(len(hurt))] ^= 1 << chance.randrange(8)
                fields["block"] = bytes(hurt)
            elif fate == "other codec":
                fields["codec"] = chance.choice([1, 3])
            elif fate == "dropped":
                sender.send("Loss", {"ranges": [{"cause": 4, "count": len(events)}]})
            elif fate == "other block":
                sender.send_events(some_events(chance, 9, [1, 2], False))
            if fate == "late":
                held.append(fields)
            elif fate not in ("lost", "dropped"):
                sender.send("Events", fields)
            if fate == "twice" or (held and chance.randrange(2)):
                sender.send("Events", held.pop(0) if held else fields)
    for fields in held:
        sender.send("Events", fields)
    sender.send("Goodbye", {"status": {"taken": sender.index, "produced": sender.index}, "reason": "finished"})
    return sender.bodies


def check_chains(directory):
    books = []
    for number in range(1, CHAINED_SESSIONS + 1):
        receiver, _ = compare_line(b"".join(map(encode.wire, chained_session(number))), directory)
        books.append(receiver.sessions[number].books())
    for cause in ("line", "undecodable", "spool_full"):
        tap.equal(any(book["lost"]["by_cause"][cause] for book in books), True, f"some {cause}")


def check_overruns(directory):
    """A recorder whose own port overran now and then, and whose line went away at times."""
    recording, seen = directory / "overrun.pb", 0
    for number in range(1, CHAINED_SESSIONS + 1):
        chance, own, overruns = random.Random(number), encode.Sender(0), 0
        bodies = [own.send("Recording", {"format_version": 1})]
        for body in chained_session(number):
            bodies.append(body)
            fate = chance.randrange(12)
            overruns += fate < 3
            if fate < 5:
                uart = {"overrun": overruns // 2, "buffer_overrun": overruns - overruns // 2, "framing": fate}
                bodies.append(own.send("LineEvent", {"kind": 2 if fate == 4 else 1, "stats": {"uart": uart}}))
        data = b"".join(map(encode.record, bodies))
        recording.write_bytes(data)
        receiver, reader = decode_recording(data)
        same_books(info(recording), receiver, reader)
        seen += summarise(receiver, reader)["lost"]["by_cause"]["host_overrun"]
    tap.equal(seen > 0, True, "some host_overrun")


def odd_session(number):
    """A session cut off after a Loss that no Status counts yet, among frames that are not a board's."""
    chance = random.Random(number)
    host, sender = encode.Sender(number), encode.Sender(number)
    host.send("Control", {"id": 5, "status": True})
    host.send("Ack", {"next_seq": 3})
    stranger = encode.Sender(0)
    stranger.send_events(some_events(chance, 9, [1], False))
    stranger.send("Goodbye", {"status": {"produced": 1000, "taken": 1000}})
    forged = [encode.body(kind, 0, session, 0, b"") for kind in range(32, 64) for session in (0, number)]
    sender.send("Hello", {"protocol": 1, "protocol_min": 1})
    sender.send("Names", {"names": [{"table": 1, "id": 7, "name": "of no class"}]})
    events = some_events(chance, 40, [7], False)
    for codec in (99, 1, 99):
        sender.index = 0
        sender.send_events(events, codec=codec)
    sender.send("Events", {"first_index": 40, "count": 4097, "codec": 1})
    sender.send("Events", {"first_index": (1 << 60) + 1, "count": 1, "codec": 1})
    sender.send("Status", {"taken": 40, "produced": 40})
    sender.send("Status", {"taken": 30, "produced": 30})
    sender.send("Loss", {"ranges": [{"cause": 4, "count": 25}]})
    return host.bodies + stranger.bodies + forged + sender.bodies


def check_odd_line(directory):
    line = b"".join(map(encode.wire, odd_session(5))) + b"\xfe" * 10000 + b"\0" + b"long text " * 1000
    receiver, deframer = compare_line(line, directory)
    books = receiver.sessions[5].books()
    tap.equal((books["produced"], books["delivered"], deframer.frames_bad), (65, 40, 1))
    names = directory / "names"
    run("hostdec", "export", directory / "run.pb", "-f", "events", "-o", directory / "out", "--names", names)
    tap.equal(names.read_text(), "7 of no class\n")


def check_joined_recordings(name, directory):
    whole = replayed(name, directory)[0].read_bytes()
    other = b"".join(encode.record(body) for body in odd_session(6))
    joined = directory / "joined.pb"
    for data in (whole + whole, whole + other, other + whole, whole[:-9] + whole, whole + whole[:-9], whole + b"junk"):
        joined.write_bytes(data)
        same_books(info(joined), *decode_recording(data))


def check_later_version(directory):
    old, new = encode.Sender(1), encode.Sender(2)
    old.send("Hello", {"protocol": 1, "protocol_min": 1})
    new.send("Hello", {"protocol": 9, "protocol_min": 9})
    for sender in (old, new):
        sender.send_events(some_events(random.Random(1), 20, [1, 2, 3], False))
        sender.send("Goodbye", {"status": {"taken": 20, "produced": 20}})
    captured, recording = directory / "line.bin", directory / "run.pb"
    captured.write_bytes(b"".join(map(encode.wire, old.bodies + new.bodies)))
    run("hostdec", "record", "--port", captured, "-o", recording)
    receiver, _ = decode_recording(recording.read_bytes())
    tap.equal([len(session.events) for session in receiver.understood()], [20], "understood")
    tap.equal(exported(recording, directory) == Counter(event_records(receiver.events())), True, "hostdec exports them")
    told = info(recording)
    tap.equal([session["needs_protocol"] for session in told["session_list"]], [None, 9], "who needs what")
    tap.equal((told["events"], told["lost"]["total"]), (20, 0), "events, lost")


def tests():
    def in_directory(check, *arguments):
        def test():
            with tempfile.TemporaryDirectory() as directory:
                check(*arguments, Path(directory))
        return test

    names = sorted(path.name[:-len(".bin.xz")] for path in DATA.glob("*.bin.xz"))
    for name in names:
        yield f"a board's recording of {name}", in_directory(check_replay, name)
    for name in names[:1]:
        yield f"text frames with {name}", in_directory(check_text_frames, name)
        yield f"bad lines with {name}", in_directory(check_bad_line, name)
        yield f"damaged recordings of {name}", in_directory(check_damaged_recording, name)
        yield f"joined recordings of {name}", in_directory(check_joined_recordings, name)
    yield "broken chains", in_directory(check_chains)
    yield "overruns of the host", in_directory(check_overruns)
    yield "a foreign sender", in_directory(check_foreign_sender)
    yield "a line with frames of others", in_directory(check_odd_line)
    yield "a session of a later version", in_directory(check_later_version)


if __name__ == "__main__":
    sys.exit(tap.run(tests()))
