# SPDX-License-Identifier: MIT OR Apache-2.0
"""The recorder among outputs that block, lines that come late or die, and users in a hurry: port first, nothing lost in silence."""
import fcntl
import os
import pty
import re
import resource
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

from harness import HOSTDEC, free_port, main, need_root, open_tty, skip, test, wait_for
from recordings import TRACEPOINTS, check_same_events

SECONDS = 50

FAST = 3000000


def replay(bench, line, n=20011, **options):
    path, data = TRACEPOINTS.unpack(bench.tmp, n)
    board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, "-b", FAST, line.board, **options)
    return board, data


def text_before(line, size):
    """Console text on the board's end of the line."""
    text = b"".join(b"[%6d] a line of the console\n" % n for n in range(size // 31 + 1))[:size - 1] + b"\n"
    with open_tty(line.board) as tty:
        left = text
        while left:
            left = left[tty.write(left):]
        line.drain()
    return text


def record_into(bench, line, stdout, *options, **more):
    """A recorder whose standard output is what `stdout` says to a shell."""
    command = " ".join(str(word) for word in (HOSTDEC, "--port", line.host, "-b", FAST, "-o", bench.tmp / "x.pb", *options))
    host = bench.spawn("hostdec", ["/bin/sh", "-c", f"exec {command} {stdout}"], **more)
    line.wait_open("host")
    return host


def sleeping_reader(bench):
    """A named pipe, and the end of it that nobody reads from."""
    pipe = bench.tmp / "pipe"
    os.mkfifo(pipe)
    return pipe, os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)


def two_signals(host, limit=1.0):
    """It is alive; two signals end it, within a second."""
    assert host.running(), host.err
    host.popen.send_signal(signal.SIGINT)
    time.sleep(0.05)
    begun = time.monotonic()
    if host.running():
        host.popen.send_signal(signal.SIGINT)
    host.popen.wait(20)
    took = time.monotonic() - begun
    assert took < limit, f"it took {took:.1f} s to end"


@test("--console - into a pipe that nobody reads: everything is recorded, what the pipe did not take is counted")
def console_blocks(bench):
    line = bench.line("--baud", FAST)
    pipe, reader = sleeping_reader(bench)
    host = record_into(bench, line, f">{pipe}", "--console", "-")
    text_before(line, 300000)
    board, data = replay(bench, line)
    assert board.wait(60) == 0
    line.drain()
    assert host.wait(30) == 0
    os.close(reader)
    check_same_events(bench.events(bench.tmp / "x.pb"), data, "beside a console that blocks")
    info = bench.info(bench.tmp / "x.pb")
    assert info["complete"] and info["console_bytes"] == 300000 and info["lost"]["total"] == 0
    assert "stdout did not take" in host.err, host.err


@test("a terminal stopped by Ctrl-S: recording goes on, messages and all; two signals end it within a second")
def terminal_stopped(bench):
    line = bench.line("--baud", FAST)
    master, slave = pty.openpty()
    out = bench.tmp / "x.pb"
    termios.tcflow(slave, termios.TCOOFF)
    host = subprocess.Popen([HOSTDEC, "--port", line.host, "-b", str(FAST), "-o", out, "--console", "-", "--follow"],
                            stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    try:
        line.wait_open("host")
        text_before(line, 50000)
        board, data = replay(bench, line)
        assert board.wait(60) == 0
        wait_for("the events", lambda: out.exists() and bench.info(out)["events"] == 20011)
        host.send_signal(signal.SIGTERM)
        time.sleep(0.05)
        host.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        host.wait(20)
        assert time.monotonic() - begun < 1, "it did not end within a second"
    finally:
        host.kill()
        host.wait()
        os.close(master)
        os.close(slave)
    check_same_events(bench.events(out), data, "behind a terminal that is stopped")


@test("-o into a pipe whose reader sleeps: the port is read on, two signals end it within a second")
def recording_blocks(bench):
    line = bench.line("--baud", FAST)
    pipe, reader = sleeping_reader(bench)
    raw = bench.tmp / "raw"
    host = bench.record(line.host, pipe, "-b", FAST, "--raw", raw, "--follow")
    line.wait_open("host")
    path, _ = TRACEPOINTS.unpack_again(bench.tmp, 5)
    board = bench.board("--replay", path, "-b", FAST, line.board)
    assert board.wait(120) == 0
    line.drain()
    wait_for("all bytes of the line", lambda: raw.stat().st_size > 200000)
    two_signals(host)
    os.close(reader)
    assert os.path.exists(pipe)


@test("a stdout that another program has made non-blocking is not the end of the console")
def not_blocking(bench):
    line = bench.line("--baud", FAST)
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETFL, fcntl.fcntl(write_end, fcntl.F_GETFL) | os.O_NONBLOCK)
    got = []

    def read_slowly():
        while chunk := os.read(read_end, 4096):
            got.append(chunk)
            time.sleep(0.002)
    thread = threading.Thread(target=read_slowly, daemon=True)
    host = record_into(bench, line, f">&{write_end}", "--console", "-", pass_fds=(write_end,))
    os.close(write_end)
    text = text_before(line, 200000)
    thread.start()
    board, _ = replay(bench, line, 503)
    assert board.wait(60) == 0 and host.wait(60) == 0
    thread.join(30)
    os.close(read_end)
    assert b"".join(got) == text and "cannot write" not in host.err, host.err


@test("a recording that is removed or replaced is noticed within seconds, and so is its console file")
def removed(bench):
    line = bench.line("--baud", FAST)
    out, console = bench.tmp / "x.pb", bench.tmp / "console"
    host = bench.record(line.host, out, "-b", FAST, "--console", console)
    line.wait_open("host")
    wait_for("both", lambda: out.exists() and console.exists())
    console.unlink()
    host.wait_text(r"console: it was removed.*goes on without", stream="err")
    out.rename(bench.tmp / "elsewhere")
    assert host.wait(10) == 1
    assert "x.pb: it was removed or replaced" in host.err, host.err


@test("a terminal that is closed (SIGHUP): the recording has its end, the control socket is gone")
def hangup(bench):
    line = bench.line("--baud", FAST)
    runtime = bench.tmp / "runtime"
    runtime.mkdir()
    host = bench.record(line.host, bench.tmp / "x.pb", "-b", FAST, "--follow", env=dict(os.environ, XDG_RUNTIME_DIR=str(runtime)))
    line.wait_open("host")
    board, data = replay(bench, line)
    assert board.wait(60) == 0
    assert host.stop(signal.SIGHUP) == 0
    assert bench.info(bench.tmp / "x.pb")["complete"] and not list((runtime / "hostdec").iterdir())
    check_same_events(bench.events(bench.tmp / "x.pb"), data, "until the terminal was closed")


@test("a limit on the size of files: said, exit 1, the recording reads up to there")
def size_limit(bench):
    line = bench.line("--baud", FAST)
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", FAST,
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)))
    line.wait_open("host")
    replay(bench, line)
    assert host.wait(60) == 1 and "File too large" in host.err and "readable up to here" in host.err, host.err
    info = bench.info(out)
    assert 0 < info["events"] < 20011 and info["file_damaged"] == 0


