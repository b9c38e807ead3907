#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every golden vector of tests/data/vectors.txt, in both directions where the format is unambiguous."""
import json
import sys
from pathlib import Path

import ayaprof_encode as encode
import tap
from blocks import BlockDecoder
from line import Deframer, Frame, cobs_decode, crc32c
from messages import FLAG_DEFLATED, KINDS, MESSAGE_MAX, SCHEMA, decode_payload, inflate
from recording import RecordingReader

VECTORS = Path(__file__).resolve().parent.parent / "data" / "vectors.txt"


def from_hex(text):
    return b"" if text == "-" else bytes.fromhex(text)


def check_cobs(plain, encoded):
    tap.equal(cobs_decode(from_hex(encoded)), from_hex(plain), "decoded")
    tap.equal(encode.cobs_encode(from_hex(plain)), from_hex(encoded), "encoded")


def check_crc(data, crc):
    tap.equal(f"{crc32c(from_hex(data)):08x}", crc, "CRC")


def check_frame(kind, flags, session, seq, payload, wire):
    head = [int(kind), int(flags), int(session), int(seq), from_hex(payload)]
    body = encode.body(*head)
    tap.equal(encode.wire(body), from_hex(wire), "on the line")
    deframer = Deframer()
    found = list(deframer.feed(from_hex(wire))) + list(deframer.end())
    tap.equal(found, [("frame", Frame(*head, body))], "received")


def check_textframe(kind, flags, session, seq, payload, line):
    head = [int(kind), int(flags), int(session), int(seq), from_hex(payload)]
    body = encode.body(*head)
    tap.equal(encode.text_line(body), from_hex(line), "on the line")
    deframer = Deframer()
    found = list(deframer.feed(from_hex(line))) + list(deframer.end())
    tap.equal(found, [("frame", Frame(*head, body))], "received")


def by_name(message, name):
    """A decoded message as the vectors write it: bytes as hexadecimal."""
    types = dict(SCHEMA[name].values())
    result = {}
    for field, value in message.items():
        kind = types[field]
        if kind == "bytes":
            value = value.hex()
        elif kind.lstrip("*") in SCHEMA:
            inner = kind.lstrip("*")
            value = [by_name(one, inner) for one in value] if kind[0] == "*" else by_name(value, inner)
        result[field] = value
    return result


def from_json(fields, name):
    for field in ("block", "state", "data"):
        if field in fields and name in ("Events", "SeekPoint", "Digest"):
            return dict(fields, **{field: bytes.fromhex(fields[field])})
    return fields


def check_message(name, kind, flags, payload, plain, text):
    kind, flags, payload, plain = int(kind), int(flags), from_hex(payload), from_hex(plain)
    type_name, message = decode_payload(Frame(kind, flags, 1, 0, payload, b""))
    tap.equal(type_name, "".join(word.capitalize() for word in name.split("_")), "name")
    tap.equal(inflate(payload, MESSAGE_MAX) if flags & FLAG_DEFLATED else payload, plain, "plain")
    expected = json.loads(text)
    tap.equal(by_name(message, type_name), expected, "decoded")
    tap.equal(encode.message(KINDS[kind], from_json(expected, type_name)).hex(), plain.hex(), "encoded")


class BlockChecker:
    """Blocks of codec 2 go on from the one before them, so one decoder takes all, in the order of the file."""

    def __init__(self):
        self._decoder = BlockDecoder()

    def __call__(self, codec, count, data, *events):
        check_block(self._decoder.decode(int(codec), int(count), from_hex(data)), events)


def check_block(found, events):
    expected = [tuple(map(int, event.split(" "))) for event in events]
    tap.equal([(*event[:5], len(event.args), *event.args) for event in found], expected, "events")


def check_recording(count, data):
    tap.equal(len(list(RecordingReader(from_hex(data)).frames())), int(count), "whole frames")


CHECKS = {"cobs": (check_cobs, 2), "crc32c": (check_crc, 2), "frame": (check_frame, 6),
          "textframe": (check_textframe, 6), "message": (check_message, 6),
          "block": (BlockChecker(), 3), "recording": (check_recording, 2)}


def vectors(path):
    """[line number, kind, fields] each; the events that follow a block are fields of it."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        kind, rest = line.split(" ", 1)
        if kind == "event":
            found[-1][2].append(rest)
        else:
            found.append([number, kind, rest.split(" ", CHECKS[kind][1] - 1)])
    return found


def adaptive_groups():
    """The groups of codec 2 among the vectors: lists of (block, its events as the vectors have them)."""
    groups = []
    for _, kind, fields in vectors(VECTORS):
        if kind == "block" and fields[0] == "2":
            block = from_hex(fields[2])
            if block[1] == 0:
                groups.append([])
            groups[-1].append((block, [tuple(map(int, event.split(" "))) for event in fields[3:]]))
    return groups


def tests(path):
    for number, kind, fields in vectors(path):
        label = f"{kind} {fields[0]}" if kind == "message" else kind
        yield f"{label} of line {number}", lambda kind=kind, fields=fields: CHECKS[kind][0](*fields)


if __name__ == "__main__":
    sys.exit(tap.run(tests(VECTORS)))
