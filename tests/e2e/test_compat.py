# SPDX-License-Identifier: MIT OR Apache-2.0
"""Recordings that an older version made read as they did then (tests/data/recordings-0.1.0)."""
import hashlib
import json

from harness import ROOT, main, test

OLD = ROOT / "tests/data/recordings-0.1.0"
QUANTILES = ("p50_ns", "p90_ns", "p99_ns")
QUANTILE_ERROR = 0.001  # what `stats` promises


# 0.1.0 counted the time of a function that calls itself again for each level; it calls nothing else that was traced.
RECURSIVE = "compute_fold"


def near(new, old):
    return abs(new - old) <= QUANTILE_ERROR * old + 1  # whole ns


def check_row(name, new, old):
    """Whatever the old version said of a function, but quantiles, is what is said today."""
    for key, value in old.items():
        if key in QUANTILES:
            assert near(new[key], value), f"{name}: {key} {new[key]}, was {value}"
        else:
            assert new[key] == value, f"{name}: {key} {new[key]}, was {value}"


def within(old, new):
    """Is all of old in new, which may say more?"""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and within(value, new[key]) for key, value in old.items())
    if isinstance(old, list):
        return isinstance(new, list) and len(old) == len(new) and all(map(within, old, new))
    return old == new


def check(bench, name):
    recording, old = OLD / f"{name}.pb", json.loads((OLD / f"{name}.json").read_text())
    events = bench.tmp / "events"
    bench.hostdec("export", recording, "-f", "events", "-o", events)
    data = events.read_bytes()
    assert len(data) == 16 * old["events"] > 0
    assert hashlib.sha256(data).hexdigest() == old["events_sha256"], "other events, or in another order"

    rows, old_rows = bench.stats(recording), {row["name"]: row for row in old["functions"]}
    assert rows.keys() == old_rows.keys(), rows.keys() ^ old_rows.keys()
    if RECURSIVE in old_rows:
        assert old_rows[RECURSIVE]["total_ns"] > rows[RECURSIVE]["self_ns"]
        old_rows[RECURSIVE]["total_ns"] = rows[RECURSIVE]["self_ns"]
    for function, row in old_rows.items():
        check_row(function, rows[function], row)

    info = bench.info(recording)
    for key, value in old["info"].items():
        assert within(value, info.get(key)), f"info: {key} {info.get(key)}, was {value}"


@test("a replay recorded by 0.1.0 reads the same")
def whole(bench):
    check(bench, "whole")


@test("a recording of 0.1.0 with damaged and lost frames reads the same")
def losses(bench):
    check(bench, "losses")


@test("a running kernel recorded by 0.1.0 reads the same: with stacks, memory and kernel messages")
def live(bench):
    check(bench, "live")
    old = json.loads((OLD / "live.json").read_text())
    recording = OLD / "live.pb"
    assert bench.hostdec("log", recording).out.splitlines() == old["log"] != []
    # Names may be written differently by now, as programmers wrote them.
    folded = bench.hostdec("export", recording, "-f", "folded", "-o", "-").out
    assert sum(int(line.rsplit(" ", 1)[1]) for line in folded.splitlines()) == old["stack_samples"] > 0


main()
