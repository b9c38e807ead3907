# SPDX-License-Identifier: MIT OR Apache-2.0
"""A few cells of the matrix of line faults, for `make test`."""
from cells import ROWS, add_cell, add_life
from harness import main

SECONDS = 60

SHORT = (("bit errors 1e-5", 921600), ("byte drops", 4000000), ("unplugged and plugged in again", 921600),
         ("host killed and started again", 921600), ("board killed and started again", 921600))
for title, baud in SHORT:
    for link in ("oneway", "reliable"):
        add_cell(next(row for row in ROWS if row.title == title), baud, link)
add_life(20, 5)

main()
