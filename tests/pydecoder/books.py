# SPDX-License-Identifier: MIT OR Apache-2.0
"""Frames into sessions with their events and books (PROTOCOL.md sections 8, 10 and 11)."""
import bisect

from adaptive import BrokenChain
from blocks import BLOCK_EVENTS_MAX, BlockDecoder
from line import Damaged
from messages import decode_payload

PROTOCOL_VERSION = 1
KIND_CONTROL, KIND_ACK = 8, 9
RECORDER_KINDS = range(32, 64)

CAUSES = {0: "unknown", 1: "ring_full", 2: "map_full", 3: "missed_return", 4: "spool_full", 5: "abandoned",
          6: "line", 7: "undecodable", 8: "host_overrun"}
UNKNOWN, LINE, UNDECODABLE, HOST_OVERRUN = 0, 6, 7, 8
MARK_BLOCKS = 64
LINE_CONNECTED, LINE_DISCONNECTED = 2, 3
FIRST_INDEX_MAX = 1 << 60
BEFORE_INDEX, AFTER_INDEX = (0, 1, 2, 3), (4, 5)


class Ranges:
    """A set of numbers, kept as ranges that neither touch nor overlap."""

    def __init__(self):
        self._starts, self._ends = [], []

    def overlaps(self, start, end):
        at = bisect.bisect_right(self._ends, start)
        return at < len(self._starts) and self._starts[at] < end

    def add(self, start, end):
        low, high = bisect.bisect_left(self._ends, start), bisect.bisect_right(self._starts, end)
        if low < high:
            start, end = min(start, self._starts[low]), max(end, self._ends[high - 1])
        self._starts[low:high], self._ends[low:high] = [start], [end]

    def gaps(self, start, end):
        """What is missing between start and end, as (first, behind the last)."""
        result = []
        for first, behind in zip(self._starts, self._ends):
            if start < min(first, end):
                result.append((start, min(first, end)))
            start = max(start, behind)
        return result + [(start, end)] * (start < end)

    def ranges(self):
        return list(zip(self._starts, self._ends))

    def bounds(self):
        return (self._starts[0], self._ends[-1]) if self._starts else (0, 0)


class Blocks:
    """The blocks of a session, decoded in the order of their event indexes, in which one may go on from another."""

    def __init__(self, messages):
        self.events, self.repeated = [], 0
        self.indexes = Ranges()  # of all blocks, also of those that are no use
        self.broken = []  # of chains that were broken, by index
        self._decoder, self._decoded, self._undecoded = BlockDecoder(), Ranges(), []
        for message in sorted(messages, key=lambda message: message.get("first_index", 0)):
            self._add(message, message.get("first_index", 0), message["count"])

    def _add(self, message, first, count):
        behind = first + count
        known = self.indexes.overlaps(first, behind)
        if self._decoded.overlaps(first, behind):
            self.repeated += 1
            return
        try:
            self.events += self._decoder.decode(message.get("codec", 0), count, message.get("block", b""))
            self._decoded.add(first, behind)
        except (BrokenChain, Damaged) as why:
            if known:
                self.repeated += 1
                return
            (self.broken if isinstance(why, BrokenChain) else self._undecoded).append((first, behind))
        self.indexes.add(first, behind)

    def missing(self, first, behind):
        """Indexes of first..behind that were neither delivered nor undecodable."""
        here = Ranges()
        for start, end in [*self._decoded.ranges(), *self._undecoded]:
            here.add(start, end)
        return sum(end - start for start, end in here.gaps(first, behind))

    @property
    def undecodable(self):
        """Events of blocks that could not be decoded and did not come again in a form that could."""
        return sum(behind - first for first, behind in self._undecoded if not self._decoded.overlaps(first, behind))


