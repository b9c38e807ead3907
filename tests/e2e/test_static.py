# SPDX-License-Identifier: MIT OR Apache-2.0
"""The one file for boards, of every architecture that is built: this machine's and arm64 in `make test`."""
from harness import main
from static_programs import add, architectures

for row in architectures():
    add(*row)

main()
