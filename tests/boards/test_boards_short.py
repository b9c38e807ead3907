# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kernel functions on emulated boards: what many development machines and containers cannot trace
themselves. The rest of the matrix is test_boards_long.py (make test-boards)."""
from bare import add_bare, add_memory
from cells import CELLS, SHORT, add_tests
from ends import add_ticks
from functions import add_short
from harness import main

SECONDS = 250

for key in SHORT:
    add_tests(CELLS[key])
    add_memory(CELLS[key], ("",))
add_bare(CELLS["aarch64", "6.1"])
add_short(CELLS["aarch64", "6.1"])
add_ticks(CELLS["aarch64", "6.1"], compare=False)

main()
