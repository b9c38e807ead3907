# SPDX-License-Identifier: MIT OR Apache-2.0
"""A new probe module and a new class of events, in a copy of the tree: by the places that CONTRIBUTING.md names and no other."""
import os
import re
import shutil
import subprocess

from harness import BUILD, PYTHON, ROOT, build_directory, main, need_bpf, test

SECONDS = 40

SENT, NUMBER = 101, 61  # a signal that nothing else sends

# The class of what the module sees.
CLASS = {
    "proto/event.h": ("\tAYP_CLASS_COUNT\n", "\tAYP_CLASS_SIGNAL = 12, /* instant; args: number, result */\n\tAYP_CLASS_COUNT\n"),
    "proto/event.c": ("\t[AYP_CLASS_REPLAY] = {", """\t[AYP_CLASS_SIGNAL] = {.name = "signal",
		.description = "a signal was sent",
		.nargs = 2,
		.arg_names = {"number", "result"}},
	[AYP_CLASS_REPLAY] = {"""),
    "proto/PROTOCOL.md": ("| 11 | replay:", "| 12 | signal: sent by the thread of the event | no (instant) | number, result |\n| 11 | replay:"),
}

# Two modules: one with constants of its own, and one that is as short as can be: it has nothing to plan.
MODULE = {
    "bpf/signal.h": """/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef AYP_BPF_SIGNAL_H
#define AYP_BPF_SIGNAL_H

#include "bpf/events.h"

struct ayp_signal_params {
	ayp_u32 number; /* the one to tell of */
	ayp_u16 func;
	ayp_u16 zero;
};
AYP_ASSERT_SIZE(struct ayp_signal_params, 8);

#endif
""",
    "bpf/signal.bpf.c": """/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#include "bpf/signal.h"
#define OWN_PARAMS struct ayp_signal_params
#include "bpf/common.bpf.h"

/* (number, info, task, group, result) */
SEC("?raw_tp/signal_generate")
int signal_sent(__u64 *ctx)
{
	if ((__u32)ctx[0] == own_params.number)
		emit(own_params.func, AYP_REC_INSTANT, EMIT_TASK, 2, (__u32)ctx[0], (__u32)ctx[4], 0, 0);
	return 0;
}
""",
    "target/probes/module_signal.c": """/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/probe.h"

#include "bpf/signal.h"

static const char *const programs[] = {"signal_sent", NULL};
static const struct candidate ways[] = {{"raw_tp", &image_signal, programs, NULL}, {0}};
static const struct part parts[] = {{"sent", ways}, {0}};

static int plan(struct module *m)
{
	struct ayp_signal_params *params = OWN_PARAMS_OF(m);
	int id = names_add_func(m->p->names, AYP_CLASS_SIGNAL, "signal_sent", NULL);

	if (id < 0)
		return id;
	params->func = (uint16_t)id;
	params->number = NUMBER;
	return 0;
}

const struct module_ops module_signal = {
	.name = "signal",
	.summary = "signals that are sent",
	.own_params_size = sizeof(struct ayp_signal_params),
	.parts = parts,
	.plan = plan,
};
""".replace("NUMBER", str(NUMBER)),
}
SHORT = {
    "bpf/quiet.bpf.c": """/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#include "bpf/common.bpf.h"

SEC("?raw_tp/signal_generate")
int quiet(void *ctx)
{
	return 0;
}
""",
    "target/probes/module_quiet.c": """/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/probe.h"

static const char *const programs[] = {"quiet", NULL};
static const struct candidate ways[] = {{"raw_tp", &image_quiet, programs, NULL}, {0}};
static const struct part parts[] = {{"nothing", ways}, {0}};

const struct module_ops module_quiet = {.name = "quiet", .summary = "plans nothing", .parts = parts};
""",
}


def row_of(what):
    """The places that CONTRIBUTING.md names for one thing."""
    row = next(line for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith(f"| {what}"))
    return set(re.findall(r"`([\w./-]+)`", row.split("|")[2]))


