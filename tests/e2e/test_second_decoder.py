# SPDX-License-Identifier: MIT OR Apache-2.0
"""The decoder written from PROTOCOL.md alone, on what this kernel's probes send: it must see the same."""
import json
import sys

from harness import BOARD, ROOT, WORKLOAD, main, need_bpf, test
from recordings import records

sys.path.append(str(ROOT / "tests/pydecoder"))
from ayaprof_decode import decode_line, decode_recording, event_records, summarise  # noqa: E402

SYMBOL = 4  # table of stack symbols


def agree(bench, path, receiver, source):
    mine, theirs = summarise(receiver, source), bench.info(path)
    bench.note(f"{mine} {theirs}")
    assert records(b"".join(event_records(receiver.events()))) == bench.events(path), "events differ"
    assert mine["lost"]["total"] == theirs["lost"]["total"] and mine["events"] == theirs["events"]
    for cause, count in theirs["lost"]["by_cause"].items():
        assert mine["lost"]["by_cause"].get(cause, 0) == count, cause


@test("everything at once, over a noisy line: both decoders keep the same events and books")
def live(bench):
    need_bpf()
    line = bench.line("--baud", 3000000, "--ber", "1e-5", "--drop", "5e-5", "--seed", 4)
    out, raw, summary = bench.tmp / "x.pb", bench.tmp / "x.raw", bench.tmp / "x.json"
    host = bench.record(line.host, out, "-b", 3000000, "--raw", raw, "--no-restore")
    line.wait_open("host")
    board = bench.board("-b", 3000000, "--link", "oneway", "-p", f"u:{WORKLOAD}:*_request", "--summary-json", summary, line.board, "--",
                        WORKLOAD, "mix", "2")
    assert board.wait(60) == 0
    line.drain()
    assert host.stop() == 0
    assert bench.info(out)["frames_bad"] > 0, "the line was not noisy"
    agree(bench, out, *decode_recording(out.read_bytes()))
    receiver, source = decode_line(raw.read_bytes())
    agree(bench, out, receiver, source)
    produced = sum(session.books()["produced"] for session in receiver.understood())
    assert produced == json.loads(summary.read_text())["events"]


@test("stack samples carry stacks whose symbols name the function that burns the time")
def samples(bench):
    need_bpf()
    out = bench.tmp / "x.pb"
    bench.run(BOARD, "-M", "cpu", "--mode", "log", "-o", out, "--", WORKLOAD, "calls", 700000001)
    receiver, _ = decode_recording(out.read_bytes())
    session, = receiver.understood()
    symbols = {number: name.get("name") for (table, number), name in session.names.items() if table == SYMBOL}
    seen = [event.args[0] for event in session.events if event.args and event.args[0] in session.stacks]
    assert len(seen) > 20 and len(seen) == len(session.events), f"{len(seen)} stacks of {len(session.events)} samples"
    burning = [stack for stack in seen
               if {"ayp_work", "run_calls"} & {symbols.get(n) for n in session.stacks[stack].get("symbols", ())}]
    assert len(burning) > 20, f"{len(burning)} of {len(seen)} samples in the workload's functions"
    # Once a stack, not once a sample. What else runs on the machine may be somewhere else each time.
    assert len(set(burning)) < len(burning) / 2


main()
