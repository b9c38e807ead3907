# SPDX-License-Identifier: MIT OR Apache-2.0
"""A part of a long recording: by its seek points the same as by reading everything, and only that part is read."""
import os
import random

from harness import BOARD, main, test
from recordings import SMALL, TRACEPOINTS

SECONDS = 100
TIMES = 130
WAYS = (("stats", "--json"), ("export", "csv"), ("export", "events"), ("export", "json"))


def replayed(bench, path, names=TRACEPOINTS.names_path, out="x.pb"):
    out = bench.tmp / out
    bench.run(BOARD, "--replay", path, "--names", names, "--mode", "log", "-o", out)
    return out


def long_one(bench, recording=TRACEPOINTS, out="long.pb", times=TIMES):
    path, _ = recording.unpack_again(bench.tmp, times)
    out = replayed(bench, path, recording.names_path, out)
    path.unlink()
    assert out.stat().st_size > 4 << 20, "too short for seek points"
    return out


def index_of(path):
    return path.with_name(path.name + ".seek")


def view(bench, path, way, of, *options):
    """Through a pipe a recording is always read whole; by its name in parts, if it can be."""
    command, kind = way
    out = bench.tmp / "view.out"
    args = [command, "-" if of == "whole" else path, *options]
    args += [kind] if command == "stats" else ["-f", kind, "-o", out]
    out.unlink(missing_ok=True)
    # There may be nothing in it.
    got = bench.hostdec(*args, input=path.read_bytes() if of == "whole" else None, code=None)
    assert got.code == 0 or "nothing is exported" in got.err, got.err
    return got.out if command == "stats" or got.code else out.read_bytes()


def check_parts(bench, path, n=2, length=20_000_000, seed=1):
    rng = random.Random(seed)
    duration = bench.info(path)["duration_ns"]
    for i in range(n):
        start = rng.randrange(duration - length)
        part = ("-f", f"{start}-{start + length}")
        for way in WAYS[:1] if i else WAYS:
            whole, seen = (view(bench, path, way, of, *part) for of in ("whole", "part"))
            assert whole == seen, f"{path.name} {way} {part}: {len(seen)} characters instead of {len(whole)}"


def records(data):
    at = 0
    while at < len(data):
        size, head = data[at + 1] & 0x7F, 2
        if data[at + 1] & 0x80:
            size, head = size | data[at + 2] << 7, 3
        yield at, data[at + head], data[at:at + head + size]
        at += head + size


def without_some(path, out, share, seed=7):
    """The same with some frames of events missing, as a one-way line loses them."""
    rng = random.Random(seed)
    out.write_bytes(b"".join(record for _, kind, record in records(path.read_bytes()) if kind != 3 or rng.random() > share))
    return out


@test("parts of long recordings are the same by seek points as by reading everything: calls across edges, losses, formats")
def parts(bench):
    for recording in SMALL:
        path = long_one(bench, recording, f"{recording.name}.pb", 160)
        bench.hostdec("stats", path)
        assert index_of(path).exists(), "no seek points were made"
        assert index_of(path).stat().st_mode & 0o777 == path.stat().st_mode & 0o666
        check_parts(bench, path)
        path.unlink()


@test("the same with lost frames, and with two boards in one file")
def parts_with_losses(bench):
    path = long_one(bench)
    lossy = without_some(path, bench.tmp / "lossy.pb", 0.02)
    both = bench.tmp / "both.pb"
    both.write_bytes(lossy.read_bytes() + long_one(bench, SMALL[1], "other.pb", 160).read_bytes())
    for recording in (lossy, both):
        bench.hostdec("stats", recording)
        check_parts(bench, recording)


@test("info by the digest says what it says by reading everything")
def figures(bench):
    path = without_some(long_one(bench), bench.tmp / "lossy.pb", 0.02)
    whole = bench.hostdec("info", "-", "--json", input=path.read_bytes()).out
    first = bench.hostdec("info", path, "--json").out
    assert index_of(path).exists()
    assert whole == first == bench.hostdec("info", path, "--json").out


@test("a part does not read the rest: what stands elsewhere may be anything")
def only_a_part(bench):
    path = long_one(bench)
    part = ("-f", "1s-1002ms")
    before = view(bench, path, WAYS[0], "part", *part)
    assert view(bench, path, WAYS[0], "part", *part) == before
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    events = [at for at, kind, _ in records(path.read_bytes()) if kind == 3]
    with open(path, "r+b") as f:
        for at in events[len(events) // 2:-40]:
            f.seek(at + 40)
            f.write(b"\xa5")
    os.utime(path, ns=times)
    assert view(bench, path, WAYS[0], "part", *part) == before
    # Who looks at everything finds it, and does not believe the digest any more.
    info = bench.info(path)
    assert info["file_damaged"] > 0 and info["lost"]["total"] > 1000


@test("seek points that are damaged, of another recording, or cannot be written are done without")
def bad_index(bench):
    path = long_one(bench)
    part = ("-f", "1s-1002ms")
    whole = view(bench, path, WAYS[0], "whole", *part)
    bench.hostdec("stats", path)
    good = index_of(path).read_bytes()
    rng = random.Random(3)
    for fault in ("cut", "noise", "empty", "bits", "point", "older", "link", "directory"):
        index = index_of(path)
        index.unlink(missing_ok=True)
        if fault == "cut":
            index.write_bytes(good[:len(good) // 2])
        elif fault == "noise":
            index.write_bytes(rng.randbytes(50_000))
        elif fault == "empty":
            index.write_bytes(b"")
        elif fault == "bits":
            index.write_bytes(bytes(byte ^ (rng.random() < 0.01) for byte in good))
        elif fault == "point":
            index.write_bytes(good[:200] + bytes([good[200] ^ 1]) + good[201:])
        elif fault == "older":
            index.write_bytes(good)
            os.utime(path)
        elif fault == "link":
            (bench.tmp / "precious").write_text("precious")
            index.symlink_to(bench.tmp / "precious")
        else:
            index.mkdir()
        assert view(bench, path, WAYS[0], "part", *part) == whole, fault
        assert fault == "directory" or index.stat().st_size > len(good) // 2, f"{fault}: not made again"
    index_of(path).rmdir()
    assert (bench.tmp / "precious").read_text() == "precious"
    assert not [name for name in os.listdir(bench.tmp) if ".seek." in name]


@test("nothing is written beside a recording that is short, a pipe, or read for something else than calls")
def no_index(bench):
    path, _ = TRACEPOINTS.unpack(bench.tmp)
    short = replayed(bench, path)
    bench.hostdec("stats", short)
    assert not index_of(short).exists()
    long = long_one(bench)
    view(bench, long, WAYS[0], "whole")
    bench.hostdec("log", long, code=None)
    bench.hostdec("export", long, "-f", "events", "-o", bench.tmp / "events")
    assert not index_of(long).exists()


@test("a plot of a part is drawn from that part")
def plot_part(bench):
    path = long_one(bench)
    bench.hostdec("stats", path)
    for way in ("first", "second"):
        bench.hostdec("plot", path, "-s", "-f", "1s-1002ms", "-o", bench.tmp / f"{way}.png")
        if way == "first":
            index_of(path).unlink()
    assert (bench.tmp / "first.png").read_bytes() == (bench.tmp / "second.png").read_bytes()


if __name__ == "__main__":
    main()
