# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whoever reaches the TCP port: clients that say anything, read little, come by the thousand; hosts that are served all the same."""
import json
import select
import socket
import threading
import time

from harness import free_port, main, test, wait_for
from recordings import TRACEPOINTS, check_books, check_same_events


class Crowd:
    """Connections that some thread does something with until the test is over."""

    def __init__(self, port):
        self.port, self.over, self.threads, self.sockets = port, threading.Event(), [], []

    def connect(self, timeout=10):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout)
        self.sockets.append(connection)
        return connection

    def start(self, work):
        thread = threading.Thread(target=work, daemon=True)
        self.threads.append(thread)
        thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(10)
        for connection in self.sockets:
            connection.close()

    def zeros(self):
        connection = self.connect()

        def work():
            while not self.over.is_set():
                try:
                    connection.send(bytes(65536))
                except OSError:
                    return
        self.start(work)

    def slow_reader(self):
        connection = self.connect()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

        def work():
            while not self.over.wait(1):
                try:
                    if select.select([connection], [], [], 0)[0] and not connection.recv(2048):
                        return
                except OSError:
                    return
        self.start(work)

    def come_and_go(self):
        def work():
            while not self.over.is_set():
                try:
                    socket.create_connection(("127.0.0.1", self.port), 1).close()
                except OSError:
                    pass
        self.start(work)


def serve(bench, times, *arguments):
    path, data = TRACEPOINTS.unpack_again(bench.tmp, times)
    port, summary = free_port(), bench.tmp / "x.json"
    board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "--mode", "serve", "-l", port,
                        "--summary-json", summary, *arguments)
    board.wait_text("listening")
    return board, port, data, summary


def whole(bench, board, host, out, data, summary):
    assert board.wait(120) == 0, board.err
    assert host.wait(30) == 0, host.err
    check_same_events(bench.events(out), data, "beside clients that are no hosts")
    check_books(bench.info(out), json.loads(summary.read_text()))


@test("clients that send zeros, read 2 KB a second or nothing, come and go: a good host gets every event, and the log stays short")
def crowd(bench):
    board, port, data, summary = serve(bench, 12, "--replay-rate", "realtime", "--spool-mem", "32M")
    out = bench.tmp / "x.pb"
    host = bench.record(f"tcp:127.0.0.1:{port}", out)
    wait_for("the recording", lambda: out.exists() and out.stat().st_size > 1000)
    with Crowd(port) as others:
        others.zeros()
        for _ in range(2):
            others.slow_reader()
        others.connect()
        others.come_and_go()
        whole(bench, board, host, out, data, summary)
    assert len(board.err) < 20000, f"{len(board.err)} bytes of messages"


@test("as fast as a good host takes it, beside one that reads 2 KB a second: the good one has all, and is not held up")
def pace(bench):
    board, port, data, summary = serve(bench, 20)
    out = bench.tmp / "x.pb"
    host = bench.record(f"tcp:127.0.0.1:{port}", out)
    wait_for("the recording", lambda: out.exists() and out.stat().st_size > 1000)
    with Crowd(port) as others:
        others.slow_reader()
        # At 2 KB a second this would take an hour.
        whole(bench, board, host, out, data, summary)


@test("eight clients that do nothing: a host is served all the same")
def idle(bench):
    board, port, data, summary = serve(bench, 1, "--link", "auto", "--replay-rate", "realtime")
    with Crowd(port) as others:
        for _ in range(8):
            others.connect()
        board.wait_text("(?s)(has connected.*){8}")
        out = bench.tmp / "x.pb"
        host = bench.record(f"tcp:127.0.0.1:{port}", out)
        wait_for("the recording", lambda: out.exists() and out.stat().st_size > 1000)
        assert board.wait(120) == 0 and host.wait(30) == 0
    assert bench.info(out)["complete"]


@test("eight hosts, and a ninth: it is told why it is not served, and served when one leaves")
def refused(bench):
    board, port, _, _ = serve(bench, 60, "--replay-rate", "realtime")
    address = f"tcp:127.0.0.1:{port}"
    hosts = [bench.record(address, bench.tmp / f"{i}.pb", name=f"host{i}") for i in range(8)]
    board.wait_text("(?s)(has connected.*){8}")
    wait_for("all to be served", lambda: all(path.exists() and path.stat().st_size > 500
                                               for path in (bench.tmp / f"{i}.pb" for i in range(8))))
    late = bench.run(*hosts[0].argv[:2], address, "-o", bench.tmp / "late.pb", "--no-reconnect", code=1)
    assert "turns us away: too many hosts" in late.err, late.err
    assert len(late.err.splitlines()) <= 2, late.err
    ninth = bench.record(address, bench.tmp / "9.pb", name="host9")
    ninth.wait_text("turns us away")
    hosts[3].stop()
    wait_for("the ninth to be served", lambda: (bench.tmp / "9.pb").exists() and (bench.tmp / "9.pb").stat().st_size > 2000)
    assert ninth.running() and all(host.running() for host in hosts[:3])


@test("listening on more than this machine warns")
def warns(bench):
    path, _ = TRACEPOINTS.unpack(bench.tmp, 100)
    for address, warned in (("127.0.0.1", False), ("0.0.0.0", True), ("[::]", True), ("[::1]", False)):
        board = bench.board("--replay", path, "--mode", "serve", "-l", f"{address}:{free_port()}",
                            name=f"board{address.strip('[]')}")
        board.wait_text("listening|cannot listen")
        if "cannot listen" in board.err:
            continue  # no IPv6 here
        assert ("warning: whoever reaches" in board.err) == warned, board.err


main()
