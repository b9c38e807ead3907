# SPDX-License-Identifier: MIT OR Apache-2.0
"""-p: the right function, under its right name, or the real reason why there is none."""
import json
import os
import platform
import re
import resource
import shutil
import struct
import subprocess

from harness import BOARD, WORKLOAD, main, need_bpf, need_root, skip, test, wait_for

C = r"""
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) int count_one(int x) { __asm__ volatile(""); return x + 1; }
__attribute__((noinline)) int count_two(int x) { __asm__ volatile(""); return x + 2; }
__attribute__((noinline, noclone)) static int psum_(int x) { __asm__ volatile(""); return x; }
int shaped(int x) __asm__("psum.constprop.0");
__attribute__((noinline)) int shaped(int x) { __asm__ volatile(""); return x + 3; }
static int fast(int x) { __asm__ volatile(""); return x; }
static int (*choose(void))(int) { return fast; }
int chosen(int x) __attribute__((ifunc("choose")));
int main(int argc, char **argv)
{
    int i, s = 0;
    for (i = 0; i < 13; i++) s += count_one(i);
    for (i = 0; i < 7; i++) s += count_two(i);
    for (i = 0; i < 5; i++) s += shaped(i) + psum_(i);
    for (i = 0; i < 11; i++) s += chosen(i);
    printf("%d\n", s);
    return argc > 1 ? atoi(argv[1]) : 0;
}
"""
CPP = r"""
#include <cstdio>
#include <map>
#include <string>
#include <vector>
namespace app { namespace net {
__attribute__((noinline)) int send(int x) { __asm__ volatile(""); return x + 1; }
__attribute__((noinline)) int take(int x) { __asm__ volatile(""); return x; }
__attribute__((noinline)) int take(const std::vector<std::string> &v) { __asm__ volatile(""); return (int)v.size(); }
} }
template <class T> struct a_name_that_goes_on_and_on {
    template <class V> __attribute__((noinline)) static int called_as_the_first(V) { __asm__ volatile(""); return 1; }
    template <class V> __attribute__((noinline)) static int called_as_the_second(V) { __asm__ volatile(""); return 2; }
};
int main()
{
    typedef a_name_that_goes_on_and_on<std::map<std::string, std::vector<std::string>>> T;
    std::vector<std::string> v(3);
    int s = 0;
    for (int i = 0; i < 13; i++) s += app::net::send(i);
    for (int i = 0; i < 7; i++) s += app::net::take(i);
    for (int i = 0; i < 5; i++) s += app::net::take(v);
    for (int i = 0; i < 3; i++) s += T::called_as_the_first(i);
    for (int i = 0; i < 2; i++) s += T::called_as_the_second(i);
    std::printf("%d\n", s);
}
"""
OLD_AND_NEW = r"""
__attribute__((noinline)) int old_answer(int x) { __asm__ volatile(""); return x; }
__attribute__((noinline)) int new_answer(int x) { __asm__ volatile(""); return x + 1; }
__asm__(".symver old_answer, answer@V1");
__asm__(".symver new_answer, answer@@V2");
"""
CALLS_ANSWER = r"""
int answer(int);
int main(void) { int s = 0; for (int i = 0; i < 17; i++) s += answer(i); return s == 0; }
"""


def run(command, **more):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, **more)


def build(bench, name="prog", text=C, *options, compiler="gcc", suffix=".c"):
    source, program = bench.tmp / f"{name}{suffix}", bench.tmp / name
    source.write_text(text)
    run([compiler, "-O1", "-o", program, source, *options])
    return program


def traced(bench, *arguments, command, name="x", **more):
    """What stats say of a run, by (name, owner), and what was said on the way."""
    need_bpf()
    out = bench.tmp / f"{name}.pb"
    result = bench.run(BOARD, "--mode", "log", "-o", out, "-M", "none", *arguments, "--", *command, **more)
    rows = json.loads(bench.hostdec("stats", out, "--json").out)["functions"]
    bench.note(f"{rows} {result.err}")
    return {(row["name"], row.get("owner", "")): row for row in rows}, result.err


def counts(rows):
    return {name: row["count"] for (name, _), row in rows.items()}


def refused(bench, *arguments, code=1):
    need_bpf()
    result = bench.run(BOARD, "--mode", "log", "-o", bench.tmp / "x.pb", "-M", "none", *arguments, "-d", "1", code=code,
                       timeout=60)
    bench.note(result.err)
    return result.err


@test("a name without wildcards is the function in every shape that the compiler gave it")
def shapes(bench):
    program = build(bench)
    rows, _ = traced(bench, "-p", f"u:{program}:psum", command=(program,))
    assert counts(rows) == {"psum.constprop.0": 5}, rows


