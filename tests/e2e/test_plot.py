# SPDX-License-Identifier: MIT OR Apache-2.0
"""Pictures: drawn headless, of the kind asked for, not blank, with the panels asked for."""
import json
import os
import pathlib
import re
import struct
import subprocess
import time

from harness import BOARD, HOSTDEC, WORKLOAD, main, need_bpf, skip, test
from recordings import FULL, SMALL, TRACEPOINTS

SECONDS = 40

try:
    import numpy
    from matplotlib import image
except ImportError:
    image = None

HEADLESS = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}


def need_matplotlib():
    if image is None:
        skip("no matplotlib for this Python")


def replayed(bench, recording=TRACEPOINTS, events=8009):
    path, _ = recording.unpack(bench.tmp, events)
    out = bench.tmp / "replayed.pb"
    bench.run(BOARD, "--replay", path, "--names", recording.names_path, "--mode", "log", "-o", out)
    return out


def live(bench):
    """A short run with everything in it: calls, memory, throughput, packets."""
    need_bpf()
    out = bench.tmp / "live.pb"
    bench.run(BOARD, "-M", "syscall,memory,throughput,xdp", "--xdp-iface", "lo", "-p", f"u:{WORKLOAD}:*_request", "-p",
              f"u:{WORKLOAD}:compute_*", "-i", "50", "--mode", "log", "-o", out, "--", WORKLOAD, "mix", "1")
    return out


def draw(bench, recording, *options, name="x.png", seconds=60):
    """Draw; the picture's path must be what is printed."""
    out = bench.tmp / name
    start = time.monotonic()
    result = bench.hostdec("plot", recording, *options, "-o", out, env=HEADLESS)
    took = time.monotonic() - start
    assert took < seconds, f"took {took:.1f} s"
    assert str(out) in result.out, f"the path is not printed: {result.out!r}"
    return out


def pixels(path):
    picture = image.imread(path)[:, :, :3]
    height, width = picture.shape[:2]
    assert width >= 600 and height >= 120, f"{width} x {height}"
    ink = (numpy.abs(picture - picture[0, 0]).max(axis=2) > 0.05)
    assert ink.mean() > 0.002, f"blank: {ink.mean():.5f} of it is not background"
    return picture, ink


def colours(picture):
    """How much of the picture is in colour rather than grey."""
    return float((picture.max(axis=2) - picture.min(axis=2) > 0.15).mean())


@test("-m -t -x draws three panels with packets visible")
def three_panels(bench):
    need_matplotlib()
    recording = live(bench)
    for options in (("-m",), ("-t",), ("-x",), ("-m", "-t"), ("-m", "-t", "-x")):
        picture, _ = pixels(draw(bench, recording, *options, name=f"{''.join(options)}.png"))
        assert colours(picture) > 0.0005, f"{options}: nothing in colour"
    texts = svg_text(draw(bench, recording, "-m", "-t", "-x", name="three.svg"))
    axes = set(re.findall(r'id="(axes_\d+)"', texts))
    assert len(axes) >= 3, f"{len(axes)} panels"
    one = svg_text(draw(bench, recording, "-x", name="one.svg"))
    assert len(set(re.findall(r'id="(axes_\d+)"', one))) < len(axes)


def svg_text(path):
    text = path.read_text()
    assert text.lstrip().startswith("<?xml") and "</svg>" in text
    return text


@test("-s and -s+ draw boxes; names stand in them; lanes per CPU")
def stacks(bench):
    need_matplotlib()
    recording = replayed(bench)
    for options in (("-s",), ("-s+",)):
        picture, _ = pixels(draw(bench, recording, *options, name=f"s{len(options[0])}.png"))
        assert colours(picture) > 0.003, f"{options}: {colours(picture):.4f} of it in colour"
    assert {"CPU 0", "CPU 1"} <= texts(draw(bench, recording, "-s+", name="lanes.svg")), "no lanes of two CPUs"


@test("in an overview a CPU that is busy 1 % of the time does not look like one that is busy 99 %")
def busy(bench):
    need_matplotlib()
    events, out = bench.tmp / "busy.bin", bench.tmp / "busy.pb"
    rows = [(turn * 1000000 + at, 1 + cpu, 0, cpu, kind) for turn in range(5000) for cpu, at, kind in ((0, 0, 0), (1, 0, 0), (0, 10000, 1), (1, 990000, 1))]
    events.write_bytes(b"".join(struct.pack("<QIHBB", 10**9 + row[0], *row[1:]) for row in rows))
    bench.run(BOARD, "--mode", "log", "-o", out, "--replay", events)
    picture, _ = pixels(draw(bench, out, "-s+"))
    seldom, always = (colours(half) for half in numpy.array_split(picture, 2))
    assert 0 < seldom < always / 8, (seldom, always)


@test("-s+ with -m -t -x and everything: one picture")
def everything(bench):
    need_matplotlib()
    recording = live(bench)
    picture, _ = pixels(draw(bench, recording, "-s+", "-m", "-t", "-x", "--xdp-labels"))
    assert colours(picture) > 0.005


