#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rules of PROTOCOL.md that the golden vectors do not reach: text, damage, repeats, books, versions."""
import random
import re
import sys
from pathlib import Path

import ayaprof_encode as encode
import tap
from adaptive import BrokenChain, read_head
from ayaprof_decode import decode_line, decode_recording, summarise
from blocks import BlockDecoder, Event, decode_block
from line import Damaged, Deframer, Frame, cobs_decode
from messages import KINDS, MESSAGE_MAX, SCHEMA, decode_message, inflate
from test_vectors import adaptive_groups

PROTO = Path(__file__).resolve().parents[2] / "proto" / "ayaprof.proto"


def some_events(n, seed=1, arguments=False):
    chance = random.Random(seed)
    times = [chance.randrange(1 << 40) for _ in range(4)]
    events = []
    for _ in range(n):
        cpu = chance.randrange(4)
        times[cpu] += chance.randrange(-50, 100000) * 16
        args = tuple(chance.getrandbits(chance.randrange(1, 65)) for _ in range(chance.randrange(7)))
        events.append(Event(times[cpu], chance.randrange(1 << 32), chance.randrange(1 << 16), cpu,
                            chance.randrange(3), args if arguments else ()))
    return events


def deframe(data, piece):
    deframer, found = Deframer(), []
    for at in range(0, len(data), piece):
        found += deframer.feed(data[at:at + piece])
    return deframer, found + list(deframer.end())


def schema_is_that_of_the_proto_file():
    text = re.sub(r"//[^\n]*", "", PROTO.read_text())
    enums = set(re.findall(r"enum (\w+)", text))
    declared = {}
    for name, body in re.findall(r"message (\w+) \{(.*?)\n\}", text, re.S):
        fields = re.findall(r"(repeated )?(\w+) (\w+) = (\d+);", body)
        declared[name] = {int(number): (field, ("*" if repeated else "") + ("enum" if kind in enums else kind))
                          for repeated, kind, field, number in fields}
    kinds = {number: kind for number, (_, kind) in declared.pop("Envelope").items()}
    declared.pop("RecordingFile")
    tap.equal(kinds, KINDS, "kinds")
    tap.equal(SCHEMA, declared, "messages")


def malformed_cobs_is_refused():
    for bad in ("02", "0511", "ff01", "0300", "00"):
        tap.refused(Damaged, cobs_decode, bytes.fromhex(bad))
    tap.equal(cobs_decode(b"\xff" + bytes(range(1, 255)) + b"\x01"), bytes(range(1, 255)), "final 01")


def text_between_frames_costs_no_frame():
    one, two = (encode.wire(encode.body(10, 0, 7, seq, b"")) for seq in range(2))
    text = "Grüße \x1b[1mboot\x1b[0m\t\a\r\n".encode()
    for piece in (1, 3, 1000):
        deframer, found = deframe(text + one + text + two + two + text, piece)
        tap.equal([what for what, _ in found], ["text", "frame", "text", "frame", "frame", "text"])
        tap.equal((deframer.frames, deframer.frames_bad, deframer.console_bytes), (3, 0, 3 * len(text)))


def text_frames_leave_the_text_around_them():
    one, two = (encode.text_line(encode.body(10, 0, 7, seq, bytes(range(seq, 200)))) for seq in range(2))
    prompt, rest = b"board login: ", b"root\r\n~$ ~{x} ~~ }~\n"
    for piece in (1, 2, 7, 100000):
        for end in (b"\n", b"\r\n", b"\r\r\n"):
            deframer, found = deframe(prompt + one[:-1] + end + two[:-1] + end + rest, piece)
            tap.equal([what for what, _ in found], ["text", "frame", "frame", "text"])
            tap.equal((found[0][1], found[3][1]), (prompt, rest))
    for at in range(2, len(one) - 3):
        changed = bytearray(one)
        changed[at] = ord("A") if one[at] != ord("A") else ord("B")
        deframer, found = deframe(bytes(changed) + two, 50)
        tap.equal((deframer.frames, deframer.frames_bad, deframer.bad_bytes), (1, 1, len(one) - 1), f"character {at}")
    mixed = encode.wire(encode.body(10, 0, 7, 2, b"~{AAAAAAAAAAAAAAAAAAAAAAAAA")) + one + prompt
    tap.equal([what for what, _ in deframe(mixed, 3)[1]], ["frame", "frame", "text"])


