# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is built is what was meant: hardened, without silent conversions, from what it is made from, the same twice."""
import os
import platform
import re
import shutil
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import BOARD, BUILD, HOSTDEC, PYTHON, ROOT, build_directory, main, skip, test

SECONDS = 150

STATIC = BUILD / "static/ayaprof-uart"
SANITIZED = "asan" in BUILD.name


def output(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}: {done.stderr[-2000:]}"
    return done.stdout


def make(directory, out, *words):
    return output("make", "-C", directory, "--no-print-directory", "-j2", f"O={out}", f"PYTHON={PYTHON}", *words,
                  env={k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "O")})


def copy_of_sources(bench, name):
    """The project's own files without git, as in a release archive."""
    to = bench.tmp / name
    files = output(ROOT / "scripts/list-files.sh").split("\0")
    for file in filter(None, files):
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, to / file, follow_symlinks=False)
    return to


def hardened(program, is_static):
    head = output("readelf", "-hlWd", program)
    assert re.search(r"Type:\s+DYN", head), f"{program} stands at a fixed address"
    assert "GNU_RELRO" in head, f"{program}: its relocations stay writable"
    stack = re.search(r"GNU_STACK.*", head)
    assert stack and " RWE" not in stack[0], f"{program}: its stack can be executed"
    if is_static:
        assert "INTERP" not in head and "NEEDED" not in head, f"{program} needs libraries"
        return
    assert "BIND_NOW" in head, f"{program} binds late"
    names = output("nm", "-D", "--undefined-only", program)
    assert "__stack_chk_fail" in names, f"{program} has no stack protector"
    assert re.search(r"__(mem|str|sn|vsn|v?f?printf|read|pread|recv)\w*_chk", names), f"{program} has no FORTIFY"


@test("both programs are position-independent, bound early, with stack protector and FORTIFY")
def hardening(bench):
    if SANITIZED:
        skip("built with sanitizers, which bring checks of their own")
    for program in (BOARD, HOSTDEC):
        hardened(program, False)


@test("the static program is static-pie with relocations that cannot be written")
def hardening_static(bench):
    if not STATIC.exists():
        skip("no static program in this build")
    if not (BUILD / "static/libc").read_text().startswith("musl"):
        skip("the static program is built against glibc here")
    hardened(STATIC, True)
    # Stripped: the protector shows in what it would print or call.
    assert b"stack smashing" in STATIC.read_bytes() or re.search(r"%fs:0x28", output("objdump", "-d", STATIC)) \
        or platform.machine() != "x86_64", "no stack protector"


@test("no file of the programs converts a number in silence, and none has a warning")
def warnings(bench):
    with build_directory():
        flags = re.search(r"gcc\S* (.*) -MMD", make(ROOT, BUILD, "-n", "-B", "V=1", f"{BUILD}/obj/target/main.o"))
    if not flags:
        skip("not gcc's flags")
    words = [w for w in flags[1].replace("'\"", '"').replace("\"'", '"').split()]
    assert "-Wconversion" in words, words
    files = [f for place in ("framing", "proto", "target", "host") for f in sorted((ROOT / place).rglob("*.c"))
             if f.parent.name != "web"]  # for clang and wasm32 only: scripts/build-wasm.sh has its own flags
    assert len(files) > 100, files

    def compile_one(file):
        done = subprocess.run(["gcc", *words, "-Werror", "-fsyntax-only", str(file.relative_to(ROOT))], cwd=ROOT,
                              capture_output=True, text=True)
        return done.stderr if done.returncode else ""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = [text for text in pool.map(compile_one, files) if text]
    assert not found, found[0]


def number_of(table, name):
    return int(re.search(rf'^SYSCALL\((\d+), {name}\)$', table.read_text(), re.M)[1])


def cross_compiler():
    """One for arm64 that finds its machine's headers: what static programs are built with."""
    done = subprocess.run([ROOT / "scripts/build-musl-libs.sh", "aarch64"], capture_output=True, text=True)
    if done.returncode:
        skip(f"no compiler for arm64: {(done.stderr.splitlines() or ['no reason given'])[-1]}")
    return Path(done.stdout.split()[-1]) / "bin/cc"


@test("a cross compiler in a build directory that was native gets the board's own system calls")
def cross_after_native(bench):
    board = cross_compiler()
    if platform.machine() != "x86_64":
        skip("needs a native build of another architecture")
    out = bench.tmp / "out"
    user = out / "obj/target/syscalls/syscalls.o"

    def machine():
        return re.search(r"Machine:\s+(.*)", output("readelf", "-h", user))[1]
    make(ROOT, out, user)
    assert "X86-64" in machine() and number_of(out / "gen/target/syscalls_x86_64.inc", "getppid") == 110
    make(ROOT, out, user, f"CC={board}")
    assert machine() == "AArch64" and number_of(out / "gen/target/syscalls_arm64.inc", "getppid") == 173
    assert "syscalls_arm64.inc" in user.with_suffix(".d").read_text(), "made from another machine's table"
    make(ROOT, out, user)
    assert "X86-64" in machine() and "syscalls_x86_64.inc" in user.with_suffix(".d").read_text()