@test("panels without data are drawn and say so, or are refused in one line; nothing crashes")
def no_data(bench):
    need_matplotlib()
    recording = replayed(bench)
    for options in (("-m",), ("-t",), ("-x",), ("-m", "-t", "-x")):
        out = bench.tmp / "empty.png"
        result = bench.hostdec("plot", recording, *options, "-o", out, env=HEADLESS, code=None)
        assert result.code == 0 and out.exists() or result.code == 1 and len(result.err.splitlines()) == 1, result.err


@test("SVG and PDF come out as such")
def formats(bench):
    need_matplotlib()
    recording = replayed(bench)
    svg_text(draw(bench, recording, "-s+", name="x.svg"))
    content = draw(bench, recording, "-s+", name="x.pdf").read_bytes()
    assert content.startswith(b"%PDF-") and b"%%EOF" in content[-32:]


@test("-f shows a part: a call that was running when it begins is drawn")
def filtered(bench):
    need_matplotlib()
    recording = replayed(bench)
    duration = bench.info(recording)["duration_ns"]
    whole = pixels(draw(bench, recording, "-s+", name="whole.png"))[0]
    middle = pixels(draw(bench, recording, "-s+", "-f", f"{duration // 3}-{duration // 2}", name="part.png"))[0]
    assert whole.shape != middle.shape or (whole != middle).mean() > 0.001, "the filter changed nothing"
    # Inside a call that never left its CPU there is nothing but what began before.
    start, end, _ = long_interrupt(bench, recording)
    inside = draw(bench, recording, "-s+", "-f", f"{start + (end - start) // 3}-{start + (end - start) // 3 + 1000}",
                  name="inside.png")
    assert colours(pixels(inside)[0]) > 0.001, "a call that runs through the whole window is not drawn"


def long_interrupt(bench, recording):
    """Start and end since the recording's origin, and name, of the longest call in interrupt context."""
    out = bench.tmp / "calls.json"
    bench.hostdec("export", recording, "-f", "json", "-o", out)
    content = json.loads(out.read_text())
    calls = [call for call in content["calls"] if call["name"] in ("local_timer", "softirq_timer") and call["complete"]]
    longest = max(calls, key=lambda call: call["end_ns"] - call["start_ns"])
    return longest["start_ns"] - content["origin_ns"], longest["end_ns"] - content["origin_ns"], longest["name"]


@test("--ignored-cpus leaves lanes out; labels can be switched off")
def lanes(bench):
    need_matplotlib()
    recording = replayed(bench)
    both = texts(draw(bench, recording, "-s+", name="both.svg"))
    one = texts(draw(bench, recording, "-s+", "--ignored-cpus", "0", name="one.svg"))
    assert {"CPU 0", "CPU 1"} <= both and "CPU 0" not in one and "CPU 1" in one, (both, one)
    start, end, name = long_interrupt(bench, recording)
    window = ("-s+", "-f", f"{start}-{end}")
    assert name in texts(draw(bench, recording, *window, name="named.svg"))
    assert name not in texts(draw(bench, recording, *window, "--no-stack-labels", name="bare.svg"))


def texts(path):
    return {text.strip() for text in re.findall(r"<text[^>]*>([^<]*)<", svg_text(path))}


@test("without -o and without a display the picture stands beside the recording")
def beside(bench):
    need_matplotlib()
    recording = replayed(bench)
    result = bench.hostdec("plot", recording, "-s+", env=HEADLESS, cwd="/")
    paths = [line for line in result.out.splitlines() if line.strip().endswith(".png")]
    assert paths, result.out
    found = bench.tmp / os.path.basename(paths[-1].split()[-1])
    assert found.exists(), f"{paths} is not beside {recording}"
    pixels(found)


@test("lost ranges are shown")
def losses(bench):
    need_matplotlib()
    path, _ = TRACEPOINTS.unpack(bench.tmp)
    recordings = []
    for name, faults in (("good", ()), ("bad", ("--burst-gap", 20000, "--burst-len", 200))):
        line = bench.line("--baud", 3000000, *faults, name=f"line-{name}")
        out = bench.tmp / f"{name}.pb"
        host = bench.record(line.host, out, "-b", 3000000, name=f"host-{name}")
        line.wait_open("host")
        board = bench.board("--replay", path, "-b", 3000000, line.board, "--link", "oneway", name=f"board-{name}")
        assert bench.end_unanswered(board) == 0
        line.drain()
        assert host.stop() == 0
        recordings.append(svg_text(draw(bench, out, "-s", name=f"{name}.svg")))
    good, bad = (bool(re.search("lost", svg, re.I)) for svg in recordings)
    assert bad, "no word of what was lost"
    assert not good, "a word of loss where nothing was lost"


@test("pictures of 300,000 events are drawn quickly and stay small")
def large(bench):
    need_matplotlib()
    if not FULL:
        skip("no shared/traces beside the checkout")
    for recording in FULL:
        out = replayed(bench, recording, None)
        pixels(draw(bench, out, "-s+", name=f"{recording.name}.png", seconds=120 if "asan" in str(BOARD) else 30))
        size = draw(bench, out, "-s+", name=f"{recording.name}.svg").stat().st_size
        assert size < 20e6, f"{size} bytes of SVG"