def damage_is_what_is_neither_frame_nor_text():
    whole = encode.wire(encode.body(7, 0, 7, 0, b"\x08\x05"))
    for bad in (b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x7fb", b"\xc2\x85",
                b"\x01text", b"\xc3"):
        tap.equal(deframe(b"\0" + bad + whole, 1000)[1][0], ("damaged", bad))
    for at in range(1, len(whole) - 1):
        changed = bytearray(whole)
        changed[at] ^= 0x80
        deframer = deframe(bytes(changed), 1000)[0]
        tap.equal((deframer.frames, deframer.frames_bad), (0, 1), f"byte {at} changed")


def long_segments_come_in_pieces():
    text = "zwölf Boxkämpfer ".encode() * 1000
    for piece in (1, 4127, 100000):
        deframer, found = deframe(text, piece)
        tap.equal((b"".join(item for _, item in found), deframer.frames_bad), (text, 0))
        deframer, found = deframe(text + b"\xff" * 10000, piece)
        tap.equal((deframer.frames_bad, deframer.console_bytes + deframer.bad_bytes), (1, len(text) + 10000))


def the_longest_frame_is_a_frame():
    for fill in (b"\x55", b"\0"):
        wire = encode.wire(encode.body(250, 0, 7, 0, fill * 4096))
        tap.equal(deframe(wire, 100)[0].frames, 1)
        tap.equal(deframe(encode.wire(encode.body(250, 0, 7, 0, fill * 4097)), 100)[0].frames, 0)


def damaged_messages_are_refused():
    for name, bad in (("Status", "08"), ("Status", "08ffffffffffffffffff02"), ("Status", "0880808080808080808080" "00"),
                      ("Hello", "0880808080" "10"), ("Hello", "1a05" "6162"), ("Names", "0a03" "08"),
                      ("Status", "2a0180"),
                      ("Status", "0b"), ("Status", "00" "00"), ("Goodbye", "1880808080" "08")):
        tap.refused(Damaged, decode_message, name, bytes.fromhex(bad))
    for data in (b"", encode.deflate(b"a") + b"b", encode.deflate(b"abc" * 100)[:-1], b"\xff\xff",
                 encode.deflate(bytes(MESSAGE_MAX + 1)), encode.deflate(bytes(50_000_000))):
        tap.refused(Damaged, inflate, data, MESSAGE_MAX)
    tap.equal(len(inflate(encode.deflate(bytes(MESSAGE_MAX)), MESSAGE_MAX)), MESSAGE_MAX)


def unknown_fields_are_skipped_and_packing_is_optional():
    unknown = bytes.fromhex("f80f05" "f90f0102030405060708" "fa0f03616263" "fd0f01020304")
    tap.equal(decode_message("Ack", unknown + bytes.fromhex("1805" "1a0306ac02" "1807") + unknown),
              {"missing": [5, 6, 300, 7]})


def blocks_come_back_as_they_were():
    for seed, n in enumerate((1, 2, 100, 4096)):
        for arguments in (False, n < 1000):
            events = some_events(n, seed, arguments)
            block = encode.block_columns(events, base=events[-1].t_ns, level=seed * 3)
            tap.equal(decode_block(1, n, block), sorted(events, key=lambda event: event.cpu))


