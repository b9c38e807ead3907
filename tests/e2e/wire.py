# SPDX-License-Identifier: MIT OR Apache-2.0
"""Frames and messages made by hand, for a board that lies. Written from PROTOCOL.md, bit by bit."""


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def cobs(data):
    out = bytearray()
    for block in data.split(b"\0"):
        while len(block) >= 254:
            out += b"\xff" + block[:254]
            block = block[254:]
        out += bytes([len(block) + 1]) + block
    return bytes(out)


def body(kind, payload, session=1, seq=0, flags=0):
    head = bytes([kind, flags]) + session.to_bytes(4, "little") + (seq & 0xFFFFFFFF).to_bytes(4, "little")
    return head + payload + crc32c(head + payload).to_bytes(4, "little")


def frame(*arguments, **options):
    return b"\0" + cobs(body(*arguments, **options)) + b"\0"


def varint(value):
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, value):
    """A protobuf field: a number, or bytes/text/a message already encoded."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def recording_file(bodies):
    return b"".join(b"\x0a" + varint(len(one)) + one for one in bodies)
