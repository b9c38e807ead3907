# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the programs of tests/zoo say about themselves, and how a recording is held against it."""
import collections
import csv
import io

from harness import ROOT

ZOO = ROOT / "tests/zoo"
# What zoo.c does, and how often.
MODES = {"cold": 101, "tail": 50, "switch": 64, "jumps": 40, "coroutines": 50, "deep": 5000, "threads": 5, "processes": 3}


def events(bench, recording):
    """How many entries and exits, by name without what the compiler appended."""
    rows = csv.DictReader(io.StringIO(bench.hostdec("export", recording, "-f", "csv", "-o", "-", timeout=120).out))
    count = collections.Counter()
    for row in rows:
        count[row["kind"], row["name"].split(".")[0]] += 1
    return count


def own_counts(text):
    found = {}
    for line in text.splitlines():
        word, *rest = line.split(" ")
        if word in ("calls", "ends") and len(rest) == 2:
            found[word, rest[0]] = int(rest[1])
    return found


def same(bench, what, plain, traced, recording, untraced=()):
    """plain, traced: (what was printed, exit status). The recording has as many entries and ends as the program counted,
    but of the functions that are said not to be traced, which it has none of."""
    assert traced[0] == plain[0], f"{what}: printed {traced[0]!r} instead of {plain[0]!r}"
    assert traced[1] == plain[1], f"{what}: exit status {traced[1]} instead of {plain[1]}"
    info = bench.info(recording)
    assert info["complete"] and info["lost"]["total"] == 0, f"{what}: {info['lost']}"
    own, count = own_counts(plain[0]), events(bench, recording)
    for (_, name), calls in [item for item in own.items() if item[0][0] == "calls"]:
        expected = (0, 0) if name in untraced else (calls, own.get(("ends", name), calls))
        got = count["entry", name], count["exit", name]
        assert got == expected, f"{what}: {name}: {got} entries and ends, it counts {expected}"
