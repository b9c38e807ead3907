#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Second decoder of the ayaprof-uart protocol, written from proto/PROTOCOL.md alone, to check both it and hostdec.

usage: ayaprof_decode.py [--line] FILE [--events OUT] [--json]
FILE is a recording (run.pb), with --line the bytes of a line. OUT gets the events as records of 16 bytes.
"""
import argparse
import json
import struct
import sys

from books import Receiver
from line import Deframer
from recording import RecordingReader

EVENT_RECORD = struct.Struct("<QIHBB")


def decode_line(data):
    """(Receiver, Deframer) of the bytes of a line."""
    receiver, deframer = Receiver(recording=False), Deframer()
    for source in (deframer.feed(data), deframer.end()):
        for what, item in source:
            if what == "frame":
                receiver.add(item)
    return receiver, deframer


def decode_recording(data):
    """(Receiver, RecordingReader) of a run.pb."""
    receiver, reader = Receiver(recording=True), RecordingReader(data)
    for frame in reader.frames():
        receiver.add(frame)
    return receiver, reader


def event_records(events):
    """Events as other tools read them; arguments have no place there."""
    return [EVENT_RECORD.pack(e.t_ns, e.tid, e.func, e.cpu, e.kind) for e in events]


def _session_summary(session):
    hello, goodbye = session.hello or {}, session.goodbye or {}
    summary = {"session": session.number, "frames": session.frames, "frames_repeated": session.frames_repeated,
               "frames_missing": session.frames_missing(), "frames_bad": session.frames_bad,
               "frames_unknown": session.frames_unknown}
    if session.needs_version is not None:
        return dict(summary, needs_version=session.needs_version)
    finished = session.goodbye is not None
    return dict(summary, hostname=hello.get("hostname", ""), kernel=hello.get("kernel", ""), finished=finished,
                reason=goodbye.get("reason", ""), blocks_repeated=session.blocks_repeated,
                names=len(session.names), index_gaps=len(session.index_gaps()),
                goodbye_produced=goodbye.get("status", {}).get("produced"), **session.books())


def summarise(receiver, source):
    books = [session.books() for session in receiver.understood()]
    by_cause = {}
    for book in books:
        for cause, count in book["lost"]["by_cause"].items():
            by_cause[cause] = by_cause.get(cause, 0) + count
    bad_messages = receiver.frames_bad + sum(session.frames_bad for session in receiver.sessions.values())
    summary = {"sessions": [_session_summary(session) for session in receiver.sessions.values()],
               "events": sum(book["delivered"] for book in books),
               "produced": sum(book["produced"] for book in books),
               "lost": {"total": sum(by_cause.values()), "by_cause": by_cause},
               "frames": receiver.frames, "frames_ignored": receiver.frames_ignored,
               "frames_repeated": sum(session.frames_repeated for session in receiver.sessions.values()),
               "bad_messages": bad_messages}
    if isinstance(source, Deframer):
        return dict(summary, bad=source.frames_bad + bad_messages, bad_bytes=source.bad_bytes,
                    wire_bytes=source.wire_bytes, console_bytes=source.console_bytes)
    stats = {name: receiver.line_stats(name) for name in ("wire_bytes", "frames_bad", "console_bytes")}
    return dict(summary, bad=source.damaged_stretches + bad_messages, bad_bytes=source.damaged_bytes,
                cut_bytes=source.cut_bytes, complete=receiver.complete() and not source.tail_bytes,
                format_version=receiver.format_version(), line=stats)


def _print_short(summary):
    for session in summary["sessions"]:
        if "needs_version" in session:
            print(f"session {session['session']:08x}: needs a decoder of version {session['needs_version']}")
        else:
            print(f"session {session['session']:08x}: produced {session['produced']}, delivered "
                  f"{session['delivered']}, lost {session['lost']['total']}")
    print(f"{summary['events']} events, {summary['lost']['total']} lost, {summary['frames']} frames, "
          f"{summary['bad']} bad")


def main():
    parser = argparse.ArgumentParser(description="Decode a recording of ayaprof-uart, or the bytes of its line.")
    parser.add_argument("--line", action="store_true", help="FILE is the bytes of a line, not a recording")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--events", metavar="OUT", help="write the events as records of 16 bytes")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    options = parser.parse_args()
    try:
        with open(options.file, "rb") as file:
            data = file.read()
        receiver, source = (decode_line if options.line else decode_recording)(data)
        if options.events:
            with open(options.events, "wb") as file:
                file.writelines(event_records(receiver.events()))
    except OSError as error:
        print(f"ayaprof_decode.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    summary = summarise(receiver, source)
    if options.json:
        json.dump(summary, sys.stdout, indent=2)
        print()
    else:
        _print_short(summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
