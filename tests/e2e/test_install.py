# SPDX-License-Identifier: MIT OR Apache-2.0
"""make install, the man pages and the completion: what a user of the installed programs has."""
import os
import re
import shutil
import subprocess

from harness import BUILD, BOARD, HOSTDEC, ROOT, build_directory, main, skip, test

# As make was called: the same directory under another name would be built anew.
O = os.path.relpath(BUILD, ROOT) if BUILD.is_relative_to(ROOT) else BUILD
COMMANDS = ("record", "info", "stats", "plot", "log", "export", "ctl")


def make(bench, *words):
    with build_directory():
        return bench.run("make", "-s", "-C", ROOT, f"O={O}", f"PYTHON={os.environ.get('PYTHON') or '/usr/bin/python3'}",
                         *words, timeout=300)


def installed(bench, *targets):
    where = bench.tmp / "root"
    make(bench, f"DESTDIR={where}", "PREFIX=/usr", *targets)
    return where, {str(p.relative_to(where)) for p in where.rglob("*") if p.is_file()}


def options_in_help(bench, *command):
    text = bench.run(*command, "--help").out
    return set(re.findall(r"(?<=^ {6})--[\w-]+|(?<=, )--[\w-]+(?=[ \n])", text, re.M))


@test("make install: both programs run from there, with pages and completion; make uninstall takes all of it away")
def install(bench):
    root, files = installed(bench, "install")
    assert {"usr/bin/ayaprof-uart", "usr/bin/hostdec", "usr/share/man/man8/ayaprof-uart.8", "usr/share/man/man1/hostdec.1",
            "usr/share/bash-completion/completions/ayaprof-uart", "usr/share/bash-completion/completions/hostdec",
            "usr/share/doc/ayaprof-uart/README.md"} <= files, files
    version = (ROOT / "VERSION").read_text().strip()
    for program in ("ayaprof-uart", "hostdec"):
        assert version in bench.run(root / "usr/bin" / program, "--version").out
    make(bench, f"DESTDIR={root}", "PREFIX=/usr", "uninstall")
    left = [p for p in root.rglob("*") if p.is_file()]
    assert not left, left
    assert not (root / "usr/share/doc/ayaprof-uart").exists()


@test("make install-target is the board's half only, make install-host the desk's")
def halves(bench):
    _, target = installed(bench, "install-target")
    assert "usr/bin/ayaprof-uart" in target and not any("hostdec" in f for f in target), target
    shutil.rmtree(bench.tmp / "root")
    _, host = installed(bench, "install-host")
    assert "usr/bin/hostdec" in host and not any(f.startswith("usr/bin/ayaprof") or f.endswith(".8") for f in host), host


@test("README's links work where it is installed")
def links(bench):
    root, _ = installed(bench, "install-target")
    doc = root / "usr/share/doc/ayaprof-uart"
    for link in re.findall(r"\]\(((?!http)[^)#]+)\)", (doc / "README.md").read_text()):
        if link != "CONTRIBUTING.md":  # for who has the sources
            assert (doc / link).exists(), link


@test("the man pages have every option of --help, and mandoc finds nothing to complain about")
def pages(bench):
    make(bench, "pages")
    pages = [BUILD / "man/ayaprof-uart.8", BUILD / "man/hostdec.1"]
    text = [page.read_text().replace("\\-", "-") for page in pages]
    for option in options_in_help(bench, BOARD):
        assert f"--{option[2:]}\\fR" in text[0], f"{option} is not in ayaprof-uart.8"
    for command in COMMANDS:
        options = options_in_help(bench, HOSTDEC, command)
        assert options, command
        for option in options:
            assert f"--{option[2:]}\\fR" in text[1], f"{option} of {command} is not in hostdec.1"
    if not shutil.which("mandoc"):
        skip("mandoc is not installed")
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], stdout=subprocess.PIPE, text=True)
    assert lint.returncode == 0 and not lint.stdout, lint.stdout


COMPLETE = r"""
source "$1" || exit
COMP_LINE=$2 COMP_POINT=${#2}
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
compopt() { :; }
function=$(complete -p "${2%% *}" | sed 's/.*-F \([^ ]*\).*/\1/')
"$function"
printf '%s\n' "${COMPREPLY[@]}"
"""


