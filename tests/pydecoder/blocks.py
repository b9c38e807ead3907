# SPDX-License-Identifier: MIT OR Apache-2.0
"""Event blocks into events (PROTOCOL.md sections 6 and 7)."""
from adaptive import Chain
from event import ARGUMENTS_MAX, MASK64, Event
from line import Damaged, read_varint
from messages import inflate

BLOCK_EVENTS_MAX = 4096
COLUMNS_MAX = 65536


class Columns:
    """A cursor over the columns."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        if self.at >= len(self.data):
            raise Damaged("the columns are cut off")
        self.at += 1
        return self.data[self.at - 1]

    def bytes(self, size):
        if size > len(self.data) - self.at:
            raise Damaged("the columns are cut off")
        self.at += size
        return self.data[self.at - size:self.at]

    def varint(self, low, high):
        value, self.at = read_varint(self.data, self.at, len(self.data))
        if not low <= value <= high:
            raise Damaged("a number is out of its range")
        return value


class Bits:
    """Numbers out of a bit string that starts at bit 0 of its first byte, lowest bit first."""

    def __init__(self, data):
        self.data, self.at, self.held, self.n_held = data, 0, 0, 0

    def take(self, n):
        while self.n_held < n:
            if self.at == len(self.data):
                raise Damaged("the bit string is too short")
            self.held |= self.data[self.at] << self.n_held
            self.at += 1
            self.n_held += 8
        value = self.held & (1 << n) - 1
        self.held >>= n
        self.n_held -= n
        return value

    def check_end(self):
        if self.at != len(self.data):
            raise Damaged("the bit string is too long")


def _read_groups(columns, count):
    """The CPU of each event."""
    cpus, last = [], -1
    for _ in range(columns.varint(1, 256)):
        cpu = columns.byte()
        if cpu <= last:
            raise Damaged("the CPUs are not ascending")
        last = cpu
        cpus += [cpu] * columns.varint(1, count - len(cpus))
    if len(cpus) != count:
        raise Damaged("the groups are not all events")
    return cpus


def _read_step(code, shift, bits):
    length = code if code < 64 else code - 64
    if not code:
        return 0
    if not 1 <= length <= 64 or length + shift > 64:
        raise Damaged("a time code does not occur")
    step = (1 << length - 1 | bits.take(length - 1)) << shift
    return step if code < 64 else -step


def decode_columns(block, count):
    """Codec 1."""
    n_bytes, at = read_varint(block, 0, len(block))
    if n_bytes > len(block) - at:
        raise Damaged("the bit string is cut off")
    bits = Bits(block[at:at + n_bytes])
    columns = Columns(inflate(block[at + n_bytes:], COLUMNS_MAX))

    flags, shift = columns.byte(), columns.byte()
    if flags > 1 or shift > 63:
        raise Damaged("flags or shift out of range")
    base = columns.varint(0, MASK64)
    cpus = _read_groups(columns, count)
    tids = [columns.varint(0, 0xFFFFFFFF) for _ in range(columns.varint(1, count))]
    symbols = [columns.varint(0, 0xFFFF * 3 + 2) for _ in range(count)]
    threads = [tids[columns.varint(0, len(tids) - 1)] for _ in range(count)]
    codes = columns.bytes(count)
    arguments = [()] * count
    if flags:
        n_arguments = columns.bytes(count)
        if max(n_arguments) > ARGUMENTS_MAX:
            raise Damaged("too many arguments")
        arguments = [tuple(columns.varint(0, MASK64) for _ in range(n)) for n in n_arguments]
    if columns.at != len(columns.data):
        raise Damaged("the columns go on after the last part")

    events, last_cpu, time = [], -1, base
    for cpu, tid, symbol, code, args in zip(cpus, threads, symbols, codes, arguments):
        if cpu != last_cpu:
            last_cpu, time = cpu, base
        time = time + _read_step(code, shift, bits) & MASK64
        events.append(Event(time, tid, symbol // 3, cpu, symbol % 3, args))
    bits.check_end()
    return events


class BlockDecoder:
    """Of one session, for its blocks in the order of their event indexes."""

    def __init__(self):
        self._codecs = {1: decode_columns, 2: Chain().decode}

    def decode(self, codec, count, block):
        """The events of a block; Damaged if it is, or if nothing here knows the codec; or BrokenChain."""
        if not 1 <= count <= BLOCK_EVENTS_MAX:
            raise Damaged("no block has this many events")
        if codec not in self._codecs:
            raise Damaged(f"codec {codec} is not known")
        return self._codecs[codec](block, count)


def decode_block(codec, count, block):
    """The events of a block that builds on no other."""
    return BlockDecoder().decode(codec, count, block)
