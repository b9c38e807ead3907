# SPDX-License-Identifier: MIT OR Apache-2.0
"""CPUs that go and come, 32-bit programs on 64-bit kernels, for `make test-boards`."""
from cells import CELLS
from harness import main
from identity import add_compat, add_daemon32, add_hotplug

for key in (("x86_64", "6.1"), ("x86_64", "6.12"), ("aarch64", "5.10"), ("aarch64", "6.1"), ("aarch64", "6.12")):
    add_hotplug(CELLS[key])
for key in (("aarch64", "5.10"), ("aarch64", "6.1"), ("aarch64", "6.12")):
    add_compat(CELLS[key])
add_daemon32(CELLS["aarch64", "6.1"])

main()
