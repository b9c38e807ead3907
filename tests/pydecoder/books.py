# SPDX-License-Identifier: MIT OR Apache-2.0
"""Frames into sessions with their events and books (PROTOCOL.md sections 8, 10 and 11)."""
import bisect

from blocks import BLOCK_EVENTS_MAX, decode_block
from line import Damaged
from messages import decode_payload

PROTOCOL_VERSION = 1
KIND_CONTROL = 8
RECORDER_KINDS = range(32, 64)

CAUSES = {0: "unknown", 1: "ring_full", 2: "map_full", 3: "missed_return", 4: "spool_full", 5: "abandoned",
          6: "line", 7: "undecodable"}
UNKNOWN, LINE, UNDECODABLE = 0, 6, 7
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

    def bounds(self):
        return (self._starts[0], self._ends[-1]) if self._starts else (0, 0)


class Session:
    def __init__(self, number):
        self.number = number
        self.hello, self.goodbye = None, None
        self.needs_version = None  # set when this decoder does not understand the session
        self.events, self.names, self.stacks, self.aggregates, self.samples, self.acks = [], {}, {}, {}, [], []
        self.frames = self.frames_repeated = self.frames_bad = self.frames_unknown = 0
        self.blocks_repeated = self.undecodable = 0
        self.loss_ranges = []
        self._seqs, self._newest_seq = Ranges(), None
        self._indexes = Ranges()
        self._status, self._status_seq = {}, None

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
            self.HANDLERS[name](self, message, seq)

    def _unwrapped(self, seq):
        """The sequence number without its wrap: the nearest to the newest one."""
        if self._newest_seq is None:
            self._newest_seq = seq
        seq = self._newest_seq + ((seq - self._newest_seq + (1 << 31)) % (1 << 32) - (1 << 31))
        self._newest_seq = max(self._newest_seq, seq)
        return seq

    def _hello(self, hello, _seq):
        self.hello = hello
        if hello.get("protocol_min", 0) > PROTOCOL_VERSION:
            self.needs_version = hello["protocol_min"]

    def _names(self, message, _seq):
        for name in message.get("names", ()):
            self.names[name.get("table", 0), name.get("id", 0)] = name

    def _events(self, message, _seq):
        first, count = message.get("first_index", 0), message.get("count", 0)
        if not 1 <= count <= BLOCK_EVENTS_MAX or first + count >= 1 << 64:
            self.frames_bad += 1
            return
        if self._indexes.overlaps(first, first + count):
            self.blocks_repeated += 1
            return
        self._indexes.add(first, first + count)
        try:
            self.events += decode_block(message.get("codec", 0), count, message.get("block", b""))
        except Damaged:
            self.undecodable += count

    def _samples(self, message, _seq):
        self.samples += message.get("samples", ())

    def _aggregates(self, message, _seq):
        for row in message.get("rows", ()):
            self.aggregates[row.get("func", 0)] = row

    def _loss(self, message, _seq):
        self.loss_ranges += message.get("ranges", ())

    def _new_status(self, status, seq):
        # After a retransmission an older one can come later.
        if self._status_seq is None or seq > self._status_seq:
            self._status, self._status_seq = status, seq

    def _goodbye(self, message, seq):
        self.goodbye = message
        if "status" in message:
            self._new_status(message["status"], seq)

    def _stacks(self, message, _seq):
        for stack in message.get("stacks", ()):
            self.stacks[stack.get("id", 0)] = stack

    def _ack(self, message, _seq):
        self.acks.append(message)

    HANDLERS = {"Hello": _hello, "Names": _names, "Events": _events, "Samples": _samples, "Aggregates": _aggregates,
                "Loss": _loss, "Status": _new_status, "Ack": _ack, "Goodbye": _goodbye, "Stacks": _stacks}

    def frames_missing(self):
        return sum(behind - first for first, behind in self._seqs.gaps(*self._seqs.bounds()))

    def index_gaps(self):
        return self._indexes.gaps(0, self.books()["taken"])

    def _told(self, cause):
        """Events that the board says were lost by a cause: the totals, or the ranges if they say more."""
        def is_of_cause(item):
            return (item.get("cause", 0) if item.get("cause", 0) in CAUSES else UNKNOWN) == cause
        return max(sum(item.get("count", 0) for item in items if is_of_cause(item))
                   for items in (self._status.get("lost", ()), self.loss_ranges))

    def books(self):
        delivered = len(self.events)
        taken = max(self._status.get("taken", 0), self._indexes.bounds()[1])
        lost = {cause: self._told(cause) for cause in BEFORE_INDEX}
        before = sum(lost.values())
        produced = max(taken + before, self._status.get("produced", 0))
        # The rest is handed out, what was seen here first: the sum is right even when the board contradicts itself.
        missing = produced - before - delivered
        for cause, claimed in [(UNDECODABLE, self.undecodable)] + [(cause, self._told(cause)) for cause in AFTER_INDEX]:
            lost[cause] = min(claimed, missing)
            missing -= lost[cause]
        lost[LINE] = missing
        by_cause = {CAUSES[cause]: lost[cause] for cause in sorted(lost)}
        return {"produced": produced, "taken": taken, "delivered": delivered,
                "lost": {"total": sum(by_cause.values()), "by_cause": by_cause}}


class Receiver:
    """Takes the frames of a line, or of a recording, in their order."""

    def __init__(self, recording):
        self.recording = recording
        self.sessions = {}
        self.recordings = []  # of a file: dicts of start, end and stats
        self.frames = self.frames_ignored = self.frames_bad = 0

    def add(self, frame):
        self.frames += 1
        own = frame.kind in RECORDER_KINDS
        if own and self.recording and frame.session == 0:
            self._recorder_frame(frame)
        elif own or frame.session == 0 or frame.kind == KIND_CONTROL:
            # Not from a board: a host's frame that the line echoes, or one that has no business here.
            self.frames_ignored += 1
        else:
            self.sessions.setdefault(frame.session, Session(frame.session)).add(frame)
            if self.recordings:
                self.recordings[-1]["ended"] = False

    def _recorder_frame(self, frame):
        try:
            name, message = decode_payload(frame)
        except Damaged:
            self.frames_bad += 1
            return
        if name == "Recording" or not self.recordings:
            self.recordings.append({"recording": {}, "stats": {}, "ended": False})
        now = self.recordings[-1]
        if name == "Recording":
            now["recording"] = message
        now["stats"] = (message or {}).get("stats", now["stats"])
        now["ended"] = name == "RecordingEnd"

    def understood(self):
        return [session for session in self.sessions.values() if session.needs_version is None]

    def events(self):
        return [event for session in self.understood() for event in session.events]

    def complete(self):
        return bool(self.recordings) and all(recording["ended"] for recording in self.recordings)

    def format_version(self):
        return max((recording["recording"].get("format_version", 0) for recording in self.recordings), default=0)

    def line_stats(self, name):
        """A counter of LineStats over all recordings of the file."""
        return sum(recording["stats"].get(name, 0) for recording in self.recordings)
