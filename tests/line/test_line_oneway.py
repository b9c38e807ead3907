# SPDX-License-Identifier: MIT OR Apache-2.0
"""The matrix of line faults for lines without a way back, for `make test-line`."""
from cells import BAUDS, ROWS, add_cell
from harness import main

for baud in BAUDS:
    for row in ROWS:
        add_cell(row, baud, "oneway")

main()
