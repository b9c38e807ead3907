# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hundreds of functions of programs where the kernel has no way to take them at once (before Linux 6.6; here because
--mechanism says so): they share trace events, so that they come and go in a moment."""
import platform
import subprocess

from harness import BOARD, main, need_bpf, skip, test

FUNCTIONS = 1000
MECHANISM = ("--mechanism", "uprobe")


def program(bench, name="many", extra="", call=""):
    """A program of many functions, each called once, which prints what came of them."""
    source = bench.tmp / "many.c"
    numbers = range(FUNCTIONS)
    source.write_text("#include <stdio.h>\n" + extra +
                      "".join(f"__attribute__((noinline, noipa)) int step_{i:04}(int x) {{ return x * 31 + {i}; }}\n" for i in numbers) +
                      "int main(void) {\n\tint x = 1;\n" + call + "".join(f"\tx = step_{i:04}(x);\n" for i in numbers) +
                      '\tprintf("%d\\n", x);\n\treturn 0;\n}\n')
    out = bench.tmp / name
    subprocess.run(["gcc", "-O1", "-o", out, source], check=True)
    return out


def counted(bench, recording):
    rows = bench.stats(recording)
    return {name: (row["count"], row["no_end"]) for name, row in rows.items() if name.startswith("step_")}


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


@test("a function where the kernel takes no probe is left out, and said; the others are not")
def refused(bench):
    need_bpf()
    if platform.machine() != "x86_64":
        skip("knows no such instruction of this machine")
    # arch/x86/kernel/uprobes.c, is_prefix_bad(): an instruction with a lock.
    extra = 'int counter;\n__asm__(".globl step_lock\\n.type step_lock, @function\\nstep_lock: lock incl counter(%rip)\\nret\\n" \
            ".size step_lock, . - step_lock\\n");\nvoid step_lock(void);\n'
    path, out = program(bench, extra=extra, call="\tstep_lock();\n"), bench.tmp / "x.pb"
    for mechanism in (MECHANISM, ()):
        result = profile(bench, out, [f"u:{path}:step_*"], (path,), mechanism=mechanism)
        assert result.out == bench.run(path).out
        assert counted(bench, out) == {f"step_{i:04}": (1, 0) for i in range(FUNCTIONS)}
        assert f"{FUNCTIONS} of {FUNCTIONS + 1} functions" in result.err, result.err


main()
