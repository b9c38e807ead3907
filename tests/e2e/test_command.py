# SPDX-License-Identifier: MIT OR Apache-2.0
"""The profiled command: runs as without the profiler, gets signals as from a terminal, and how it ended is known."""
import json
import os
import pty
import signal
import time

from harness import BOARD, HOSTDEC, PYTHON, WORKLOAD, main, need_bpf, test, wait_for

# Quick to attach, and silent.
PROBE = ("--mode", "log", "-M", "none", "-p", "t:syscalls:sys_enter_getppid")
# A command with a child, and a grandchild that has no parent any more; each says which signals it has when it wakes. On a
# busy machine what a terminal sends when its job has ended, SIGHUP, is one of them.
FAMILY = """
import os, signal, sys
asked = {signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP}
signal.pthread_sigmask(signal.SIG_BLOCK, asked)
name = "command"
if os.fork() == 0:
    name = "child"
    if os.fork() == 0:
        name = "grandchild"
        if os.fork() == 0:
            name = "orphan"
        else:
            os._exit(0)
open(f"{sys.argv[1]}/{name}.ready", "w").close()
first = signal.sigwait(asked)
with open(f"{sys.argv[1]}/{name}.part", "w") as out:
    out.write(" ".join(one.name for one in {first} | signal.sigpending() & asked))
os.rename(f"{sys.argv[1]}/{name}.part", f"{sys.argv[1]}/{name}")
os._exit(128 + first)
"""



def profiled(bench, *command, name="board", summary=None, **options):
    return bench.board(*PROBE, "-o", bench.tmp / f"{name}.pb", *(("--summary-json", summary) if summary else ()),
                       "--", *command, name=name, **options)


def check_family(bench, directory, number, who=("command", "child", "orphan")):
    for name in who:
        wait_for(f"{name} to get {number.name}", lambda name=name: (directory / name).exists() and
                 number.name in (directory / name).read_text().split())


def family(bench, name):
    directory = bench.tmp / name
    directory.mkdir()
    return directory, (PYTHON, "-c", FAMILY, directory)


def wait_family(directory):
    for name in ("command", "child", "orphan"):
        wait_for(f"{name} to be there", lambda name=name: (directory / f"{name}.ready").exists())


@test("a signal reaches the command, its children and orphans; the status is the command's")
def signals(bench):
    need_bpf()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        directory, command = family(bench, number.name)
        summary = bench.tmp / f"{number.name}.json"
        board = profiled(bench, *command, name=f"board-{number.name}", summary=summary)
        wait_family(directory)
        assert board.stop(number) == 128 + number
        check_family(bench, directory, number)
        assert json.loads(summary.read_text())["command"]["exit_status"] == 128 + number
        assert bench.info(bench.tmp / f"board-{number.name}.pb")["complete"]


@test("below a script, which shares its group: the command has one of its own, the script gets nothing")
def in_a_script(bench):
    need_bpf()
    directory, command = family(bench, "family")
    words = [BOARD, *PROBE, "-o", bench.tmp / "x.pb", "--", *command]
    script = ("import subprocess, sys\n"
              "board = subprocess.Popen(sys.argv[2:])\n"
              "open(sys.argv[1], 'w').write(str(board.pid))\n"
              "print('status', board.wait())\n")
    pid = bench.tmp / "pid"
    outer = bench.spawn("script", [PYTHON, "-c", script, pid, *words])
    wait_family(directory)
    os.kill(int(pid.read_text()), signal.SIGINT)
    check_family(bench, directory, signal.SIGINT)
    assert outer.wait() == 0 and "status 130" in outer.out