class Session:
    def __init__(self, number):
        self.number = number
        self.hello, self.goodbye = None, None
        self.needs_version = None  # set when this decoder does not understand the session
        self.names, self.stacks, self.aggregates, self.samples, self.acks, self.log = {}, {}, {}, [], [], []
        self.frames = self.frames_repeated = self.frames_bad = self.frames_unknown = 0
        self.loss_ranges = []
        self._seqs, self._newest_seq = Ranges(), None
        # Blocks come in any order: they are decoded when somebody asks.
        self._blocks, self._messages = None, []
        # Overruns of the host: marked for so many more blocks; gaps after a mark; where the blocks that came end.
        self._marked, self._suspected, self._came_to = 0, [], None
        self._status = {}

    def add(self, frame):
        seq = self._unwrapped(frame.seq)
        if self._seqs.overlaps(seq, seq + 1):
            self.frames_repeated += 1
            return
        self._seqs.add(seq, seq + 1)
        self.frames += 1
        if self.needs_version is not None:
            return
        try:
            name, message = decode_payload(frame)
        except Damaged:
            self.frames_bad += 1
            return
        if name is None:
            self.frames_unknown += 1
        else:
            self.HANDLERS[name](self, message)

    def _unwrapped(self, seq):
        """The sequence number without its wrap: the nearest to the newest one."""
        if self._newest_seq is None:
            self._newest_seq = seq
        seq = self._newest_seq + ((seq - self._newest_seq + (1 << 31)) % (1 << 32) - (1 << 31))
        self._newest_seq = max(self._newest_seq, seq)
        return seq

    def _hello(self, hello):
        self.hello = hello
        if hello.get("protocol_min", 0) > PROTOCOL_VERSION:
            self.needs_version = hello["protocol_min"]

    def _names(self, message):
        for name in message.get("names", ()):
            if name.get("long_name"):
                name = dict(name, name=name["long_name"])
            self.names[name.get("table", 0), name.get("id", 0)] = name

    def _events(self, message):
        first, count = message.get("first_index", 0), message.get("count", 0)
        if 1 <= count <= BLOCK_EVENTS_MAX and first <= FIRST_INDEX_MAX:
            self._messages.append(message)
            self._blocks = None
            self._came(first, first + count)
        else:
            self.frames_bad += 1

    def mark(self, marked):
        self._marked = MARK_BLOCKS if marked else 0

    def _came(self, first, behind):
        if self._marked and self._came_to is not None and first > self._came_to:
            self._suspected.append((self._came_to, first))
            self._marked = 0
        self._marked = max(0, self._marked - 1)
        self._came_to = max(self._came_to or 0, behind)

    def _overrun(self):
        """Events that are missing where the host's own port had overrun."""
        suspected = list(self._suspected)
        for first, behind in self.blocks.broken:
            suspected = [(start, behind if end == first else end) for start, end in suspected]
        return sum(self.blocks.missing(*gap) for gap in suspected)

    @property
    def blocks(self):
        if self._blocks is None:
            self._blocks = Blocks(self._messages)
        return self._blocks

    @property
    def events(self):
        return self.blocks.events

    @property
    def blocks_repeated(self):
        return self.blocks.repeated

    @property
    def undecodable(self):
        return self.blocks.undecodable

    def _samples(self, message):
        self.samples += message.get("samples", ())

    def _aggregates(self, message):
        for row in message.get("rows", ()):
            self.aggregates[row.get("func", 0)] = row

    def _loss(self, message):
        self.loss_ranges += message.get("ranges", ())

    def _new_status(self, status):
        # After a retransmission an older one can come later; totals only grow.
        if status.get("produced", 0) >= self._status.get("produced", 0):
            self._status = status

    def _goodbye(self, message):
        self.goodbye = message
        if "status" in message:
            self._new_status(message["status"])

    def _stacks(self, message):
        for stack in message.get("stacks", ()):
            self.stacks[stack.get("id", 0)] = stack

    def _ack(self, message):
        self.acks.append(message)

    def _sync(self, message):
        pass  # for those who acknowledge

    def _log(self, message):
        self.log += message.get("records", [])

    HANDLERS = {"Hello": _hello, "Names": _names, "Events": _events, "Samples": _samples, "Aggregates": _aggregates,
                "Loss": _loss, "Status": _new_status, "Ack": _ack, "Goodbye": _goodbye, "Stacks": _stacks,
                "Sync": _sync, "Log": _log}

    def frames_missing(self):
        return sum(behind - first for first, behind in self._seqs.gaps(*self._seqs.bounds()))

    def index_gaps(self):
        return self.blocks.indexes.gaps(0, self.books()["taken"])

    def _told(self, cause):
        """Events that the board says were lost by a cause: the totals, or the ranges if they say more."""
        def is_of_cause(item):
            return (item.get("cause", 0) if item.get("cause", 0) in CAUSES else UNKNOWN) == cause
        return max(sum(item.get("count", 0) for item in items if is_of_cause(item))
                   for items in (self._status.get("lost", ()), self.loss_ranges))

    def books(self):
        delivered = len(self.events)
        after = sum(self._told(cause) for cause in AFTER_INDEX)
        # A Loss may be newer than the newest Status.
        taken = max(self._status.get("taken", 0), self.blocks.indexes.bounds()[1], delivered + self.undecodable + after)
        lost = {cause: self._told(cause) for cause in BEFORE_INDEX}
        before = sum(lost.values())
        produced = max(taken + before, self._status.get("produced", 0))
        # The rest is handed out, what was seen here first: the sum is right even when the board contradicts itself.
        missing = produced - before - delivered
        for cause, claimed in [(UNDECODABLE, self.undecodable)] + [(cause, self._told(cause)) for cause in AFTER_INDEX]:
            lost[cause] = min(claimed, missing)
            missing -= lost[cause]
        lost[HOST_OVERRUN] = min(self._overrun(), missing)
        lost[LINE] = missing - lost[HOST_OVERRUN]
        by_cause = {CAUSES[cause]: lost[cause] for cause in sorted(lost)}
        return {"produced": produced, "taken": taken, "delivered": delivered,
                "lost": {"total": sum(by_cause.values()), "by_cause": by_cause}}


