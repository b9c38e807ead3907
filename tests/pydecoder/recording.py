# SPDX-License-Identifier: MIT OR Apache-2.0
"""A run.pb into its frames (PROTOCOL.md section 11)."""
from line import BODY_MAX, BODY_MIN, Damaged, parse_body, read_varint

RECORD_TAG = 0x0A
LENGTH_BYTES_MAX = 2


def _frame_at(data, at):
    """The frame of the record at `at` and the position behind it, None if no record is there."""
    if data[at] != RECORD_TAG:
        return None
    try:
        length, start = read_varint(data, at + 1, min(at + 1 + LENGTH_BYTES_MAX, len(data)))
        if not BODY_MIN <= length <= BODY_MAX or length > len(data) - start:
            return None
        return parse_body(data[start:start + length]), start + length
    except Damaged:
        return None


def _is_cut_record(data, at):
    """Whether the rest of the file could be the start of a longer record."""
    if data[at] != RECORD_TAG:
        return False
    head = data[at + 1:at + 1 + LENGTH_BYTES_MAX]
    if not head or (len(head) == 1 and head[0] >= 0x80):
        return True
    try:
        length, start = read_varint(head, 0, len(head))
    except Damaged:
        return False
    return BODY_MIN <= length <= BODY_MAX and length > len(data) - at - 1 - start


class RecordingReader:
    """frames() yields every whole frame; what was skipped is counted."""

    def __init__(self, data):
        self.data = memoryview(data).toreadonly()
        self.damaged_stretches = self.damaged_bytes = self.cut_bytes = 0
        self.tail_bytes = 0  # behind the last record

    def frames(self):
        at, skipped_from = 0, None
        while at < len(self.data):
            found = _frame_at(self.data, at)
            if found is None:
                skipped_from = at if skipped_from is None else skipped_from
                at += 1
                continue
            self._count_damage(skipped_from, at)
            skipped_from = None
            frame, at = found
            yield frame
        self.tail_bytes = 0 if skipped_from is None else at - skipped_from
        if skipped_from is not None and _is_cut_record(self.data, skipped_from):
            self.cut_bytes = at - skipped_from
        else:
            self._count_damage(skipped_from, at)

    def _count_damage(self, start, end):
        if start is not None:
            self.damaged_stretches += 1
            self.damaged_bytes += end - start
