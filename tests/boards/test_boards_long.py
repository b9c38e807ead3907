# SPDX-License-Identifier: MIT OR Apache-2.0
"""The rest of the matrix on x86-64, for `make test-boards`: older kernels, boards that are switched off, hosts
that come late."""
import time

from cells import CELLS, SHORT, add_tests, finish, record, start
from harness import main, test, wait_for

BUSY = "sh -c 'for i in $(seq 60); do workload getppid 101; usleep 100000; done'"  # for 6 s and more

for key, cell in CELLS.items():
    if key not in SHORT and cell.board == "x86_64":
        add_tests(cell)


def started(board):
    wait_for("the profiler", lambda: "ayaprof-uart: line" in board.console(), 60)
    time.sleep(3)  # what is under test: a while without a host


@test("x86_64 6.1: a host that comes late has everything from then on, and knows what it missed")
def late(bench):
    board = start(bench, CELLS["x86_64", "6.1"], "-M syscall,sched", BUSY, wait_host=False)
    started(board)
    p = finish(bench, board, record(bench, board))
    assert p.info["events"] > 1000 and p.info["lost"]["total"] > 0, p.info
    assert p.stats["sys_getppid"]["count"] > 101


@test("x86_64 6.1: a board that loses power leaves a recording up to that moment")
def power(bench):
    board = start(bench, CELLS["x86_64", "6.1"], "-M syscall,sched", BUSY)
    host = record(bench, board)
    started(board)
    board.power_off()
    host.wait()
    info = bench.info(bench.tmp / "run.pb")
    assert info["events"] > 500 and [s["goodbye"] for s in info["session_list"]] == [False], info


main()
