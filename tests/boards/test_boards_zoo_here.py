# SPDX-License-Identifier: MIT OR Apache-2.0
"""The programs of the zoo that `make test` has no time for, on this machine's kernel: other levels, ways of linking and
languages."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from harness import main  # noqa: E402
from zoo_programs import add  # noqa: E402

SECONDS = 120

add(short=False)

main()
