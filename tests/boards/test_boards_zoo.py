# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs on boards do with all of their functions traced what they do without, for `make test-boards`."""
from cells import CELLS
from harness import main
from zoo_cells import add_i386, add_narrow, add_zoo

# This machine's kernel is one of many: x86-64's oldest has no cookies.
for board in (("aarch64", "6.1"), ("aarch64", "6.12"), ("armv7l", "6.1"), ("x86_64", "5.10")):
    add_zoo(CELLS[board])
for board in (("aarch64", "6.1"), ("aarch64", "6.12")):
    add_narrow(CELLS[board])
for board in (("x86_64", "6.1"), ("x86_64", "6.12")):
    add_i386(CELLS[board])

main()
