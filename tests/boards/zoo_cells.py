# SPDX-License-Identifier: MIT OR Apache-2.0
"""The zoo (tests/e2e/zoo.py) on a board: all functions of a program are traced while it does what a probe could disturb."""
import collections
import os
import shutil
import subprocess
from pathlib import Path

import board as boards
import many
from cells import boot, program
from harness import BUILD, skip, test
from zoo import MODES, MUSL_MODES, ZOO, events, own_counts, same, script

# An emulated board without uprobe.multi takes seconds to put probes on some hundred places, and as long to take them away.
TIMEOUT_S = 1200
# Each program plain, then traced. What it ended with is in what it printed.
JOB = """
while read -r name glob; do
	sh /job/$name.sh </dev/null >/out/$name.plain
	ayaprof-uart --mode log -o /out/$name.pb -M none -p "u:/job/$name:$glob" -- \\
		sh /job/$name.sh </dev/null >/out/$name.traced 2>/out/$name.err
	echo $? >/out/$name.code
	echo "zoo: $name: $(cut -d' ' -f1 /proc/uptime) s"
done </job/names
"""
# How programs for a board are made. flags: the kernel's user probes on arm are for its wide instructions only.
Target = collections.namedtuple("Target", "prefix flags loader go rust")
TARGETS = {
    "x86_64": Target("x86_64-linux-gnu-", (), "ld-linux-x86-64.so.2", {"GOARCH": "amd64"}, "x86_64-unknown-linux-gnu"),
    "aarch64": Target("aarch64-linux-gnu-", (), "ld-linux-aarch64.so.1", {"GOARCH": "arm64"}, "aarch64-unknown-linux-gnu"),
    "armv7l": Target("arm-linux-gnueabihf-", ("-marm",), "ld-linux-armhf.so.3", {"GOARCH": "arm", "GOARM": "7"},
                     "armv7-unknown-linux-gnueabihf"),
}
LIB = "/job/lib"

# A program of the zoo: the name it has on the board, the functions, how it is made (name, bench to files for the board), how it is run.
Animal = collections.namedtuple("Animal", "name glob make runs")


