# SPDX-License-Identifier: MIT OR Apache-2.0
"""The rest of the matrix on arm64, a Raspberry Pi and 32-bit ARM, for `make test-boards`."""
from cells import CELLS, SHORT, add_tests
from harness import main

for key, cell in CELLS.items():
    if key not in SHORT and cell.board != "x86_64":
        add_tests(cell)

main()