def complete(bench, line, within=()):
    """What bash would offer at the end of the line. within: a command that runs bash."""
    program = line.split()[0]
    make(bench, "pages")
    environment = dict(os.environ, PATH=f"{BUILD}:{os.environ['PATH']}")
    return bench.run(*within, "bash", "--norc", "-c", COMPLETE, "bash", BUILD / "completion" / program, line, env=environment,
                     cwd=bench.tmp).out.split()


@test("bash completes options and what they take, as --help has them")
def completion(bench):
    (bench.tmp / "night.pb").touch()
    (bench.tmp / "night.txt").touch()
    for line, offers in (
            ("ayaprof-uart --spool-m", ["--spool-mem"]),
            ("ayaprof-uart --link re", ["reliable"]),
            ("ayaprof-uart --link=one", ["oneway"]),
            ("ayaprof-uart --mode ", ["uart", "log", "serve", "both", "auto"]),
            ("ayaprof-uart -M thr", ["throughput"]),
            ("ayaprof-uart -M syscall,mem", ["syscall,memory"]),
            ("ayaprof-uart -p u", ["u:"]),
            ("ayaprof-uart -o ni", ["night.pb", "night.txt"]),
            ("ayaprof-uart --baud ", []),
            ("hostdec st", ["stats"]),
            ("hostdec stats --sort p9", ["p90", "p99"]),
            ("hostdec export ni", ["night.pb"]),
            ("hostdec export night.pb -f fol", ["folded"]),
            ("hostdec --neg", ["--negotiate"]),
            ("hostdec ctl ba", ["baud"]),
            ("hostdec plot --stack-", ["--stack-merged", "--stack-per-cpu"])):
        got = complete(bench, line)
        assert sorted(got) == sorted(offers), f"{line!r}: {got}, wanted {offers}"
    for command, program in (((BOARD,), "ayaprof-uart"), ((HOSTDEC, "plot"), "hostdec plot")):
        assert options_in_help(bench, *command) <= set(complete(bench, f"{program} --"))


@test("bash completes kernel functions behind k: and tracepoints behind t:")
def probes(bench):
    if os.geteuid():
        skip("needs root")
    name = bench.run(BOARD, "--list-functions", "vfs_rea*").out.split()
    if not name:
        skip("this kernel lists no vfs_read")
    assert sorted(complete(bench, "ayaprof-uart -p k:vfs_rea")) == sorted(name)
    tracefs = ("unshare", "-m", "sh", "-c", '{ mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; } && exec "$@"', "sh")
    assert complete(bench, "ayaprof-uart -p t:sched:sched_swi", tracefs) == ["sched_switch"]
    assert "sched:" in complete(bench, "ayaprof-uart -p t:sche", tracefs)


@test("install-deps.sh asks for no package that this architecture's Debian lacks")
def dependencies(bench):
    asked, tools = bench.tmp / "asked", bench.tmp / "bin"
    tools.mkdir()
    for name, body in {"dpkg": "echo $DEBIAN_IS", "dpkg-query": "exit 1", "apt-get": f'echo "$@" >>{asked}', "sudo": '"$@"'}.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    wanted = {}
    for debian in ("amd64", "arm64", "armhf"):
        bench.run(ROOT / "scripts/install-deps.sh", "test", "static-arm64", "static-armhf",
                  env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "DEBIAN_IS": debian})
        wanted[debian] = set(asked.read_text().splitlines()[-1].split()) - {"install", "-qy", "--no-install-recommends"}
    everywhere = wanted["amd64"] & wanted["arm64"] & wanted["armhf"]
    assert {"g++", "musl-tools", "libcmocka-dev"} <= everywhere, wanted
    assert not any(re.search(r"^-|[][!]", package) for packages in wanted.values() for package in packages), wanted
    assert wanted["amd64"] - everywhere == {"gcc-i686-linux-gnu", "libc6-dev-i386-cross", "gcc-aarch64-linux-gnu", "gcc-arm-linux-gnueabihf"}
    assert wanted["arm64"] - everywhere == {"gcc-arm-linux-gnueabihf"} and wanted["armhf"] == everywhere, wanted


main()
