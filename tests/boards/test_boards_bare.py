# SPDX-License-Identifier: MIT OR Apache-2.0
"""What boards with little need, for `make test-boards`: memory, mounts, type information."""
from bare import add_bare, add_bundle, add_memory, add_small, add_usual, add_without
from cells import CELLS
from harness import main
from static_programs import add, architectures

for key in (("aarch64", "6.12"), ("x86_64", "6.1"), ("x86_64", "6.12"), ("aarch64", "6.1")):
    add_memory(CELLS[key])
for key in (("x86_64", "6.1"), ("aarch64", "6.12"), ("armv7l", "6.1")):
    add_bare(CELLS[key])
    add_usual(CELLS[key])
add_small(CELLS["aarch64", "6.1"], 64)
add_bundle(CELLS["x86_64", "6.1"], CELLS["x86_64", "6.12"])
add_bundle(CELLS["aarch64", "6.12"], CELLS["aarch64", "6.1"])
add_without(CELLS["armv7l", "6.1"])

for row in architectures():
    if row[1] == "armhf":  # the others: make test
        add(*row)

main()
