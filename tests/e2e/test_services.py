# SPDX-License-Identifier: MIT OR Apache-2.0
"""What starts the daemon on a board and what it is installed as: init script, unit, rule, configuration, packages."""
import os
import re
import shutil
import subprocess

from harness import BOARD, BUILD, ROOT, build_directory, main, need_root, skip, test, wait_for
from recordings import TRACEPOINTS

SECONDS = 90

PACKAGING = ROOT / "packaging"


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            skip(f"{program} is not installed")


@test("BusyBox init script: start, status, stop with everything sent; what cannot start is told")
def init_script(bench):
    need("busybox")
    # Two seconds so many times: it must still run when the script has been asked everything.
    recording, _ = TRACEPOINTS.unpack_again(bench.tmp, 30)
    line = bench.line("--baud", 921600)
    out = bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", 921600)
    line.wait_open("host")
    settings = bench.tmp / "settings"
    text = (f"DAEMON={BOARD}\nPIDFILE={bench.tmp}/pid\nLOG={bench.tmp}/log\nAYAPROF_TTY={line.board}\n"
            f"AYAPROF_OPTIONS='--replay {recording} -b 921600 --replay-rate realtime'\n")
    settings.write_text(text)
    # As on a board: every command is BusyBox's.
    bin_dir = bench.tmp / "bin"
    bin_dir.mkdir()
    bench.run("busybox", "--install", "-s", bin_dir)
    environment = dict(os.environ, AYAPROF_SETTINGS=str(settings), PATH=str(bin_dir))

    def script(word, code=0):
        return bench.run("busybox", "sh", PACKAGING / "busybox/S60ayaprof-uart", word, code=code, env=environment)

    assert "does not run" in script("status", 3).out
    script("start")
    assert "runs, process" in script("status").out
    assert "runs already" in script("start").out
    wait_for("events", lambda: out.exists() and out.stat().st_size > 4000)
    assert "Stopping" in script("stop").out
    assert "does not run" in script("status", 3).out and "does not run" in script("stop").out
    assert host.wait(30) == 0
    info = bench.info(out)
    assert info["complete"] and info["events"] > 0 and info["lost"]["total"] == 0, info
    settings.write_text(text.replace("921600", "no-rate"))
    told = script("start", 1).err
    assert "has not started" in told and "no-rate" in told, told
    assert script("dance", 2).err.startswith("usage: ")


@test("systemd unit: systemd-analyze finds nothing wrong; its capabilities are enough for the default modules")
def unit(bench):
    need("systemd-analyze", "setpriv")
    text = (PACKAGING / "systemd/ayaprof-uart@.service").read_text()
    copy = bench.tmp / "ayaprof-uart@.service"
    # Neither is installed here.
    copy.write_text(re.sub(r"^Documentation=.*\n", "", text.replace("/usr/bin/ayaprof-uart", str(BOARD)), flags=re.M))
    verified = bench.run("systemd-analyze", "verify", copy, code=None)
    assert verified.code == 0 and "ayaprof" not in verified.err, verified.err
    need_root()
    caps = re.search(r"^CapabilityBoundingSet=(.*)$", text, re.M).group(1).split()
    sets = ",".join(["-all"] + ["+" + c.replace("CAP_", "", 1).lower() for c in caps])
    free = bench.run(BOARD, "--check", code=None).out
    bound = bench.run("setpriv", "--bounding-set", sets, "--no-new-privs", BOARD, "--check", code=None).out

    def mechanisms(told):
        # XDP is a drop-in's.
        return [line.split()[:3] for line in told.splitlines() if " works" in line and line.split()[0] != "xdp"]

    assert mechanisms(free) and mechanisms(bound) == mechanisms(free), bound


@test("systemd unit: an exposure below 3 by systemd-analyze security")
def exposure(bench):
    need("systemd-analyze")
    shutil.copy(PACKAGING / "systemd/ayaprof-uart@.service", bench.tmp)
    told = bench.run("systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=30", "./ayaprof-uart@.service",
                     code=None, cwd=bench.tmp)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", told.out)
    if not found:
        skip(f"systemd-analyze does not judge files: {(told.err.strip().splitlines() or ['no word'])[0]}")
    assert float(found[1]) < 3, told.out
    assert told.code == 0, told.err


