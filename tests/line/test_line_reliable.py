# SPDX-License-Identifier: MIT OR Apache-2.0
"""The matrix of line faults for lines that carry acknowledgements, for `make test-line`."""
from cells import BAUDS, ROWS, add_busy, add_cell, add_device_gone, add_life
from harness import main

for baud in BAUDS:
    for row in ROWS:
        add_cell(row, baud, "reliable")
add_busy()
add_device_gone()
add_life(100, 20)
main()
