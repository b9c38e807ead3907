# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kernel messages: off the console, into the recording."""
import os
import signal
import uuid
from pathlib import Path

from harness import BOARD, as_nobody, main, need_root, skip, test, wait_for
from recordings import SMALL, TRACEPOINTS

ALONE = "sets the machine's console log level, and looks who else does"

LEVEL = Path("/proc/sys/kernel/printk")
KMSG = Path("/dev/kmsg")


def level():
    return int(LEVEL.read_text().split()[0])


def need_level():
    need_root()
    if not os.access(LEVEL, os.W_OK):
        skip(f"{LEVEL} cannot be written here")
    try:
        LEVEL.write_text(f"{level()}\n")
    except OSError as error:
        skip(f"{LEVEL} cannot be written here: {error.strerror}")


def need_kmsg():
    need_root()
    try:
        with open(KMSG, "rb", buffering=0) as log:
            os.set_blocking(log.fileno(), False)
            log.read(8192)
    except OSError as error:
        skip(f"{KMSG} cannot be read here: {error.strerror}")


def kernel_says(text):
    with open(KMSG, "wb", buffering=0) as log:
        log.write(f"{text}\n".encode())  # without a line end it waits for more


def said(bench, recording):
    return bench.hostdec("log", recording, "--json").json["records"]


def start_slow_replay(bench, *options, **spawn):
    """A board that takes a while: on a line at 115200 baud."""
    path, _ = TRACEPOINTS.unpack(bench.tmp)
    line = bench.line("--baud", 115200)
    record = bench.record(line.host, bench.tmp / "run.pb")
    line.wait_open("host")
    board = bench.board("--replay", path, "--names", TRACEPOINTS.names_path, *options, line.board, **spawn)
    return board, record


@test("--kmsg new: what the kernel says meanwhile is in the recording, with its time and priority")
def new_messages(bench):
    need_kmsg()
    before, meanwhile = f"ayaprof-test {uuid.uuid4()}", f"ayaprof-test \x1b[2J {uuid.uuid4()}"
    kernel_says(f"<6>{before}")
    board, record = start_slow_replay(bench, "--kmsg", "new")
    board.wait_text("^ayaprof-uart: line ", stream="err")
    wait_for("the daemon to open the log", lambda: any(
        os.readlink(fd) == str(KMSG) for fd in Path(f"/proc/{board.pid}/fd").iterdir()))
    kernel_says(f"<12>{meanwhile}")
    assert board.wait() == 0 and record.wait() == 0
    records = said(bench, bench.tmp / "run.pb")
    ours = [one for one in records if "ayaprof-test" in one["text"]]
    safe = meanwhile.replace("\x1b", "?")
    assert [one["text"] for one in ours] == [safe], ours
    assert (ours[0]["facility"], ours[0]["level"]) == (1, 4), ours
    text = bench.hostdec("log", bench.tmp / "run.pb").out
    assert safe in text and "\x1b" not in text
    assert f"[{ours[0]['t_us'] // 1000000:5}." in text
    info = bench.info(bench.tmp / "run.pb")
    assert info["kernel_messages"] == len(records) and info["lost"]["total"] == 0, info


@test("--kmsg all: what the kernel still has from before, too")
def old_messages(bench):
    need_kmsg()
    text = f"ayaprof-test {uuid.uuid4()}"
    kernel_says(text)
    path, _ = SMALL[0].unpack(bench.tmp)
    bench.run(BOARD, "--replay", path, "--mode", "log", "-o", bench.tmp / "run.pb", "--kmsg", "all")
    records = said(bench, bench.tmp / "run.pb")
    assert any(text == one["text"] for one in records)
    numbers = [one["seq"] for one in records]
    assert numbers == sorted(set(numbers))
    exported = bench.tmp / "run.json"
    bench.hostdec("export", bench.tmp / "run.pb", "-f", "json", "-o", exported)
    assert text in exported.read_text()


@test("a user who may not read the kernel's log is told so in one line")
def not_permitted(bench):
    need_root()
    if Path("/proc/sys/kernel/dmesg_restrict").read_text().strip() != "1":
        skip("every user may read the kernel's log here (kernel.dmesg_restrict is 0)")
    path, _ = SMALL[0].unpack(bench.tmp)
    for option in (["--kmsg", "new"], ["--quiet-console"]):
        result = bench.run(BOARD, "--replay", path, "--mode", "log", "-o", "/dev/null", *option, code=1,
                           **as_nobody())
        assert len(result.err.splitlines()) == 1 and "run as root" in result.err, result.err


@test("--quiet-console lowers the console log level and restores it, however the run ends")
def quiet(bench):
    need_level()
    found = level()
    if found <= 1:
        skip(f"the console log level is {found} already")
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            path, _ = TRACEPOINTS.unpack(bench.tmp)
            board = bench.board("--replay", path, "--replay-rate", "realtime", "--mode", "log", "-o",
                                bench.tmp / "x.pb", "--quiet-console", "-v", name=f"board{number}",
                                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
            wait_for("the level to fall", lambda: level() == 1)
            board.stop(number)
            assert level() == found, f"{level()} after {number}"
            assert f"console log level 1, was {found}" in board.err
            assert f"console log level {found} again" in board.err
        bench.run(BOARD, "--replay", "/nonexistent", "--mode", "log", "-o", bench.tmp / "y.pb",
                  "--quiet-console", code=1)
        assert level() == found
    finally:
        LEVEL.write_text(f"{found}\n")


main()
