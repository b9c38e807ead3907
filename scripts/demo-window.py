#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Print FROM-TO (ns) of a part of the demonstration worth a picture: one turn of the workload's
server, its requests and what the kernel did for them. usage: demo-window.py EXPORT.json"""
import json
import sys

MARGIN = 0.15  # of the turn, shown before and after it

with open(sys.argv[1], encoding="utf-8") as file:
    recording = json.load(file)
origin, lost = recording["origin_ns"], recording["lost"]


def whole(start, end):
    """Nothing was lost in there, as far as is known."""
    return not any(row["first_ns"] < end and row["last_ns"] > start for row in lost)


turns = []
for call in recording["calls"]:
    if call["name"] != "serve_request" or not call["complete"]:
        continue
    if turns and call["start_ns"] - turns[-1][1] < 5_000_000:
        turns[-1][1] = call["end_ns"]
    else:
        turns.append([call["start_ns"], call["end_ns"]])
good = [turn for turn in turns if whole(*turn)] or turns
if not good:
    sys.exit("demo-window: no request of the workload was recorded")
# The middle one in length: no warm-up, no accident.
start, end = sorted(good, key=lambda turn: turn[1] - turn[0])[len(good) // 2]
margin = int((end - start) * MARGIN)
print(f"{max(0, start - origin - margin)}-{end - origin + margin}")
