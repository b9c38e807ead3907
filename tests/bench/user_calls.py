#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""make bench: what a traced call of a user function costs the program, by probes on its return instructions and by return
probes, beside bpftrace and uftrace where they are installed. The program's own clock, the least of 15 rounds; only the
ratios of one run mean something."""
import os
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BOARD = os.path.join(os.path.abspath(os.environ.get("O", os.path.join(ROOT, "build"))), "ayaprof-uart")
SOURCE = """#include <stdio.h>
#include <time.h>
__attribute__((noinline, noclone)) int leaf(int x) { __asm__ volatile(""); return x + 1; }
int main(void) {
	double best = 1e12;
	for (int k = 0; k < 15; k++) {
		struct timespec a, b;
		int r = 0;
		clock_gettime(CLOCK_MONOTONIC, &a);
		for (int i = 0; i < 1000; i++) r = leaf(r);
		clock_gettime(CLOCK_MONOTONIC, &b);
		double d = (b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec);
		if (d < best) best = d;
	}
	printf("%.1f\\n", best / 1000);
	return 0;
}
"""
BPFTRACE = "uprobe:{0}:leaf {{ @s[tid] = nsecs }} uretprobe:{0}:leaf {{ @h = hist(nsecs - @s[tid]); delete(@s[tid]) }}"


def ns_a_call(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=120)
    for line in done.stdout.splitlines():
        try:
            return float(line)
        except ValueError:
            continue
    return None


def main():
    with tempfile.TemporaryDirectory() as tmp:
        program, with_pg = os.path.join(tmp, "calls"), os.path.join(tmp, "calls_pg")
        for output, flags in ((program, []), (with_pg, ["-pg"])):
            subprocess.run(["gcc", "-O2", *flags, "-x", "c", "-", "-o", output], input=SOURCE, text=True, check=True)
        rows = [("plain", ns_a_call(program))]
        for mechanism in ("uprobe.multi", "uretprobe.multi", "uprobe", "uretprobe"):
            rows.append((f"ayaprof-uart {mechanism}", ns_a_call(
                BOARD, "--mode", "log", "-o", os.path.join(tmp, "x.pb"), "-M", "none", "--mechanism", mechanism,
                "-p", f"u:{program}:leaf", "--", program)))
        if shutil.which("bpftrace"):
            rows.append(("bpftrace uretprobe", ns_a_call("bpftrace", "-c", program, "-e", BPFTRACE.format(program))))
        if shutil.which("uftrace"):
            rows.append(("uftrace (compiled in, -pg)", ns_a_call("uftrace", "record", "-d", os.path.join(tmp, "uft"), with_pg)))
    base = dict(rows).get("ayaprof-uart uprobe.multi") or dict(rows).get("ayaprof-uart uprobe")
    print("\ncalls of a user function: ns a call, against return instructions")
    for name, ns in rows:
        print(f"  {name:32s} {'cannot run here' if ns is None else f'{ns:10.1f}'}"
              f"{f'{ns / base:8.3f}' if ns is not None and base else ''}")


main()