@test("names of C++ can be written and are shown as they were written; the symbol stays to be had")
def written(bench):
    if not shutil.which("g++"):
        skip("no g++")
    program = build(bench, "cpp", CPP, compiler="g++", suffix=".cc")
    rows, _ = traced(bench, "-p", f"u:{program}:app::net::*", command=(program,))
    assert rows[("app::net::send(int)", "cpp")]["count"] == 13, rows
    assert rows[("app::net::send(int)", "cpp")]["symbol"] == "_ZN3app3net4sendEi", rows
    assert sorted(row["count"] for (name, _), row in rows.items() if name.startswith("app::net::take(")) == [5, 7], rows
    one, _ = traced(bench, "-p", f"u:{program}:app::net::take(int)", command=(program,), name="one")
    assert counts(one) == {"app::net::take(int)": 7}, one
    mangled, _ = traced(bench, "-p", f"u:{program}:_ZN3app3net4sendEi", command=(program,), name="mangled")
    assert counts(mangled) == {"app::net::send(int)": 13}, mangled


@test("names of more than 95 bytes arrive whole; two never become one")
def long_names(bench):
    if not shutil.which("g++"):
        skip("no g++")
    program = build(bench, "cpp", CPP, compiler="g++", suffix=".cc")
    rows, _ = traced(bench, "-p", f"u:{program}:*called_as_the*", command=(program,))
    assert sorted(row["count"] for row in rows.values()) == [2, 3], rows
    assert all(len(row["symbol"]) > 95 and "~" not in row["symbol"] for row in rows.values()), rows
    assert {"first" in name for name, _ in rows} == {True, False}, rows


@test("of a versioned symbol the default version is probed; the older one has the version in its name")
def versions(bench):
    library, text = bench.tmp / "libanswer.so", bench.tmp / "answer.c"
    text.write_text(OLD_AND_NEW)
    script = bench.tmp / "map"
    script.write_text("V1 { global: answer; local: *; };\nV2 { global: answer; } V1;\n")
    run(["gcc", "-O1", "-shared", "-fPIC", f"-Wl,--version-script={script}", "-o", library, text])
    run(["strip", library])
    caller = build(bench, "caller", CALLS_ANSWER, library, f"-Wl,-rpath,{bench.tmp}")
    rows, _ = traced(bench, "-p", f"u:{library}:answer", command=(caller,))
    assert counts(rows) == {"answer": 17}, rows
    err = refused(bench, "-p", f"u:{library}:ansver")
    assert "answer" in err, err
    old, _ = traced(bench, "-p", f"u:{library}:answer@V1", "-p", f"u:{library}:answer", command=(caller,), name="old")
    assert counts(old) == {"answer": 17}, old


@test("a stripped program is found by its build id, its debug link, its packed symbols, its dynamic symbols")
def stripped(bench):
    program = build(bench, "whole", C, "-Wl,--build-id")
    only = bench.tmp / "only.debug"
    run(["objcopy", "--only-keep-debug", program, only])

    linked = bench.tmp / "linked"
    run(["objcopy", "--strip-all", f"--add-gnu-debuglink={only}", program, linked])
    rows, _ = traced(bench, "-p", f"u:{linked}:count_*", command=(linked,), name="linked")
    assert counts(rows) == {"count_one": 13, "count_two": 7}, rows

    only.rename(bench.tmp / "elsewhere")
    packed, table = bench.tmp / "packed", bench.tmp / "table"
    run(["objcopy", "--strip-debug", "--remove-section", ".comment", program, table])
    run(["xz", "-k", table])
    run(["objcopy", "--strip-all", f"--add-section=.gnu_debugdata={table}.xz", program, packed])
    rows, _ = traced(bench, "-p", f"u:{packed}:count_*", command=(packed,), name="packed")
    assert counts(rows) == {"count_one": 13, "count_two": 7}, rows

    exported = build(bench, "exported", C, "-rdynamic")
    run(["strip", exported])
    rows, _ = traced(bench, "-p", f"u:{exported}:count_one", command=(exported,), name="exported")
    assert counts(rows) == {"count_one": 13}, rows

    bare = bench.tmp / "bare"
    run(["objcopy", "--strip-all", program, bare])
    err = refused(bench, "-p", f"u:{bare}:count_one")
    assert "stripped" in err and len(err.splitlines()) == 1, err
    (bench.tmp / "only.debug").write_bytes((build(bench, "other", C.replace("13", "12"), "-Wl,--build-id")).read_bytes())
    err = refused(bench, "-p", f"u:{linked}:count_one")
    assert "another build" in err, err


