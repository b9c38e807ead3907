#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""An emulated board: a Debian kernel in QEMU with a console, a data UART and no network.

    with Board("x86_64", "6.1", job="uname -a; cp /proc/version /out/") as board:
        ... board.data is a unix socket: the host's end of the board's UART ...
        result = board.wait(60)
    result.code, result.console, result.files["version"]

The job is a shell script run by busybox as root; $DATA names its end of the UART, everything it leaves in
/out comes back. One row of MACHINES makes a board. As a program: board.py --help.
"""

import argparse
import base64
import collections
import gzip
import io
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# arch: of its programs. flavour: of Debian's kernel. args: QEMU's, which connect the chardevs console, data and
# results. console, data, results: what these are there; no results: they come as text over the console.
# modules: of the kernel, for the data port. dtb: device tree, and the node to take out of it.
Machine = collections.namedtuple("Machine", "arch flavour qemu args console data results memory_mb cpus modules dtb",
    defaults=(512, 2, (), None))


def _serial(*chardevs):
    return [word for chardev in chardevs for word in ("-serial", f"chardev:{chardev}")]


# QEMU 7.2's cmpxchg16b makes one boot of 6.12 in five fail; without the feature the kernel avoids it.
Q35 = ["-M", "q35", "-cpu", "max,-cx16"]
# The kernel looks whether ten ticks come in time, and panics if not: an emulator on a busy machine can be late.
X86 = "no_timer_check"
PCI_SERIAL = ["-device", "pci-serial,chardev=data", "-device", "pci-serial,chardev=results"]
MACHINES = {
    "x86_64": Machine("x86_64", "cloud-amd64", "qemu-system-x86_64", [*Q35, *_serial("console", "data", "results")],
        "ttyS0", "ttyS1", "ttyS2"),
    # A desk: its end of the line is an FTDI adapter.
    "x86_64-usb": Machine("x86_64", "amd64", "qemu-system-x86_64", [*Q35, *_serial("console", "results"),
        "-device", "qemu-xhci", "-device", "usb-serial,id=adapter,chardev=data,always-plugged=on"],
        "ttyS0", "ttyUSB0", "ttyS1", modules=("xhci_pci", "ftdi_sio")),
    "aarch64": Machine("aarch64", "cloud-arm64", "qemu-system-aarch64",
        ["-M", "virt", "-cpu", "cortex-a53", *_serial("console"), *PCI_SERIAL], "ttyAMA0", "ttyS0", "ttyS1"),
    # As long as the device tree has a bluetooth chip, its PL011 belongs to that.
    "raspi3b": Machine("aarch64", "arm64", "qemu-system-aarch64", ["-M", "raspi3b", *_serial("data", "console")],
        "ttyS1,115200", "ttyAMA0", None, memory_mb=1024, cpus=4,
        dtb=("broadcom/bcm2837-rpi-3-b.dtb", "/soc/serial@7e201000/bluetooth")),
    "armv7l": Machine("armv7l", "armmp", "qemu-system-arm",
        ["-M", "virt,highmem=off", "-cpu", "cortex-a15", *_serial("console"), *PCI_SERIAL], "ttyAMA0", "ttyS0", "ttyS1"),
}

# QEMU 7.2 runs half-patched code when one emulated CPU patches what another executes, which attaching probes
# does: 6.12 panics of it now and then. With one thread for all CPUs there is no such moment.
SINGLE_THREAD = {("x86_64", "6.12")}

# Around results that come over the console (init.sh).
RESULTS, END_OF_RESULTS = "board: results\n", "board: end of results\n"

Result = collections.namedtuple("Result", "code console files seconds")


class BoardError(Exception):
    """The board did not do its job: one line why."""


class Unavailable(Exception):
    """No such board can be had on this machine: one line why. A test skips with it."""


def fetch(script, *args):
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

    def __init__(self, machine, kernel, job, files=None, wait_host=False, join=None, append="", memory_mb=None,
                 threads=None):
        """files: {path below /job there: path here}, executable as they are here. wait_host: the board starts only
        when the host has opened `data`, so that nothing sent early is lost. join: another board's `data`: the two
        UARTs are a null modem then. memory_mb, threads: other than MACHINES and SINGLE_THREAD have."""
        self.machine = MACHINES.get(machine)
        if not self.machine:
            raise Unavailable(f"no board called {machine}; there are {' '.join(MACHINES)}")
        if memory_mb:
            self.machine = self.machine._replace(memory_mb=memory_mb)
        if not shutil.which(self.machine.qemu):
            raise Unavailable(f"{self.machine.qemu} is not installed")
        if self.machine.dtb and not shutil.which("fdtput"):
            raise Unavailable("fdtput is missing: install device-tree-compiler")
        self.kernel_dir = fetch("fetch-kernel.sh", self.machine.arch, kernel, self.machine.flavour)
        self.base_dir = fetch("../../scripts/fetch-packages.sh", self.machine.arch, "base", "busybox-static")
        self.threads = threads or ("single" if (machine, kernel) in SINGLE_THREAD else "multi")
        self.job, self.files = job, files or {}
        self.wait_host, self.join, self.append = wait_host, join, append
        self.process = None

    def _kernel_file(self, path):
        version = _read(os.path.join(self.kernel_dir, "version")).decode().strip()
        return os.path.join(self.kernel_dir, "root", path.format(version=version))

    def _modules(self):
        """Files of the kernel modules this machine needs, in the order of loading."""
        depends = {}
        for line in _read(self._kernel_file("lib/modules/{version}/modules.dep")).decode().splitlines():
            path, others = line.split(":")
            name = os.path.basename(path).split(".")[0].replace("-", "_")
            depends[name] = [*reversed(others.split()), path]
        paths = [path for name in self.machine.modules for path in depends[name]]
        return [self._kernel_file("lib/modules/{version}/" + path) for path in dict.fromkeys(paths)]

    def _initramfs(self):
        directory, program = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755
        rows = [(d, directory, b"", 0) for d in ("bin", "dev", "job", "modules")]
        rows.append(("dev/console", stat.S_IFCHR | 0o600, b"", os.makedev(5, 1)))
        rows.append(("bin/busybox", program, _read(os.path.join(self.base_dir, "bin/busybox")), 0))
        rows.append(("init", program, _read(os.path.join(HERE, "init.sh")), 0))
        rows.append(("job/run", program, self.job.encode(), 0))
        if self.machine.modules:
            for number, path in enumerate(self._modules()):
                rows.append((f"modules/{number:03}.ko", program, _read(path), 0))
        for name in sorted({os.path.dirname(n) for n in self.files} - {""}):
            rows.append(("job/" + name, directory, b"", 0))
        for name, path in self.files.items():
            mode = program if os.access(path, os.X_OK) else stat.S_IFREG | 0o644
            rows.append(("job/" + name, mode, _read(path), 0))
        return _cpio(rows)

    def _device_tree(self):
        """A copy with one node less."""
        name, node = self.machine.dtb
        copy = os.path.join(self.dir, "dtb")
        shutil.copyfile(self._kernel_file("usr/lib/linux-image-{version}/" + name), copy)
        subprocess.run(["fdtput", "-r", copy, node], check=True)
        return copy

    def _command(self):
        m = self.machine
        initrd = os.path.join(self.dir, "initrd")
        with open(initrd, "wb") as f:
            f.write(self._initramfs())
        results = f"board.results={m.results}" if m.results else ""
        end = f"path={self.join}" if self.join else \
            f"path={self.data},server=on,wait={'on' if self.wait_host else 'off'}"
        command = [m.qemu, "-accel", f"tcg,thread={self.threads}", "-m", str(m.memory_mb), "-smp", str(m.cpus),
            "-display", "none", "-nodefaults", "-no-reboot", "-net", "none",
            "-chardev", f"socket,id=monitor,path={self.dir}/monitor,server=on,wait=off", "-mon", "monitor",
            "-kernel", os.path.join(self.kernel_dir, "vmlinuz"), "-initrd", initrd,
            "-append", f"console={m.console} quiet panic=-1 board.data={m.data} {results} {X86 if m.arch == 'x86_64' else ''} "
                       f"{self.append}",
            "-chardev", f"file,id=console,path={self.dir}/console", "-chardev", f"socket,id=data,{end}"]
        if m.results:
            command += ["-chardev", f"file,id=results,path={self.dir}/results"]
        if m.dtb:
            command += ["-dtb", self._device_tree()]
        return command + m.args

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="board.")
        self.data = os.path.join(self.dir, "data")
        try:
            command = self._command()
            with open(f"{self.dir}/qemu.log", "wb") as log:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self.started = time.monotonic()
            while not os.path.exists(f"{self.dir}/monitor" if self.join else self.data):
                if self.process.poll() is not None:
                    raise BoardError(f"QEMU ended with {self.process.returncode}: {self._tail('qemu.log')}")
                if time.monotonic() - self.started > 20:
                    raise BoardError("QEMU has not opened the data port after 20 s")
                time.sleep(0.02)
        except BaseException:
            self.__exit__()
            raise
        return self

    def monitor(self, command):
        """Give QEMU's monitor a command; what it answers."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(f"{self.dir}/monitor")
            talk = b""
            while talk.count(b"(qemu) ") < 2:
                if talk.endswith(b"(qemu) "):
                    s.sendall(command.encode() + b"\n")
                piece = s.recv(4096)
                if not piece:
                    break
                talk += piece
        return talk.decode("utf-8", "replace")

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

    def _is_done(self):
        """Off, or as far as a board comes that cannot switch itself off."""
        if self.machine.results is None and END_OF_RESULTS in self.console():
            self.power_off()
        return self.process.poll() is not None

    def _archive(self):
        """The results, a tar."""
        if self.machine.results:
            return _read(f"{self.dir}/results")
        text = self.console().partition(RESULTS)[2].partition(END_OF_RESULTS)[0]
        return gzip.decompress(base64.b64decode(text))

    def wait(self, timeout):
        """Until the board is off. BoardError if that does not come, or it brings no results."""
        while not self._is_done():
            if time.monotonic() - self.started > timeout:
                raise BoardError(f"not done after {timeout} s; console ends: {self._tail('console')}")
            time.sleep(0.05)
        seconds = time.monotonic() - self.started
        files = {}
        try:
            with tarfile.open(fileobj=io.BytesIO(self._archive())) as tar:
                for member in tar:
                    if member.isfile():
                        files[os.path.normpath(member.name)] = tar.extractfile(member).read()
            code = int(files["exit"])
        except (tarfile.TarError, KeyError, ValueError, EOFError, OSError) as e:
            raise BoardError(f"no results ({e or type(e).__name__}); console ends: {self._tail('console')}") from None
        return Result(code, self.console(), files, seconds)


def main():
    p = argparse.ArgumentParser(description="Boot an emulated board, run a shell script there, print its console.")
    p.add_argument("--board", default="x86_64", choices=sorted(MACHINES))
    p.add_argument("--kernel", default="6.1", help="series: 5.10, 6.1 or 6.12")
    p.add_argument("--add", action="append", default=[], metavar="FILE", help="put FILE into /job there (in its PATH)")
    p.add_argument("--out", metavar="DIR", help="keep what the job leaves in /out")
    p.add_argument("--timeout", type=float, default=120)
    p.add_argument("script", help="a file, or - for stdin")
    a = p.parse_args()
    job = sys.stdin.read() if a.script == "-" else _read(a.script).decode()
    try:
        with Board(a.board, a.kernel, job, {os.path.basename(f): f for f in a.add}) as board:
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
