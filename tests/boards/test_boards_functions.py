# SPDX-License-Identifier: MIT OR Apache-2.0
"""No function that a board lists ends the board when it is probed: all of them, by every way, for `make test-boards`."""
from cells import CELLS
from functions import add_every, add_paths, add_unsafe
from harness import main

for key in (("aarch64", "6.1"), ("aarch64", "6.12"), ("armv7l", "6.1")):
    add_paths(CELLS[key])
add_unsafe(CELLS["aarch64", "6.1"])
for key in (("aarch64", "6.1"), ("armv7l", "6.1"), ("x86_64", "6.12"), ("aarch64", "6.12"), ("x86_64", "6.1")):
    add_every(CELLS[key])

main()