@test("damaged packed symbols are said, and are no harm")
def damaged(bench):
    program, junk = build(bench), bench.tmp / "junk.xz"
    junk.write_bytes(b"\xfd7zXZ\0" + os.urandom(3000))
    run(["objcopy", "--strip-all", f"--add-section=.gnu_debugdata={junk}", program])
    err = refused(bench, "-p", f"u:{program}:count_one")
    assert ".gnu_debugdata: is damaged" in err, err


@test("what an indirect function is, running programs tell; where none does, that is said")
def indirect(bench):
    program = build(bench)
    err = refused(bench, "-p", f"u:{program}:chosen")
    assert "IFUNC" in err and len(err.splitlines()) == 1, err
    libc = next((line.split()[-1] for line in open("/proc/self/maps") if re.search(r"/libc[.-]", line)), None)
    if not libc:
        skip("python has no libc of its own")
    caller = build(bench, "caller", r"""
#include <string.h>
int main(int c, char **v) { size_t s = 0; for (int i = 0; i < 101; i++) { char *volatile a = v[0]; s += strlen(a); } return s == 0; }
""", "-fno-builtin")
    rows, said = traced(bench, "-p", f"u:{libc}:strlen", command=(caller,))
    assert counts(rows).get("strlen", 0) >= 101, (rows, said)


@test("a program for a machine whose programs this kernel does not probe: it is said, and others are traced")
def foreign(bench):
    program, other = build(bench), bench.tmp / "other"
    code = bytearray(program.read_bytes())
    number, name = ((183, "arm64") if platform.machine() in ("x86_64", "i686") else (62, "x86-64"))
    struct.pack_into("<H", code, 18, number)  # e_machine
    other.write_bytes(code)
    err = refused(bench, "-p", f"u:{other}:count_*")
    assert f"other is a program for {name}" in err and len(err.splitlines()) == 1, err
    rows, said = traced(bench, "-p", f"u:{other}:*", "-p", f"u:{program}:count_one", command=(program,))
    assert counts(rows) == {"count_one": 13} and f"program for {name}" in said, (rows, said)


@test("PATH: hard links are one file, colons belong to names, a bare name is looked for, two of a name differ")
def paths(bench):
    program = build(bench)
    os.link(program, bench.tmp / "same")
    rows, _ = traced(bench, "-p", f"u:{program}:count_one", "-p", f"u:{bench.tmp}/same:count_one", command=(program,))
    assert counts(rows) == {"count_one": 13}, rows
    colon = bench.tmp / "with:colon"
    shutil.copy(program, colon)
    rows, _ = traced(bench, "-p", f"u:{colon}:count_one", command=(colon,), name="colon")
    assert counts(rows) == {"count_one": 13}, rows
    shutil.copy(program, bench.tmp / "with")
    escaped = str(colon).replace(":", "\\:")
    rows, _ = traced(bench, "-p", f"u:{escaped}:count_one", command=(colon,), name="escaped")
    assert counts(rows) == {"count_one": 13}, rows
    bin_dir = bench.tmp / "bin"
    bin_dir.mkdir()
    shutil.copy(program, bin_dir / "only-here")
    rows, _ = traced(bench, "-p", "u:only-here:count_one", command=(bin_dir / "only-here",), name="path",
                     env=dict(os.environ, PATH=f"{bin_dir}:{os.environ['PATH']}"))
    assert counts(rows) == {"count_one": 13}, rows
    twin = bench.tmp / "twin"
    twin.mkdir()
    shutil.copy(program, twin / "only-here")
    rows, _ = traced(bench, "-p", f"u:{twin}/only-here:count_one", "-p", f"u:{bin_dir}/only-here:count_one", name="twins",
                     command=("sh", "-c", f"{twin}/only-here; {bin_dir}/only-here; {bin_dir}/only-here"))
    assert {owner: row["count"] for (_, owner), row in rows.items()} == {"twin/only-here": 13, "bin/only-here": 26}, rows


@test("/proc/PID/root/PATH is that root's file, not ours of the same name")
def container(bench):
    need_root()
    root = bench.tmp / "root"
    (root / "opt").mkdir(parents=True)
    other = build(bench, "other", C.replace("count_one", "count_inside"), "-static")
    shutil.copy(other, root / "opt" / "prog")
    sleeper = build(bench, "sleeper", "#include <unistd.h>\nint main(void) { return pause(); }\n", "-static")
    shutil.copy(sleeper, root / "sleeper")
    inside = subprocess.Popen(["chroot", str(root), "/sleeper"])
    try:
        wait_for("chroot", lambda: os.readlink(f"/proc/{inside.pid}/root") == str(root))
        rows, _ = traced(bench, "-p", f"u:/proc/{inside.pid}/root/opt/prog:count_inside",
                         command=("chroot", root, "/opt/prog"))
        assert counts(rows) == {"count_inside": 13}, rows
    finally:
        inside.kill()
        inside.wait()


