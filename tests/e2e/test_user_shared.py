# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hundreds of functions of programs where the kernel has no way to take them at once (before Linux 6.6; here because
--mechanism says so): they share trace events, so that they come and go in a moment."""
import platform

from harness import BOARD, main, need_bpf, skip, test
from many import check_refused, counted, write
from zoo import build, build_i386

ALONE = "looks whether trace events of any daemon's stay behind"

FUNCTIONS = 1000
MECHANISM = ("--mechanism", "uprobe")


def program(bench):
    return build(bench, write(bench.tmp, FUNCTIONS), "-O1")


def events(bench):
    """The trace events there are in a moment, and how many probes they have."""
    listing = bench.tmp / "listing"
    show = f"{{ mountpoint -q /sys/kernel/tracing || mount -t tracefs t /sys/kernel/tracing; cat /sys/kernel/tracing/uprobe_events; }} >{listing}"
    return ("unshare", "-m", "sh", "-c", f"{show}; exec \"$@\"", "sh"), listing


def named(listing):
    lines = [line.split() for line in listing.read_text().splitlines() if "ayaprof" in line]
    return {line[0] for line in lines}, len(lines)


def profile(bench, out, specs, command, mechanism=MECHANISM, timeout=120):
    options = [word for spec in specs for word in ("-p", spec)]
    return bench.run(BOARD, "--mode", "log", "-o", out, "-M", "none", *mechanism, *options, "--", *command, timeout=timeout)


@test(f"{FUNCTIONS} functions, entries and ends, by few trace events: all counted once, and nothing stays behind")
def shared(bench):
    need_bpf()
    path, out = program(bench), bench.tmp / "x.pb"
    during, listing = events(bench)
    result = profile(bench, out, [f"u:{path}:step_*"], (*during, path))
    assert result.out == bench.run(path).out
    assert counted(bench, out) == {f"step_{i:04}": (1, 0) for i in range(FUNCTIONS)}
    names, probes = named(listing)
    assert probes == 2 * FUNCTIONS and len(names) <= 64, (len(names), probes)
    after, listing = events(bench)
    bench.run(*after, "true")
    assert named(listing) == (set(), 0)


@test("functions at the same places of two files, one with a name that tracefs cannot be told: each has its own calls")
def two_files(bench):
    need_bpf()
    first, out = program(bench), bench.tmp / "x.pb"
    for name in ("other", "with space"):
        second = bench.tmp / name
        second.write_bytes(first.read_bytes())
        second.chmod(0o755)
        specs = [f"u:{path}:step_00{digit}*" for path, digit in ((first, 1), (second, 1), (second, 2))]
        profile(bench, out, specs, ("sh", "-c", '"$1"; "$2"; "$2"', "sh", first, second))
        rows = bench.hostdec("stats", out, "--json").json["functions"]
        count = {(row["owner"], row["name"].split(" ")[0]): (row["count"], row["no_end"]) for row in rows
                 if row["name"].startswith("step_")}
        assert count == {(path.name, f"step_00{i}"): (times, 0) for path, times, all_of in
                         ((first, 1, range(10, 20)), (second, 2, range(10, 30))) for i in all_of}, count


for title, stack, make in (("", "%rsp", build), (" of a 32-bit program", "%esp", build_i386)):
    @test(f"functions{title} where the kernel takes no probe are left out, and said; the others are not")
    def refused(bench, stack=stack, make=make):
        need_bpf()
        if platform.machine() != "x86_64":
            skip("knows no such instruction of this machine")
        path, out = make(bench, write(bench.tmp, FUNCTIONS, stack), "-O1"), bench.tmp / "x.pb"
        for mechanism in (MECHANISM, ()):
            result = profile(bench, out, [f"u:{path}:step_*"], (path,), mechanism=mechanism)
            assert result.out == bench.run(path).out
            check_refused(bench, out, result.err, FUNCTIONS)


main()
