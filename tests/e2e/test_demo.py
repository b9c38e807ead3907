# SPDX-License-Identifier: MIT OR Apache-2.0
"""make demo, shorter."""
import os
import re
import shutil
from pathlib import Path

from harness import BUILD, ROOT, as_nobody, main, need_bpf, skip, test


@test("the demonstration ends with a summary, a table and the path of a picture")
def demo(bench):
    need_bpf()
    result = bench.run(ROOT / "scripts/demo.sh", env=dict(os.environ, O=str(BUILD), DEMO_SECONDS="2"), timeout=180)
    assert re.search(r"\d+ events: \d+ sent, \d+ lost", result.err), result.err
    assert re.search(r"^serve_request .* user ", result.out, re.M), "no user function in the table"
    picture = Path(ROOT, result.out.splitlines()[-1].strip())
    assert picture.suffix == ".png" and picture.read_bytes().startswith(b"\x89PNG"), picture
    assert picture.stat().st_size > 10000


@test("an ordinary user without sudo is told in one line that it needs root")
def refused(bench):
    if os.geteuid() != 0:
        skip("needs root to become somebody who has no sudo")
    tools = bench.tmp / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "id", "env"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    # A copy: the checkout may stand where other users may not look.
    script = bench.tmp / "scripts" / "demo.sh"
    script.parent.mkdir()
    shutil.copy(ROOT / "scripts/demo.sh", script)
    result = bench.run(script, env={"PATH": str(tools), "O": str(bench.tmp)}, code=1, cwd=bench.tmp, **as_nobody())
    assert len(result.err.splitlines()) == 1 and "root" in result.err, result.err


main()