@test("BusyBox init script: a daemon that floods its log leaves two files of bounded size, and its last words")
def bounded_log(bench):
    need("busybox")
    flood, log = bench.tmp / "flood", bench.tmp / "log"
    # A shell of that name stays: what it is replaced by would not be found in the list of processes.
    flood.write_text("#!/bin/sh\ni=0\nwhile [ $i -lt 3000 ]; do i=$((i + 1)); echo a line of words number $i >&2; done\n"
                     "echo done >&2\nwhile :; do sleep 1; done\n")
    flood.chmod(0o755)
    settings = bench.tmp / "settings"
    settings.write_text(f"DAEMON={flood}\nPIDFILE={bench.tmp}/pid\nLOG={log}\nLOG_MAX=20000\nAYAPROF_TTY=\nAYAPROF_DRAIN=0\n")
    bin_dir = bench.tmp / "bin"
    bin_dir.mkdir()
    bench.run("busybox", "--install", "-s", bin_dir)
    environment = dict(os.environ, AYAPROF_SETTINGS=str(settings), PATH=str(bin_dir))
    script = ("busybox", "sh", PACKAGING / "busybox/S60ayaprof-uart")
    bench.run(*script, "start", env=environment)
    wait_for("its last words", lambda: log.exists() and log.read_text().endswith("done\n"), 120)
    assert log.stat().st_size <= 20000 and (bench.tmp / "log.0").stat().st_size <= 20000
    text = (bench.tmp / "log.0").read_text() + log.read_text()
    assert "number 3000\ndone\n" in text and len(text) > 20000
    bench.run(*script, "stop", env=environment)


@test("udev rule: every line is keys, operators and quoted values; udevadm takes it where it can verify")
def rule(bench):
    path = PACKAGING / "udev/60-ayaprof-uart.rules"
    rules = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert len(rules) == 2
    for line in rules:
        for part in re.split(r",\s*(?=[A-Z])", line):
            assert re.fullmatch(r'[A-Z]+(\{[\w/]+\})?(==|!=|\+=|:=|=)"[^"]*"', part), part
    if shutil.which("udevadm") and "verify" in subprocess.run(["udevadm", "--help"], stdout=subprocess.PIPE, text=True).stdout:
        bench.run("udevadm", "verify", path)


@test("the example configuration has every option a file may have, and the daemon takes it")
def configuration(bench):
    with build_directory():
        bench.run("make", "-s", "-C", ROOT, f"O={os.path.relpath(BUILD, ROOT) if BUILD.is_relative_to(ROOT) else BUILD}",
                  "pages-ayaprof-uart", timeout=300)
    example = (BUILD / "man/ayaprof-uart.conf").read_text()
    bench.run(BOARD, "-c", BUILD / "man/ayaprof-uart.conf", "--list-modules")
    names = set(re.findall(r"^#([a-z][\w-]*) = ", example, re.M))
    options = set(re.findall(r"^(?: {6}|  -\w, )--([\w-]+)", bench.run(BOARD, "--help").out, re.M))
    conf = bench.tmp / "one.conf"
    for name in sorted(options):
        conf.write_text(f"{name} = \x01\n")
        told = bench.run(BOARD, "-c", conf, "--list-modules", code=None).err
        # What a file may not have is unknown there or for the command line; a value is at most wrong.
        refused = re.search("unknown|no option|command line", told) is not None
        assert refused == (name not in names), f"{name}: {told}"
    # Its values are what the daemon would take anyway.
    defaults = [line[1:] for line in example.splitlines() if re.match(r"#[a-z][\w-]* = [a-z0-9][\w.:]*$", line)]
    conf.write_text("\n".join(line for line in defaults if not line.startswith(("quiet-console", "replay"))) + "\n")
    assert len(defaults) > 8
    bench.run(BOARD, "-c", conf, "--list-modules")


@test("make deb: packages without a word from lintian, whose programs run")
def deb(bench):
    need("dpkg-buildpackage", "lintian", "dh")
    out = bench.tmp / "o"
    built = bench.run(ROOT / "scripts/build-deb.sh", timeout=540, env=dict(os.environ, O=str(out)))
    assert not re.search(r"^[EW]: ", built.out, re.M), built.out
    version = (ROOT / "VERSION").read_text().strip()
    for package in ("ayaprof-uart", "hostdec"):
        files = list((out / "deb").glob(f"{package}_{version}_*.deb"))
        assert len(files) == 1, built.out
        root = bench.tmp / package
        bench.run("dpkg", "-x", files[0], root)
        assert version in bench.run(root / "usr/bin" / package, "--version").out
        assert list(root.glob(f"usr/share/man/man*/{package}.*.gz"))
    assert (bench.tmp / "ayaprof-uart/usr/lib/systemd/system/ayaprof-uart@.service").exists() or \
        (bench.tmp / "ayaprof-uart/lib/systemd/system/ayaprof-uart@.service").exists()


@test("what Debian builds with is what scripts/packages.txt has; versions agree")
def agree(bench):
    control = (ROOT / "debian/control").read_text()
    wanted = re.search(r"^Build-Depends:\n((?: .*\n)+)", control, re.M).group(1)
    rows = [line.split("#")[0].split() for line in (ROOT / "scripts/packages.txt").read_text().splitlines()]
    ours = {row[0] for row in rows if row and "build" in row[1:]}
    # build-essential has these.
    ours -= {"gcc", "make", "libc6-dev"}
    theirs = {re.split(r"[ :(|]", line.strip())[0].rstrip(",") for line in wanted.splitlines() if line.strip()}
    assert theirs - {"debhelper-compat", "pkgconf"} == ours - {"pkg-config"}, theirs ^ ours
    version = (ROOT / "VERSION").read_text().strip()
    assert (ROOT / "debian/changelog").read_text().startswith(f"ayaprof-uart ({version}) ")


main()
