# SPDX-License-Identifier: MIT OR Apache-2.0
"""Codec 2: the model of a group of event blocks, and the chain of the blocks of a session (PROTOCOL.md section 7)."""
from collections import namedtuple

from event import ARGUMENTS_MAX, MASK64, Event
from line import Damaged, read_varint
from rangecoder import MASK32, BitDecoder, hash2, line

SYMBOLS_MAX = 4096
STACK_MAX = 15
ENTRY, EXIT, KINDS = 0, 1, 3
KEY_BITS = 21
SPELLED_OUT = 63  # as an exponent
CONFIDENCE_MAX = 3
FRACTION_BITS = 28
INDEX_MAX = (1 << 32) - 2

Head = namedtuple("Head", "group index clock runs check coded")


class BrokenChain(Exception):
    """The block may be whole, but the one that it goes on from is not there."""


class Cpu:
    def __init__(self, number):
        self.number = number
        self.t = self.tid = self.prev_tid = self.hint = self.fraction = 0
        self.has_hint = self.seen = False
        self.s0 = self.s1 = self.s2 = self.e0 = self.e1 = 0


def _move(row, start, to):
    row.insert(to, row.pop(start))


def _insert(row, at, value):
    row.pop()
    row.insert(at, value)


class Rows:
    """A table of rows that all begin alike."""

    def __init__(self, n, *row):
        self._n, self._first, self._rows = n, row, {}

    def __getitem__(self, number):
        number %= self._n
        row = self._rows.get(number)
        if row is None:
            row = self._rows[number] = list(self._first)
        return row


