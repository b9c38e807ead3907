# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files that the programs write: never in the place of a device, never over their own input, nothing emptied for nothing."""
import json
import os
import resource
import socket
import stat
import threading

from harness import BOARD, HOSTDEC, PYTHON, main, need_root, skip, test, wait_for
from recordings import TRACEPOINTS

SECONDS = 35

LOG = ("--mode", "log")


def replay(bench, out, *options, n=503, code=0, **more):
    """A short recording into `out`."""
    path = bench.tmp / f"events-{n}"
    if not path.exists():
        recording, _ = TRACEPOINTS.unpack(bench.tmp, n)
        recording.rename(path)
    return bench.run(BOARD, *LOG, "-o", out, "--replay", path, "--names", TRACEPOINTS.names_path, *options, code=code, **more)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def reader(path):
    """Reads a pipe to its end, meanwhile; call to have what came."""
    got = []
    thread = threading.Thread(target=lambda: got.append(open(path, "rb").read()), daemon=True)
    thread.start()

    def result():
        thread.join(60)
        assert got, f"nobody wrote into {path}"
        return got[0]
    return result


@test("--summary-json into a device, a pipe, standard output: written into, none replaced")
def summary_elsewhere(bench):
    need_root()
    null, pipe, out = bench.tmp / "null", bench.tmp / "pipe", bench.tmp / "x.pb"
    os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    replay(bench, out, "--summary-json", null)
    assert stat.S_ISCHR(os.stat(null).st_mode), "the device is a file now"
    os.mkfifo(pipe)
    read = reader(pipe)
    replay(bench, out, "--summary-json", pipe)
    assert json.loads(read())["events"] == 503 and stat.S_ISFIFO(os.stat(pipe).st_mode)
    # Standard output may be a file that others have written to, and will.
    link = bench.tmp / "link"
    link.symlink_to("/dev/stdout")
    for name in ("/dev/stdout", "/dev/fd/1", link):
        told = replay(bench, out, "--summary-json", name).out
        assert json.loads(told)["events"] == 503
    assert link.is_symlink()


@test("--summary-json over a file: whole, with its rights; through a link: the link stays; a second name has it, too")
def summary_replaces(bench):
    out, file = bench.tmp / "x.pb", bench.tmp / "s.json"
    file.write_text("old")
    file.chmod(0o640)
    link, dangling, other = bench.tmp / "link", bench.tmp / "dangling", bench.tmp / "other"
    link.symlink_to("s.json")
    dangling.symlink_to("new.json")
    replay(bench, out, "--summary-json", link)
    assert link.is_symlink() and json.loads(file.read_text())["events"] == 503 and mode(file) == 0o640
    replay(bench, out, "--summary-json", dangling)
    assert dangling.is_symlink() and json.loads((bench.tmp / "new.json").read_text())["events"] == 503
    file.write_text("old" * 10000)
    os.link(file, other)
    replay(bench, out, "--summary-json", file)
    assert file.read_text() == other.read_text() and json.loads(file.read_text())["events"] == 503
    assert not [name for name in os.listdir(bench.tmp) if name.startswith(".ayaprof")], "a temporary file is left"


@test("what cannot be written is known before the run: exit 1, and the old recording stays")
def unwritable(bench):
    out, pipe = bench.tmp / "x.pb", bench.tmp / "pipe"
    replay(bench, out)
    before = out.read_bytes()
    place = bench.tmp / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        for path, reason in ((bench.tmp / "no/such/dir/s.json", "No such file"), (bench.tmp, "directory"),
                             (place, "socket"), (f"{out}/s.json", "Not a directory")):
            told = replay(bench, out, "--summary-json", path, code=1).err
            assert str(path) in told and reason in told and "--summary-json" in told, told
            assert "recording to" not in told and out.read_bytes() == before
        assert stat.S_ISSOCK(os.stat(place).st_mode)
        for path, reason in ((place, "socket"), (bench.tmp, "directory"), (bench.tmp / "no/x.pb", "No such file")):
            told = replay(bench, path, code=1).err
            assert reason in told and "-o" in told, told
    os.mkfifo(pipe)
    assert "nobody reads" in replay(bench, pipe, code=1).err
    assert "nobody reads" in replay(bench, out, "--summary-json", pipe, code=1).err


