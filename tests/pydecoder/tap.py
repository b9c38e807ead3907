# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs (name, function) pairs and says in TAP how they went."""
import traceback


class Skip(Exception):
    """The test cannot run here; the text says why."""


def run(tests):
    """The exit status."""
    tests, failed = list(tests), 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:  # whatever it is, it is one failed test
            failed += 1
            print(f"not ok {number} - {name}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
    return int(failed > 0)


def equal(got, expected, what=""):
    if got != expected:
        raise AssertionError(f"{what}: got {got!r:.2000}, expected {expected!r:.2000}")


def refused(error, function, *arguments):
    """`function` must raise `error`."""
    try:
        result = function(*arguments)
    except error:
        return
    raise AssertionError(f"taken: {result!r:.500}")
