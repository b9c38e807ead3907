# SPDX-License-Identifier: MIT OR Apache-2.0
"""The one file for boards, of the architectures that `make test` builds; test_boards_bare.py has them all."""
import os

from harness import main
from static_programs import add, architectures

for row in architectures():
    if row[0] in (os.uname().machine, "aarch64"):
        add(*row)

main()
