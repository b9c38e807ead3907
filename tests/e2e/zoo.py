# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the programs of tests/zoo say about themselves, and how a recording is held against it."""
import collections
import csv
import io
import re

from harness import ROOT

ZOO = ROOT / "tests/zoo"
# What zoo.c does, and how often. musl has no coroutines.
MODES = {"cold": 101, "tail": 50, "switch": 64, "jumps": 40, "coroutines": 50, "deep": 5000, "threads": 5, "processes": 3}
MUSL_MODES = {mode: n for mode, n in MODES.items() if mode != "coroutines"}
# What compilers append to a function's name.
APPENDED = re.compile(r"\.(constprop|isra|part|cold|lto_priv)\b.*")


def script(program, *runs):
    """Does one after the other, and says what each ended with. A run: the program's arguments."""
    return "".join(f"'{program}' {' '.join(map(str, run))}\necho \"{' '.join(map(str, run))}: exit status $?\"\n" for run in runs)


def events(bench, recording):
    """How many entries and exits, by name."""
    rows = csv.DictReader(io.StringIO(bench.hostdec("export", recording, "-f", "csv", "-o", "-", timeout=300).out))
    return collections.Counter((row["kind"], APPENDED.sub("", row["name"].split(" ")[0])) for row in rows)


def own_counts(text):
    """What all runs together did."""
    found = {"calls": collections.Counter(), "ends": collections.Counter()}
    for line in text.splitlines():
        word, *rest = line.split(" ")
        if word in found and len(rest) == 2:
            found[word][rest[0]] += int(rest[1])
    return found


def same(bench, what, plain, traced, recording):
    """plain, traced: what was printed. The recording has as many entries and ends as the program counted."""
    assert traced == plain, f"{what}: printed {traced!r} instead of {plain!r}"
    info = bench.info(recording)
    assert info["complete"] and info["lost"]["total"] == 0, f"{what}: {info['lost']}"
    own, count = own_counts(plain), events(bench, recording)
    assert sum(own["calls"].values()), f"{what}: it counts nothing: {plain!r}"
    for name, calls in own["calls"].items():
        expected = calls, own["ends"].get(name, calls)
        got = count["entry", name], count["exit", name]
        assert got == expected, f"{what}: {name}: {got} entries and ends, it counts {expected}"
