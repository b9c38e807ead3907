# SPDX-License-Identifier: MIT OR Apache-2.0
"""The other direction, for tests: frames, messages, blocks and recordings as a sender may write them."""
import base64
import zlib

from line import CRC, HEADER, crc32c
from messages import KINDS, NUMBERS, ONEOF, SCHEMA

KIND_OF = {name: kind for kind, name in KINDS.items()}


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def cobs_encode(data):
    out, at = bytearray(), 0
    while True:
        end = data.find(b"\0", at, at + 254)
        group = data[at:at + 254] if end < 0 else data[at:end]
        out.append(len(group) + 1)
        out += group
        at += len(group) + (end >= 0)
        if at > len(data) or (at == len(data) and end < 0):
            return bytes(out)


def body(kind, flags, session, seq, payload):
    start = HEADER.pack(kind, flags, session, seq) + payload
    return start + CRC.pack(crc32c(start))


def wire(frame_body):
    return b"\0" + cobs_encode(frame_body) + b"\0"


def text_line(frame_body):
    return b"~{" + base64.b64encode(frame_body).rstrip(b"=") + b"}~\n"


def record(frame_body):
    return b"\x0a" + varint(len(frame_body)) + frame_body


def _number(kind, value):
    # Negative enums as the vectors have them, in 32 bits.
    return varint(value & (0xFFFFFFFF if kind == "enum" else 0xFFFFFFFFFFFFFFFF))


def _bytes(kind, value):
    if kind == "string":
        return value.encode()
    return bytes(value) if kind == "bytes" else message(kind, value)


def _length_field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def message(name, fields):
    out = b""
    for number, (field, kind) in sorted(SCHEMA[name].items()):
        if field not in fields:
            continue
        value, repeated, kind = fields[field], kind[0] == "*", kind.lstrip("*")
        if kind in NUMBERS and repeated:
            out += _length_field(number, b"".join(_number(kind, one) for one in value))
        elif kind in NUMBERS and (value or number in ONEOF.get(name, ())):
            out += varint(number << 3) + _number(kind, value)
        elif kind not in NUMBERS:
            out += b"".join(_length_field(number, _bytes(kind, one)) for one in (value if repeated else [value]))
    return out


def deflate(data, level=9):
    stream = zlib.compressobj(level, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def _steps(events, base):
    """Signed steps of a column of times that starts again at `base` with each CPU."""
    cpu, time = -1, base
    for event in events:
        if event.cpu != cpu:
            cpu, time = event.cpu, base
        step = (event.t_ns - time) & 0xFFFFFFFFFFFFFFFF
        yield step if step < 1 << 63 else step - (1 << 64)
        time = event.t_ns


def block_columns(events, base=None, level=9):
    """Codec 1; the events come back in the order of their CPUs."""
    events = sorted(events, key=lambda event: event.cpu)
    base = events[0].t_ns if base is None else base
    steps = list(_steps(events, base))
    mixed = 0
    for step in steps:
        mixed |= abs(step)
    shift = (mixed & -mixed).bit_length() - 1 if mixed else 0
    codes, bits, n_bits = bytearray(), 0, 0
    for step in steps:
        m = abs(step) >> shift
        length = m.bit_length()
        codes.append(length if step >= 0 else 64 + length)
        bits |= (m & ~(1 << length >> 1)) << n_bits
        n_bits += max(length - 1, 0)
    cpus = sorted({event.cpu for event in events})
    tids = sorted({event.tid for event in events})
    arguments = any(event.args for event in events)
    columns = bytes([arguments, shift]) + varint(base) + varint(len(cpus))
    columns += b"".join(bytes([cpu]) + varint(sum(event.cpu == cpu for event in events)) for cpu in cpus)
    columns += varint(len(tids)) + b"".join(map(varint, tids))
    columns += b"".join(varint(event.func * 3 + event.kind) for event in events)
    columns += b"".join(varint(tids.index(event.tid)) for event in events) + codes
    if arguments:
        columns += bytes(len(event.args) for event in events)
        columns += b"".join(varint(value) for event in events for value in event.args)
    n_bytes = (n_bits + 7) // 8
    return varint(n_bytes) + bits.to_bytes(n_bytes, "little") + deflate(columns, level)


class Sender:
    """A session that hands out numbered frames; a list of bodies."""

    def __init__(self, session):
        self.session, self.seq, self.index, self.bodies = session, 0, 0, []

    def send(self, name, fields, deflated=False):
        payload = message(name, fields)
        return self.send_payload(KIND_OF[name], deflate(payload) if deflated else payload, int(deflated))

    def send_payload(self, kind, payload, flags=0):
        self.bodies.append(body(kind, flags, self.session, self.seq, payload))
        self.seq = (self.seq + 1) % (1 << 32)
        return self.bodies[-1]

    def send_events(self, events, codec=1, level=9):
        block = block_columns(events, level=level)
        fields = {"first_index": self.index, "count": len(events), "codec": codec, "block": block}
        self.index += len(events)
        assert len(block) <= 4032, "too many events for a frame"
        return self.send("Events", fields)
