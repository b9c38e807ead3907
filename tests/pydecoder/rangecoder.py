# SPDX-License-Identifier: MIT OR Apache-2.0
"""Range decoder, slots and weights of codec 2 (PROTOCOL.md section 7, "Range coder", "Slots and weights")."""
from line import Damaged

MASK32 = (1 << 32) - 1
RANGE_MIN = 1 << 24
BEYOND_MAX = 5  # bytes that may be read behind the end
RAW_BITS = 16
LINES, SLOTS = 16384, 8
COUNT_MAX = 15
WEIGHT_ONE, WEIGHT_PAIR, WEIGHT_LIMIT = 65536, 54613, 1048576
LOGIT_MAX = 2047

_K = (1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785, 3902,
      3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095)


def _squash(x):
    k, f = divmod(x + 2048, 128)
    return _K[k] * (128 - f) + _K[k + 1] * f + 64 >> 7


def _stretch_table():
    table, x = [], -LOGIT_MAX
    for p in range(4096):
        while x < LOGIT_MAX and _squash(x) < p:
            x += 1
        table.append(x)
    return tuple(table)


# SQUASH[x] for x = -2047..2047: negative ones count from the end of the table, as Python's indexes do.
SQUASH = tuple(map(_squash, range(LOGIT_MAX + 1))) + tuple(map(_squash, range(-LOGIT_MAX, 0)))
STRETCH = _stretch_table()
RATES = tuple(655360 // (10 * count + 16) for count in range(COUNT_MAX + 1))


def hash2(a, b):
    h = (a ^ b * 0x85EBCA77) * 0x9E3779B1 & MASK32
    return h ^ h >> 15


def line(x):
    """The first slot of a line."""
    return (x * 0x2C1B3C6D & MASK32) >> 18 << 3


def _clamped(x):
    return -LOGIT_MAX if x < -LOGIT_MAX else LOGIT_MAX if x > LOGIT_MAX else x


def _limited(weight):
    return -WEIGHT_LIMIT if weight < -WEIGHT_LIMIT else WEIGHT_LIMIT if weight > WEIGHT_LIMIT else weight


class BitDecoder:
    """The slots and weights of a group, and the range decoder of the block that start() gave it."""

    def __init__(self):
        self._p = [2048] * (LINES * SLOTS)
        self._u = bytearray(LINES * SLOTS)
        self._weights = {}
        self._range = self._code = self._at = 0
        self._data, self._size = b"", 0

    def start(self, data):
        self._data, self._size, self._at = data + bytes(BEYOND_MAX), len(data), 4
        self._range, self._code = MASK32, int.from_bytes(self._data[:4], "big")

    def check_end(self):
        if self._at < self._size:
            raise Damaged("not all of the coded bits were read")

    def _normalise(self):
        while self._range < RANGE_MIN:
            if self._at == len(self._data):
                raise Damaged("the coded bits are too short")
            self._range <<= 8
            self._code = (self._code << 8 | self._data[self._at]) & MASK32
            self._at += 1

    def _bit(self, p):
        bound = (self._range >> 12) * p
        if self._code < bound:
            self._range = bound
            bit = 1
        else:
            self._code -= bound
            self._range -= bound
            bit = 0
        if self._range < RANGE_MIN:
            self._normalise()
        return bit

    def raw(self, n):
        value = 0
        while n:
            k = min(n, RAW_BITS)
            self._range >>= k
            piece = self._code // self._range
            if piece >> k:
                raise Damaged("the coded bits are impossible")
            self._code -= piece * self._range
            self._normalise()
            value = value << k | piece
            n -= k
        return value

    def _update(self, slot, bit):
        p, u = self._p[slot], self._u[slot]
        rate = RATES[u]
        self._p[slot] = p + ((4095 - p) * rate + 32768 >> 16) if bit else p - (p * rate + 32768 >> 16)
        if u < COUNT_MAX:
            self._u[slot] = u + 1

    def plain(self, slot):
        bit = self._bit(self._p[slot])
        self._update(slot, bit)
        return bit

    def weighed(self, slot, name):
        weight = self._weights.get(name, WEIGHT_ONE)
        a = STRETCH[self._p[slot]]
        q = SQUASH[_clamped(weight * a >> 16)]
        bit = self._bit(q)
        self._weights[name] = _limited(weight + (a * (4096 * bit - q) + 512 >> 10))
        self._update(slot, bit)
        return bit

    def mixed(self, slot1, slot2, name):
        v, w = self._weights.get(name, (WEIGHT_PAIR, WEIGHT_PAIR))
        a, b = STRETCH[self._p[slot1]], STRETCH[self._p[slot2]]
        q = SQUASH[_clamped(v * a + w * b >> 16)]
        bit = self._bit(q)
        e = 4096 * bit - q
        self._weights[name] = _limited(v + (a * e + 512 >> 10)), _limited(w + (b * e + 512 >> 10))
        self._update(slot1, bit)
        self._update(slot2, bit)
        return bit
