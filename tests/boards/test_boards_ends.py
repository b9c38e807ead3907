# SPDX-License-Identifier: MIT OR Apache-2.0
"""Ends of calls at return instructions, on the boards that have them (the short one is in test_boards_short.py)."""
from cells import CELLS
from ends import add_ends
from harness import main

add_ends(CELLS["aarch64", "6.1"])
add_ends(CELLS["armv7l", "6.1"])

main()
