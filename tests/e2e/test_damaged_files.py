# SPDX-License-Identifier: MIT OR Apache-2.0
"""Recordings that are cut, bit-flipped, empty, random or made by an enemy: no view crashes on any."""
import random
import sys

import wire
from harness import BOARD, ROOT, main, test
from recordings import TRACEPOINTS, check_subset

sys.path.append(str(ROOT / "tests/pydecoder"))
import ayaprof_encode  # noqa: E402
from event import Event  # noqa: E402

VIEWS = (("info",), ("info", "--json"), ("stats",), ("stats", "--json"), ("stats", "--csv"))
EXPORTS = ("events", "csv", "json")


def good_recording(bench, events=12007):
    path, data = TRACEPOINTS.unpack(bench.tmp, events)
    out = bench.tmp / "good.pb"
    bench.run(BOARD, "--replay", path, "--names", TRACEPOINTS.names_path, "--mode", "log", "-o", out)
    return out.read_bytes(), data


def view_all(bench, path, code=0):
    """Every text view; the exit code must be the same for all, and an error one line. What has nothing to export says so."""
    results = [bench.hostdec(view[0], path, *view[1:], code=code) for view in VIEWS]
    results += [bench.hostdec("export", path, "-f", form, "-o", bench.tmp / f"out.{form}", code=None)
                for form in EXPORTS]
    for result in results:
        assert result.code == code or (result.code == 1 and "nothing is exported" in result.err), result.err
        assert not code or len(result.err.splitlines()) == 1, result.err
    return results


@test("a file cut anywhere opens up to the cut")
def cut(bench):
    content, data = good_recording(bench)
    path = bench.tmp / "cut.pb"
    last = 0
    for share in (0.02, 0.1, 0.37, 0.5, 0.73, 0.9, 0.999):
        path.write_bytes(content[:int(len(content) * share)])
        bench.note(f"cut to {share}")
        view_all(bench, path)
        info = bench.info(path)
        assert info["complete"] is False
        check_subset(bench.events(path), data)
        assert info["events"] >= last
        last = info["events"]
    assert last > 0.8 * len(data) // 16


@test("a file with flipped bits gives what is whole, never an event that was not there")
def flipped(bench):
    content, data = good_recording(bench)
    choice = random.Random(3)
    path = bench.tmp / "flipped.pb"
    for flips in (1, 1, 1, 5, 5, 40):
        damaged = bytearray(content)
        for _ in range(flips):
            at = choice.randrange(len(damaged))
            damaged[at] ^= 1 << choice.randrange(8)
        path.write_bytes(damaged)
        bench.note(f"{flips} flipped bits")
        view_all(bench, path)
        info = bench.info(path)
        check_subset(bench.events(path), data)
        # One flipped bit damages one frame, and with it what builds on it: up to 60 KiB. The rest must be there.
        whole = max(at / len(content) - 0.25, 0.9 - 65536 / len(content))
        assert flips > 1 or info["events"] > whole * len(data) // 16, info["events"]
        assert info["events"] + info["lost"]["total"] == len(data) // 16 or not info["complete"], info


@test("a hole in the middle of a file costs what was in it")
def hole(bench):
    content, data = good_recording(bench)
    path = bench.tmp / "hole.pb"
    third = len(content) // 3
    for fill in (b"", b"\0" * 1000, random.Random(4).randbytes(1000)):
        path.write_bytes(content[:third] + fill + content[third + 1000:])
        info = bench.info(path)
        check_subset(bench.events(path), data)
        # What is in front of it (names come first), and what does not build on what was in it.
        assert info["events"] > (1 / 3 - 0.25) * len(data) // 16
        assert info["events"] + info["lost"]["total"] == len(data) // 16, info


@test("files that are empty, missing, random, text or a directory: one line, exit 1")
def nothing(bench):
    contents = {"empty": b"", "random": random.Random(5).randbytes(50000), "zeros": bytes(50000),
                "text": b"This is not a recording.\n" * 1000, "short": b"\x0a"}
    for name, content in contents.items():
        path = bench.tmp / name
        path.write_bytes(content)
        bench.note(name)
        view_all(bench, path, code=1)
        bench.hostdec("plot", path, "-m", "-o", bench.tmp / "x.png", code=1)
    view_all(bench, bench.tmp / "missing", code=1)
    view_all(bench, bench.tmp, code=1)


def lies(kind):
    """Valid frames, hostile content."""
    choice = random.Random(kind)
    return [wire.body(kind, choice.randbytes(choice.randrange(200)), seq=n) for n in range(300)]


