# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two signals end the board's program in every state, and no state of waiting burns a CPU."""
import os
import pty
import signal
import socket
import subprocess
import time

from harness import BOARD, free_port, main, test, wait_for
from recordings import TRACEPOINTS

SECONDS = 40

TICKS = os.sysconf("SC_CLK_TCK")
LOOK_S = 1.5


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def check_idle(process, state):
    """It waits, and does not ask again and again whether it still has to."""
    before, start = cpu_seconds(process.pid), time.monotonic()
    time.sleep(LOOK_S)
    passed = time.monotonic() - start
    used = cpu_seconds(process.pid) - before
    assert used < passed / 4, f"{state}: {used:.2f} s of CPU in {passed:.2f} s"


def check_ends(process, state, signals=2):
    """So many signals end it. A second is what is promised; a busy machine may take longer."""
    for _ in range(signals):
        if process.running():
            process.popen.send_signal(signal.SIGINT)
            time.sleep(0.2)
    start = time.monotonic()
    process.wait(15)
    assert time.monotonic() - start < 5, f"{state}: took {time.monotonic() - start:.1f} s"


def settled(board):
    """It has done what can be done at once."""
    last = [-1.0, 0]

    def look():
        used = cpu_seconds(board.pid)
        last[1] = last[1] + 1 if used == last[0] else 0
        last[0] = used
        return last[1] > 30
    wait_for("the board to wait", look, 60)


def replay(bench, *arguments, times=3, **options):
    path, _ = TRACEPOINTS.unpack_again(bench.tmp, times)
    return bench.board("--replay", path, "--names", TRACEPOINTS.names_path, *arguments, **options)


@test("a line that nobody reads, the spool full: the replay waits without a CPU; two signals end it")
def unread_line(bench):
    for number, link in enumerate(("auto", "oneway", "reliable")):
        for spool in ("64K", "4M"):
            master, slave = pty.openpty()
            board = replay(bench, "--link", link, "--spool-mem", spool, os.ttyname(slave), name=f"b{number}{spool}")
            board.wait_text("115200 baud")
            settled(board)
            check_idle(board, f"{link}, {spool}, the line stands")
            board.popen.send_signal(signal.SIGINT)
            if spool == "64K":
                settled(board)
                assert board.running(), "the first signal asks for the rest to be sent"
                check_idle(board, f"{link}, {spool}, draining")
                board.popen.send_signal(signal.SIGINT)
            check_ends(board, f"{link}, {spool}, draining", 0)
            assert board.wait() == 0 and "dropped" in board.err, board.err
            os.close(master)
            os.close(slave)


@test("a TCP client that never reads, or none: waits without a CPU; two signals end it")
def unread_connection(bench):
    for number, connect in enumerate((True, False)):
        port = free_port()
        board = replay(bench, "--mode", "serve", "-l", port, "--spool-mem", "64K", times=60, name=f"board{number}")
        board.wait_text("listening")
        client = socket.create_connection(("127.0.0.1", port)) if connect else None
        settled(board)
        check_idle(board, "a client that does not read")
        check_ends(board, "a client that does not read")
        if client:
            client.close()


@test("a disk that is full: waits without a CPU; two signals end it")
def full_disk(bench):
    board = replay(bench, "--mode", "log", "-o", "/dev/full", "--spool-mem", "64K")
    board.wait_text("No space left")
    settled(board)
    check_idle(board, "a full disk")
    check_ends(board, "a full disk")


@test("a FIFO that nobody opens or reads as the output: two signals end it")
def fifo(bench):
    for number, reader in enumerate((False, True)):
        path = bench.tmp / f"fifo{number}"
        os.mkfifo(path)
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if reader else None
        board = replay(bench, "--mode", "log", "-o", path, name=f"board{number}")
        wait_for("the board to run", lambda: not board.running() or cpu_seconds(board.pid) >= 0)
        time.sleep(0.5)
        check_ends(board, "a FIFO")
        if fd is not None:
            os.close(fd)


@test("nobody reads stderr: the board goes on, and ends")
def unread_stderr(bench):
    path, _ = TRACEPOINTS.unpack(bench.tmp, 2000)
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    while True:
        try:
            os.write(write_end, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(write_end, True)
    board = subprocess.Popen([BOARD, "--replay", path, "--mode", "log", "-o", bench.tmp / "x.pb", "-v"],
                             stderr=write_end, stdin=subprocess.DEVNULL)
    try:
        assert board.wait(30) == 0
    finally:
        board.kill()
        os.close(read_end)
        os.close(write_end)
    assert bench.info(bench.tmp / "x.pb")["events"] == 2000


@test("a line that went away: waits without a CPU; two signals end it")
def line_gone(bench):
    line = bench.line("--baud", 115200, "--at-byte", "3000:unplug board")
    board = replay(bench, "--spool-mem", "64K", line.board)
    board.wait_text("went away", stream="err")
    settled(board)
    check_idle(board, "the line is gone")
    check_ends(board, "the line is gone")


@test("a goodbye that nobody acknowledges: waits without a CPU; a signal ends it")
def goodbye(bench):
    path, _ = TRACEPOINTS.unpack(bench.tmp, 200)
    line = bench.line("--baud", 921600)
    board = bench.board("--replay", path, "-b", 921600, "--link", "reliable", line.board)
    settled(board)
    check_idle(board, "nobody acknowledges")
    check_ends(board, "nobody acknowledges")


@test("hostdec, while it waits for a connection that nobody takes: a signal ends it")
def host_connects(bench):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        host = bench.record(f"tcp:127.0.0.1:{server.getsockname()[1]}", bench.tmp / "x.pb")
        connection, _ = server.accept()
        connection.send(b"text\n")
        fillers = []
        for _ in range(4):  # until the queue is full, and the kernel lets newcomers wait
            fillers.append(socket.socket())
            fillers[-1].setblocking(False)
            fillers[-1].connect_ex(server.getsockname())
        connection.close()
        host.wait_text("is gone", stream="err")
        settled(host)
        start = time.monotonic()
        host.popen.send_signal(signal.SIGINT)
        time.sleep(0.2)
        if host.running():
            host.popen.send_signal(signal.SIGINT)
        host.wait(15)
        assert time.monotonic() - start < 3, f"{time.monotonic() - start:.1f} s"
        for filler in fillers:
            filler.close()


main()
