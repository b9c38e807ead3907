# SPDX-License-Identifier: MIT OR Apache-2.0
"""Payloads into dicts (PROTOCOL.md sections 4, 5 and 11).

A dict has the fields that differ from their defaults, by name; strings are str, with U+FFFD where the bytes were
not UTF-8; enums are numbers.
"""
import zlib

from line import Damaged, read_varint

FLAG_DEFLATED = 1
MESSAGE_MAX = 16384

# Field number: (name, type). A type with a star is repeated, one with a capital is a message.
SCHEMA = {
    "Hello": {1: ("protocol", "uint32"), 2: ("protocol_min", "uint32"), 3: ("tool_version", "string"),
              4: ("hostname", "string"), 5: ("kernel", "string"), 6: ("arch", "string"), 7: ("cpus", "uint32"),
              8: ("boot_id", "string"), 9: ("start_ns", "uint64"), 10: ("wall_offset_ns", "int64"),
              11: ("resolution_ns", "uint64"), 12: ("baud", "uint32"), 13: ("link", "enum"),
              14: ("modules", "*Module"), 15: ("command", "string"), 16: ("interval_ms", "uint32"),
              17: ("codec", "uint32"), 18: ("replay", "bool"), 19: ("answers", "bool")},
    "Module": {1: ("name", "string"), 2: ("mechanism", "string"), 3: ("attached", "uint32"), 4: ("failed", "uint32")},
    "Names": {1: ("names", "*Name")},
    "Name": {1: ("table", "enum"), 2: ("id", "uint32"), 3: ("cls", "uint32"), 4: ("owner", "uint32"),
             5: ("name", "string"), 6: ("owner_name", "string"), 7: ("since_ns", "uint64"),
             8: ("long_name", "string")},
    "Events": {1: ("first_index", "uint64"), 2: ("count", "uint32"), 3: ("codec", "uint32"), 4: ("block", "bytes")},
    "Samples": {1: ("samples", "*Sample")},
    "Sample": {1: ("t_ns", "uint64"), 2: ("memory", "*MemorySample"), 3: ("interfaces", "*InterfaceSample")},
    "MemorySample": {1: ("type", "uint32"), 2: ("alloc_bytes", "uint64"), 3: ("free_bytes", "uint64"),
                     4: ("alloc_count", "uint64"), 5: ("free_count", "uint64"), 6: ("untracked", "uint64"),
                     7: ("untracked_bytes", "uint64"), 8: ("one_in", "uint32"), 9: ("unseen", "uint32"),
                     10: ("gone_bytes", "uint64"), 11: ("gone_count", "uint64")},
    "InterfaceSample": {1: ("ifindex", "uint32"), 2: ("rx_bytes", "uint64"), 3: ("rx_packets", "uint64"),
                        4: ("tx_bytes", "uint64"), 5: ("tx_packets", "uint64")},
    "Aggregates": {1: ("t_ns", "uint64"), 2: ("rows", "*Aggregate")},
    "Aggregate": {1: ("func", "uint32"), 2: ("count", "uint64"), 3: ("total_ns", "uint64"), 4: ("min_ns", "uint64"),
                  5: ("max_ns", "uint64"), 6: ("alloc_bytes", "uint64"), 7: ("free_bytes", "uint64"),
                  8: ("alloc_count", "uint64"), 9: ("free_count", "uint64"), 10: ("histogram", "*uint32")},
    "Loss": {1: ("ranges", "*LossRange")},
    "LossRange": {1: ("cause", "enum"), 2: ("cpu_plus_1", "uint32"), 3: ("first_ns", "uint64"),
                  4: ("last_ns", "uint64"), 5: ("count", "uint64")},
    "Status": {1: ("t_ns", "uint64"), 2: ("produced", "uint64"), 3: ("taken", "uint64"), 4: ("lost", "*LossTotal"),
               5: ("taken_by_cpu", "*uint64"), 6: ("pending", "uint64"), 7: ("frames", "uint64"),
               8: ("wire_bytes", "uint64"), 9: ("spool_bytes", "uint64"), 10: ("spool_peak", "uint64"),
               11: ("spool_size", "uint64"), 12: ("cpu_us", "uint64"), 13: ("rss_kb", "uint64"),
               14: ("line_reopened", "uint64"), 15: ("uart", "UartErrors"), 16: ("frames_again", "uint64")},
    "UartErrors": {1: ("overrun", "uint64"), 2: ("framing", "uint64"), 3: ("parity", "uint64"),
                   4: ("breaks", "uint64"), 5: ("buffer_overrun", "uint64")},
    "LossTotal": {1: ("cause", "enum"), 2: ("cpu_plus_1", "uint32"), 3: ("count", "uint64")},
    "Control": {1: ("id", "uint32"), 2: ("status", "bool"), 3: ("pause", "bool"), 4: ("resume", "bool"),
                5: ("trigger", "bool"), 6: ("stop", "bool"), 7: ("probe_add", "string"),
                8: ("probe_remove", "string"), 9: ("baud", "uint32")},
    "Ack": {1: ("session", "uint32"), 2: ("next_seq", "uint32"), 3: ("missing", "*uint32"),
            4: ("control_id", "uint32"), 5: ("result", "int32"), 6: ("text", "string"), 7: ("receiver", "uint32"),
            8: ("leaving", "bool"), 9: ("begin", "bool")},
    "Sync": {1: ("oldest_seq", "uint32"), 2: ("receiver", "uint32")},
    "Log": {1: ("records", "*LogRecord")},
    "LogRecord": {1: ("seq", "uint64"), 2: ("t_us", "uint64"), 3: ("priority", "uint32"), 4: ("text", "string"),
                  5: ("cut", "bool")},
    "Goodbye": {1: ("status", "Status"), 2: ("reason", "string"), 3: ("exit_status", "int32"), 4: ("command_ended", "bool")},
    "Stacks": {1: ("stacks", "*Stack")},
    "Stack": {1: ("id", "uint32"), 2: ("tgid", "uint32"), 3: ("kernel_frames", "uint32"), 4: ("symbols", "*uint32")},
    "Recording": {1: ("format_version", "uint32"), 2: ("recorder", "string"), 3: ("start_wall_ns", "int64"),
                  4: ("link", "string")},
    "LineEvent": {1: ("kind", "enum"), 2: ("wall_ns", "int64"), 3: ("stats", "LineStats"), 4: ("text", "string"),
                  5: ("session", "uint32"), 6: ("since_start_ns", "uint64")},
    "LineStats": {1: ("wire_bytes", "uint64"), 2: ("frames", "uint64"), 3: ("frames_bad", "uint64"),
                  4: ("frames_repeated", "uint64"), 5: ("console_bytes", "uint64"), 6: ("bad_bytes", "uint64"),
                  7: ("connects", "uint64"), 8: ("frames_repaired", "uint64"), 9: ("uart", "UartErrors"),
                  10: ("sent_bytes", "uint64"), 11: ("frames_late", "uint64"), 12: ("frames_refused", "uint64")},
    "RecordingEnd": {1: ("stats", "LineStats"), 2: ("end_wall_ns", "int64"), 3: ("reason", "string"),
                     4: ("digest_place", "uint64")},
    "SeekPoint": {1: ("session", "uint32"), 2: ("start_index", "uint64"), 3: ("start_place", "uint64"),
                  4: ("end_place", "uint64"), 5: ("given", "uint64"), 6: ("skip", "uint64"), 7: ("newest_ns", "uint64"),
                  8: ("oldest_ns", "uint64"), 9: ("next_call", "uint64"), 10: ("part", "uint32"), 11: ("more", "bool"),
                  12: ("state", "bytes")},
    "Digest": {1: ("part", "uint32"), 2: ("more", "bool"), 3: ("data", "bytes")},
}
# Of these fields one at most is there, and it counts as there even at its default.
ONEOF = {"Control": range(2, 10)}