def debian(compiler):
    """Debian's, whatever else a user has before it."""
    path = shutil.which(compiler, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        skip(f"no {compiler} here")
    return path


def fetched(script, *arguments):
    try:
        return Path(boards.fetch(f"../../scripts/{script}", *arguments))
    except boards.Unavailable as reason:
        skip(str(reason))


def compiled(bench, name, *command, **options):
    done = subprocess.run([*command, "-o", bench.tmp / name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=TIMEOUT_S, text=True, **options)
    assert not done.returncode, f"{command[0]} does not build {name}: {done.stdout[-1000:]}"
    return {name: bench.tmp / name}


def linked(target):
    """For programs whose libraries are beside them."""
    return f"-Wl,--dynamic-linker={LIB}/{target.loader},--disable-new-dtags,-rpath,{LIB}"


def libraries(target, *names):
    gcc = debian(f"{target.prefix}gcc")
    paths = {name: subprocess.run([gcc, f"-print-file-name={name}"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
             for name in (target.loader, "libc.so.6", "libgcc_s.so.1", *names)}
    return {f"lib/{name}": path for name, path in paths.items()}


def dynamic(arch, source, *flags):
    target = TARGETS[arch]

    def make(bench, name):
        cpp = source.endswith("pp")
        files = compiled(bench, name, debian(f"{target.prefix}{'g++' if cpp else 'gcc'}"), *target.flags, *flags, ZOO / source, "-pthread",
                         linked(target))
        return {**files, **libraries(target, *(("libstdc++.so.6", "libm.so.6") if cpp else ()))}
    return make


def static(arch, source, *flags):
    """By the compiler of the boards' own programs, with musl."""
    return lambda bench, name: compiled(bench, name, fetched("build-musl-libs.sh", arch) / "bin/cc", *TARGETS[arch].flags, *flags, "-static",
                                        ZOO / source)


def rust(arch, source, *flags):
    target = TARGETS[arch]

    def make(bench, name):
        lib = fetched("fetch-packages.sh", arch, "rust", "libstd-rust-dev") / f"usr/lib/rustlib/{target.rust}/lib"
        files = compiled(bench, name, debian("rustc"), *flags, "--target", target.rust, "-L", lib, ZOO / source,
                         "-C", f"linker={debian(f'{target.prefix}gcc')}", "-C", f"link-arg={linked(target)}")
        return {**files, **libraries(target)}
    return make


def go(arch, source):
    # Its library for another architecture takes a minute to build.
    environment = {**os.environ, "GOCACHE": str(BUILD / "go"), "GO111MODULE": "off", "GOFLAGS": "", "CGO_ENABLED": "0", **TARGETS[arch].go}

    def make(bench, name):
        command = [debian("go"), "build", "-o", bench.tmp / name, ZOO / source]
        subprocess.run(command, env=environment, check=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
        return {name: bench.tmp / name}
    return make


def groups(cell):
    """What is there for a board, by language. Without uprobe.multi, libraries that are part of the program are left out."""
    arch = boards.MACHINES[cell.board].arch
    multi = cell.kernel == "6.12"
    return {
        "C, C++, IFUNCs": (
            Animal("zoo-O0", "*", dynamic(arch, "zoo.c", "-O0"), tuple(MODES.items())),
            Animal("zoo-O2", "*", dynamic(arch, "zoo.c", "-O2"), tuple(MODES.items())),
            Animal("zoo-musl", "*", static(arch, "zoo.c", "-O2"), tuple(MUSL_MODES.items())),
            Animal("exceptions-O0", "*", dynamic(arch, "exceptions.cpp", "-O0"), ((100,),)),
            Animal("exceptions-O2", "*", dynamic(arch, "exceptions.cpp", "-O2"), ((100,),)),
            Animal("ifunc", "*", dynamic(arch, "ifunc.c", "-O2"), ((100,),))),
        "Rust": (Animal("panics", "*" if multi else "zoo_*", rust(arch, "panics.rs", "-O"), ((101,),)),),
        "Go": (Animal("stacks", "*" if multi else "main.*", go(arch, "stacks.go"), ((200, 8), (60, 100))),),
    }


def meet(bench, cell, animals, job=JOB, more=None):
    """A boot with these. Of each: its name, what it printed plain and traced, the recording, what tracing ended with; and
    all files that came back."""
    files = {"ayaprof-uart": program(cell.board, "ayaprof-uart"), "names": bench.tmp / "names", **(more or {})}
    files["names"].write_text("".join(f"{animal.name} {animal.glob}\n" for animal in animals))
    for animal in animals:
        files.update(animal.make(bench, animal.name))
        files[f"{animal.name}.sh"] = bench.tmp / f"{animal.name}.sh"
        files[f"{animal.name}.sh"].write_text(script(f"/job/{animal.name}", *animal.runs))
    result = boot(bench, cell, job, files).wait(TIMEOUT_S)
    for line in result.console.splitlines():
        if line.startswith(("zoo: ", "board: job starts")):
            print(f"# {line}", flush=True)
    for animal in animals:
        plain, traced, err, code = (result.files[f"{animal.name}.{what}"].decode() for what in ("plain", "traced", "err", "code"))
        bench.note(f"{animal.name}: {err}")
        recording = bench.tmp / f"{animal.name}.pb"
        recording.write_bytes(result.files[f"{animal.name}.pb"])
        yield animal.name, plain, traced, recording, code.strip(), result.files


def add_zoo(cell):
    for language, animals in groups(cell).items():
        @test(f"{cell.board} {cell.kernel}: {language}: programs do the same with a probe on each of their functions")
        def zoo(bench, animals=animals):
            for name, plain, traced, recording, code, _ in meet(bench, cell, animals):
                assert code == "0", f"{name}: exit status {code}"
                same(bench, name, plain, traced, recording)


# A 32-bit program on a 64-bit kernel: by itself, and beside something that can be traced.
NARROW_JOB = """
sh /job/narrow.sh </dev/null >/out/plain
ayaprof-uart --mode log -o /out/refused.pb -M none -p 'u:/job/narrow:*' -- true 2>/out/refused
echo $? >/out/refused.code
ayaprof-uart --mode log -o /out/narrow.pb -M none -p 'u:/job/narrow:*' -p k:create_pipe_files -- \\
	sh -c 'sh /job/narrow.sh | cat' </dev/null >/out/traced 2>/out/beside
"""


def add_narrow(cell):
    @test(f"{cell.board} {cell.kernel}: a 32-bit program does the same; that this kernel probes none is said")
    def narrow(bench):
        source = bench.tmp / "narrow.sh"
        source.write_text(script("/job/narrow", *MUSL_MODES.items()))
        files = {"ayaprof-uart": program(cell.board, "ayaprof-uart"), "narrow.sh": source,
                 **static("armv7l", "zoo.c", "-O2")(bench, "narrow")}
        result = boot(bench, cell, NARROW_JOB, files).wait(TIMEOUT_S)
        plain, traced, refused, beside = (result.files[name].decode() for name in ("plain", "traced", "refused", "beside"))
        bench.note(f"{refused}{beside}")
        assert result.code == 0 and result.files["refused.code"] == b"1\n", f"{result.code}, {result.files['refused.code']}"
        for said in (refused, beside):
            assert "narrow is a program for 32-bit arm, and this kernel (aarch64) probes no" in said, said
        assert plain == traced and own_counts(plain)["calls"]["zoo_deep"] == MODES["deep"], f"printed {traced!r} instead of {plain!r}"
        recording = bench.tmp / "narrow.pb"
        recording.write_bytes(result.files["narrow.pb"])
        assert set(events(bench, recording)) == {("entry", "create_pipe_files"), ("exit", "create_pipe_files")}


# 32-bit x86 on a 64-bit kernel: the zoo, and instructions that take no probe.
STEPS = 101
I386_JOB = JOB + """
ayaprof-uart --mode log -o /out/many.pb -M none -p 'u:/job/many:step_*' -- /job/many >/out/many.traced 2>/out/many.err
echo $? >/out/many.code
/job/many >/out/many.plain
"""


def add_i386(cell):
    @test(f"{cell.board} {cell.kernel}: 32-bit programs do the same; functions where the kernel takes no probe are left out, and said")
    def i386(bench):
        gcc = debian("i686-linux-gnu-gcc")
        zoo = Animal("zoo-i386", "zoo_*", lambda bench, name: compiled(bench, name, gcc, "-O2", "-static", "-pthread", ZOO / "zoo.c"),
                     tuple(MODES.items()))
        more = compiled(bench, "many", gcc, "-O1", "-static", many.write(bench.tmp, STEPS, "%esp"))
        for name, plain, traced, recording, code, files in meet(bench, cell, [zoo], I386_JOB, more):
            assert code == "0", f"{name}: exit status {code}"
            same(bench, name, plain, traced, recording)
        assert files["many.code"] == b"0\n" and files["many.traced"] == files["many.plain"], files["many.err"]
        (bench.tmp / "refused.pb").write_bytes(files["many.pb"])
        many.check_refused(bench, bench.tmp / "refused.pb", files["many.err"].decode(), STEPS)