@test("sockets of recorders that were killed are removed by the next one")
def killed(bench):
    runtime = bench.tmp / "runtime"
    runtime.mkdir()
    environment = dict(os.environ, XDG_RUNTIME_DIR=str(runtime))
    for name in ("first", "second"):
        line = bench.line("--baud", FAST, name=name)
        host = bench.record(line.host, bench.tmp / f"{name}.pb", "-b", FAST, name=f"{name}-host", env=environment)
        wait_for("its socket", lambda host=host: (runtime / "hostdec" / str(host.pid)).exists())
        if name == "first":
            host.kill()
            assert len(list((runtime / "hostdec").iterdir())) == 1
    assert [path.name for path in (runtime / "hostdec").iterdir()] == [str(host.pid)]


@test("hostdec ctl --port: another name of the same device is the same line")
def same_port(bench):
    line = bench.line("--baud", FAST)
    environment = dict(os.environ, XDG_RUNTIME_DIR=str(bench.tmp))
    bench.record(line.host, bench.tmp / "x.pb", "-b", FAST, "--follow", env=environment)
    line.wait_open("host")
    replay(bench, line)
    other = bench.tmp / "by-id"
    other.symlink_to(line.host)
    for name in (other, os.path.realpath(line.host), os.path.relpath(line.host)):
        wait_for("an answer", lambda name=name: "no hostdec" not in bench.run(
            HOSTDEC, "ctl", "--port", name, "status", code=None, env=environment).err)
    err = bench.run(HOSTDEC, "ctl", "--port", "/dev/null", "status", code=1, env=environment).err
    assert "no hostdec is recording" in err, err


