# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the daemon changes on the system is put back, even when it is killed without a chance to do it itself."""
import os
import signal
from pathlib import Path

from harness import BOARD, main, need_bpf, need_root, skip, test, wait_for

ALONE = "sets the machine's console log level and the pace of its grace periods, and looks who else does"

PRINTK, EXPEDITED = Path("/proc/sys/kernel/printk"), Path("/sys/kernel/rcu_expedited")


def level():
    return int(PRINTK.read_text().split()[0])


def kill_hard(board):
    board.popen.send_signal(signal.SIGKILL)
    assert board.wait() == -signal.SIGKILL


@test("a killed daemon's --quiet-console is undone; a level that somebody else has set meanwhile stays")
def console(bench):
    need_root()
    need_bpf()
    before = level()
    if before <= 1:
        skip(f"the console log level is {before}: nothing to lower")
    try:
        for number, meanwhile in enumerate((None, before + 1)):
            board = bench.board("--mode", "log", "-o", bench.tmp / f"{number}.pb", "-M", "syscall", "--quiet-console",
                                name=f"board{number}")
            wait_for("a quiet console", lambda: level() == 1, timeout=60)
            if meanwhile:
                PRINTK.write_text(f"{meanwhile}\n")
            kill_hard(board)
            # Of two in a row the second proves that the first one's guard has had its chance.
            wait_for("the level", lambda: level() == (meanwhile or before), timeout=60)
    finally:
        PRINTK.write_text(f"{before}\n")


@test("grace periods are not hurried for ever by a daemon that was killed while it attached")
def expedited(bench):
    need_root()
    need_bpf()
    if not EXPEDITED.exists() or EXPEDITED.read_text().strip() != "0":
        skip("grace periods are hurried already, or cannot be")
    switch = os.open(EXPEDITED, os.O_RDONLY)
    hurried = False
    for number in range(20):
        board = bench.board("--mode", "log", "-o", bench.tmp / f"{number}.pb", name=f"board{number}")
        looks = 0
        while not hurried and (looks % 100 or (board.running() and "recording to" not in board.err)):
            hurried = os.pread(switch, 1, 0) == b"1"
            looks += 1
        kill_hard(board)
        if hurried:
            break
    os.close(switch)
    bench.note(f"killed while hurried: {hurried}")
    wait_for("grace periods at their own pace", lambda: EXPEDITED.read_text().strip() == "0", timeout=60)


main()