class Receiver:
    """Takes the frames of a line, or of a recording, in their order."""

    def __init__(self, recording):
        self.recording = recording
        self.sessions = {}
        self.recordings = []  # of a file: dicts of its start and newest stats
        self.frames = self.frames_ignored = self.frames_bad = 0
        self._ended = self._cut = False  # the last frame is an end; a recording before the last has none

    def add(self, frame):
        self.frames += 1
        ended, self._ended = self._ended, False
        if frame.kind in RECORDER_KINDS and self.recording and frame.session == 0:
            self._recorder_frame(frame, ended)
        elif self._is_boards(frame):
            self.sessions.setdefault(frame.session, Session(frame.session)).add(frame)
        else:
            self.frames_ignored += 1

    @staticmethod
    def _is_boards(frame):
        """Not a host's frame that the line echoes, nor one that has no business there."""
        if frame.kind in RECORDER_KINDS or frame.session == 0 or frame.kind == KIND_CONTROL:
            return False
        if frame.kind != KIND_ACK:
            return True
        try:
            return decode_payload(frame)[1].get("control_id", 0) != 0
        except Damaged:
            return True

    def _recorder_frame(self, frame, ended):
        try:
            name, message = decode_payload(frame)
        except Damaged:
            self.frames_bad += 1
            return
        if name == "Recording" or not self.recordings:
            self._cut |= name == "Recording" and self.frames > 1 and not ended
            self.recordings.append({"recording": {}, "stats": {}})
        now = self.recordings[-1]
        if name == "Recording":
            now["recording"] = message
        if name == "LineEvent" and self.sessions:
            self._line_event(message, now["stats"])
        now["stats"] = (message or {}).get("stats", now["stats"])
        self._ended = name == "RecordingEnd"

    def _line_event(self, event, before):
        def overruns(stats):
            uart = stats.get("uart", {})
            return uart.get("overrun", 0) + uart.get("buffer_overrun", 0) + stats.get("frames_refused", 0)
        newest = list(self.sessions.values())[-1]
        if event.get("kind", 0) in (LINE_CONNECTED, LINE_DISCONNECTED):
            newest.mark(False)
        elif "stats" in event and overruns(event["stats"]) > overruns(before):
            newest.mark(True)

    def understood(self):
        return [session for session in self.sessions.values() if session.needs_version is None]

    def events(self):
        return [event for session in self.understood() for event in session.events]

    def complete(self):
        return self._ended and not self._cut

    def format_version(self):
        return max((recording["recording"].get("format_version", 0) for recording in self.recordings), default=0)

    def line_stats(self, name):
        """A counter of LineStats over all recordings of the file."""
        return sum(recording["stats"].get(name, 0) for recording in self.recordings)
