# SPDX-License-Identifier: MIT OR Apache-2.0
"""Ways other than a serial line: TCP, a file beside the line, local sockets, captured bytes."""
import json
import socket
import threading

from harness import BOARD, HOSTDEC, free_port, main, test
from recordings import TRACEPOINTS, check_books, check_same_events


@test("--mode serve: a host that connects gets every event of a replay")
def serve(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp, 20011)
    port, out, summary = free_port(), bench.tmp / "x.pb", bench.tmp / "x.json"
    board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "--mode", "serve", "-l", port,
                        "--summary-json", summary)
    board.wait_text("listening")
    host = bench.record(f"tcp:127.0.0.1:{port}", out)
    assert board.wait(30) == 0
    assert host.wait(30) == 0
    check_same_events(bench.events(out), data, "over TCP")
    info = bench.info(out)
    check_books(info, json.loads(summary.read_text()))
    assert info["complete"] and info["lost"]["total"] == 0


@test("--mode serve binds loopback unless told otherwise")
def loopback_only(bench):
    path, _ = TRACEPOINTS.unpack(bench.tmp, 1009)
    port = free_port()
    board = bench.board("--replay", path, "--mode", "serve", "-l", port)
    board.wait_text("listening")
    rows = [row.split() for row in open("/proc/net/tcp", encoding="ascii").readlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port]
    assert listening == [f"0100007F:{port:04X}"], listening


@test("--mode both: what goes over the line is in the board's file too")
def both(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp, 20011)
    line = bench.line("--baud", 3000000)
    out, own, summary = bench.tmp / "x.pb", bench.tmp / "own.pb", bench.tmp / "x.json"
    host = bench.record(line.host, out, "-b", 3000000)
    line.wait_open("host")
    board = bench.board("--replay", path, "-b", 3000000, "--mode", "both", "-o", own, "--summary-json", summary, line.board)
    assert board.wait(30) == 0
    line.drain()
    host.wait(30)
    for recording in (out, own):
        check_same_events(bench.events(recording), data, recording.name)
        check_books(bench.info(recording), json.loads(summary.read_text()))
        assert bench.info(recording)["complete"]


@test("unix: and captured bytes in a file or pipe are ports too")
def captured(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp, 5003)
    line = bench.line("--baud", 3000000)
    raw = bench.tmp / "raw"
    host = bench.record(line.host, bench.tmp / "x.pb", "-b", 3000000, "--raw", raw)
    line.wait_open("host")
    assert bench.board("--replay", path, "-b", 3000000, line.board).wait(30) == 0
    line.drain()
    assert host.wait(30) == 0
    content = raw.read_bytes()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(bench.tmp / "socket"))
    server.listen(1)

    def answer():
        connection, _ = server.accept()
        with connection:
            connection.sendall(content)
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    bench.hostdec("--port", f"unix:{bench.tmp}/socket", "-o", bench.tmp / "unix.pb", "--no-reconnect", code=None)
    check_same_events(bench.events(bench.tmp / "unix.pb"), data, "over a local socket")
    thread.join(10)
    bench.hostdec("--port", "-", "-o", bench.tmp / "stdin.pb", input=content)
    check_same_events(bench.events(bench.tmp / "stdin.pb"), data, "from standard input")
    bench.hostdec("--port", raw, "-o", bench.tmp / "file.pb")
    check_same_events(bench.events(bench.tmp / "file.pb"), data, "from a file")


@test("a second run replaces the first one's file")
def overwrite(bench):
    for events in (1009, 503):
        path, _ = TRACEPOINTS.unpack(bench.tmp, events)
        bench.run(BOARD, "--replay", path, "--mode", "log", "-o", bench.tmp / "x.pb")
        info = bench.info(bench.tmp / "x.pb")
        assert (info["events"], info["sessions"]) == (events, 1), info


@test("a second program on the same line is told so, on both ends, and disturbs nothing")
def one_program_a_line(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp, 20011)
    line = bench.line("--baud", 115200)
    host = bench.record(line.host, bench.tmp / "x.pb")
    line.wait_open("host")
    board = bench.board("--replay", path, line.board)
    board.wait_text("115200 baud")
    second = bench.run(HOSTDEC, "--port", line.host, "-o", bench.tmp / "y.pb", code=1)
    assert len(second.err.splitlines()) == 1 and f"in use by hostdec (pid {host.pid})" in second.err, second.err
    second = bench.run(BOARD, "--replay", path, line.board, code=1)
    assert len(second.err.splitlines()) == 1 and "another program" in second.err, second.err
    assert board.wait() == 0 and host.wait() == 0
    check_same_events(bench.events(bench.tmp / "x.pb"), data, "beside programs that were turned away")


main()
