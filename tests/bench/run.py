#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""make bench: bytes and CPU time per event beside alternatives, one table per recording, one run.

Whole-file compressors are given the raw 16-byte records. Times are CPU time, and only their ratio to
the line above or below means anything: machines differ and are shared.
"""
import glob
import json
import lzma
import os
import resource
import select
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("O", os.path.join(ROOT, "build"))


def recordings():
    full = sorted(glob.glob(os.path.join(ROOT, "..", "shared", "traces", "*.bin.xz")))
    return full or sorted(glob.glob(os.path.join(ROOT, "tests", "data", "*.bin.xz")))


def child_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def whole_file(command, path, events):
    """Size and CPU ns per event of an external compressor, or None where it is not installed."""
    if shutil.which(command[0]) is None:
        return None
    before = child_cpu()
    with open(path, "rb") as source:
        packed = subprocess.run(command, stdin=source, stdout=subprocess.PIPE, check=True).stdout
    return len(packed), (child_cpu() - before) * 1e9 / events


def line_bytes(path, names, *options):
    """Everything a line would carry: the daemon's own count for a replay into a recording, or over a
    terminal line if `options` ask for one."""
    with tempfile.TemporaryDirectory() as tmp:
        summary = os.path.join(tmp, "summary.json")
        command = [os.path.join(BUILD, "ayaprof-uart"), "--replay", path, "--summary-json", summary, *options]
        if os.path.exists(names):
            command += ["--names", names]
        before = child_cpu()
        if "--baud" in options:
            over_terminal(command)
        else:
            subprocess.run(command + ["--mode", "log", "-o", os.path.join(tmp, "run.pb")], check=True,
                           stderr=subprocess.DEVNULL)
        cpu = child_cpu() - before
        with open(summary) as f:
            data = json.load(f)
    if data["lost"]["total"]:
        sys.exit(f"bench: {command} lost events")
    return data["wire_bytes"], cpu * 1e9 / data["events"]


def over_terminal(command):
    """Run the daemon with a pseudo-terminal as its line; read what comes until it is done."""
    master, slave = os.openpty()
    process = subprocess.Popen(command + [os.ttyname(slave)], stderr=subprocess.DEVNULL)
    while process.poll() is None:
        if select.select([master], [], [], 0.05)[0]:
            os.read(master, 65536)
    os.close(slave)
    os.close(master)
    if process.returncode:
        sys.exit(f"bench: {command} failed")


def main():
    paths = sys.argv[1:] or recordings()
    if not paths:
        sys.exit("bench: no recordings found; give some as arguments")
    with tempfile.TemporaryDirectory() as tmp:
        for path in paths:
            raw = path
            if path.endswith(".xz"):
                raw = os.path.join(tmp, os.path.basename(path)[:-3])
                with lzma.open(path) as packed, open(raw, "wb") as out:
                    shutil.copyfileobj(packed, out)
            rows = []
            output = subprocess.run([os.path.join(BUILD, "tests", "bench_codec"), raw], check=True,
                                    stdout=subprocess.PIPE, text=True).stdout.splitlines()
            events = int(output[0])
            rows.append(("raw records", events * 16, 0.0, 0.0))
            for line in output[1:]:
                name, size, encode, decode = line.split("\t")
                rows.append((name, int(size), float(encode), float(decode)))
            for name, command in (("zstd -19, whole file", ["zstd", "-19", "-q", "-c"]),
                                  ("xz -9e, whole file", ["xz", "-9e", "-c"])):
                result = whole_file(command, raw, events)
                if result:
                    rows.append((name, result[0], result[1], 0.0))
            names = path.replace(".bin.xz", ".names").replace(".bin", ".names")
            for name, options in (("into a file, all bytes", ()),
                                  ("one-way line of 921600 baud, all bytes", ("--baud", "921600")),
                                  ("the same with --resolution 1000", ("--baud", "921600", "--resolution", "1000"))):
                size, cpu = line_bytes(raw, names, *options)
                rows.append((name, size, cpu, 0.0))
            reference = next(r for r in rows if r[0].startswith("columns"))
            print(f"\n{os.path.basename(path)}: {events} events")
            print(f"{'':42}{'B/event':>9}{'encode ns':>11}{'decode ns':>11}{'CPU / columns':>15}")
            for name, size, encode, decode in rows:
                print(f"{name:42}{size / events:9.3f}{encode:11.0f}{decode:11.0f}"
                      f"{encode / reference[2]:15.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
