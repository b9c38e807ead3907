# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hosts that come late, leave, come back or die; boards that restart; lines that go away."""
import json
import os
import signal

from harness import main, test, wait_for
from recordings import TRACEPOINTS, check_books, check_same_events, check_subset

SECONDS = 35

BAUD = 230400  # the recording of 40,000 events takes some seconds at this rate


def start_board(bench, line, path, summary, link="oneway", name="board"):
    return bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "-b", BAUD, line.board,
                       "--link", link, "--summary-json", summary, name=name)


def lost_places(found, data):
    """Where in what was sent the missing events stood."""
    found = set(found)
    return [at // 16 for at in range(0, len(data), 16) if data[at:at + 16] not in found]


@test("a host that attaches late has everything from then on, with names, and knows what it missed")
def late(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", BAUD, "--at-byte", "30000:mark")
    out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
    board = start_board(bench, line, path, summary)
    line.wait_text("ok mark", stream="out")
    host = bench.record(line.host, out, "-b", BAUD)
    assert board.wait(120) == 0
    line.drain()
    assert host.stop() == 0
    info, found = bench.info(out), bench.events(out)
    check_subset(found, data)
    check_books(info, json.loads(summary.read_text()))
    missed = lost_places(found, data)
    assert 3000 < len(missed) < 36000, f"{len(missed)} events missed"
    assert missed == list(range(len(missed))), "something was lost after the host had attached"
    functions = set(bench.stats(out))
    assert functions and functions <= TRACEPOINTS.function_names(data), functions
    assert info["complete"] and info["board"]["kernel"] == os.uname().release


@test("unplugged and plugged in again, the host goes on; the gap is known exactly")
def replug(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", BAUD, "--at-byte", "6000:unplug host 1")
    out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
    host = bench.record(line.host, out, "-b", BAUD)
    line.wait_open("host")
    board = start_board(bench, line, path, summary)
    line.wait_text("ok unplug host", stream="out")
    line.wait_open("host", 2)
    assert board.wait(120) == 0
    line.drain()
    assert host.stop() == 0
    info, found = bench.info(out), bench.events(out)
    check_subset(found, data)
    check_books(info, json.loads(summary.read_text()))
    missed = lost_places(found, data)
    assert 1000 < len(missed), f"{len(missed)} events missed in a second without a line"
    assert missed == list(range(missed[0], missed[0] + len(missed))), "what is missing is not one gap"
    assert 0 < missed[0] and missed[-1] < len(data) // 16 - 1, "no events before or after the gap"
    assert info["complete"] and info["sessions"] == 1
    assert line.stats()["board_to_host"]["lost_unplugged"] > 5000


@test("with --no-reconnect an unplugged host ends the recording and says so")
def no_reconnect(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", BAUD, "--at-byte", "20000:unplug host")
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", BAUD, "--no-reconnect")
    line.wait_open("host")
    board = start_board(bench, line, path, bench.tmp / "x.json")
    host.wait(60)
    assert bench.info(out)["events"] > 1000
    check_subset(bench.events(out), data)
    assert board.running()


@test("a board whose port goes away and comes back loses what it says it lost")
def board_unplugged(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", BAUD, "--at-byte", "20000:unplug board 1")
    out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
    host = bench.record(line.host, out, "-b", BAUD)
    line.wait_open("host")
    board = start_board(bench, line, path, summary)
    line.wait_open("board", 2)
    assert board.wait(120) == 0
    line.drain()
    assert host.stop() == 0
    info, found = bench.info(out), bench.events(out)
    check_subset(found, data)
    check_books(info, json.loads(summary.read_text()))
    # What the driver held is gone, and with it the rest of its group of blocks, 32 KiB at most.
    assert len(found) > 8000


@test("a stalled line holds the board back; a replay loses nothing")
def stalled(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", 3000000, "--at-byte", "20000:stall 2")
    out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
    host = bench.record(line.host, out, "-b", 3000000)
    line.wait_open("host")
    board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "-b", 3000000, line.board,
                        "--summary-json", summary)
    assert board.wait(120) == 0
    line.drain()
    assert host.stop() == 0
    check_same_events(bench.events(out), data, "after a stall")
    check_books(bench.info(out), json.loads(summary.read_text()))


@test("hostdec killed in mid-recording: the file opens, is not complete, and has what had arrived")
def killed(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", BAUD, "--at-byte", "40000:stall 3")
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", BAUD)
    line.wait_open("host")
    start_board(bench, line, path, bench.tmp / "x.json")
    line.wait_text("ok stall", stream="out")
    # What the line carried before it stalled is about what the file must hold: a frame's body is as
    # long as the frame but for some bytes, and the last frame may be incomplete.
    wait_for("the recording to hold what has arrived", lambda: out.stat().st_size > 40000 - 4500)
    assert host.stop(signal.SIGKILL) == -signal.SIGKILL
    info, found = bench.info(out), bench.events(out)
    assert info["complete"] is False
    assert info["events"] == len(found) > 8000
    check_subset(found, data)
    # All that was sent up to there, without a gap: what is in the file begins the recording.
    missed = lost_places(found, data)
    assert missed == list(range(missed[0], len(data) // 16)), "a gap before the end"
    assert bench.stats(out) and "false" in bench.hostdec("info", out, "--json").out


@test("a board that starts again is a second session in the same recording")
def sessions(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp, 5003)
    line = bench.line("--baud", 3000000)
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", 3000000)
    line.wait_open("host")
    for run in (1, 2):
        board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "-b", 3000000, line.board,
                            name=f"board{run}")
        assert board.wait(60) == 0
        line.drain()
    if host.running():
        host.stop()
    info = bench.info(out)
    assert info["sessions"] == 2 and info["events"] == 10006 and info["lost"]["total"] == 0, info
    assert bench.events(out) == sorted([data[at:at + 16] for at in range(0, len(data), 16)] * 2)


@test("--strict: exit 3 when something was lost, 0 when not")
def strict(bench):
    path, _ = TRACEPOINTS.unpack(bench.tmp)
    for name, faults, expected in (("good", (), 0), ("bad", ("--burst-gap", 20000, "--burst-len", 200), 3)):
        line = bench.line("--baud", 3000000, *faults, name=f"line-{name}")
        host = bench.record(line.host, bench.tmp / f"{name}.pb", "-b", 3000000, "--strict", name=f"host-{name}")
        line.wait_open("host")
        board = bench.board("--replay", path, "-b", 3000000, line.board, "--link", "oneway", name=f"board-{name}")
        assert bench.end_unanswered(board) == 0
        line.drain()
        assert host.stop() == expected


@test("a board that is killed leaves a session without goodbye: what it held is not known, and everybody says so")
def killed(bench):
    path, _ = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", BAUD, "--at-byte", "30000:mark")
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", BAUD, "--strict")
    line.wait_open("host")
    board = start_board(bench, line, path, bench.tmp / "x.json")
    line.wait_text("ok mark", stream="out")
    board.kill()
    line.drain()
    assert host.stop() == 3
    assert "session without goodbye held is not known" in host.err, host.err
    info, text = bench.info(out), bench.hostdec("info", out).out
    assert info["lost"]["exact"] is False and info["lost"]["sessions_without_goodbye"] == 1, info["lost"]
    assert info["session_list"][0]["goodbye"] is False and info["events"] > 1000, info
    assert "session 1 has no goodbye" in text and "is not known" in text, text
    assert "complete" not in text and "lost       nothing\n" not in text, text
    # The same board again, and this time to its end: the first session stays what it is.
    board = start_board(bench, line, path, bench.tmp / "again.json", name="again")
    again = bench.record(line.host, out, "-b", BAUD, "--append", "--strict", name="again-host")
    assert bench.end_unanswered(board) == 0
    line.drain()
    assert again.stop() == 3
    info = bench.info(out)
    assert info["sessions"] == 2 and info["lost"]["sessions_without_goodbye"] == 1 and info["session_list"][1]["goodbye"], info


@test("--raw keeps the line's bytes; recording them again from the file gives the same events")
def raw(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp, 5003)
    line = bench.line("--baud", 3000000)
    out, kept, again = bench.tmp / "x.pb", bench.tmp / "x.raw", bench.tmp / "again.pb"
    host = bench.record(line.host, out, "-b", 3000000, "--raw", kept)
    line.wait_open("host")
    assert bench.board("--replay", path, "-b", 3000000, line.board).wait(60) == 0
    line.drain()
    assert host.stop() == 0
    assert kept.stat().st_size == line.stats()["board_to_host"]["delivered"]
    bench.hostdec("record", "--port", kept, "-o", again)
    check_same_events(bench.events(again), data, "from the captured bytes")
    with open(kept, "rb") as captured:
        bench.hostdec("--port", "-", "-o", bench.tmp / "stdin.pb", input=captured.read())
    check_same_events(bench.events(bench.tmp / "stdin.pb"), data, "from standard input")


@test("--duration ends a recording in order, whatever the board still has to say")
def duration(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", BAUD)
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", BAUD, "--duration", "1")
    line.wait_open("host")
    board = start_board(bench, line, path, bench.tmp / "x.json")
    assert host.wait(20) == 0 and board.running()
    info, found = bench.info(out), bench.events(out)
    assert info["events"] == len(found) > 1000 and info["complete"], info
    check_subset(found, data)


@test("a line on which nothing comes: one line that says so, exit 1")
def silence(bench):
    line = bench.line("--baud", BAUD)
    host = bench.record(line.host, bench.tmp / "x.pb", "-b", BAUD, "--duration", "1")
    assert host.wait(20) == 1
    assert len(host.err.splitlines()) == 1 and "nothing arrived" in host.err and str(line.host) in host.err


main()
