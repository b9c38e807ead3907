#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""An emulated board: a Debian kernel in QEMU with a console, a data UART and no network.

    with Board("x86_64", "6.1", job="uname -a; cp /proc/version /out/") as board:
        ... board.data is a unix socket: the host's end of the board's UART ...
        result = board.wait(60)
    result.code, result.console, result.files["version"]

The job is a shell script run by busybox as root; $DATA names its end of the UART, everything it leaves in
/out comes back. One row of MACHINES makes an architecture. As a program: board.py --help.
"""

import argparse
import collections
import io
import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

Machine = collections.namedtuple("Machine", "qemu args console data results second_port")
MACHINES = {
    # QEMU 7.2's cmpxchg16b makes one boot of 6.12 in five fail; without the feature the kernel avoids it.
    "x86_64": Machine("qemu-system-x86_64", ["-M", "q35", "-cpu", "max,-cx16"],
        "ttyS0", "ttyS1", "ttyS2", ["-serial", "chardev:{}"]),
    "aarch64": Machine("qemu-system-aarch64", ["-M", "virt", "-cpu", "cortex-a53"],
        "ttyAMA0", "ttyS0", "ttyS1", ["-device", "pci-serial,chardev={}"]),
}

# QEMU 7.2 runs half-patched code when one emulated CPU patches what another executes, which attaching probes
# does: 6.12 panics of it now and then. With one thread for all CPUs there is no such moment.
SINGLE_THREAD = {("x86_64", "6.12")}

Result = collections.namedtuple("Result", "code console files seconds")


class BoardError(Exception):
    """The board did not do its job: one line why."""


class Unavailable(Exception):
    """No such board can be had on this machine: one line why. A test skips with it."""


def _fetch(script, *args):
    run = subprocess.run([os.path.join(HERE, script), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        lines = [l for l in run.stderr.splitlines() if l.strip()]
        raise Unavailable(lines[-1] if lines else f"{script} failed")
    for line in run.stderr.splitlines():
        print(f"# {line}", flush=True)
    return run.stdout.strip()


def _cpio(entries):
    """A newc archive (kernel: Documentation/driver-api/early-userspace/buffer-format.rst) of
    (path, mode, bytes, rdev) rows: written here because device nodes need neither root nor a tool then."""
    out = io.BytesIO()

    def put(number, path, mode, data, rdev):
        name = path.encode() + b"\0"
        head = (number, mode, 0, 0, 1, 0, len(data), 0, 0, os.major(rdev), os.minor(rdev), len(name), 0)
        out.write(b"070701" + b"".join(b"%08X" % v for v in head) + name)
        out.write(b"\0" * (-out.tell() % 4))
        out.write(data)
        out.write(b"\0" * (-out.tell() % 4))

    for number, row in enumerate(entries, 1):
        put(number, *row)
    put(0, "TRAILER!!!", 0, b"", 0)
    return out.getvalue()


def _read(path):
    with open(path, "rb") as f:
        return f.read()


class Board:
    """Boots on entry; the process is ended on exit whatever happened, by its own pid."""

    def __init__(self, arch, kernel, job, files=None, wait_host=False, memory_mb=512, cpus=2, append=""):
        """files: {name in /job: path here}, executable as they are here. wait_host: the board starts only
        when the host has opened `data`, so that nothing sent early is lost."""
        self.machine = MACHINES.get(arch)
        if not self.machine:
            raise Unavailable(f"no board for {arch}; there are {' '.join(MACHINES)}")
        if not shutil.which(self.machine.qemu):
            raise Unavailable(f"{self.machine.qemu} is not installed")
        self.kernel_dir = _fetch("fetch-kernel.sh", arch, kernel)
        self.base_dir = _fetch("../../scripts/fetch-packages.sh", arch, "base", "busybox-static")
        self.threads = "single" if (arch, kernel) in SINGLE_THREAD else "multi"
        self.job, self.files = job, files or {}
        self.wait_host, self.memory_mb, self.cpus, self.append = wait_host, memory_mb, cpus, append
        self.process = None

    def _initramfs(self):
        directory, program = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755
        rows = [(d, directory, b"", 0) for d in ("bin", "dev", "job")]
        rows.append(("dev/console", stat.S_IFCHR | 0o600, b"", os.makedev(5, 1)))
        rows.append(("bin/busybox", program, _read(os.path.join(self.base_dir, "bin/busybox")), 0))
        rows.append(("init", program, _read(os.path.join(HERE, "init.sh")), 0))
        rows.append(("job/run", program, self.job.encode(), 0))
        for name, path in self.files.items():
            mode = program if os.access(path, os.X_OK) else stat.S_IFREG | 0o644
            rows.append(("job/" + name, mode, _read(path), 0))
        return _cpio(rows)

    def __enter__(self):
        m = self.machine
        self.dir = tempfile.mkdtemp(prefix="board.")
        self.data = os.path.join(self.dir, "data")
        try:
            initrd = os.path.join(self.dir, "initrd")
            with open(initrd, "wb") as f:
                f.write(self._initramfs())
            command = [m.qemu, *m.args, "-accel", f"tcg,thread={self.threads}", "-m", str(self.memory_mb), "-smp", str(self.cpus),
                "-display", "none", "-nodefaults", "-no-reboot", "-net", "none", "-monitor", "none",
                "-kernel", os.path.join(self.kernel_dir, "vmlinuz"), "-initrd", initrd,
                "-append", f"console={m.console} quiet panic=-1 board.data={m.data} board.results={m.results} {self.append}",
                "-chardev", f"file,id=console,path={self.dir}/console", "-serial", "chardev:console",
                "-chardev", f"socket,id=data,path={self.data},server=on,wait={'on' if self.wait_host else 'off'}",
                "-chardev", f"file,id=results,path={self.dir}/results"]
            for port in ("data", "results"):
                command += [a.format(port) for a in m.second_port]
            with open(f"{self.dir}/qemu.log", "wb") as log:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self.started = time.monotonic()
            while not os.path.exists(self.data):
                if self.process.poll() is not None:
                    raise BoardError(f"QEMU ended with {self.process.returncode}: {self._tail('qemu.log')}")
                if time.monotonic() - self.started > 20:
                    raise BoardError("QEMU has not opened the data port after 20 s")
                time.sleep(0.02)
        except BaseException:
            self.__exit__()
            raise
        return self

    def power_off(self):
        """As when the plug is pulled."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def __exit__(self, *unused):
        self.power_off()
        shutil.rmtree(self.dir, ignore_errors=True)

    def console(self):
        try:
            return _read(f"{self.dir}/console").decode("utf-8", "replace").replace("\r\n", "\n")
        except FileNotFoundError:
            return ""

    def _tail(self, name):
        lines = _read(os.path.join(self.dir, name)).decode("utf-8", "replace").strip().splitlines()
        return " | ".join(l.strip() for l in lines[-3:]) or "(nothing)"

    def wait(self, timeout):
        """Until the board has powered itself off. BoardError if it does not, or brings no results."""
        try:
            self.process.wait(max(0.0, timeout - (time.monotonic() - self.started)))
        except subprocess.TimeoutExpired:
            raise BoardError(f"not done after {timeout} s; console ends: {self._tail('console')}") from None
        seconds = time.monotonic() - self.started
        files = {}
        try:
            with tarfile.open(f"{self.dir}/results") as tar:
                for member in tar:
                    if member.isfile():
                        files[os.path.normpath(member.name)] = tar.extractfile(member).read()
            code = int(files["exit"])
        except (tarfile.TarError, KeyError, ValueError, FileNotFoundError) as e:
            raise BoardError(f"no results ({e or type(e).__name__}); console ends: {self._tail('console')}") from None
        return Result(code, self.console(), files, seconds)


