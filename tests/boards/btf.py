#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Type information for the boards of the tests: BUILD/btf/ARCH/RELEASE.btf, cut out of each kernel's image down to
what the daemon asks for, or, for 32-bit ARM, made from its headers. What cannot be had is passed over, with the
reason. Also what `make btf` runs.

usage: btf.py WANTED OUT [BOARD KERNEL]...        WANTED: BUILD/btf/wanted_types.o
"""
import importlib.util
import os
import subprocess
import sys

import board as boards

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KERNELS = (("x86_64", "5.10"), ("x86_64", "6.1"), ("x86_64", "6.12"), ("aarch64", "5.10"), ("aarch64", "6.1"),
           ("aarch64", "6.12"), ("raspi3b", "6.1"), ("armv7l", "6.1"))


def _cutter():
    spec = importlib.util.spec_from_file_location("kernel_btf", os.path.join(ROOT, "scripts/kernel-btf.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _from_headers(machine, release, path, wanted):
    """For kernels without: as their headers have it."""
    headers, common = boards.fetch("fetch-headers.sh", machine.arch, release).splitlines()
    run = subprocess.run([os.path.join(ROOT, "scripts/headers-btf.sh"), path, wanted, headers, common],
                         stderr=subprocess.PIPE, text=True)
    if run.returncode:
        raise boards.Unavailable((run.stderr.strip().splitlines() or ["headers-btf.sh failed"])[-1])


def make(board, kernel, wanted, out):
    """The bundle's file for that board, and the size of all there was (0: from headers). boards.Unavailable if it
    cannot be had."""
    machine = boards.MACHINES[board]
    directory = boards.fetch("fetch-kernel.sh", machine.arch, kernel, machine.flavour)
    with open(os.path.join(directory, "version")) as f:
        release = f.read().strip()
    path = os.path.join(out, machine.arch, f"{release}.btf")
    cutter = _cutter()
    try:
        return path, cutter.write(os.path.join(directory, "vmlinuz"), path, wanted)[0]
    except cutter.Missing as e:
        if machine.arch != "armv7l":
            raise boards.Unavailable(str(e)) from None
    _from_headers(machine, release, path, wanted)
    return path, 0


def main():
    if len(sys.argv) < 3 or len(sys.argv) % 2 == 0:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    wanted, out = sys.argv[1:3]
    rows = list(zip(sys.argv[3::2], sys.argv[4::2])) or KERNELS
    for board, kernel in rows:
        try:
            path, all_bytes = make(board, kernel, wanted, out)
            origin = f"of {all_bytes} bytes" if all_bytes else "bytes, from the kernel's headers"
            print(f"{path}: {os.path.getsize(path)} {origin}", flush=True)
        except boards.Unavailable as e:
            print(f"{board} {kernel}: {e}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