def on_terminal(bench, command, typed, ready, name):
    """Run as the job of a terminal, type something when it is ready. The status and what was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(str(command[0]), [str(word) for word in command])
    shown, end = b"", time.monotonic() + 60
    try:
        wait_for(f"{name} to be ready", ready)
        os.write(terminal, typed)
        while time.monotonic() < end:
            try:
                more = os.read(terminal, 4096)
            except OSError:  # all have closed it
                break
            if not more:
                break
            shown += more
    finally:
        done, status = os.waitpid(pid, os.WNOHANG)
        while not done and time.monotonic() < end:
            time.sleep(0.01)
            done, status = os.waitpid(pid, os.WNOHANG)
        if not done:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(terminal)
    bench.note(shown.decode(errors="replace"))
    assert done, f"{name}: still runs"
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")


@test("Ctrl-C on a terminal, as a job of its own or in a script: everybody gets it, and the daemon says goodbye")
def terminal(bench):
    need_bpf()
    for name, shell in (("job", ()), ("script", (PYTHON, "-c", "import signal, subprocess, sys\n"
                                                "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
                                                "sys.exit(subprocess.call(sys.argv[1:], preexec_fn=lambda: "
                                                "signal.signal(signal.SIGINT, signal.SIG_DFL)))"))):
        directory, command = family(bench, name)
        out = bench.tmp / f"{name}.pb"
        words = (*shell, BOARD, *PROBE, "-o", out, "--", *command)
        status, _ = on_terminal(bench, words, b"\x03", lambda d=directory: all(
            (d / f"{who}.ready").exists() for who in ("command", "child", "orphan")), name)
        check_family(bench, directory, signal.SIGINT)
        assert status == 130, f"{name}: {status}"
        assert bench.info(out)["complete"]


@test("the command reads what is typed")
def reads_terminal(bench):
    need_bpf()
    ready = bench.tmp / "ready"
    status, shown = on_terminal(bench, (BOARD, *PROBE, "-o", bench.tmp / "x.pb", "--", "/bin/sh", "-c",
                                        f"stty -echo; : >{ready}; read line; echo \"got $line\"; exit 7"),
                                b"words\n", ready.exists, "reader")
    assert "got words" in shown and status == 7


@test("a command that ignores SIGINT is left running, said; the daemon ends with its goodbye and 0")
def ignores(bench):
    need_bpf()
    ready, summary = bench.tmp / "ready", bench.tmp / "x.json"
    board = profiled(bench, PYTHON, "-c", "import os, signal, sys, time\n"
                     "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
                     "open(sys.argv[1], 'w').write(str(os.getpid()))\ntime.sleep(600)", ready, summary=summary)
    pid = int(wait_for("the command", lambda: ready.exists() and ready.read_text()))
    try:
        assert board.stop() == 0
        assert f"still running (pid {pid})" in board.err
        assert bench.info(bench.tmp / "board.pb")["session_list"][0]["exit_status"] is None
        assert json.loads(summary.read_text())["command"] == {"running": True}
        assert bench.info(bench.tmp / "board.pb")["complete"]
        os.kill(pid, 0)
    finally:
        os.kill(pid, signal.SIGKILL)


@test("a stopped command does not hold the daemon, and a second signal ends it at once")
def stopped(bench):
    need_bpf()
    board = profiled(bench, "/bin/sh", "-c", "echo $$; kill -STOP $$")
    pid = int(wait_for("the command's number", lambda: board.out.strip()))
    wait_for("it to stop", lambda: open(f"/proc/{pid}/stat").read().rsplit(")")[1].split()[0] == "T")
    try:
        board.popen.send_signal(signal.SIGINT)
        assert board.stop() == 0
        assert "still running" in board.err
    finally:
        os.kill(pid, signal.SIGKILL)


@test("how it ended is said, in the summary, and the daemon's own status; success is not worth a word")
def statuses(bench):
    need_bpf()
    for script, status, said, expected in (
            ("exit 0", 0, None, {"exit_status": 0}),
            ("exit 3", 3, "exited with status 3", {"exit_status": 3}),
            ("kill -SEGV $$", 139, "ended by SIGSEGV", {"exit_status": 139, "signal": "SIGSEGV"}),
            ("kill -TERM $$", 143, "ended by SIGTERM", {"exit_status": 143, "signal": "SIGTERM"})):
        out, summary = bench.tmp / "x.pb", bench.tmp / "x.json"
        result = bench.run(BOARD, *PROBE, "-o", out, "--summary-json", summary, "--", "/bin/sh", "-c", script, code=status)
        assert json.loads(summary.read_text())["command"] == expected
        assert (said in result.err) if said else "the command" not in result.err, result.err
        assert bench.info(out)["session_list"][0]["exit_status"] == status
        assert (f"exit status was {status}" in bench.run(HOSTDEC, "info", out).out) == (status != 0)
    # But not when the profiler itself has failed.
    bench.run(BOARD, *PROBE, "-o", "/dev/full", "--", "/bin/sh", "-c", "exit 3", code=1, timeout=120)


@test("the command finds its signals as they were")
def dispositions(bench):
    need_bpf()
    show = "grep -E '^Sig(Blk|Ign)' /proc/self/status"
    plain = bench.run("/bin/sh", "-c", show).out
    assert plain == bench.run(BOARD, *PROBE, "-o", bench.tmp / "x.pb", "--", "/bin/sh", "-c", show).out


@test("what cannot run is known before anything is written: exit 1, the old recording stays")
def cannot_run(bench):
    need_bpf()
    out = bench.tmp / "x.pb"
    bench.run(BOARD, *PROBE, "-o", out, "--", WORKLOAD, "getppid", 5)
    before = out.read_bytes()
    script, directory = bench.tmp / "script", bench.tmp / "directory"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    directory.mkdir()
    plain = bench.tmp / "plain"
    plain.write_text("text\n")
    for command, reason in (("/no/such/command", "No such file"), ("no-such-command", "No such file"),
                            (plain, "Permission denied"), (directory, "directory"), (script, "No such file")):
        told = bench.run(BOARD, *PROBE, "-o", out, "--", command, code=1).err
        assert "cannot run" in told and reason in told, told
        assert out.read_bytes() == before, f"{command} has emptied the recording"


@test("signals that end a program end the daemon with its goodbye")
def endings(bench):
    need_bpf()
    names = ("HUP", "QUIT", "ALRM", "XCPU", "VTALRM", "PROF", "USR1", "USR2", "POLL", "PWR", "RTMIN")
    for name in names:
        number = getattr(signal, f"SIG{name}")
        board = bench.board(*PROBE, "-o", bench.tmp / f"{name}.pb", "-d", 600, name=f"board-{name}")
        board.wait_text("recording to", stream="err")
        assert board.stop(number) == 0, f"SIG{name}"
        info = bench.info(bench.tmp / f"{name}.pb")
        assert info["complete"] and info["sessions"] == 1, f"SIG{name}: {info}"
        assert name == "RTMIN" or f"SIG{name}" in board.err, board.err
    board = bench.board(*PROBE, "-o", bench.tmp / "nohup.pb", "-d", 2, name="nohup",
                        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    board.wait_text("recording to", stream="err")
    board.popen.send_signal(signal.SIGHUP)
    assert board.wait() == 0 and "SIGHUP" not in board.err


main()
