# SPDX-License-Identifier: MIT OR Apache-2.0
"""Recordings of real kernels to replay: CONTRACT section 5's records of 16 bytes, names beside them.

tests/data has the first 40,000 events of three; the whole ones are used where a folder `shared/traces`
stands beside the checkout. No record occurs twice in any of them, so sets do for comparing.
"""
import lzma
import struct
from pathlib import Path

from harness import ROOT, records


class Recording:
    def __init__(self, path):
        self.name = path.name.removesuffix(".bin.xz")
        self.packed = path
        self.names_path = path.with_name(f"{self.name}.names")

    @property
    def data(self):
        return lzma.decompress(self.packed.read_bytes())

    def unpack(self, directory, events=None):
        """The plain file, cut to its first `events`, in directory; returns path and content."""
        data = self.data if events is None else self.data[:16 * events]
        path = Path(directory, f"{self.name}.bin")
        path.write_bytes(data)
        return path, data

    def unpack_again(self, directory, times):
        """The same so many times over, each time later than all before: a long recording, none of its records twice."""
        path, data = self.unpack(directory)
        records_ = list(struct.iter_unpack("<QQ", data))
        length = max(t_ns for t_ns, _ in records_) - min(t_ns for t_ns, _ in records_) + 1
        data = b"".join(struct.pack("<QQ", t_ns + again * length, rest) for again in range(times) for t_ns, rest in records_)
        path.write_bytes(data)
        return path, data

    def function_names(self, data):
        """Names of the functions that occur in data."""
        table = dict(line.split(" ", 1) for line in self.names_path.read_text().splitlines())
        used = {int.from_bytes(data[at + 12:at + 14], "little") for at in range(0, len(data), 16)}
        # A syscall number that is none stands in one recording: nobody has a name for it.
        return {table.get(str(number), f"func_{number}").strip() for number in used}


SMALL = [Recording(path) for path in sorted((ROOT / "tests/data").glob("*-40k.bin.xz"))]
FULL = [Recording(path) for path in sorted((ROOT.parent / "shared/traces").glob("*.bin.xz"))]
TRACEPOINTS = next(recording for recording in SMALL if recording.name.startswith("host-tracepoints"))


def check_same_events(found, data, what):
    """found: sorted records of an export. All of data, nothing else, however often."""
    expected = records(data)
    if found == expected:
        return
    missing, extra = set(expected) - set(found), set(found) - set(expected)
    raise AssertionError(f"{what}: {len(found)} events instead of {len(expected)}, "
                         f"{len(missing)} missing, {len(extra)} never sent")


def check_books(info, summary):
    """The daemon's summary and the recording agree to the last event."""
    lost = info["lost"]
    assert lost["total"] == sum(lost["by_cause"].values()), f"causes do not add up: {lost}"
    assert summary["events"] == info["events"] + lost["total"], \
        f"produced {summary['events']} != {info['events']} in the file + {lost['total']} lost {lost['by_cause']}"


def check_subset(found, data):
    """No event in the file that was never sent, none twice."""
    invented = set(found) - set(records(data))
    assert not invented, f"{len(invented)} events were never sent"
    assert len(set(found)) == len(found), f"{len(found) - len(set(found))} events came twice"