def damaged_blocks_are_refused():
    events = some_events(40, arguments=True)
    block = encode.block_columns(events)
    for count in (0, 39, 41, 4097):
        tap.refused(Damaged, decode_block, 1, count, block)
    tap.refused(Damaged, decode_block, 250, 40, block)
    tap.refused(Damaged, decode_block, 1, 40, block + b"\0")
    for size in range(len(block)):
        tap.refused(Damaged, decode_block, 1, 40, block[:size])
    columns = "00 00 00 01 0001 01 01 00 00 00"

    def try_one(text, bits=b""):
        return decode_block(1, 1, encode.varint(len(bits)) + bits + encode.deflate(bytes.fromhex(text)))

    tap.equal(try_one(columns), [Event(0, 1, 0, 0, 0, ())])
    for bad in ("02 00 00 01 0001 01 01 00 00 00", "00 40 00 01 0001 01 01 00 00 00", "00 00 00 00 01 01 00 00 00",
                "00 00 00 01 0002 01 01 00 00 00", "00 00 00 02 0000 0001 01 01 00 00 00",
                "00 00 00 01 0001 00 00 00 00", "00 00 00 01 0001 02 01 01 00 00 00",
                "00 00 00 01 0001 01 8080808010 00 00 00", "00 00 00 01 0001 01 01 80800c 00 00",
                "00 00 00 01 0001 01 01 00 01 00", "00 00 00 01 0001 01 01 00 00 40", "00 00 00 01 0001 01 01 00 00 81",
                "00 01 00 01 0001 01 01 00 00 80", "00 00 00 01 0001 01 01 00 00 02", columns + "00",
                "01 00 00 01 0001 01 01 00 00 00", "01 00 00 01 0001 01 01 00 00 00 07 00000000000000"):
        tap.refused(Damaged, try_one, bad)
    tap.refused(Damaged, try_one, columns, b"\0")
    tap.refused(Damaged, try_one, "00 00 00 01 0001 01 01 00 00 02", b"\1\0")
    tap.equal(try_one("00 00 05 01 0001 01 01 00 00 43", b"\1")[0].t_ns, 0)


def chain():
    """A group of five blocks of codec 2 with 100 events each: (block, its events) in their order."""
    group = next(group for group in adaptive_groups() if [len(events) for _, events in group] == [100] * 5)
    decoder = BlockDecoder()
    return [(block, decoder.decode(2, 100, block)) for block, _ in group]


def send_chain(sender, blocks, order, hurt=()):
    """The blocks as messages in this order, some with a changed bit."""
    for number in order:
        block = bytearray(blocks[number][0])
        block[-9] ^= number in hurt
        sender.send("Events", {"first_index": number * 100, "count": 100, "codec": 2, "block": bytes(block)})


def chains_break_and_cost_the_line():
    blocks = chain()
    # order, damaged: which blocks come back, how many events count as undecodable, blocks repeated
    cases = [((0, 1, 2, 3, 4), (), (0, 1, 2, 3, 4), 0, 0), ((4, 2, 0, 3, 1), (), (0, 1, 2, 3, 4), 0, 0),
             ((0, 1, 1, 0, 2, 2), (), (0, 1, 2), 0, 3), ((0, 2, 3, 4), (), (0,), 0, 0), ((1, 2, 3, 4), (), (), 0, 0),
             ((0, 1, 2, 3, 4), (2,), (0, 1), 100, 0), ((0, 1, 2, 3, 4), (0,), (), 100, 0),
             ((0, 1, 3, 4, 3), (3,), (0, 1), 0, 1), ((2, 2, 0), (), (0,), 0, 1)]
    for order, hurt, kept, undecodable, repeated in cases:
        sender = encode.Sender(42)
        send_chain(sender, blocks, order, hurt)
        sender.send("Goodbye", {"status": {"produced": 500, "taken": 500}})
        session = session_of(sender.bodies)
        books = session.books()
        tap.equal(session.events, [event for number in kept for event in blocks[number][1]], f"events of {order}")
        by_cause = books["lost"]["by_cause"]
        tap.equal((by_cause["undecodable"], by_cause["line"], session.blocks_repeated),
                  (undecodable, 500 - undecodable - 100 * len(kept), repeated), f"lost of {order}, {hurt} damaged")