def files(tree):
    listed = subprocess.run(["scripts/list-files.sh"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    return {name: (tree / name).read_bytes() for name in map(bytes.decode, listed.split(b"\0")) if name}


def copy(tree):
    for name in files(ROOT):
        to = tree / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, to)


def add(tree, changes):
    for name, change in changes.items():
        path = tree / name
        if isinstance(change, str):
            assert not path.exists(), f"{name} is there already"
            path.write_text(change)
        else:
            old, new = change
            text = path.read_text()
            assert text.count(old) == 1, f"{name} has {text.count(old)} times {old!r}"
            path.write_text(text.replace(old, new))


def build(bench, tree):
    """With what the tests' own build has made, as far as its flags are ours: then only what the additions touch is compiled."""
    o = os.environ.get("O") or "build"
    o = "build" if os.path.isabs(o) else o
    with build_directory():
        for part in ("obj", "gen"):
            shutil.copytree(BUILD / part, tree / o / part)
        shutil.copy2(BUILD / "flags", tree / o)
    maps = [word for word in (BUILD / "flags").read_text().split() if word.startswith("-ffile-prefix-map=")]
    made = bench.run("nice", "make", "-C", tree, "-j2", f"O={o}", f"PYTHON={PYTHON}", f"SAME_PATHS={' '.join(maps)}",
                     f"{o}/ayaprof-uart", f"{o}/hostdec", timeout=900)
    assert "warning:" not in made.err, made.err
    return tree / o / "ayaprof-uart", tree / o / "hostdec"


@test("CONTRIBUTING.md: a probe module takes 4 places at most, a class of events 7 with its module's")
def named_places(_bench):
    module, cls = row_of("a probe module"), row_of("a class of events")
    assert len(module) <= 4, module
    assert len(cls) + len(module) <= 7, cls
    named = {place.replace("NAME", "signal") for place in module}
    assert set(MODULE) <= named, (set(MODULE), named)
    assert set(CLASS) == cls, (set(CLASS), cls)
    quiet = {place.replace("NAME", "quiet") for place in module}
    assert set(SHORT) <= quiet, (set(SHORT), quiet)


@test("PROTOCOL.md has a row for every class of events, by its number and name")
def classes_in_protocol(_bench):
    numbers = {name.lower(): int(number) for name, number in
               re.findall(r"AYP_CLASS_(\w+) =\s*(\d+)", (ROOT / "proto/event.h").read_text())}
    section = (ROOT / "proto/PROTOCOL.md").read_text().split("\n| class | name |")[1].split("\n\n")[0]
    rows = {name: int(number) for number, name in re.findall(r"^\| (\d+) \| (\w+)", section, re.M)}
    assert rows == numbers, (rows, numbers)


@test("a module and a class added in these places only are built, loaded and shown by hostdec stats")
def added(bench):
    need_bpf()
    tree = bench.tmp / "tree"
    copy(tree)
    before = files(tree)
    add(tree, CLASS)
    add(tree, MODULE)
    add(tree, SHORT)
    assert {name for name, data in before.items() if (tree / name).read_bytes() != data} == set(CLASS)
    board, hostdec = build(bench, tree)

    listed = bench.run(board, "--list-modules").out
    assert re.search(r"^signal\s+signals that are sent$", listed, re.M), listed
    checked = bench.run(board, "--check").out
    for module, part in (("signal", "sent"), ("quiet", "nothing")):
        assert re.search(rf"^  {module}\s+{part}\s+raw_tp\s+works$", checked, re.M), checked

    out = bench.tmp / "x.pb"
    command = f"import os, signal; signal.signal({NUMBER}, signal.SIG_IGN); [os.kill(os.getpid(), {NUMBER}) for _ in range({SENT})]"
    bench.run(board, "--mode", "log", "-o", out, "-M", "signal,quiet", "--", PYTHON, "-c", command)
    rows = {row["name"]: row for row in bench.run(hostdec, "stats", out, "--json").json["functions"]}
    assert rows["signal_sent"]["count"] == SENT and rows["signal_sent"]["kind"] == "signal", rows
    modules = {module["name"]: module for module in bench.run(hostdec, "info", out, "--json").json["modules"]}
    assert modules["signal"]["attached"] == modules["quiet"]["attached"] == 1, modules
    events = bench.tmp / "events.csv"
    bench.run(hostdec, "export", out, "-f", "csv", "-o", events)
    assert events.read_text().count(f"number={NUMBER} result=") == SENT, events.read_text()[:500]


main()
