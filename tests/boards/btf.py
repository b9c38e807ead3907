#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Type information for the boards of the tests: BUILD/btf/ARCH/RELEASE.btf, cut out of each kernel's image down to
what the daemon asks for. A kernel without any is passed over, with the reason. Also what `make btf` runs.

usage: btf.py WANTED OUT [BOARD KERNEL]...        WANTED: BUILD/btf/wanted_types.o
"""
import importlib.util
import os
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


def make(board, kernel, wanted, out):
    """The bundle's file for that board, and the size of all there was. boards.Unavailable if it cannot be had."""
    machine = boards.MACHINES[board]
    directory = boards.fetch("fetch-kernel.sh", machine.arch, kernel, machine.flavour)
    with open(os.path.join(directory, "version")) as f:
        path = os.path.join(out, machine.arch, f"{f.read().strip()}.btf")
    cutter = _cutter()
    try:
        return path, cutter.write(os.path.join(directory, "vmlinuz"), path, wanted)[0]
    except cutter.Missing as e:
        raise boards.Unavailable(str(e)) from None


def main():
    if len(sys.argv) < 3 or len(sys.argv) % 2 == 0:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    wanted, out = sys.argv[1:3]
    rows = list(zip(sys.argv[3::2], sys.argv[4::2])) or KERNELS
    for board, kernel in rows:
        try:
            path, all_bytes = make(board, kernel, wanted, out)
            print(f"{path}: {os.path.getsize(path)} of {all_bytes} bytes", flush=True)
        except boards.Unavailable as e:
            print(f"{board} {kernel}: {e}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