def broken_chains_count_as_seen():
    sender = encode.Sender(42)
    send_chain(sender, chain(), (1, 2))
    session = session_of(sender.bodies)
    books = session.books()
    tap.equal((books["taken"], books["lost"]["by_cause"]["line"], session.index_gaps()), (300, 300, [(0, 100)]))


def no_chain_goes_on_in_another_session_or_group():
    blocks = chain()
    first, second = encode.Sender(1), encode.Sender(2)
    send_chain(first, blocks, (0, 1))
    send_chain(second, blocks, (2, 3))
    receiver = decode_recording(b"".join(map(encode.record, first.bodies + second.bodies)))[0]
    tap.equal([len(session.events) for session in receiver.sessions.values()], [200, 0])
    decoder = BlockDecoder()
    decoder.decode(2, 100, blocks[0][0])
    other = bytes([blocks[1][0][0] ^ 1]) + blocks[1][0][1:]
    tap.refused(BrokenChain, decoder.decode, 2, 100, other)
    tap.refused(BrokenChain, decoder.decode, 2, 100, blocks[1][0])
    tap.equal(decoder.decode(2, 100, blocks[0][0]), blocks[0][1])


def a_block_of_another_codec_or_a_bad_head_breaks_no_chain():
    blocks, columns = chain(), encode.block_columns(some_events(5))
    decoder = BlockDecoder()
    decoder.decode(2, 100, blocks[0][0])
    decoder.decode(1, 5, columns)
    tap.refused(Damaged, decoder.decode, 3, 5, columns)
    tap.refused(Damaged, decoder.decode, 2, 99, blocks[1][0])
    tap.equal(decoder.decode(2, 100, blocks[1][0]), blocks[1][1])


def damaged_adaptive_blocks_are_refused():
    block, events = chain()[0]
    for head in ("", "01", "01 00", "01 00 02", "01 00 02 01", "01 00 02 01 00", "01 00 02 01 00 02",
                 "01 00 02 01 00 02 00", "01 00 00 01 00 02 0000", "01 00 01 01 00 02 0000", "01 01 01 01 00 02 0000",
                 "01 00 02 00 0000", "01 00 02 02 00 01 00 01 0000", "01 00 02 02 01 01 00 01 0000",
                 "01 00 02 01 00 01 0000", "01 00 02 01 00 03 0000", "01 00 02 02 00 02 01 00 0000",
                 "01 ffffffff0f 02 01 00 02 0000", "01 00 02 ffffffffffffffffff01 00 02 0000"):
        tap.refused(Damaged, read_head, bytes.fromhex(head), 2)
    head = read_head(bytes.fromhex("07 feffffff0f 00 01 ff 02 3412"), 2)
    tap.equal(head, (7, (1 << 32) - 2, 0, [(255, 2)], 0x1234, b""))
    tap.equal(decode_block(2, 100, block), events)
    for size in range(len(block)):
        tap.refused(Damaged, decode_block, 2, 100, block[:size])
    tap.refused(Damaged, decode_block, 2, 100, block + b"\0" * 6)
    start = len(block) - len(read_head(block, 100).coded) - 2
    for at in range(start, len(block) - 5):
        hurt = bytearray(block)
        hurt[at] ^= 0x10
        tap.refused(Damaged, decode_block, 2, 100, bytes(hurt))