@test("a port that another program has, by lock file or open, is said to be that program's")
def port_of_another(bench):
    line = bench.line("--baud", FAST)
    first = bench.record(line.host, bench.tmp / "x.pb", "-b", FAST)
    line.wait_open("host")
    second = bench.run(HOSTDEC, "--port", line.host, "-b", FAST, "-o", bench.tmp / "y.pb", code=1)
    assert f"in use by hostdec (pid {first.pid}): end that first" in second.err, second.err
    assert len(second.err.splitlines()) == 1 and not (bench.tmp / "y.pb").exists()
    first.stop()
    terminal = bench.spawn("sleep", ["sleep", 60])
    name = os.path.realpath(line.host).removeprefix("/dev/").replace("/", "_")
    lock = bench.tmp / f"LCK..{name}"
    lock.write_text(f"{terminal.pid:10d}\n", encoding="ascii")
    env = dict(os.environ, AYAPROF_LOCK_DIR=str(bench.tmp))
    third = bench.run(HOSTDEC, "--port", line.host, "-b", FAST, "-o", bench.tmp / "y.pb", code=1, env=env)
    assert f"in use by sleep (pid {terminal.pid})" in third.err and lock.exists(), third.err
    terminal.kill()
    terminal.popen.wait()
    host = bench.record(line.host, bench.tmp / "y.pb", "-b", FAST, env=env)
    wait_for("its lock file", lambda: lock.exists() and lock.read_text(encoding="ascii") == f"{host.pid:10d}\n")
    host.stop()
    assert not lock.exists(), "the lock file was left behind"


@test("start either side first: a TCP port that does not listen yet, a device that is not plugged in")
def desk_first(bench):
    path, data = TRACEPOINTS.unpack(bench.tmp, 5003)
    port, out = free_port(), bench.tmp / "tcp.pb"
    host = bench.record(f"tcp:127.0.0.1:{port}", out, name="tcp")
    host.wait_text("waiting for it", stream="err")
    board = bench.board("--replay", path, "--mode", "serve", "-l", port)
    assert board.wait(60) == 0 and host.wait(60) == 0
    check_same_events(bench.events(out), data, "from a board that came later")
    out = bench.tmp / "tty.pb"
    host = bench.record(bench.tmp / "late-host", out, "-b", FAST, name="tty")
    host.wait_text("waiting for it", stream="err")
    line = bench.line("--baud", FAST, name="late")
    line.wait_open("host")
    assert bench.board("--replay", path, "-b", FAST, line.board).wait(60) == 0
    assert host.wait(60) == 0
    check_same_events(bench.events(out), data, "from a line that came later")
    for name in (f"tcp:127.0.0.1:{free_port()}", "/dev/no-such-line"):
        told = bench.hostdec("--port", name, "-o", bench.tmp / "no.pb", "--no-reconnect", code=1).err
        assert len(told.splitlines()) == 1, told
    assert not (bench.tmp / "no.pb").exists()


@test("a server that closes at once: its banner is shown once, the pauses grow, stderr stays short")
def closes_at_once(bench):
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(8)
    connections = []

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connections.append(time.monotonic())
            connection.sendall(b"SSH-2.0-a board\x1b[1m of another kind\r\n")
            connection.close()
    threading.Thread(target=serve, daemon=True).start()
    host = bench.record(f"tcp:127.0.0.1:{server.getsockname()[1]}", bench.tmp / "x.pb")
    time.sleep(6)
    host.stop()
    server.close()
    assert host.err.count("SSH-2.0-a board?[1m of another kind") == 1, host.err
    assert len(host.err.splitlines()) <= 5 and 3 <= len(connections) <= 7, (host.err, connections)


def in_net(pid, *command):
    return subprocess.run(["nsenter", "-t", str(pid), "-n", *command], check=True)


@test("a board behind TCP that loses its power is noticed within 15 s, also by who only listens")
def power_loss(bench):
    need_root()
    if subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], stderr=subprocess.DEVNULL).returncode:
        skip("no network namespaces here")
    script = ("import socket,time; s=socket.socket(); s.bind(('127.0.0.1',5555)); s.listen(9); "
              "held=[]\nwhile True: held.append(s.accept())")
    server = bench.spawn("server", ["unshare", "-n", "sh", "-c", f'ip link set lo up; exec python3 -c "{script}"'])
    wait_for("the server", lambda: ":15B3 " in open(f"/proc/{server.pid}/net/tcp", encoding="ascii").read())
    hosts = [bench.spawn(f"host{n}", ["nsenter", "-t", server.pid, "-n", HOSTDEC, "--port", "tcp:127.0.0.1:5555", "-o",
                                      bench.tmp / f"{n}.pb", *options]) for n, options in enumerate(((), ("--listen-only",)))]
    wait_for("connections", lambda: open(f"/proc/{server.pid}/net/tcp", encoding="ascii").read().count(" 01 ") >= 4)
    time.sleep(1.5)
    in_net(server.pid, "ip", "link", "set", "lo", "down")
    for host in hosts:
        host.wait_text("is gone", 20, stream="err")


