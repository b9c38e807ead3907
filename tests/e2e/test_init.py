# SPDX-License-Identifier: MIT OR Apache-2.0
"""What starts the daemon at boot, run: the unit under a systemd of its own, the init script after a power cut.

systemd is process 1 of namespaces of ours, with a /dev of no serial lines, and starts nothing but what it is told.
"""
import json
import os
import re
import shutil

from harness import BOARD, ROOT, main, need_bpf, need_root, skip, test, wait_for
from recordings import TRACEPOINTS

# A sanitizer looks for leaks from a process of its own: it would be counted, and is refused under ptrace.
os.environ["ASAN_OPTIONS"] = "detect_leaks=0"

UNIT = ROOT / "packaging/systemd/ayaprof-uart@.service"
SCRIPT = ROOT / "packaging/busybox/S60ayaprof-uart"
SYSTEMD = "/lib/systemd/systemd"

# A control group of its own, which is the root of all that it sees.
GROUP = r"""
set -e
mount -t cgroup2 cgroup2 "$1"
own=$1$(sed -n 's/^0:://p' /proc/self/cgroup)/$2
"""
ENTER = GROUP + r"""
mkdir "$own"
echo $$ >"$own/cgroup.procs"
umount "$1"
shift 2
exec unshare --mount --pid --fork --uts --ipc --cgroup --kill-child "$@"
"""
LEAVE = GROUP + r"""
# What was killed takes a moment to be gone.
for _ in $(seq 100); do
	[ -d "$own" ] || exit 0
	find "$own" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
done
exit 1
"""
BOOT = r"""
set -e
place=$1
mount --make-rprivate /
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "$place/dev"
mount -t tmpfs -o mode=755 tmpfs "$place/dev"
for node in null zero full random urandom tty kmsg; do
	touch "$place/dev/$node"
	mount --bind "/dev/$node" "$place/dev/$node"
done
mkdir "$place/dev/pts" "$place/dev/shm"
mount --rbind /dev/pts "$place/dev/pts"
mount --move "$place/dev" /dev
mount -t tmpfs -o mode=755 tmpfs /run
mount -t proc proc /proc
# systemd raises limits of the whole machine where it can.
mount --bind /proc/sys /proc/sys
mount -o remount,ro,bind /proc/sys
# What a service writes there is for its test only.
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir "$place/etc" "$place/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$place/etc,workdir=$place/work" overlay /etc
mkdir -p /run/systemd/system/ayaprof-uart@.service.d /etc/ayaprof-uart
cp "$place"/units/*@.service "$place/units/bench.target" /run/systemd/system/
cp "$place/units/drop-in.conf" /run/systemd/system/ayaprof-uart@.service.d/
export container=test
exec /lib/systemd/systemd --system --unit=bench.target --log-target=null --show-status=no </dev/null
"""


class Init:
    """systemd in namespaces. What is written to /etc and /var/lib there stays there."""

    def __init__(self, bench):
        self.bench, place = bench, bench.tmp / "init"
        units = place / "units"
        units.mkdir(parents=True)
        (units / "bench.target").write_text("[Unit]\nDefaultDependencies=no\n")
        # The program is not installed, and without udev no line is a device of systemd's.
        text = UNIT.read_text().replace("/usr/bin/ayaprof-uart", str(BOARD))
        (units / UNIT.name).write_text(re.sub(r"^(BindsTo=.*|After=dev-%i.device.*)\n", "", text, flags=re.M))
        self.log = bench.tmp / "service.log"
        self.end = bench.tmp / "service.end"
        (units / "drop-in.conf").write_text(
            f"[Unit]\nDefaultDependencies=no\n[Service]\nStandardOutput=append:{self.log}\nStandardError=append:{self.log}\n"
            f"ReadWritePaths={bench.tmp}\n"
            f"ExecStopPost=/bin/sh -c 'echo \"$$SERVICE_RESULT $$EXIT_CODE $$EXIT_STATUS\" >>{self.end}'\n")
        boot = bench.tmp / "boot.sh"
        boot.write_text(BOOT)
        self.groups, self.group = bench.tmp / "groups", bench.tmp.name
        self.groups.mkdir()
        self.process = bench.spawn("systemd", ["unshare", "--mount", "sh", "-c", ENTER, "sh", self.groups, self.group,
                                               "bash", boot, place])
        wait_for("systemd", lambda: not self.process.running() or self.child() and
                 self.systemctl("is-system-running", code=None).out.strip() in ("running", "degraded"))
        if not self.process.running():
            self.__exit__()
            skip(f"systemd does not run in namespaces here: {(self.process.err.strip().splitlines() or ['it ended'])[-1]}")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.bench.run("unshare", "--mount", "sh", "-c", LEAVE, "sh", self.groups, self.group)

    def child(self):
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
                return f.read().strip()
        except FileNotFoundError:
            return ""

    def inside(self, *command, **options):
        return self.bench.run("nsenter", "-t", self.child(), "-m", "-p", "-u", "-i", "-C", *command, **options)

    def systemctl(self, *words, **options):
        return self.inside("systemctl", "--no-pager", *words, **options)

    def write(self, path, text):
        self.inside("sh", "-c", 'mkdir -p "${1%/*}" && cat >"$1"', "sh", path, input=text.encode())

    def active(self, unit):
        return self.systemctl("is-active", unit, code=None).out.strip()

    def ends(self):
        """Result, kind of end and exit status of every run so far."""
        return self.end.read_text().splitlines() if self.end.exists() else []

    def said(self):
        return self.log.read_text() if self.log.exists() else ""


