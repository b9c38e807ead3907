# SPDX-License-Identifier: MIT OR Apache-2.0
"""Packets by XDP on interfaces of the tests' own: a pair of veth in network namespaces."""
import contextlib
import json
import subprocess

from harness import BOARD, PYTHON, main, need_bpf, skip, test, wait_for


def ip(*words, netns=None):
    return subprocess.run(["ip", *(["-n", netns] if netns else []), *map(str, words)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def must(*words, netns=None):
    result = ip(*words, netns=netns)
    assert result.returncode == 0, f"ip {words}: {result.stdout}"


@contextlib.contextmanager
def pair(bench, mtu=1500):
    """Namespaces with one end of a pair each, up: their names."""
    near, far = f"{bench.tmp.name[-8:]}n", f"{bench.tmp.name[-8:]}f"
    if ip("netns", "add", near).returncode:
        skip("no network namespaces here")
    try:
        must("netns", "add", far)
        if ip("link", "add", "veth0", "mtu", mtu, "type", "veth", "peer", "name", "veth1", "mtu", mtu, "netns", far,
              netns=near).returncode:
            skip("no veth interfaces here")
        for netns, name, address in ((near, "veth0", "10.9.8.1/24"), (far, "veth1", "10.9.8.2/24")):
            must("addr", "add", address, "dev", name, netns=netns)
            must("link", "set", name, "up", netns=netns)
        yield near, far
    finally:
        ip("netns", "del", far)
        ip("netns", "del", near)


def start(bench, netns, *options, name="board", iface="veth0"):
    out = bench.tmp / f"{name}.pb"
    command = ["ip", "netns", "exec", netns, BOARD, "--mode", "log", "-o", out, "-M", "xdp", "--xdp-iface", iface,
               "--summary-json", bench.tmp / f"{name}.json", *options]
    return bench.spawn(name, command), out


ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.9.8.1", 7))
print("ready", flush=True)
while True:
    s.sendto(*s.recvfrom(65535))
"""
CLIENT = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
data = bytes(i % 251 for i in range(int(sys.argv[1])))
for turn in range(3):
    for tries in range(20):
        s.sendto(data, ("10.9.8.1", 7))
        try:
            if s.recv(65535) == data:
                break
        except TimeoutError:
            pass
    else:
        sys.exit("no echo")
"""


def echo(bench, near, far, size=56):
    """Datagrams there and back, three at least."""
    server = bench.spawn(f"echo{size}", ["ip", "netns", "exec", near, PYTHON, "-c", ECHO])
    server.wait_text("ready")
    result = bench.run("ip", "netns", "exec", far, PYTHON, "-c", CLIENT, size, timeout=180)
    assert result.code == 0, result.err
    server.kill()


def attached(netns):
    return "xdp" in ip("link", "show", "veth0", netns=netns).stdout


@test("both ends of a veth pair can change their MTU while it is traced, and large packets are seen whole")
def mtu(bench):
    need_bpf()
    with pair(bench) as (near, far):
        board, out = start(bench, near)
        board.wait_text("xdp: veth0: native")
        must("link", "set", "veth1", "mtu", 9000, netns=far)
        must("link", "set", "veth0", "mtu", 9000, netns=near)
        echo(bench, near, far, 8000)
        assert board.stop() == 0, board.err
        assert not attached(near)
        export = bench.tmp / "export.json"
        bench.hostdec("export", out, "-f", "json", "-o", export)
        lengths = [int(e["args"]["bytes"]) for e in json.loads(export.read_text())["instants"]]
        assert 8000 + 8 + 20 + 14 in lengths, lengths


@test("an MTU of 9000 from the start is traced natively; where it cannot be, the driver's reason is told")
def mtu_before(bench):
    need_bpf()
    with pair(bench, 9000) as (near, far):
        board, _ = start(bench, near)
        board.wait_text("xdp: veth0:")
        echo(bench, near, far)
        assert board.stop() == 0, board.err
        assert "native" in board.err and "the driver has no XDP" not in board.err, board.err


@test("an interface whose driver has no XDP is traced generically, and the kernel's reason is told")
def no_native(bench):
    need_bpf()
    with pair(bench) as (near, _):
        if not any(ip("link", "add", "soft0", "type", kind, netns=near).returncode == 0 for kind in ("bridge", "dummy", "ifb")):
            skip("neither bridge nor dummy interfaces here")
        must("link", "set", "soft0", "up", netns=near)
        board, _ = start(bench, near, iface="soft0")
        board.wait_text("xdp: soft0: generic, packets are copied; native was refused: .*XDP")
        assert board.stop() == 0, board.err


@test("an XDP program that stands on the interface stays there, and that is said")
def other_program(bench):
    need_bpf()
    with pair(bench) as (near, far):
        first, _ = start(bench, near, name="first")
        first.wait_text("xdp: veth0: native")
        second, _ = start(bench, near, name="second")
        assert second.wait() == 1
        assert "another XDP program stands there" in second.err, second.err
        assert attached(near) and first.running()
        echo(bench, near, far)
        assert first.stop() == 0 and json.loads((bench.tmp / "first.json").read_text())["events"] >= 3


@test("an interface that is deleted and made again is traced again, and both are said")
def made_again(bench):
    need_bpf()
    with pair(bench) as (near, far):
        board, _ = start(bench, near)
        board.wait_text("xdp: veth0: native")
        must("link", "del", "veth0", netns=near)
        board.wait_text("veth0 is gone")
        must("link", "add", "veth0", "type", "veth", "peer", "name", "veth1", "netns", far, netns=near)
        for netns, name, address in ((near, "veth0", "10.9.8.1/24"), (far, "veth1", "10.9.8.2/24")):
            must("addr", "add", address, "dev", name, netns=netns)
            must("link", "set", name, "up", netns=netns)
        wait_for("the program on the new interface", lambda: attached(near))
        before = board.err.count("native")
        echo(bench, near, far)
        assert before >= 2 and board.stop() == 0, board.err
        assert json.loads((bench.tmp / "board.json").read_text())["events"] >= 3


main()
