# SPDX-License-Identifier: MIT OR Apache-2.0
"""Do no harm: programs that a probe could disturb print what they print without us, and end as they do, while every
function of theirs is traced; entries and ends are as many as they count themselves."""
import struct

from harness import BOARD, main, need_bpf, test
from zoo import MODES, build, check, events, plain, traced
from zoo_programs import add

SECONDS = 40

add(short=True)


@test("an end far out closes the thousand calls that were jumped out of, and nothing else")
def far_out(bench):
    record = struct.Struct("<QIHBB")
    events, t = [], 1000
    for kind, func in [(0, 0), *[(0, 1)] * 1000, (1, 0), (0, 0), (0, 1), (1, 1), (1, 0)]:
        events.append(record.pack(t, 7, func, 0, kind))
        t += 1000
    recording, names = bench.tmp / "far.bin", bench.tmp / "far.names"
    recording.write_bytes(b"".join(events))
    names.write_text("0 zoo_outer\n1 zoo_inner\n")
    bench.run(BOARD, "--mode", "log", "-o", bench.tmp / "far.pb", "--replay", recording, "--names", names)
    info, stats = bench.info(bench.tmp / "far.pb"), bench.stats(bench.tmp / "far.pb")
    assert (info["calls_without_end"], info["orphan_exits"]) == (1000, 0), info
    assert stats["zoo_outer"]["max_ns"] == 1001 * 1000 and stats["zoo_outer"]["min_ns"] == 3000, stats["zoo_outer"]


@test("100,000 calls deep, each has its own end")
def very_deep(bench):
    need_bpf()
    check(bench, build(bench, "zoo.c", "-O2"), ("deep", 100000))
    deepest = bench.stats(bench.tmp / "zoo.pb")["zoo_deep"]
    assert deepest["count"] == 100000, deepest


@test("a probe at each place by itself does the same")
def single(bench):
    need_bpf()
    program = build(bench, "zoo.c", "-O2")
    check(bench, program, *[(mode, MODES[mode]) for mode in ("cold", "tail", "switch")], options=("--mechanism", "uprobe"))
    check(bench, build(bench, "exceptions.cpp", "-O2", compiler=("g++",)), (30,), options=("--mechanism", "uprobe"))


@test("a part named by itself is refused, with the reason; others beside it are traced")
def part_by_name(bench):
    need_bpf()
    program = build(bench, "zoo.c", "-O2")
    run = bench.run(BOARD, "--mode", "log", "-o", bench.tmp / "x.pb", "-M", "none", "-p", f"u:{program}:zoo_cold.cold",
                    "--", "/bin/true", code=1)
    assert "zoo_cold.cold" in run.err and "entered by a jump" in run.err, run.err
    run = bench.run(BOARD, "--mode", "log", "-o", bench.tmp / "x.pb", "-M", "none", "-p", f"u:{program}:zoo_cold.cold",
                    "-p", f"u:{program}:zoo_cold", "--", program, "cold", 20, code=None)
    assert bench.stats(bench.tmp / "x.pb")["zoo_cold"]["count"] == 20


@test("programs that end or become another inside of a function do so")
def endings(bench):
    need_bpf()
    program = build(bench, "zoo.c", "-O2")
    printed = plain(program, ("leave",), ("exec",))
    assert printed.startswith("leave: exit status 7\ncold: 0 wrong"), printed
    seen, out, _ = traced(bench, program, ("leave",), ("exec",))
    assert seen == printed, seen
    assert events(bench, out)["entry", "zoo_cold"] == 5


main()
