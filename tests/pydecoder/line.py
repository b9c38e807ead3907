# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bytes of a line into frames, console text and damage (PROTOCOL.md sections 1 to 3)."""
import base64
import codecs
import re
import struct
from collections import namedtuple

HEADER = struct.Struct("<BBII")
CRC = struct.Struct("<I")
BODY_MIN, BODY_MAX = 14, 4110
# A body of BODY_MAX bytes becomes at most 4127: from here on a segment is no frame any more.
SEGMENT_OVERLONG = 4128

TEXT_FRAME = re.compile(rb"~\{([A-Za-z0-9+/]{19,5480})\}~(?:\r{0,2}\n)?")
# What may become one when more comes; also its end, whose line end may follow.
TEXT_FRAME_BEGUN = re.compile(rb"~(?:\{[A-Za-z0-9+/]{0,5480}(?:\}(?:~\r{0,2})?)?)?\Z")

CONTROL_CHARACTERS = re.compile("[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f-\x9f]")

Frame = namedtuple("Frame", "kind flags session seq payload body")


class Damaged(Exception):
    """What was received is not what the protocol allows; the text says how."""


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc32c(data):
    table, crc = _CRC_TABLE, 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def read_varint(data, at, end):
    """The number at `at` and the position behind it. Any form of at most 10 bytes is taken."""
    value = shift = 0
    while True:
        if at >= end:
            raise Damaged("a varint is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise Damaged("a varint is longer than 10 bytes")
    if value >> 64:
        raise Damaged("a varint is larger than 64 bits")
    return value, at


def cobs_decode(data):
    plain, at, end = bytearray(), 0, len(data)
    while at < end:
        code = data[at]
        if not code or at + code > end:
            raise Damaged("not COBS")
        plain += data[at + 1:at + code]
        at += code
        if code != 0xFF and at < end:
            plain.append(0)
    return bytes(plain)


def parse_body(body):
    """header | payload | CRC, as on the line after COBS and as in a recording."""
    if not BODY_MIN <= len(body) <= BODY_MAX:
        raise Damaged("no frame has this length")
    if CRC.unpack_from(body, len(body) - CRC.size)[0] != crc32c(memoryview(body)[:-CRC.size]):
        raise Damaged("wrong CRC")
    return Frame(*HEADER.unpack_from(body), bytes(body[HEADER.size:-CRC.size]), bytes(body))


def base64_decode(text):
    if len(text) % 4 == 1:
        raise Damaged("no base64 has this length")
    return base64.b64decode(text + b"=" * (-len(text) % 4))


class TextJudge:
    """Whether the pieces of one segment are console text; a character may be cut between two pieces."""

    def __init__(self):
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")

    def is_text(self, piece, final):
        try:
            text = self._decoder.decode(piece, final)
        except UnicodeDecodeError:
            self._decoder.reset()
            return False
        return CONTROL_CHARACTERS.search(text) is None


class Deframer:
    """feed() and end() yield ("frame", Frame), ("text", bytes) and ("damaged", bytes), in the order of the line."""

    def __init__(self):
        self.wire_bytes = self.frames = self.frames_bad = self.console_bytes = self.bad_bytes = 0
        self._ahead = bytearray()  # may be a text frame
        self._segment = bytearray()
        self._overlong = None  # the TextJudge of a segment that is passed on in pieces
        self._damage_counted = False

    def feed(self, data):
        self.wire_bytes += len(data)
        self._ahead += data
        ahead, at = bytes(self._ahead), 0
        for match in TEXT_FRAME.finditer(ahead):
            if not match[0].endswith(b"\n") and ahead[match.end():] in (b"", b"\r", b"\r\r"):
                break  # its line end may follow
            yield from self._segments(ahead[at:match.start()])
            yield from self._text_frame(match)
            at = match.end()
        begun = TEXT_FRAME_BEGUN.search(ahead, at)
        keep = begun.start() if begun else len(ahead)
        yield from self._segments(ahead[at:keep])
        del self._ahead[:keep]

    def end(self):
        """The end of the input: what has come so far is all."""
        ahead = bytes(self._ahead)
        self._ahead.clear()
        match = TEXT_FRAME.fullmatch(ahead.rstrip(b"\r"))
        if match:
            yield from self._text_frame(match)
            ahead = ahead[match.end():]
        yield from self._segments(ahead)
        yield from self._end_segment()

    def _text_frame(self, match):
        yield from self._end_segment()
        try:
            frame = parse_body(base64_decode(match[1]))
            self.frames += 1
            yield "frame", frame
        except Damaged:
            self.frames_bad += 1
            self.bad_bytes += len(match[1]) + 4
            yield "damaged", match[0]

    def _segments(self, data):
        pieces = data.split(b"\0")
        for number, piece in enumerate(pieces):
            self._segment += piece
            while len(self._segment) >= SEGMENT_OVERLONG:
                if self._overlong is None:
                    self._overlong = TextJudge()
                yield self._judge(bytes(self._segment[:SEGMENT_OVERLONG]), False)
                del self._segment[:SEGMENT_OVERLONG]
            if number < len(pieces) - 1:
                yield from self._end_segment()

    def _end_segment(self):
        """A delimiter, or as good as one: what has come so far is a whole segment."""
        if self._segment or self._overlong:
            yield self._judge(bytes(self._segment), True)
        self._segment.clear()
        self._overlong, self._damage_counted = None, False

    def _judge(self, piece, final):
        if self._overlong is None:
            try:
                frame = parse_body(cobs_decode(piece))
                self.frames += 1
                return "frame", frame
            except Damaged:
                pass
        if (self._overlong or TextJudge()).is_text(piece, final):
            self.console_bytes += len(piece)
            return "text", piece
        self.frames_bad += not self._damage_counted
        self._damage_counted = True
        self.bad_bytes += len(piece)
        return "damaged", piece