KINDS = {1: "Hello", 2: "Names", 3: "Events", 4: "Samples", 5: "Aggregates", 6: "Loss", 7: "Status", 8: "Control",
         9: "Ack", 10: "Goodbye", 11: "Stacks", 12: "Sync", 13: "Log", 32: "Recording", 33: "LineEvent", 34: "RecordingEnd",
         35: "SeekPoint", 36: "Digest"}

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
FIXED_SIZE = {FIXED64: 8, FIXED32: 4}


def _unsigned(bits):
    def convert(value):
        if value >> bits:
            raise Damaged("a number is too large for its type")
        return value
    return convert


def _signed(bits):
    def convert(value):
        value -= (value >> 63) << 64
        if not -1 << bits - 1 <= value < 1 << bits - 1:
            raise Damaged("a number is too large for its type")
        return value
    return convert


def _enum(value):
    # Open enums are int32. The vectors have negative ones in 32 bits of two's complement, protobuf in 64.
    if value >> 31 == 1:
        value -= 1 << 32
    return _signed(32)(value & 0xFFFFFFFFFFFFFFFF)


NUMBERS = {"uint32": _unsigned(32), "uint64": _unsigned(64), "int32": _signed(32), "int64": _signed(64),
           "enum": _enum, "bool": bool}