def books_balance_whatever_is_lost():
    events = some_events(1000)
    for seed in range(60):
        chance = random.Random(seed)
        sender = encode.Sender(42)
        sender.send("Hello", {"protocol": 1, "protocol_min": 1})
        kept, undecodable, after = [], 0, 0
        for first in range(0, 1000, 50):
            fate = chance.choice(["arrives"] * 6 + ["twice", "line", "spool", "codec", "damaged"])
            part = sorted(events[first:first + 50], key=lambda event: event.cpu)
            if fate == "spool":
                sender.index += 50
                after += 50
                sender.send("Loss", {"ranges": [{"cause": 4, "count": 50}]})
                continue
            body = sender.send_events(part, codec=77 if fate == "codec" else 1)
            kept += part if fate in ("arrives", "twice") else []
            undecodable += 50 if fate == "codec" else 0
            if fate == "twice":
                sender.bodies.append(body)
            elif fate == "line":
                sender.bodies.pop()
            elif fate == "damaged":
                sender.bodies[-1] = body[:30] + bytes([body[30] ^ 1]) + body[31:]
        goodbye = chance.random() < 0.5
        lost = [{"cause": 4, "count": after}, {"cause": 1, "cpu_plus_1": 1, "count": 3}, {"cause": 1, "count": 4}]
        if goodbye:
            sender.send("Goodbye", {"status": {"produced": 1007, "taken": 1000, "lost": lost}, "reason": "finished"})
        line, _ = decode_line(b"".join(map(encode.wire, sender.bodies)))
        file, _ = decode_recording(b"".join(map(encode.record, sender.bodies)))
        for receiver in (line, file):
            session = receiver.sessions[42]
            books = session.books()
            tap.equal(session.events, kept, "events")
            tap.equal(books["produced"], books["delivered"] + books["lost"]["total"], "produced")
            by_cause = books["lost"]["by_cause"]
            tap.equal((by_cause["undecodable"], by_cause["spool_full"]), (undecodable, after))
            if goodbye:
                tap.equal((books["produced"], books["taken"], by_cause["ring_full"]), (1007, 1000, 7))
                tap.equal(sum(b - a for a, b in session.index_gaps()), after + by_cause["line"], "gaps")


def a_board_that_contradicts_itself_does_not_break_the_sum():
    cases = [(40, 40, {4: 10, 5: 5}, (40, 0, 10, 5, 5)), (40, 60, {1: 5, 99: 3}, (60, 8, 0, 0, 32)),
             (30, 9, {4: 99, 5: 1}, (120, 0, 99, 1, 0)), (0, 0, {6: 5, 7: 5}, (20, 0, 0, 0, 0))]
    for taken, produced, lost, expected in cases:
        sender = encode.Sender(42)
        sender.send_events(some_events(20))
        totals = [{"cause": cause, "count": count} for cause, count in lost.items()]
        sender.send("Status", {"taken": taken, "produced": produced, "lost": totals})
        books = decode_recording(b"".join(map(encode.record, sender.bodies)))[0].sessions[42].books()
        by_cause = books["lost"]["by_cause"]
        before = by_cause["ring_full"] + by_cause["unknown"]
        found = (books["produced"], before, by_cause["spool_full"], by_cause["abandoned"], by_cause["line"])
        tap.equal(found, expected, f"lost {lost}")
        tap.equal(books["produced"], books["delivered"] + books["lost"]["total"], "produced")


def session_of(bodies):
    return decode_recording(b"".join(map(encode.record, bodies)))[0].sessions[42]


def losses_newer_than_the_status_are_kept():
    sender = encode.Sender(42)
    sender.send_events(some_events(10))
    sender.send("Status", {"taken": 10, "produced": 10})
    sender.send("Loss", {"ranges": [{"cause": 4, "count": 25}]})
    books = session_of(sender.bodies).books()
    tap.equal((books["produced"], books["lost"]["total"], books["lost"]["by_cause"]["spool_full"]), (35, 25, 25))


def an_older_status_changes_nothing():
    sender = encode.Sender(42)
    for produced, taken in ((50, 50), (40, 45), (50, 49)):
        sender.send("Status", {"taken": taken, "produced": produced})
    sender.send("Goodbye", {"reason": "without books"})
    for bodies, taken in ((sender.bodies[:2], 50), (sender.bodies, 49)):
        tap.equal(session_of(bodies).books()["taken"], taken)


