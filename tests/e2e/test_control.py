# SPDX-License-Identifier: MIT OR Apache-2.0
"""Talking back to a board while it is recorded: hostdec ctl, and another rate."""
import os
import time

from harness import HOSTDEC, Skip, main, test, wait_for
from recordings import TRACEPOINTS, check_same_events

SECONDS = 45

SLOW = 115200


def start(bench, *line_options, host=(), board=(), baud=SLOW, times=1):
    path, data = TRACEPOINTS.unpack_again(bench.tmp, times)
    runtime = bench.tmp / "runtime"
    runtime.mkdir()
    bench.environment = dict(os.environ, XDG_RUNTIME_DIR=str(runtime))
    line = bench.line("--baud", "tty", *line_options)
    out = bench.tmp / "x.pb"
    hostdec = bench.record(line.host, out, "-b", baud, *host, env=bench.environment)
    line.wait_open("host")
    running = bench.board("--replay", path, "-b", baud, "--link", "reliable", line.board, *board)
    return line, hostdec, running, out, data


def ctl(bench, *words, code=0):
    return bench.run(HOSTDEC, "ctl", *words, code=code, env=bench.environment)


@test("hostdec ctl status and stop: the board answers, drains and says goodbye; wrong words are told")
def commands(bench):
    line, hostdec, board, out, _ = start(bench, "--at-byte", "8000:stall 1", baud=921600, times=10,
                                        board=("--spool-mem", "64K"))  # so that it is busy for long
    wait_for("an answer", lambda: "events taken" in ctl(bench, "status", code=None).out)
    assert "--help" in ctl(bench, "dance", code=2).err
    assert "does not do that" in ctl(bench, "pause", code=1).err
    assert "no hostdec" in ctl(bench, "--port", "/dev/other", "status", code=1).err
    ctl(bench, "--port", str(line.host), "stop")
    assert board.wait(30) == 0 and hostdec.wait(30) == 0
    info = bench.info(out)
    assert info["complete"] and info["lost"]["total"] == 0
    assert info["session_list"][0]["end_reason"] == "stopped by the host"


@test("hostdec ctl without a recording: one line, exit 1")
def nobody(bench):
    result = bench.run(HOSTDEC, "ctl", "status", code=1, env=dict(os.environ, XDG_RUNTIME_DIR=str(bench.tmp)))
    # Somebody else may be recording on this machine.
    assert "no hostdec is recording" in result.err or "is recorded by" in result.err
    assert len(result.err.splitlines()) == 1


@test("hostdec ctl, when the recording is another user's: says whose, under any name of the line; its own user is answered")
def another_user(bench):
    if os.geteuid():
        raise Skip("only root can be two users")
    line, hostdec, board, out, _ = start(bench, "--at-byte", "8000:stall 1", baud=921600, times=10, board=("--spool-mem", "64K"))
    wait_for("an answer", lambda: "events taken" in ctl(bench, "status", code=None).out)
    alias = bench.tmp / "by-name"
    alias.symlink_to(os.path.realpath(line.host))
    assert "events taken" in ctl(bench, "--port", alias, "status").out
    os.chmod(bench.tmp, 0o755)
    for options in ((), ("--port", line.host), ("--port", alias)):
        as_other = ("setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", HOSTDEC, "ctl", *options, "status")
        result = bench.run(*as_other, code=1, env=dict(os.environ, XDG_RUNTIME_DIR="/nowhere"))
        # Without a port it may be any that records on this machine.
        whose = f"(pid {hostdec.popen.pid}) of user root" if options else "of user root"
        assert whose in result.err and len(result.err.splitlines()) == 1, result.err
    result = bench.run(*as_other[:5], "ctl", "--port", "/dev/null", "status", code=1)
    assert "no hostdec is recording /dev/null" in result.err
    ctl(bench, "stop")
    assert board.wait(30) == 0 and hostdec.wait(30) == 0


@test("--negotiate: both sides change to the faster rate and every event arrives")
def negotiate(bench):
    line, hostdec, board, out, data = start(bench, host=("--negotiate", 921600), times=3)
    hostdec.wait_text("runs at 921600 baud", stream="err")
    assert board.wait(60) == 0 and hostdec.wait(20) == 0
    check_same_events(bench.events(out), data, "after the change")
    assert "921600 baud: both sides" in board.err