@test("each recorded kernel can be drawn")
def kernels(bench):
    need_matplotlib()
    for recording in SMALL:
        pixels(draw(bench, replayed(bench, recording), "-s+", name=f"{recording.name}.png"))


@test("a part beyond the end is refused in one line that says how long the recording is; nothing is drawn")
def beyond(bench):
    need_matplotlib()
    recording, out = replayed(bench), bench.tmp / "beyond.png"
    for part in ("6000s-7000s", "6000s-"):
        result = bench.hostdec("plot", recording, "-f", part, "-o", out, env=HEADLESS, code=None)
        assert result.code == 1 and len(result.err.splitlines()) == 1, (result.code, result.err)
        assert re.search(r"goes from 0 to [0-9.]+ m?s", result.err), result.err
        assert not out.exists() and not result.out
    draw(bench, recording, "-f", "0-7000s")


@test("what was asked for without effect is said: a CPU that is not there, labels there is no room for")
def without_effect(bench):
    need_matplotlib()
    recording = replayed(bench)
    result = bench.hostdec("plot", recording, "--ignored-cpus", "1", "99", "-o", bench.tmp / "x.png", env=HEADLESS)
    assert "99" in result.err and "CPUs 0 to 1" in result.err and len(result.err.splitlines()) == 1, result.err
    result = bench.hostdec("plot", recording, "-s", "--xdp-labels", "-o", bench.tmp / "x.png", env=HEADLESS)
    assert "--xdp-labels" in result.err and "-x" in result.err, result.err
    assert not bench.hostdec("plot", recording, "-s", "-o", bench.tmp / "x.png", env=HEADLESS).err


@test("labels of packets are drawn where there is room, and it is said where there is none")
def labels(bench):
    need_matplotlib()
    recording, out = live(bench), bench.tmp / "calls.json"
    result = bench.hostdec("plot", recording, "-x", "--xdp-labels", "-o", bench.tmp / "all.svg", env=HEADLESS)
    assert "20 ms" in result.err, result.err
    bench.hostdec("export", recording, "-f", "json", "-o", out)
    first = min(struct.unpack_from("<Q", event)[0] for event in bench.events(recording) if event[15] == 2)
    start = first - json.loads(out.read_text())["origin_ns"]
    result = bench.hostdec("plot", recording, "-x", "--xdp-labels", "-f", f"{start}-{start + 10**6}", "-o", bench.tmp / "few.svg", env=HEADLESS)
    assert not result.err and "SRC" in svg_text(bench.tmp / "few.svg"), result.err
    assert "SRC" not in svg_text(bench.tmp / "all.svg")


@test("a picture beside the recording that is replaced is named; -o - is the picture on stdout, whole or not at all")
def where_to(bench):
    need_matplotlib()
    recording = replayed(bench)
    first = bench.hostdec("plot", recording, "-s", env=HEADLESS)
    assert not first.err, first.err
    again = bench.hostdec("plot", recording, "-s", env=HEADLESS)
    assert "replaced" in again.err and str(recording).replace(".pb", ".png") in again.err, again.err
    with open(bench.tmp / "stdout.png", "wb") as out:
        subprocess.run([HOSTDEC, "plot", recording, "-s", "-o", "-"], stdout=out, env=HEADLESS, check=True)
    assert (bench.tmp / "stdout.png").read_bytes() == pathlib.Path(str(recording).replace(".pb", ".png")).read_bytes()
    failed = subprocess.run([HOSTDEC, "plot", recording, "-s", "-o", "-"], capture_output=True, env={**HEADLESS, "AYAPROF_PYTHON": "/bin/false"})
    assert failed.returncode == 1 and failed.stdout == b"" and failed.stderr, failed


@test("matplotlib's settings of the current directory, the environment and the user do not count")
def settings(bench):
    need_matplotlib()
    recording, out = replayed(bench), bench.tmp / "x.png"
    plain = draw(bench, recording, "-s+").read_bytes()
    theirs, home = bench.tmp / "theirs", bench.tmp / "home"
    (home / "matplotlib").mkdir(parents=True)
    theirs.mkdir()
    for place in (theirs, home / "matplotlib"):
        (place / "matplotlibrc").write_text("text.usetex: True\nfigure.facecolor: red\nsavefig.facecolor: red\n")
    env = {**HEADLESS, "XDG_CONFIG_HOME": str(home), "MATPLOTLIBRC": str(theirs)}
    bench.hostdec("plot", recording, "-s+", "-o", out, env=env, cwd=theirs)
    assert out.read_bytes() == plain, "settings that are not ours have changed the picture"
    # A pipe that nobody writes to would be waited for.
    (theirs / "matplotlibrc").unlink()
    os.mkfifo(theirs / "matplotlibrc")
    bench.hostdec("plot", recording, "-s+", "-o", "../x.png", env=env, cwd=theirs)


main()