def start_init(bench):
    need_root()
    need_bpf()
    for program in (SYSTEMD, "systemctl", "unshare", "nsenter"):
        if not shutil.which(program):
            skip(f"{program} is not installed")
    return Init(bench)


def instance(line):
    return "ayaprof-uart@" + os.path.realpath(line.board).removeprefix("/dev/").replace("/", "-")


@test("the unit traces what its line's configuration says; systemctl stop sends all that was in the spool")
def service(bench):
    with start_init(bench) as init:
        line = bench.line("--baud", 921600)
        unit, out = instance(line), bench.tmp / "x.pb"
        host = bench.record(line.host, out, "-b", 921600)
        line.wait_open("host")
        # Every mechanism that needs a capability of its own, and both files.
        init.write(f"/etc/ayaprof-uart/{unit.partition('@')[2]}.conf",
                   "module = syscall,sched,memory,throughput,cpu\nbaud = 115200\nkmsg = all\nsummary-json = summary.json\n")
        init.write("/etc/default/ayaprof-uart", "AYAPROF_OPTIONS=-b 921600 -p t:power:cpu_*\n")
        # What a shell would make of that glob.
        init.write("/var/lib/ayaprof-uart/t:power:cpu_x", "")
        init.systemctl("start", unit)
        wait_for("events", lambda: out.exists() and out.stat().st_size > 50000 or init.ends())
        bench.note(init.said())
        assert init.active(unit) == "active"
        init.systemctl("stop", unit, timeout=180)
        assert init.ends() == ["success exited 0"], init.ends()
        assert host.wait(30) == 0
        info = bench.info(out)
        assert info["complete"] and info["events"] > 0 and info["link"]["baud"] == 921600, info
        assert {m["name"] for m in info["modules"]} >= {"syscall", "sched", "memory", "throughput", "cpu"}, info["modules"]
        assert info["lost"]["by_cause"].get("abandoned", 0) == 0, info["lost"]
        assert '"events"' in init.inside("cat", "/var/lib/ayaprof-uart/summary.json").out


@test("the unit ends in time though nobody takes the spool: after AYAPROF_DRAIN seconds it is dropped, counted")
def no_host(bench):
    with start_init(bench) as init:
        line = bench.line("--baud", 921600)
        unit = instance(line)
        init.write("/etc/default/ayaprof-uart", "AYAPROF_OPTIONS=-M syscall,sched --link reliable --summary-json s.json\nAYAPROF_DRAIN=2\n")
        init.systemctl("start", unit)
        line.wait_open("board")
        wait_for("the line's rate to be set", lambda: "baud" in init.said())
        init.systemctl("stop", unit, timeout=120)
        bench.note(init.said())
        # By itself, not killed.
        assert init.ends() == ["success exited 0"], init.ends()
        assert json.loads(init.inside("cat", "/var/lib/ayaprof-uart/s.json").out)["events"] > 0


@test("the unit is not started over and over when its options are wrong")
def wrong_options(bench):
    with start_init(bench) as init:
        line = bench.line("--baud", 921600)
        unit = instance(line)
        init.write("/etc/default/ayaprof-uart", "AYAPROF_OPTIONS=--no-such-option\n")
        init.systemctl("start", unit, code=None)
        wait_for("the end", init.ends)
        # A run that is to come again is "activating" until then.
        wait_for("systemd's verdict", lambda: init.active(unit) == "failed")
        assert init.ends() == ["exit-code exited 2"], init.ends()
        assert "no such option" in init.said()


@test("init script: a number left in the pid file that is another program's is neither taken for the daemon nor stopped")
def stale_number(bench):
    if not shutil.which("busybox"):
        skip("busybox is not installed")
    recording, _ = TRACEPOINTS.unpack(bench.tmp, 1000)
    line, out = bench.line("--baud", 921600), bench.tmp / "x.pb"
    host = bench.record(line.host, out, "-b", 921600)
    line.wait_open("host")
    other = bench.spawn("other", ["sleep", 1000])
    pid, settings, conf = bench.tmp / "pid", bench.tmp / "settings", bench.tmp / "line.conf"
    pid.write_text(f"{other.pid}\n")
    settings.write_text(f"DAEMON={BOARD}\nPIDFILE={pid}\nLOG={bench.tmp}/log\nCONFIG={conf}\n"
                        f"AYAPROF_TTY={line.board}\nAYAPROF_OPTIONS='-b 921600'\nAYAPROF_DRAIN=5\n")
    # What a line's configuration says, and what the options say better.
    conf.write_text(f"replay = {recording}\nreplay-rate = realtime\nbaud = 9600\nlink = reliable\n")
    bin_dir = bench.tmp / "bin"
    bin_dir.mkdir()
    bench.run("busybox", "--install", "-s", bin_dir)
    environment = dict(os.environ, AYAPROF_SETTINGS=str(settings), PATH=str(bin_dir))

    def script(word, code=0):
        return bench.run("busybox", "sh", SCRIPT, word, code=code, env=environment)

    assert "does not run" in script("status", 3).out and "does not run" in script("stop").out
    assert other.running()
    pid.write_text(f"{other.pid}\n")
    # A replay of this few events may be over when start has looked: then it says so.
    assert "Starting" in script("start", None).out
    assert host.wait(60) == 0
    assert bench.info(out)["link"]["baud"] == 921600 and bench.info(out)["events"] == 1000
    script("stop")
    assert other.running()


main()