@test("nothing is written over what is read, nor twice: usage errors by any name")
def one_file(bench):
    out, config, link, hard = (bench.tmp / name for name in ("x.pb", "x.conf", "link", "hard"))
    replay(bench, out)
    config.write_text("duration = 5\n")
    link.symlink_to(out)
    os.link(out, hard)
    events = bench.tmp / "events-503"
    kept = {path: path.read_bytes() for path in (out, config, events)}
    for first, options in ((out, ("--summary-json", out)), (out, ("--summary-json", link)),
                           (out, ("--summary-json", hard)), (out, ("--summary-json", f"{bench.tmp}/./x.pb")),
                           (config, ("-c", config)), (events, ()), (out, ("--summary-json", events)),
                           (out, ("-c", config, "--summary-json", config)), (TRACEPOINTS.names_path, ()),
                           (bench.tmp / "new", ("--summary-json", f"{bench.tmp}/../{bench.tmp.name}/new"))):
        told = replay(bench, first, *options, code=2).err
        assert "are one file" in told and len(told.splitlines()) == 1, told
    assert kept == {path: path.read_bytes() for path in kept} and not (bench.tmp / "new").exists()
    # Devices may be written to twice.
    replay(bench, "/dev/null", "--summary-json", "/dev/null")


@test("a recording through a pipe, and into one that is left")
def through_pipe(bench):
    pipe = bench.tmp / "pipe"
    os.mkfifo(pipe)
    read = reader(pipe)
    replay(bench, pipe, n=20011)
    out = bench.tmp / "x.pb"
    out.write_bytes(read())
    info = bench.info(out)
    assert info["events"] == 20011 and info["complete"]
    # Who leaves takes nothing more: said, counted, no death by a broken pipe.
    thread = threading.Thread(target=lambda: open(pipe, "rb").read(100), daemon=True)
    thread.start()
    summary = bench.tmp / "s.json"
    recording, _ = TRACEPOINTS.unpack_again(bench.tmp, 10)
    board = bench.board(*LOG, "-o", pipe, "--replay", recording, "--summary-json", summary)
    board.wait_text("Broken pipe", stream="err")
    assert board.stop() == 1, "not everything got out, and nobody was in a hurry"
    assert json.loads(summary.read_text())["lost"]["total"] > 0
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


@test("a limit on the size of files, a full disk: said, counted, the recording reads up to there")
def limits(bench):
    out, summary = bench.tmp / "x.pb", bench.tmp / "s.json"
    board = bench.board(*LOG, "-o", out, "--replay", TRACEPOINTS.unpack(bench.tmp, 20011)[0], "--summary-json", summary,
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)))
    board.wait_text("File too large", stream="err")
    assert board.wait(120) == 1
    told = json.loads(summary.read_text())
    assert told["lost"]["total"] + told["events_sent"] == told["events"] and told["lost"]["total"] > 0
    assert 0 < out.stat().st_size <= 8192
    info = bench.info(out)
    assert 0 < info["events"] <= told["events_sent"]


@test("two daemons into one recording: the second one is told, the first one's stays whole")
def two_writers(bench):
    out = bench.tmp / "x.pb"
    replay(bench, out)  # its events are unpacked now: the others come under the same name
    recording, _ = TRACEPOINTS.unpack_again(bench.tmp, 5)
    board = bench.board(*LOG, "-o", out, "--replay", recording, "--replay-rate", "realtime")
    board.wait_text("recording to", stream="err")
    told = replay(bench, out, code=1).err
    assert "another program is writing it" in told and str(out) in told, told
    link = bench.tmp / "link"
    os.link(out, link)
    assert "another program" in replay(bench, link, code=1).err
    assert board.stop() == 0
    info = bench.info(out)
    assert info["complete"] and info["sessions"] == 1
    replay(bench, out)


@test("a recording is its owner's to read; a file that is there keeps its rights")
def rights(bench):
    out = bench.tmp / "x.pb"
    replay(bench, out)
    assert mode(out) == 0o600
    out.chmod(0o664)
    replay(bench, out)
    assert mode(out) == 0o664


@test("a link that another user has put into a directory for everybody is not followed")
def strange_link(bench):
    need_root()
    shared, victim = bench.tmp / "shared", bench.tmp / "victim"
    shared.mkdir()
    shared.chmod(0o1777)
    victim.write_text("precious")
    link = shared / "x.pb"
    link.symlink_to(victim)
    os.lchown(link, 65534, 65534)
    assert "another user's link" in replay(bench, link, code=1).err or victim.read_text() == "precious"
    assert victim.read_text() == "precious"
    own = shared / "own.pb"
    own.symlink_to(victim)
    replay(bench, own)
    assert bench.info(victim)["events"] == 503


@test("started without standard streams, no message ends up in a recording")
def closed_streams(bench):
    out = bench.tmp / "x.pb"
    recording, _ = TRACEPOINTS.unpack(bench.tmp, 503)
    bench.run("/bin/sh", "-c", f"exec {BOARD} --mode log -o {out} --replay {recording} <&- >&- 2>&-")
    info = bench.info(out)
    assert info["complete"] and info["events"] == 503 and info["frames_bad"] == 0
    assert b"recording to" not in out.read_bytes()


