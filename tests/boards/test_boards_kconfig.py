# SPDX-License-Identifier: MIT OR Apache-2.0
"""The list of kernel options that Buildroot and Yocto get, merged with kernels' own configurations by the kernel's own
tools: what comes out has what ayaprof-uart needs. For `make test-boards`."""
import os
import re
import subprocess
from pathlib import Path

import cells  # noqa: F401, finds harness
from harness import ROOT, main, skip, test

SOURCE = "linux-source-6.1"
LISTS = (ROOT / "packaging/buildroot/board/linux-ayaprof.fragment",
         ROOT / "packaging/yocto/meta-ayaprof/recipes-kernel/linux/files/ayaprof.cfg")
# What Linux 6.1 has not on that architecture: direct calls of ftrace, fprobe.
KERNELS = {
    ("arm64", "defconfig", "aarch64-linux-gnu-"): {"DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "FPROBE"},
    ("arm", "multi_v7_defconfig", "arm-linux-gnueabihf-"): {"DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "FPROBE"},
    ("x86", "x86_64_defconfig", ""): set(),
}
# Of a kernel's source what its configuration is made from.
PARTS = ("*/Kconfig*", "*/Makefile*", f"{SOURCE}/scripts", f"{SOURCE}/arch/*/configs", f"{SOURCE}/include/linux/compiler*",
         f"{SOURCE}/include/linux/hidden.h")


def source(bench):
    done = subprocess.run([ROOT / "scripts/fetch-packages.sh", os.uname().machine, "kernel-source", SOURCE],
                          capture_output=True, text=True)
    if done.returncode:
        skip(f"no kernel source: {(done.stderr.splitlines() or ['no reason given'])[-1]}")
    archive = Path(done.stdout.split()[-1]) / f"usr/src/{SOURCE}.tar.xz"
    bench.run("tar", "-C", bench.tmp, "-xJf", archive, "--wildcards", *PARTS, timeout=600)
    return bench.tmp / SOURCE


def wanted(path):
    """Options of a list with their values; n: not set."""
    text = path.read_text()
    return dict(re.findall(r"(?m)^CONFIG_(\w+)=(\w+)$", text)) | \
        {name: "n" for name in re.findall(r"(?m)^# CONFIG_(\w+) is not set$", text)}


@test("merged with the kernels' own configurations, the list leaves nothing out that the architecture has")
def merged(bench):
    tree = source(bench)
    for (arch, config, prefix), has_not in KERNELS.items():
        for options in LISTS:
            env = dict(os.environ, ARCH=arch, CROSS_COMPILE=prefix)
            for word in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "O"):
                env.pop(word, None)
            bench.run("scripts/kconfig/merge_config.sh", "-m", f"arch/{arch}/configs/{config}", options, cwd=tree, env=env)
            bench.run("make", "-s", "olddefconfig", cwd=tree, env=env, timeout=600)
            got = wanted(tree / ".config")
            missing = {name for name, value in wanted(options).items() if got.get(name, "n") != value}
            assert missing == has_not, f"{arch} {config} with {options.name}: {missing ^ has_not}"


main()
