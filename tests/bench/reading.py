#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""make bench: what reading a recording costs, whole and one millisecond of it, beside uftrace and babeltrace2 where they are
installed, on as many events (BENCH_EVENTS, 4 million). Wall clock and CPU seconds of one run: only their ratios mean anything.

Ours: a kernel's functions, replayed. babeltrace2: the same events as CTF 1.8, packets of 1 MiB with their times. uftrace: a
program with as many entries and exits, compiled with -pg; its records are 16 bytes, of one thread and one function.
"""
import glob
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("O", os.path.join(ROOT, "build")))
HOSTDEC = os.path.join(BUILD, "hostdec")
EVENTS = int(os.environ.get("BENCH_EVENTS", 4_000_000))
MS = 1_000_000
RECORD = [("t", "<u8"), ("tid", "<u4"), ("func", "<u2"), ("cpu", "u1"), ("kind", "u1")]
CTF_EVENT = [("kind", "u1"), ("t", "<u8"), ("tid", "<u4"), ("func", "<u2"), ("cpu", "u1")]
CTF_PACKET = 1 << 20
CTF_HEAD = 4 + 4 + 4 * 8
CTF_METADATA = """/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := uint8_t;
typealias integer { size = 16; align = 8; signed = false; } := uint16_t;
typealias integer { size = 32; align = 8; signed = false; } := uint32_t;
typealias integer { size = 64; align = 8; signed = false; } := uint64_t;
trace { major = 1; minor = 8; byte_order = le; packet.header := struct { uint32_t magic; uint32_t stream_id; }; };
clock { name = mono; freq = 1000000000; offset = 0; };
typealias integer { size = 64; align = 8; signed = false; map = clock.mono.value; } := clock_t;
stream {
    id = 0;
    packet.context := struct { clock_t timestamp_begin; clock_t timestamp_end; uint64_t content_size; uint64_t packet_size; };
    event.header := struct { uint8_t id; clock_t timestamp; };
};
"""
CTF_KIND = "event {{ name = {name}; id = {id}; stream_id = 0; fields := struct {{ uint32_t tid; uint16_t func; uint8_t cpu; }}; }};\n"
PROGRAM = """
#include <stdlib.h>
__attribute__((noinline, noclone)) int leaf(int x) { __asm__ volatile(""); return x + 1; }
int main(int argc, char **argv) { int r = 0; for (long i = atol(argv[1]); i > 0; i--) r = leaf(r); return 0; }
"""


def trace_path():
    return (sorted(glob.glob(os.path.join(ROOT, "..", "shared", "traces", "kernel-functions-x86*.bin.xz"))) or
            sorted(glob.glob(os.path.join(ROOT, "tests", "data", "kernel-functions-x86*.bin.xz"))))[0]


def make(raw, ctf):
    """A kernel's functions, repeated with later times until there are so many events, as records and as CTF. Says when the
    first one is, and the middle one. In a process of its own: a child's peak of memory counts its parent's."""
    import numpy
    with lzma.open(trace_path()) as packed:
        once = numpy.frombuffer(packed.read(), RECORD)
    length = once["t"].max() - once["t"].min() + numpy.uint64(MS)
    events = numpy.concatenate([once] * -(-EVENTS // len(once)))
    events["t"] += length * (numpy.arange(len(events), dtype="u8") // numpy.uint64(len(once)))
    events = events[:EVENTS]
    events.tofile(raw)
    # A stream has its events in order.
    events = events[numpy.argsort(events["t"], kind="stable")]
    write_ctf(numpy, events, ctf)
    print(events["t"][0], events["t"][len(events) // 2])


def write_ctf(numpy, events, directory):
    os.mkdir(directory)
    with open(os.path.join(directory, "metadata"), "w") as f:
        f.write(CTF_METADATA + "".join(CTF_KIND.format(name=name, id=n) for n, name in enumerate(("entry", "exit", "instant"))))
    each = CTF_PACKET // numpy.dtype(CTF_EVENT).itemsize
    with open(os.path.join(directory, "stream"), "wb") as f:
        for at in range(0, len(events), each):
            part = events[at:at + each]
            out = numpy.zeros(len(part), CTF_EVENT)
            for field, _ in CTF_EVENT:
                out[field] = part[field]
            bits = (CTF_HEAD + out.nbytes) * 8
            f.write(numpy.array([0xC1FC1FC1, 0], "<u4").tobytes())
            f.write(numpy.array([part["t"][0], part["t"][-1], bits, bits], "<u8").tobytes())
            f.write(out.tobytes())


def cost(command):
    """Wall clock and CPU seconds, peak of memory in MB; None: it failed."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        return None
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def size_of(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(path, name)) for name in os.listdir(path))