@test("the reason is the real one: typo, pattern, import, cut off, no file of symbols, no regular file")
def reasons(bench):
    program = build(bench)
    cut, fifo = bench.tmp / "cut", bench.tmp / "fifo"
    cut.write_bytes(program.read_bytes()[:6000])
    os.mkfifo(fifo)
    sparse = bench.tmp / "sparse"
    sparse.write_bytes(program.read_bytes())
    os.truncate(sparse, 7 << 30)
    for spec, words in ((f"u:{program}:cuont_one", "count_one"), (f"u:{program}:count_[a", "no ]"),
                        (f"u:{program}:printf", "library"), (f"u:{cut}:main", "cut off"),
                        (f"u:{fifo}:f", "regular"), (f"u:{bench.tmp}:f", "directory"), ("u:/dev/zero:f", "regular"),
                        ("u:/etc/passwd:f", "ELF"), ("u:no-such-program-anywhere:f", r"\$PATH"),
                        (f"u:{program}:count_on*_x", "none of the"), ("t:sched:sched_swich", "sched_switch"),
                        ("t:schde:sched_switch", "sched"), (f"u:{sparse}:none_such", "none of the")):
        err = refused(bench, "-p", spec)
        assert re.search(words, err) and len(err.splitlines()) == 1 and spec in err, (spec, err)


@test("of several -p those that find nothing are said and left out; --strict-probes wants them all")
def several(bench):
    program = build(bench)
    specs = ("-p", f"u:{program}:no_such_function", "-p", "k:no_such_function_either", "-p", f"u:{program}:count_one")
    rows, err = traced(bench, *specs, command=(program,))
    assert counts(rows) == {"count_one": 13}, rows
    assert "no_such_function:" in err and "no_such_function_either:" in err and err.count("left out") == 2, err
    strict = refused(bench, "--strict-probes", *specs)
    assert "--strict-probes" in strict, strict
    nothing = refused(bench, *specs[:4])
    assert "nothing" in nothing, nothing


@test("one tracepoint is one, however often and by however many patterns it is named")
def overlapping(bench):
    program = build(bench)
    rows, _ = traced(bench, "-p", "t:sched:sched_process_fork", "-p", "t:sched:sched_process_fork",
                     "-p", "t:sched:sched_process_for*", command=("sh", "-c", f"{program}; {program}"))
    assert list(counts(rows)) == ["sched:sched_process_fork"] and counts(rows)["sched:sched_process_fork"] >= 1, rows


@test("all system calls as tracepoints: taken from two raw ones, each under its name, each once")
def all_calls(bench):
    summary = bench.tmp / "x.json"
    rows, _ = traced(bench, "-p", "t:syscalls:sys_e*", "--summary-json", summary, command=(WORKLOAD, "files", 211))
    seen = counts(rows)
    for name in ("syscalls:sys_enter_openat", "syscalls:sys_exit_openat", "syscalls:sys_enter_close"):
        assert seen.get(name, 0) >= 211, seen
    assert seen.get("syscalls:sys_enter_execve", 0) >= 1, seen
    assert "raw_tp" in summary.read_text(), summary.read_text()


@test("too many functions: how many match, and how many can be")
def too_many(bench):
    text = "".join(f"int function_{i}(int x) {{ return x + {i}; }}\n" for i in range(5003)) + "int main(void) { return 0; }\n"
    program = build(bench, "many", text, "-O0")
    err = refused(bench, "-p", f"u:{program}:function_*")
    assert "5003" in err and "4096" in err and len(err.splitlines()) == 1, err
    assert "4096" in bench.run(BOARD, "--help").out


@test("a low limit on descriptors is said, with its cure")
def low_limit(bench):
    need_root()
    text = "".join(f"int function_{i}(int x) {{ return x + {i}; }}\n" for i in range(101)) + "int main(void) { return 0; }\n"
    program = build(bench, "hundred", text, "-O0")
    _, err = traced(bench, "--mechanism", "uretprobe", "-p", f"u:{program}:function_*", command=(program,),
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
    assert "101 functions are traced" in err and "ulimit -n" in err, err


@test("what every C program starts and ends with is no news under a glob, and can be named")
def startup_fragments(bench):
    need_root()
    program = build(bench, "small", C, "-O1")
    rows, err = traced(bench, "-v", "-p", f"u:{program}:*", command=(program,))
    seen = counts(rows)
    assert not {"_init", "_fini", "frame_dummy", "register_tm_clones"} & set(seen), seen
    assert "only entries" not in err and "frame_dummy: not traced" in err, err
    rows, _ = traced(bench, "-p", f"u:{program}:_init", command=(program,))
    assert counts(rows).get("_init") == 1, rows


main()
