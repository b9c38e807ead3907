# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs on boards do with all of their functions traced what they do without, for `make test-boards`."""
from cells import CELLS
from harness import main
from zoo_cells import add_zoo

for level in ("-O0", "-O2"):
    add_zoo(CELLS["aarch64", "6.1"], level)
    # The kernel's user probes on arm are for its wide instructions only.
    add_zoo(CELLS["armv7l", "6.1"], level, "-marm")
add_zoo(CELLS["aarch64", "6.12"], "-O2")

main()