def ours(raw, first, middle, tmp):
    path, names = os.path.join(tmp, "run.pb"), trace_path().replace(".bin.xz", ".names")
    subprocess.run([os.path.join(BUILD, "ayaprof-uart"), "--replay", raw, "--names", names, "--mode", "log", "-o", path],
                   check=True, stderr=subprocess.DEVNULL)
    part = ["-f", f"{middle - first}-{middle - first + MS}"]
    seek, picture = path + ".seek", os.path.join(tmp, "x.png")
    if os.path.exists(seek):
        os.unlink(seek)
    rows = [("hostdec info, the first time", [HOSTDEC, "info", path]),
            ("hostdec info", [HOSTDEC, "info", path]),
            ("hostdec stats", [HOSTDEC, "stats", path]),
            ("hostdec export -f events", [HOSTDEC, "export", path, "-f", "events", "-o", "/dev/null"]),
            ("hostdec export -f csv", [HOSTDEC, "export", path, "-f", "csv", "-o", "/dev/null"]),
            ("hostdec stats, 1 ms", [HOSTDEC, "stats", path, *part]),
            ("hostdec export -f csv, 1 ms", [HOSTDEC, "export", path, "-f", "csv", *part, "-o", "/dev/null"]),
            ("hostdec plot -s, 1 ms", [HOSTDEC, "plot", path, "-s", *part, "-o", picture])]
    return [(name, size_of(path), cost(command)) for name, command in rows]


def babeltrace(path, middle):
    if not shutil.which("babeltrace2"):
        return [("babeltrace2", 0, "is not installed")]
    at = [f"{t // 1_000_000_000}.{t % 1_000_000_000:09}" for t in (middle, middle + MS)]
    return [(name, size_of(path), cost(command)) for name, command in (
        ("babeltrace2, nothing printed", ["babeltrace2", path, "--output-format=dummy"]),
        ("babeltrace2, text", ["babeltrace2", path]),
        ("babeltrace2, text, 1 ms", ["babeltrace2", path, "--clock-gmt", f"--begin={at[0]}", f"--end={at[1]}"]))]


def uftrace(tmp):
    if not shutil.which("uftrace"):
        return [("uftrace", 0, "is not installed")]
    program, path = os.path.join(tmp, "calls"), os.path.join(tmp, "uftrace.data")
    subprocess.run(["gcc", "-O1", "-pg", "-x", "c", "-", "-o", program], input=PROGRAM, text=True, check=True)
    subprocess.run(["uftrace", "record", "-d", path, "--no-libcall", "--no-event", program, str(EVENTS // 2)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [(name, size_of(path), cost(command)) for name, command in (
        ("uftrace report", ["uftrace", "report", "-d", path]),
        ("uftrace replay", ["uftrace", "replay", "-d", path]),
        ("uftrace replay, 1 ms", ["uftrace", "replay", "-d", path, "-r", "10ms~11ms"]))]


def main():
    if len(sys.argv) == 3:
        make(*sys.argv[1:])
        return 0
    with tempfile.TemporaryDirectory() as tmp:
        raw, ctf = os.path.join(tmp, "raw"), os.path.join(tmp, "ctf")
        made = subprocess.run([sys.executable, __file__, raw, ctf], check=True, stdout=subprocess.PIPE, text=True).stdout
        first, middle = (int(word) for word in made.split())
        rows = ours(raw, first, middle, tmp)
        os.unlink(raw)
        rows += babeltrace(ctf, middle) + uftrace(tmp)
    reference = dict((name, spent) for name, _, spent in rows)["hostdec stats"]
    print(f"\nreading {EVENTS} events, and 1 ms of them")
    print(f"{'':34}{'MB':>8}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'M events/s':>12}{'CPU / stats':>13}")
    for name, size, spent in rows:
        if not isinstance(spent, tuple):
            print(f"{name:34}{spent or 'cannot run here':>20}")
            continue
        wall, cpu, peak = spent
        rate = "" if "1 ms" in name else f"{EVENTS / wall / 1e6:.2f}"
        print(f"{name:34}{size / 1e6:8.1f}{wall:9.3f}{cpu:9.3f}{peak:9.1f}{rate:>12}{cpu / reference[1]:13.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