@test("a rate at which they do not hear each other: back by itself, and nothing is lost")
def fall_back(bench):
    line, hostdec, board, out, data = start(bench, "--max-baud", "500000", times=3)
    wait_for("an answer", lambda: "events taken" in ctl(bench, "status", code=None).out)
    assert "not heard" in ctl(bench, "baud", "921600", code=1).err
    assert "460800" in ctl(bench, "baud", "460800").out
    assert board.wait(60) == 0 and hostdec.wait(20) == 0
    check_same_events(bench.events(out), data, "after a rate that did not work")


def event_frames(path):
    """Sizes of the recording's frames of events, as they came."""
    data, at, sizes = path.read_bytes(), 0, []
    while at < len(data) and data[at] == 0x0a:
        length, shift, at = 0, 0, at + 1
        while at < len(data):
            length |= (data[at] & 0x7f) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 0x80:
                break
        if data[at:at + 1] == b"\3":
            sizes.append(length)
        at += length
    return sizes


@test("another rate, up and down: frames become as long as the rate wants them, status is answered, nothing is lost")
def follow_rate(bench):
    line, hostdec, board, out, data = start(bench, times=12, board=("--spool-mem", "64K"))
    wait_for("an answer", lambda: "events taken" in ctl(bench, "status", code=None).out)
    wait_for("frames of events", lambda: len(event_frames(out)) > 4)
    assert max(event_frames(out)) < 1400, event_frames(out)
    # What was cut before the change still waits, and goes first.
    for baud, right in ((921600, lambda sizes: min(sizes) > 1400), (38400, lambda sizes: max(sizes) < 1400)):
        ctl(bench, "baud", str(baud))
        assert f"{baud} baud" in ctl(bench, "status").out
        wait_for(f"frames as {baud} baud wants them", lambda: right(event_frames(out)[-4:]), 60)
        assert f"{baud} baud" in ctl(bench, "status").out
    ctl(bench, "baud", "3000000")
    assert board.wait(60) == 0 and hostdec.wait(20) == 0
    check_same_events(bench.events(out), data, "after three changes of the rate")
    assert bench.info(out)["lost"]["total"] == 0

# Where it is as fast as the simulator goes, and as slow as anybody would run it; up and down.
RATES = (38400, 3000000, 57600, 921600, 38400, 1500000, 115200, 3000000, 230400, 3000000)


@test("ten changes of the rate under load, 38400 to 3000000: frames follow, status answers within 2 s at each, nothing lost")
def ten_rates(bench):
    line, hostdec, board, out, data = start(bench, times=45, board=("--spool-mem", "64K"))
    wait_for("an answer", lambda: "events taken" in ctl(bench, "status", code=None).out)
    for number, baud in enumerate(RATES, 1):
        ctl(bench, "baud", str(baud))
        # At once, while frames that were cut for the old rate still wait; and when those for the new one come.
        for moment in ("at once", "with its own frames"):
            begun = time.monotonic()
            answer = ctl(bench, "status").out
            took = time.monotonic() - begun
            assert f"{baud} baud" in answer and took < 2, f"change {number} to {baud}, {moment}: {took:.1f} s, {answer}"
            bench.note(f"change {number} to {baud}, {moment}: answered in {took * 1000:.0f} ms")
            if moment == "at once":
                longest = 1400 if baud <= 115200 else 2700
                wait_for(f"change {number}: frames as {baud} baud wants them",
                         lambda: longest / 2 < max(event_frames(out)[-4:]) < longest, 60)
    assert board.running(), "the load has ended before the changes"
    assert board.wait(60) == 0 and hostdec.wait(20) == 0
    check_same_events(bench.events(out), data, "after ten changes of the rate")
    assert bench.info(out)["lost"]["total"] == 0


@test("a host that comes late at 115200 to a board that has much to send is answered before 24 KB have come, and decodes")
def late_host(bench):
    path, _ = TRACEPOINTS.unpack_again(bench.tmp, 12)
    bench.environment = dict(os.environ, XDG_RUNTIME_DIR=str(bench.tmp))
    line = bench.line("--baud", "tty", "--at-byte", "30000:mark")
    board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, line.board)
    line.wait_text("ok mark", stream="out")
    out = bench.tmp / "x.pb"
    hostdec = bench.record(line.host, out, env=bench.environment)
    wait_for("an answer", lambda: "events taken" in ctl(bench, "status", code=None).out)
    came = out.stat().st_size
    assert came < 24000, f"{came} bytes came before the answer"
    wait_for("two seconds of the line", lambda: out.stat().st_size > 40000)
    info = bench.info(out)
    assert info["events"] > 5000 and board.running() and hostdec.running(), info


main()