@test("--append: console and raw files go on, too; a finished recording waits for the next board; a kill leaves no scar")
def append(bench):
    line = bench.line("--baud", FAST)
    out, console, raw = (bench.tmp / name for name in ("x.pb", "console", "raw"))
    options = ("-b", FAST, "--console", console, "--raw", raw, "--append")
    host = bench.record(line.host, out, *options, name="first")
    line.wait_open("host")
    first = text_before(line, 3000)
    board, _ = replay(bench, line, 503)
    assert board.wait(60) == 0 and host.wait(60) == 0
    size = raw.stat().st_size
    assert console.read_bytes() == first and size > 3000
    # The recording is finished: nothing of it ends the next run.
    host = bench.record(line.host, out, *options, name="second")
    line.wait_open("host", 2)
    time.sleep(2)
    assert host.running(), host.err
    second = text_before(line, 2000)
    board, _ = replay(bench, line, 1009, name="board2")
    wait_for("frames", lambda: bench.info(out)["events"] > 503)
    host.kill()
    board.kill()
    line.command("drain")
    host = bench.record(line.host, out, *options, name="third")
    line.wait_open("host", 3)
    board, _ = replay(bench, line, 503, name="board3")
    assert board.wait(60) == 0 and host.wait(60) == 0
    assert console.read_bytes().startswith(first + second) and raw.stat().st_size > size + 2000
    info = bench.info(out)
    assert info["complete"] and info["sessions"] == 3 and info["file_damaged"] == 0, info


@test("console and raw files that are there keep what they have until a first frame comes")
def sides_wait(bench):
    line = bench.line("--baud", FAST)
    out, console, raw = (bench.tmp / name for name in ("x.pb", "console", "raw"))
    console.write_text("old words")
    raw.write_text("old bytes")
    host = bench.record(line.host, out, "-b", FAST, "--console", console, "--raw", raw)
    line.wait_open("host")
    text = text_before(line, 2000)
    time.sleep(0.5)
    assert console.read_text() == "old words" and raw.read_text() == "old bytes"
    board, _ = replay(bench, line, 503)
    assert board.wait(60) == 0 and host.wait(60) == 0
    assert console.read_bytes() == text and raw.read_bytes().startswith(text)


@test("two names of one output that is not there yet are one file")
def same_output(bench):
    told = bench.hostdec("--port", "/dev/null", "-o", "x.pb", "--console", "c", "--raw", "./c", code=2, cwd=bench.tmp).err
    assert "same file" in told and not (bench.tmp / "c").exists(), told


def record_on_terminal(bench, line, baud):
    """A recorder with stderr on a terminal: its process, the terminal, and the chunks that it has shown."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    host = subprocess.Popen([HOSTDEC, "--port", line.host, "-b", str(baud), "-o", bench.tmp / "x.pb"],
                            stdin=subprocess.DEVNULL, stderr=slave, env=dict(os.environ, LANG="C"))
    shown = []

    def read():
        try:
            while chunk := os.read(master, 4096):
                shown.append(chunk)
        except OSError:
            pass
    threading.Thread(target=read, daemon=True).start()
    return host, slave, shown


@test("what still waits on the board is shown as such, not as lost, while a slow line drains")
def backlog(bench):
    line = bench.line("--baud", 57600)
    host, _, shown = record_on_terminal(bench, line, 57600)
    try:
        line.wait_open("host")
        path, _ = TRACEPOINTS.unpack_again(bench.tmp, 1)
        board = bench.board("--replay", path, "-b", 57600, line.board)
        assert board.wait(60) == 0
        line.drain()
        host.send_signal(signal.SIGINT)
        assert host.wait(10) == 0
    finally:
        host.kill()
    lines = b"".join(shown).decode().split("\r\x1b[K")
    waiting = [int(found[1]) for found in map(re.compile(r"(\d+) on their way").search, lines) if found]
    lost = [int(found[1]) for found in map(re.compile(r"(\d+) lost").search, lines) if found]
    bench.note(f"waiting {waiting}, lost {lost}")
    assert len(lost) > 3 and not any(lost), lost
    assert len(waiting) > 1 and max(waiting) > 10000, waiting
    assert bench.info(bench.tmp / "x.pb")["lost"]["total"] == 0


@test("the live line fits the terminal, whatever its width, and stays ASCII")
def live_line(bench):
    line = bench.line("--baud", FAST)
    host, slave, shown = record_on_terminal(bench, line, FAST)
    try:
        line.wait_open("host")
        path, _ = TRACEPOINTS.unpack_again(bench.tmp, 20)
        bench.board("--replay", path, "-b", FAST, "--spool-mem", "64K", line.board)
        for columns in (80, 40, 20, 132, 8):
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            del shown[:]
            wait_for("two lines", lambda: b"".join(shown).count(b"\r\x1b[K") > 2)
            for part in b"".join(shown).split(b"\r\x1b[K")[2:]:
                assert len(part) < columns and part.isascii(), (columns, part)
                assert columns < 20 or b"lost" in part, (columns, part)
    finally:
        host.kill()
        host.wait()
        os.close(slave)


main()