class Model:
    """The state of a group."""

    def __init__(self):
        self._bits = BitDecoder()
        self._cpus = {}
        self._newest = self.check = 0
        self._keys = [None]  # of the symbols; 0 is none
        self._stacks = Rows(512, 0, ())
        self._near, self._far = Rows(4096, *[0] * 4), Rows(1024, *[0] * 8)
        self._next_tid, self._args = Rows(512, *[0] * 6), Rows(1024, *[0] * 4)
        self._last_exp, self._usual = Rows(8192, 0), Rows(8192, 0, 0)

    def decode(self, head, clock):
        self._bits.start(head.coded)
        events = []
        for number, n_events in head.runs:
            cpu = self._cpus.setdefault(number, Cpu(number))
            events += [self._event(cpu, clock) for _ in range(n_events)]
        self._bits.check_end()
        if (self.check ^ self.check >> 16) & 0xFFFF != head.check:
            raise Damaged("wrong check value")
        return events

    def _event(self, cpu, clock):
        changed = self._thread(cpu)
        stack = self._innermost(cpu)
        top = stack[-1] if stack else 0
        sym, key = self._symbol(cpu, top, changed)
        func, kind, n_args = key >> 5, key >> 3 & 3, key & 7
        if kind >= KINDS or n_args > ARGUMENTS_MAX:
            raise Damaged("no event has this kind, or so many arguments")
        if sym and kind == ENTRY:
            if len(stack) == STACK_MAX:
                del stack[0]
            stack.append(sym)
        elif sym and kind == EXIT and stack and self._keys[stack[-1]] >> 5 == func:
            del stack[-1]
        time = self._time(cpu, sym, top, clock)
        args = tuple(self._argument(hash2(sym, 0x9000 + i), cpu.tid) for i in range(n_args))

        self._newest = cpu.t = time
        cpu.seen = True
        cpu.has_hint, cpu.hint = bool(args), args[0] & MASK32 if args else 0
        cpu.s0, cpu.s1, cpu.s2 = sym, cpu.s0, cpu.s1
        for value in (time, key << 32 | cpu.tid, *args):
            check = (self.check ^ value & MASK32) * 0x01000193 & MASK32
            check = (check ^ value >> 32) * 0x01000193 & MASK32
            self.check = check ^ check >> 15
        return Event(time, cpu.tid, func, cpu.number, kind, args)

    @staticmethod
    def _owner(cpu):
        return cpu.tid or MASK32 - cpu.number

    def _thread(self, cpu):
        """Step 1: whether the thread is another one."""
        if self._bits.plain(line(hash2(cpu.s0, cpu.s1) + 0x1000)):
            return 0
        cpu.prev_tid, cpu.tid = cpu.tid, self._next_thread(cpu)
        return 1

    def _next_thread(self, cpu):
        owner = self._owner(cpu)
        row = self._next_tid[hash2(owner, 0x1000)]
        if cpu.has_hint and self._bits.mixed(line(hash2(cpu.s0, 0x2000)), line(hash2(cpu.tid, 0x2001)), "hint"):
            return cpu.hint
        alone, after = hash2(owner, 0x3000), hash2(cpu.prev_tid, hash2(owner, 0x3001))
        for r, tid in enumerate(row):
            if self._bits.mixed(line(hash2(tid, alone)) + r, line(hash2(tid, after)) + r, ("thread", r)):
                _move(row, r, r // 2)
                return tid
        _insert(row, 0, self._bits.raw(32))
        return row[0]

    def _innermost(self, cpu):
        """Step 2: the symbols of the thread's calls."""
        owner = self._owner(cpu)
        stack = self._stacks[hash2(owner, 2)]
        if stack[0] != owner:
            stack[:] = owner, []
        return stack[1]

    def _symbol(self, cpu, top, changed):
        """Step 3: (symbol, key)."""
        near = self._near[hash2(hash2(cpu.s0, cpu.s1), top * 2 + changed)]
        nest = hash2(hash2(cpu.s0, top), cpu.s2)
        for r, sym in enumerate(near):
            if not sym:
                break
            if self._bits.plain(line(hash2(sym, nest)) + r):
                _move(near, r, max(r - 1, 0))
                return sym, self._keys[sym]
        sym, key = self._rarer_symbol(cpu, near, changed)
        if sym:
            _insert(near, 1 if near[0] else 0, sym)
        return sym, key

    def _rarer_symbol(self, cpu, near, changed):
        far = self._far[hash2(cpu.s0, 0x4000 + changed)]
        where = hash2(cpu.s0, 0x4002)
        for r, sym in enumerate(far):
            if not sym:
                break
            if sym not in near and self._bits.plain(line(hash2(sym, where)) + r):
                _move(far, r, max(r - 1, 0))
                return sym, self._keys[sym]
        n = len(self._keys)
        if self._bits.plain(line(0x5000)):
            sym, key = 0, self._bits.raw(KEY_BITS)
            if n < SYMBOLS_MAX:
                sym = n
                self._keys.append(key)
        else:
            sym = self._bits.raw(n.bit_length())
            if not 1 <= sym < n:
                raise Damaged("there is no such symbol")
            key = self._keys[sym]
        if sym:
            _insert(far, 0, sym)
        return sym, key

    def _time(self, cpu, sym, top, clock):
        """Step 4."""
        pair = hash2(sym, cpu.s0)
        last_exp = self._last_exp[pair]
        recent = hash2(pair, cpu.e0 * 64 + cpu.e1)
        nested = hash2(pair, hash2(top, cpu.s1 * 64 + last_exp[0]))
        exponent = self._exponent(pair, sym, recent, nested)
        if exponent == SPELLED_OUT:
            time = self._distance(cpu.t if cpu.seen else self._newest, 0x6000)
            cpu.fraction = (1 << FRACTION_BITS - 1) - 1
        else:
            ticks = self._ticks(exponent, sym, recent, nested)
            last_exp[0] = exponent
            unit = clock >> 1
            delta = self._rounded(cpu, exponent, ticks * unit) if clock & 1 else ticks * unit
            time = cpu.t + delta & MASK64
        cpu.e0, cpu.e1 = exponent, cpu.e0
        return time

    def _exponent(self, pair, sym, recent, nested):
        usual = self._usual[pair]
        exponent = self._read_exponent(pair, sym, recent, nested, usual[0])
        if exponent == usual[0]:
            usual[1] = min(usual[1] + 1, CONFIDENCE_MAX)
        elif usual[1] > 0:
            usual[1] -= 1
        elif exponent != SPELLED_OUT:
            usual[0] = exponent
        return exponent

    def _read_exponent(self, pair, sym, recent, nested, centre):
        line1, line2 = line(hash2(recent, 0x6000)), line(hash2(nested, 0x6000))
        for i, d in enumerate((0, 1, -1, 2, -2)):
            if 0 <= centre + d < SPELLED_OUT and self._bits.mixed(line1 + i, line2 + i, ("near", i)):
                return centre + d
        node = 1
        for level in range(6):
            g, slot = 0, node
            if level >= 3:
                low = level - 3
                g, slot = node >> low, (1 << low) + node % (1 << low)
            node = 2 * node + self._bits.mixed(line(hash2(pair, 0x7000 + g)) + slot,
                                               line(hash2(sym, 0x7040 + g)) + slot, ("tree", level))
        return node - 64

    def _ticks(self, e, sym, recent, nested):
        m = min(e, 3 if e > 12 else 6)
        line1, line2 = line(hash2(recent, 0x8000 + e)), line(hash2(nested, 0x8000 + e))
        node = 1
        for level in range(m):
            if level < 3:
                bit = self._bits.mixed(line1 + node, line2 + node, ("mantissa", level, e))
            else:
                slot = line(hash2(sym, 0x10000 + 256 * e + (node >> 3))) + node % 8
                bit = self._bits.weighed(slot, ("weight", level, e))
            node = 2 * node + bit
        return (node << e - m) + self._bits.raw(e - m) - 1

    def _rounded(self, cpu, exponent, step):
        """A step of an odd clock, in 2^-28 ns, as whole nanoseconds."""
        total = cpu.fraction + step & MASK64
        delta, eighth = total >> FRACTION_BITS, total >> FRACTION_BITS - 3 & 7
        cpu.fraction = total & (1 << FRACTION_BITS) - 1
        if self._bits.plain(line(0xB000 + exponent) + eighth):
            if self._bits.plain(line(0xB040) + eighth):
                delta, cpu.fraction = delta - 1, (1 << FRACTION_BITS) - 1
            else:
                delta, cpu.fraction = delta + 1, 0
        return delta

    def _argument(self, where, tid):
        """Step 5."""
        row = self._args[where]
        for r, value in enumerate(row):
            low = value & MASK32
            if self._bits.mixed(line(hash2(where, low)) + r, line(hash2(where, hash2(tid, low))) + r, ("argument", r)):
                _move(row, r, 0)
                return value
        _insert(row, 0, self._distance(row[0], where))
        return row[0]

    def _distance(self, base, where):
        back = self._bits.plain(line(where + 0xA000))
        node = 1
        for level in range(7):
            k = level % 3
            slot = line(hash2(where, 0xA000 + (node >> k))) + (1 << k) + node % (1 << k)
            node = 2 * node + self._bits.plain(slot)
        length = node - 128
        if length > 64:
            raise Damaged("a distance is too long")
        size = length if length < 2 else (1 << length - 1) + self._bits.raw(length - 1)
        return (base - size if back else base + size) & MASK64


def _byte(block, at):
    if at >= len(block):
        raise Damaged("the head is cut off")
    return block[at], at + 1


def _read_runs(block, at, count):
    runs, last = [], -1
    n_runs, at = read_varint(block, at, len(block))
    while len(runs) < n_runs:
        cpu, at = _byte(block, at)
        n_events, at = read_varint(block, at, len(block))
        if cpu <= last or not 1 <= n_events <= count:
            raise Damaged("runs not ascending, or not of the block's events")
        last, count = cpu, count - n_events
        runs.append((cpu, n_events))
    if count:
        raise Damaged("the runs are not all events")
    return runs, at


def read_head(block, count):
    group, at = _byte(block, 0)
    index, at = read_varint(block, at, len(block))
    clock, at = read_varint(block, at, len(block))
    if index > INDEX_MAX or clock == 1 or (clock == 0 and index == 0):
        raise Damaged("index or clock out of range")
    runs, at = _read_runs(block, at, count)
    if len(block) - at < 2:
        raise Damaged("the head is cut off")
    return Head(group, index, clock, runs, int.from_bytes(block[at:at + 2], "little"), block[at + 2:])


class Chain:
    """The blocks of this codec in one session, in the order of their event indexes."""

    def __init__(self):
        self._model, self._group, self._index, self._clock = None, 0, 0, 0

    def decode(self, block, count):
        head = read_head(block, count)
        # Until the block has proved whole there is nothing to go on from.
        model, self._model = self._model, None
        if head.index == 0:
            model = Model()
        elif model is None or (head.group, head.index) != (self._group, self._index + 1):
            raise BrokenChain
        clock = head.clock or self._clock
        events = model.decode(head, clock)
        self._model, self._group, self._index, self._clock = model, head.group, head.index, clock
        return events
