# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a page reads recordings with: the same code in WebAssembly, run by node, says what hostdec says."""
import functools
import json
import os
import resource
import shutil
import subprocess

from harness import BOARD, BUILD, ROOT, build_directory, main, records, skip, test
from recordings import FULL, SMALL, check_same_events

SECONDS = 45

HERE = ROOT / "tests/wasm"
TRACE, VECTORS = BUILD / "wasm/trace.wasm", BUILD / "wasm/vectors.wasm"
# A function of ours to say things with. The memory is the module's own, and exported.
MAY_IMPORT = [{"module": "env", "name": "log", "kind": "function"}]
LIST_IMPORTS = """
const module = new WebAssembly.Module(require("fs").readFileSync(process.argv[1]));
console.log(JSON.stringify({imports: WebAssembly.Module.imports(module), exports: WebAssembly.Module.exports(module)}));
"""


@functools.cache
def why_not():
    """Builds them. None, or why this machine cannot."""
    if not shutil.which("node"):
        return "node is missing: install nodejs"
    # As `make wasm` names it, or what that made were made anew.
    out = BUILD.relative_to(ROOT) if BUILD.is_relative_to(ROOT) else BUILD
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    with build_directory():
        done = subprocess.run([ROOT / "scripts/build-wasm.sh"], env={**env, "O": str(out)}, capture_output=True, text=True)
    if done.returncode == 1:
        return done.stderr.strip().splitlines()[-1]
    assert done.returncode == 0, f"the WebAssembly part does not compile: {done.stderr[-2000:]}"
    print(f"# {done.stdout.splitlines()[-1]}")
    return None


def need_wasm():
    reason = why_not()
    if reason:
        skip(reason)


def largest(name):
    """The whole recording where there is one, else its first 40,000 events."""
    return next(recording for recording in [*FULL, *SMALL] if recording.name.startswith(name))


def replayed(bench, name):
    recording = largest(name)
    path, data = recording.unpack(bench.tmp) if recording in FULL else recording.unpack_again(bench.tmp, 5)
    out = bench.tmp / "run.pb"
    bench.run(BOARD, "--replay", path, "--names", recording.names_path, "--mode", "log", "-o", out)
    return out, data


def processor_s():
    """Of everything that was run and has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read(bench, recording):
    """What the module says of it, and its events, in the order they came."""
    events = bench.tmp / "wasm.events"
    said = bench.run("node", HERE / "read.mjs", TRACE, recording, events).json
    assert said["log"] == [], said["log"]
    return said, events.read_bytes()


@test("the WebAssembly modules import nothing but a function to log with")
def imports(bench):
    need_wasm()
    for module, allowed in ((TRACE, [MAY_IMPORT]), (VECTORS, [MAY_IMPORT, []])):
        found = bench.run("node", "-e", LIST_IMPORTS, module).json
        assert found["imports"] in allowed, f"{module.name} imports {found['imports']}"
        assert {"name": "memory", "kind": "memory"} in found["exports"], f"{module.name} does not export its memory"


@test("golden vectors are decoded in WebAssembly")
def vectors(bench):
    need_wasm()
    text = ROOT / "tests/data/vectors.txt"
    counts = bench.run("node", HERE / "vectors.mjs", VECTORS, TRACE, text).json
    kinds = [line.split(" ", 1)[0] for line in text.read_text().splitlines() if line and not line.startswith("#")]
    assert counts == {kind: kinds.count(kind) for kind in kinds}, counts


@test("a recording read in WebAssembly has the same events and calls as hostdec says")
def same(bench):
    need_wasm()
    for name in ("host-tracepoints", "kernel-functions-arm64"):
        recording, data = replayed(bench, name)
        said, events = read(bench, recording)
        check_same_events(records(events), data, name)
        assert said["events"] == len(data) // 16 and said["lost"] == said["losses"] == said["damaged"] == 0, said
        before = processor_s()
        rows = bench.stats(recording)
        took_s = processor_s() - before
        calls = {row["name"]: [row["complete"], row["no_end"], row["total_ns"], row["self_ns"]]
                 for row in rows.values() if row["complete"] + row["no_end"]}
        found = {function: [row["count"], row["noExit"], row["total"], row["self"]]
                 for function, row in said["functions"].items()}
        different = {function for function in calls.keys() | found.keys() if calls.get(function) != found.get(function)}
        assert calls and not different, f"calls differ in {len(different)} functions, as {[(f, calls.get(f), found.get(f)) for f in sorted(different)[:3]]}"
        assert said["segments"] > 0.8 * said["calls"]
        print(f"# {name}: {said['tookNs'] / said['events']:.0f} ns of processor an event in node, "
              f"{took_s * 1e9 / said['events']:.0f} by hostdec stats with its start; {said['memory'] / 1e6:.1f} MB")


@test("of a damaged recording WebAssembly reads what hostdec reads")
def damaged(bench):
    need_wasm()
    recording, _ = replayed(bench, "kernel-functions-x86")
    data = bytearray(recording.read_bytes())
    for tenth in (2, 3, 7):
        at = len(data) * tenth // 10
        data[at:at + 40] = bytes(40)
    broken = bench.tmp / "broken.pb"
    broken.write_bytes(data[:-1000])
    said, events = read(bench, broken)
    info = bench.info(broken)
    assert records(events) == bench.events(broken)
    assert 0 < said["events"] == info["events"] and said["lost"] == said["losses"] == info["lost"]["total"] > 0, said
    assert said["damaged"] == info["file_damaged"] > 3, said


main()