def wire_fields(data):
    """(field number, wire type, number or bytes) of every field; values of fixed size as bytes."""
    at, end = 0, len(data)
    while at < end:
        tag, at = read_varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if not number or number >> 29:
            raise Damaged("no field has this number")
        if wire == VARINT:
            value, at = read_varint(data, at, end)
        else:
            if wire == LENGTH:
                size, at = read_varint(data, at, end)
            elif wire in FIXED_SIZE:
                size = FIXED_SIZE[wire]
            else:
                raise Damaged(f"wire type {wire}")
            if size > end - at:
                raise Damaged("a field is cut off")
            value, at = data[at:at + size], at + size
        yield number, wire, value


def _packed(data, convert):
    at, values = 0, []
    while at < len(data):
        value, at = read_varint(data, at, len(data))
        values.append(convert(value))
    return values


def _single(kind, wire, value):
    if wire != (VARINT if kind in NUMBERS else LENGTH):
        raise Damaged("a field has the wrong wire type")
    if kind in NUMBERS:
        return NUMBERS[kind](value)
    if kind == "string":
        return value.decode("utf-8", "replace")
    return value if kind == "bytes" else decode_message(kind, value)


def decode_message(name, data):
    message = {}
    members = ONEOF.get(name, ())
    for number, wire, value in wire_fields(data):
        field, kind = SCHEMA[name].get(number, (None, None))
        if field is None:
            continue
        if kind[0] == "*":
            kind, values = kind[1:], message.setdefault(field, [])
            if kind in NUMBERS and wire == LENGTH:
                values += _packed(value, NUMBERS[kind])
            else:
                values.append(_single(kind, wire, value))
            continue
        value = _single(kind, wire, value)
        if number in members:
            for other in members:
                message.pop(SCHEMA[name][other][0], None)
        elif not value and not isinstance(value, dict):
            message.pop(field, None)
            continue
        message[field] = value
    return {field: value for field, value in message.items() if value != []}


def inflate(data, limit):
    """One raw deflate stream that ends where the data ends and gives at most `limit` bytes."""
    stream = zlib.decompressobj(-15)
    try:
        plain = stream.decompress(bytes(data), limit + 1)
    except zlib.error as error:
        raise Damaged(f"not deflate: {error}") from None
    if len(plain) > limit:
        raise Damaged("inflates to more than is allowed")
    if not stream.eof or stream.unused_data:
        raise Damaged("not exactly one deflate stream")
    return plain


def decode_payload(frame):
    """(message name, dict) of a frame; (None, None) for a kind that this version does not know."""
    name = KINDS.get(frame.kind)
    if name is None:
        return None, None
    plain = inflate(frame.payload, MESSAGE_MAX) if frame.flags & FLAG_DEFLATED else frame.payload
    return name, decode_message(name, plain)