@test("the summary is whole whenever somebody looks")
def whole(bench):
    out, summary = bench.tmp / "x.pb", bench.tmp / "s.json"
    replay(bench, out, "--summary-json", summary)
    first = os.stat(summary).st_ino
    replay(bench, out, "--summary-json", summary)
    assert os.stat(summary).st_ino != first, "it was overwritten in place"
    wait_for("the summary", lambda: json.loads(summary.read_text())["events"] == 503)


@test("hostdec keeps an old recording, and what was beside it, until a first frame arrives")
def recorder_keeps(bench):
    out, console, raw = (bench.tmp / name for name in ("x.pb", "console", "raw"))
    replay(bench, out)
    before = out.read_bytes()
    console.write_text("old words")
    raw.write_bytes(b"old bytes")
    noise, empty = bench.tmp / "noise", bench.tmp / "empty"
    noise.write_bytes(b"no frame at all\n" * 100)
    empty.write_bytes(b"")
    told = bench.hostdec("--port", empty, "-o", out, "--console", console, "--raw", raw, code=1).err
    assert out.read_bytes() == before and "left as it was" in told, told
    assert console.read_text() == "old words" and raw.read_bytes() == b"old bytes"
    bench.hostdec("--port", noise, "-o", out, code=1)
    bench.hostdec("--port", bench.tmp / "no-such-line", "-o", out, "--no-reconnect", code=1)
    bench.hostdec("--port", noise, "-o", out, "--raw", bench.tmp / "no/such/raw", code=1)
    assert out.read_bytes() == before
    # A line with a recording on it, and no console.
    line = bench.line("--baud", 3000000)
    host = bench.record(line.host, out, "-b", 3000000, "--console", console, "--raw", raw)
    line.wait_open("host")
    assert bench.board("--replay", bench.tmp / "events-503", "-b", 3000000, line.board).wait(60) == 0
    line.drain()
    assert host.wait(60) == 0
    info = bench.info(out)
    assert info["events"] == 503 and info["complete"] and info["sessions"] == 1
    assert console.read_text() == "" and raw.stat().st_size > 500


@test("two recorders into one file: the second one is told")
def two_recorders(bench):
    out = bench.tmp / "x.pb"
    line = bench.line("--baud", 3000000)
    other = bench.line("--baud", 3000000, name="other")
    host = bench.record(line.host, out, "-b", 3000000)
    line.wait_open("host")
    wait_for("the recording", out.exists)
    told = bench.hostdec("--port", other.host, "-o", out, code=1).err
    assert "another program is writing it" in told, told
    told = bench.hostdec("--port", other.host, "-o", out, "--append", code=1).err
    assert "another program is writing it" in told, told
    assert host.running()


@test("export and plot: whole files or none, into devices and pipes; nothing over the input")
def views(bench):
    out, csv, names = bench.tmp / "x.pb", bench.tmp / "x.csv", bench.tmp / "names"
    replay(bench, out)
    csv.write_text("old")
    csv.chmod(0o640)
    bench.hostdec("export", out, "-f", "csv", "-o", csv, "--names", names)
    assert csv.read_text().count("\n") > 100 and mode(csv) == 0o640 and names.stat().st_size > 0
    before = csv.read_bytes()
    damaged = bench.tmp / "damaged.pb"
    damaged.write_bytes(b"no recording")
    bench.hostdec("export", damaged, "-f", "csv", "-o", csv, code=None)
    bench.hostdec("export", out, "-f", "csv", "-o", csv, "--names", bench.tmp / "no/dir/names", code=1)
    assert csv.read_bytes() == before
    for options in (("-o", out), ("-o", bench.tmp / "new", "--names", f"{bench.tmp}/./new"), ("-o", csv, "--names", out)):
        bench.hostdec("export", out, "-f", "csv", *options, code=2)
    null, pipe = bench.tmp / "null", bench.tmp / "pipe"
    os.mkfifo(pipe)
    read = reader(pipe)
    bench.hostdec("export", out, "-f", "csv", "-o", pipe)
    assert read() == before
    if os.geteuid() == 0:
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        bench.hostdec("export", out, "-f", "csv", "-o", null)
        assert stat.S_ISCHR(os.stat(null).st_mode)
    assert not [name for name in os.listdir(bench.tmp) if name.startswith(".ayaprof")]


@test("a picture that cannot be drawn leaves the old one")
def picture(bench):
    if bench.run(PYTHON, "-c", "import matplotlib", code=None).code:
        skip("matplotlib is not installed")
    out, png = bench.tmp / "x.pb", bench.tmp / "x.png"
    replay(bench, out)
    png.write_text("old")
    environment = dict(os.environ, AYAPROF_PYTHON="/bin/false")
    bench.run(HOSTDEC, "plot", out, "-s", "-o", png, code=1, env=environment)
    assert png.read_text() == "old"
    bench.hostdec("plot", out, "-s", "-o", png, timeout=120)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert not [name for name in os.listdir(bench.tmp) if name.startswith(".ayaprof")]


main()