@test("valid frames with random content crash no view")
def random_messages(bench):
    path = bench.tmp / "lies.pb"
    bodies = [one for kind in (*range(0, 14), 32, 33, 34, 35, 255) for one in lies(kind)]
    random.Random(1).shuffle(bodies)
    start = wire.body(32, wire.field(1, 1), session=0)
    path.write_bytes(wire.recording_file([start, *bodies]))
    view_all(bench, path)
    bench.hostdec("plot", path, "-s+", "-m", "-t", "-x", "-o", bench.tmp / "x.png", code=None)


@test("huge numbers in valid messages make no view grow without bound")
def huge_numbers(bench):
    big = 0xFFFFFFFFFFFFFFFF
    hello = wire.field(1, 1) + wire.field(2, 1) + wire.field(7, 0xFFFFFFFF) + wire.field(9, big)
    status = b"".join(wire.field(number, big) for number in (1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14))
    events = wire.field(1, big - 5) + wire.field(2, 0xFFFFFFFF) + wire.field(3, 1) + wire.field(4, b"\1\2\3")
    loss = wire.field(1, wire.field(1, 1) + wire.field(2, 0xFFFFFFFF) + wire.field(3, big) + wire.field(4, 1) +
                      wire.field(5, big))
    sample = wire.field(1, wire.field(1, big) + wire.field(2, wire.field(1, 99) + wire.field(2, big)) +
                        wire.field(3, wire.field(1, 0xFFFFFFFF) + wire.field(2, big)))
    row = wire.field(1, big) + wire.field(2, wire.field(1, 0xFFFFFFFF) + wire.field(2, big) + wire.field(3, big))
    bodies = [wire.body(32, wire.field(1, 1), session=0)]
    for session in (1, 2, 0xFFFFFFFF):
        for seq, (kind, payload) in enumerate(((1, hello), (7, status), (3, events), (6, loss), (4, sample), (5, row),
                                               (10, wire.field(1, status)))):
            bodies.append(wire.body(kind, payload, session=session, seq=seq * 1000000007))
    path = bench.tmp / "huge.pb"
    path.write_bytes(wire.recording_file(bodies))
    limit = {"preexec_fn": limit_memory} if "asan" not in str(BOARD) else {}
    for view in VIEWS:
        bench.hostdec(view[0], path, *view[1:], timeout=30, **limit)
    bench.hostdec("plot", path, "-s+", "-m", "-t", "-x", "-o", bench.tmp / "x.png", code=None, timeout=60)


def limit_memory():
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


@test("names from the board reach no terminal as escapes and no file as path")
def evil_names(bench):
    evil = ["\x1b]0;owned\x07", "../../../../tmp/evil", "a\nb", "a\rb", "\x9b31m", "%s%n", "=cmd()", "tab\tname", "😀"]
    names = b"".join(wire.field(1, wire.field(1, 1) + wire.field(2, n) + wire.field(3, 1) + wire.field(5, name))
                     for n, name in enumerate(evil))
    names += wire.field(1, wire.field(1, 1) + wire.field(2, 50) + wire.field(3, 1) + wire.varint(5 << 3 | 2) + b"\x03\xff\xfe\x80")
    rows = b"".join(wire.field(2, wire.field(1, n) + wire.field(2, 7)) for n in [*range(len(evil)), 50])
    hello = wire.field(1, 1) + wire.field(2, 1) + wire.field(4, "\x1b[2Jhost") + wire.field(5, "../k\x07")
    sender = ayaprof_encode.Sender(1)
    for kind, payload in ((1, hello), (2, names), (5, wire.field(1, 5) + rows)):
        sender.send_payload(kind, payload)
    sender.send_events([Event(1000 + n, 7, n // 2 % len(evil), 0, n % 2, ()) for n in range(2 * len(evil))])
    path = bench.tmp / "evil.pb"
    path.write_bytes(wire.recording_file([wire.body(32, wire.field(1, 1), session=0), *sender.bodies]))
    for result in view_all(bench, path):
        clean = all(character.isprintable() or character == "\n" for character in result.out)
        assert clean, f"control characters in {result.out!r}"
    table = bench.hostdec("stats", path).out
    assert "owned" in table and "evil" in table, table
    for form in ("csv", "json"):
        content = (bench.tmp / f"out.{form}").read_bytes()
        assert b"owned" in content and b"\x1b" not in content


main()