@test("what the kernel programs are made from and for makes them anew")
def kernel_programs_follow(bench):
    out = bench.tmp / "out"
    types, program = out / "gen/bpf/vmlinux.h", out / "obj/bpf/task.bpf.o"
    make(ROOT, out, program, "VMLINUX_BTF=none")
    assert types.read_bytes() == (ROOT / "bpf/vmlinux_min.h").read_bytes()
    before = program.stat().st_mtime_ns
    make(ROOT, out, program, "VMLINUX_BTF=none")
    assert program.stat().st_mtime_ns == before, "made again although nothing changed"
    if os.path.exists("/sys/kernel/btf/vmlinux"):
        make(ROOT, out, program, "VMLINUX_BTF=/sys/kernel/btf/vmlinux")
        assert types.stat().st_size > 100000 and program.stat().st_mtime_ns > before, "VMLINUX_BTF= was not heeded"
    if shutil.which("aarch64-linux-gnu-gcc"):
        before = program.stat().st_mtime_ns
        make(ROOT, out, program, "VMLINUX_BTF=none", "CROSS_COMPILE=aarch64-linux-gnu-")  # needs no headers
        assert program.stat().st_mtime_ns > before, "the register layout is another"


@test("no kernel program asks for type information: kernels without, and boards with little memory, load them all")
def no_relocations(bench):
    objects = sorted((BUILD / "obj/bpf").glob("*.bpf.o"))
    assert objects
    for program in objects:
        section = bench.tmp / "ext"
        output("llvm-objcopy", "--dump-section", f".BTF.ext={section}", program, bench.tmp / "copy")
        data = section.read_bytes()
        # linux/btf.h, struct btf_ext_header: its length, then offset and length of three tables.
        length, relocations = struct.unpack_from("<I", data, 4)[0], struct.unpack_from("<I", data, 28)[0]
        assert length >= 32 and relocations == 0, f"{program.name} has relocations against the kernel's types"


@test("CFLAGS, CPPFLAGS and LDFLAGS of the user are added to the project's own")
def flags_are_added(bench):
    said = make(ROOT, bench.tmp / "out", "-n", "V=1", f"{bench.tmp}/out/ayaprof-uart", "CFLAGS=-O1 -fno-inline",
                "CPPFLAGS=-DUSERS_OWN", "LDFLAGS=-Wl,--stats")
    compiled = next(line for line in said.splitlines() if "-c -o" in line and "target/main.c" in line)
    for word in ("-std=gnu11", "-Wall", "-D_GNU_SOURCE", "-O1 -fno-inline", "-DUSERS_OWN", "-fPIE"):
        assert word in compiled, f"{word} is missing: {compiled}"
    assert compiled.rindex("-O1") > compiled.rindex("-O2"), "the user's word must be the last"
    linked = [line for line in said.splitlines() if "-lbpf" in line][-1]
    for word in ("-z,relro", "-pie", "-Wl,--stats"):
        assert word in linked, f"{word} is missing: {linked}"


@test("built in another directory, from an archive without git, the programs are the same bytes")
def reproducible(bench):
    if SANITIZED or os.environ.get("CFLAGS") or os.environ.get("LDFLAGS"):
        skip("not a plain build")
    sources = copy_of_sources(bench, "a-directory-of-another-length")
    assert not (sources / ".git").exists()
    make(sources, bench.tmp / "elsewhere", bench.tmp / "elsewhere/ayaprof-uart")
    for name in sorted(path.name for path in (BUILD / "obj/bpf").glob("*.bpf.o")):
        assert (BUILD / "obj/bpf" / name).read_bytes() == (bench.tmp / "elsewhere/obj/bpf" / name).read_bytes(), name
    assert str(ROOT).encode() not in BOARD.read_bytes(), "the program tells where it was built"
    assert BOARD.read_bytes() == (bench.tmp / "elsewhere/ayaprof-uart").read_bytes(), "two builds differ"


@test("the tree can be looked over without git")
def lint_without_git(bench):
    sources = copy_of_sources(bench, "archive")
    for place in ("host", "target", "proto", "tests"):  # little is enough
        shutil.rmtree(sources / place)
    bad = sources / "framing/zz_bad.c"
    bad.write_text("/* SPDX-License-Identifier: MIT OR Apache-2.0 */\n#include \"host/base/loop.h\"\n")
    done = subprocess.run([sources / "scripts/lint.sh"], capture_output=True, text=True, cwd=sources)
    assert done.returncode == 1 and "framing/zz_bad.c" in done.stdout, done.stdout + done.stderr
    assert "fatal" not in done.stderr, done.stderr


@test("the tree's look-over finds circles of includes, of files and of directories")
def lint_finds_circles(bench):
    sources = copy_of_sources(bench, "circles")
    for place in ("host", "target", "proto", "tests"):
        shutil.rmtree(sources / place)
    header = "/* SPDX-License-Identifier: MIT OR Apache-2.0 */\n"
    for file, name in (("framing/one.h", "framing/two.h"), ("framing/two.h", "framing/one.h"),
                       ("target/a/a.h", "target/b/b.h"), ("target/b/c.h", "target/a/c.h"),
                       ("target/b/b.h", "framing/one.h"), ("target/a/c.h", "framing/one.h")):
        (sources / file).parent.mkdir(parents=True, exist_ok=True)
        (sources / file).write_text(f"{header}#include \"{name}\"\n")
    done = subprocess.run([sources / "scripts/lint.sh"], capture_output=True, text=True, cwd=sources)
    found = re.findall(r"circle of \w+: (\S+) includes (\S+); (\S+) includes (\S+)", done.stdout)
    assert done.returncode == 1 and len(found) == 2, done.stdout + done.stderr
    assert sorted(map(set, found), key=len) == [{"framing/one.h", "framing/two.h"},
                                                {"target/a/a.h", "target/b/b.h", "target/b/c.h", "target/a/c.h"}], found


main()