def a_block_that_comes_again_decodable_is_taken():
    first, sender = some_events(10, 1), encode.Sender(42)
    for codec in (99, 99, 1, 1, 99):
        sender.index = 5
        sender.send_events(first, codec=codec)
    session = session_of(sender.bodies)
    books = session.books()
    tap.equal((books["delivered"], books["taken"], books["lost"]["by_cause"]["undecodable"]), (10, 15, 0))
    tap.equal((session.blocks_repeated, session.index_gaps()), (3, [(0, 5)]))
    tap.equal(session_of(sender.bodies[:2]).undecodable, 10)


def impossible_blocks_count_nothing():
    sender = encode.Sender(42)
    for first, count in ((0, 0), (0, 4097), ((1 << 60) + 1, 1), ((1 << 64) - 1, 1)):
        sender.send("Events", {"first_index": first, "count": count, "codec": 1})
    session = session_of(sender.bodies)
    tap.equal((session.frames_bad, session.books()["produced"]), (4, 0))


def echoes_of_the_host_are_ignored():
    host, board = encode.Sender(42), encode.Sender(42)
    host.send("Control", {"id": 5, "status": True})
    host.send("Ack", {"next_seq": 3})
    board.send("Status", {"taken": 4, "produced": 4})
    board.send("Ack", {"control_id": 5})
    receiver, _ = decode_line(b"".join(map(encode.wire, host.bodies + board.bodies)))
    session = receiver.sessions[42]
    tap.equal((session.frames, session.frames_repeated, receiver.frames_ignored), (2, 0, 2))


def a_recording_is_complete_when_all_of_it_is():
    start = encode.record(encode.body(32, 0, 0, 0, encode.message("Recording", {"format_version": 1})))
    frame = encode.record(encode.body(7, 0, 5, 0, b""))
    end = encode.record(encode.body(34, 0, 0, 1, b""))
    whole, cut = start + frame + end, start + frame
    for data, complete in ((whole, True), (cut, False), (whole + whole, True), (cut + whole, False),
                           (whole + cut, False), (whole + b"\x0a", False), (whole + b"junk", False)):
        tap.equal(summarise(*decode_recording(data))["complete"], complete, data.hex())


def sequence_numbers_wrap_and_tell_damage():
    sender = encode.Sender(42)
    sender.seq = 0xFFFFFFF0
    for _ in range(40):
        sender.send("Status", {"taken": 1})
    bodies = sender.bodies[:5] + sender.bodies[8:] + sender.bodies[7:9]
    session = decode_line(b"".join(map(encode.wire, bodies)))[0].sessions[42]
    tap.equal((session.frames, session.frames_repeated, session.frames_missing()), (38, 1, 2))


def sessions_are_apart():
    first, second = encode.Sender(1), encode.Sender(2)
    for sender in (first, second):
        sender.send_events(some_events(20, sender.session))
    again = encode.wire(first.bodies[0])
    receiver = decode_line(encode.wire(first.bodies[0]) + encode.wire(second.bodies[0]) + again)[0]
    found = [(session.number, len(session.events), session.frames_repeated) for session in receiver.sessions.values()]
    tap.equal(found, [(1, 20, 1), (2, 20, 0)])


def a_session_of_a_later_version_is_named_and_not_decoded():
    old, new = encode.Sender(1), encode.Sender(2)
    new.send("Hello", {"protocol": 9, "protocol_min": 2})
    old.send("Hello", {"protocol": 9, "protocol_min": 1})
    for sender in (old, new):
        sender.send_events(some_events(20))
    receiver, source = decode_recording(b"".join(map(encode.record, old.bodies + new.bodies)))
    summary = summarise(receiver, source)
    tap.equal((summary["events"], summary["sessions"][1]["needs_version"]), (20, 2))