def main():
    p = argparse.ArgumentParser(description="Boot an emulated board, run a shell script there, print its console.")
    p.add_argument("--arch", default="x86_64", choices=sorted(MACHINES))
    p.add_argument("--kernel", default="6.1", help="series: 5.10, 6.1 or 6.12")
    p.add_argument("--add", action="append", default=[], metavar="FILE", help="put FILE into /job there (in its PATH)")
    p.add_argument("--out", metavar="DIR", help="keep what the job leaves in /out")
    p.add_argument("--timeout", type=float, default=120)
    p.add_argument("script", help="a file, or - for stdin")
    a = p.parse_args()
    job = sys.stdin.read() if a.script == "-" else _read(a.script).decode()
    try:
        with Board(a.arch, a.kernel, job, {os.path.basename(f): f for f in a.add}) as board:
            print(f"# data port: {board.data}", flush=True)
            result = board.wait(a.timeout)
    except (Unavailable, BoardError) as e:
        print(f"board: {e}", file=sys.stderr)
        return 1
    print(result.console, end="")
    print(f"# {result.seconds:.1f} s, job's exit code {result.code}")
    for name, data in result.files.items():
        if a.out:
            path = os.path.join(a.out, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data)
    return result.code


if __name__ == "__main__":
    sys.exit(main())