def a_board_cannot_write_the_recorders_frames():
    end = encode.body(34, 0, 0, 0, b"")
    start = encode.body(32, 0, 0, 0, encode.message("Recording", {"format_version": 1}))
    receiver, _ = decode_line(encode.wire(end))
    tap.equal((receiver.frames_ignored, receiver.sessions), (1, {}))
    from_board = encode.record(encode.body(34, 0, 5, 0, b""))
    tap.equal(decode_recording(encode.record(start) + from_board)[0].complete(), False)
    tap.equal(decode_recording(encode.record(start) + from_board + encode.record(end))[0].complete(), True)


def damaged_recordings_lose_only_what_is_damaged():
    bodies = [encode.body(7, 0, 9, seq, encode.message("Status", {"taken": seq + 1})) for seq in range(50)]
    records = [encode.record(body) for body in bodies]
    for seed in range(100):
        chance = random.Random(seed)
        at = chance.randrange(1, 49)
        hurt = bytearray(records[at])
        hurt[chance.randrange(len(hurt))] ^= 1 << chance.randrange(8)
        junk = bytes([10]) * chance.randrange(20) if seed % 2 else b""
        receiver, reader = decode_recording(b"".join(records[:at]) + bytes(hurt) + junk + b"".join(records[at + 1:]))
        tap.equal((receiver.frames, reader.damaged_stretches, reader.cut_bytes), (49, 1, 0))
        tap.equal(reader.damaged_bytes, len(hurt) + len(junk))
    # A cut anywhere in the last record, and none.
    whole = b"".join(records)
    for cut in range(len(records[-1])):
        receiver, reader = decode_recording(whole[:len(whole) - cut])
        left = len(records[-1]) - cut if cut else 0
        tap.equal((receiver.frames, reader.damaged_stretches, reader.cut_bytes), (49 + (not cut), 0, left))


def nothing_that_comes_is_too_much():
    chance = random.Random(5)
    sender = encode.Sender(3)
    sender.send("Hello", {"hostname": "x"}, deflated=True)
    sender.send_events(some_events(30, arguments=True))
    send_chain(sender, chain(), (0,))
    for number in range(3000):
        body = bytearray(chance.choice(sender.bodies)[10:-4])
        for _ in range(chance.randrange(1, 6)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        wire = encode.wire(encode.body(chance.choice(list(KINDS)), chance.randrange(2), 3, number, bytes(body)))
        receiver, source = decode_line(wire)
        tap.equal(source.frames, 1)
        books = summarise(receiver, source)
        tap.equal(books["produced"], books["events"] + books["lost"]["total"])


TESTS = [schema_is_that_of_the_proto_file, malformed_cobs_is_refused, text_between_frames_costs_no_frame,
         text_frames_leave_the_text_around_them,
         damage_is_what_is_neither_frame_nor_text, long_segments_come_in_pieces, the_longest_frame_is_a_frame,
         damaged_messages_are_refused, unknown_fields_are_skipped_and_packing_is_optional,
         blocks_come_back_as_they_were, damaged_blocks_are_refused,
         damaged_adaptive_blocks_are_refused, chains_break_and_cost_the_line, broken_chains_count_as_seen,
         no_chain_goes_on_in_another_session_or_group, a_block_of_another_codec_or_a_bad_head_breaks_no_chain,
         books_balance_whatever_is_lost,
         a_board_that_contradicts_itself_does_not_break_the_sum, sequence_numbers_wrap_and_tell_damage,
         losses_newer_than_the_status_are_kept, an_older_status_changes_nothing,
         a_block_that_comes_again_decodable_is_taken, impossible_blocks_count_nothing, echoes_of_the_host_are_ignored,
         a_recording_is_complete_when_all_of_it_is, sessions_are_apart,
         a_session_of_a_later_version_is_named_and_not_decoded, a_board_cannot_write_the_recorders_frames,
         damaged_recordings_lose_only_what_is_damaged, nothing_that_comes_is_too_much]

if __name__ == "__main__":
    sys.exit(tap.run((test.__name__.replace("_", " "), test) for test in TESTS))
