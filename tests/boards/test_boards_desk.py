# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two emulated boards, their UARTs joined: one is profiled, the other one is the desk, where hostdec runs on a
tty of a real driver (16550, FTDI) through libserialport. For `make test-boards`."""
import json

from cells import BOOT_TIMEOUT_S, CALLS, CELLS, Cell, balanced, boot, program, start, static_hostdec
from harness import main, test, wait_for
from line import Line

BOARD = CELLS["aarch64", "6.1"]
DESKS = (  # the desk, what is a tty there, a rate that its driver cannot have
    (Cell("x86_64", "6.1", ()), "16550", 921600),
    (Cell("x86_64-usb", "6.1", ()), "FTDI", 4000000),
)
# hostdec is on the line when a second one is kept out.
DESK = """
ln -s $DATA /tmp/adapter
hostdec --port /tmp/adapter -b {clipped} -o /tmp/clipped.pb --duration 1 2>/out/clipped; echo $? >/out/clipped.code
hostdec --port /tmp/adapter -o /out/run.pb 2>/out/log &
host=$!
while kill -0 $host && ! ls -l /proc/$host/fd | grep -q "$DATA"; do :; done
while :; do
	hostdec --port $DATA -o /tmp/second.pb --duration 0.1 2>/out/second; echo $? >/out/second.code
	grep -q "in use" /out/second && break
	kill -0 $host || exit 99
done
ayaprof-uart -M syscall -d 1 $DATA 2>/out/third; echo $? >/out/third.code
echo "desk: records"
"""
WAIT = "wait $host\n"
# No udev there: the link that /dev/serial/by-id would hold is made by hand.
PLUGGED = """
while kill -0 $host 2>/dev/null; do
	for tty in /dev/ttyUSB*; do break; done
	if [ "$tty" != "$last" ]; then
		last=$tty
		[ ! -e $tty ] || ln -sf $tty /tmp/adapter
		echo "desk: adapter is $tty."
	fi
	usleep 20000
done
wait $host
"""
REPLUG_S = 15
BUSY = "sh -c 'while :; do workload alloc 11; usleep 50000; done'"


def alive(board):
    return board.process.poll() is None


def desk(bench, cell, clipped, then, join=None):
    files = {"hostdec": static_hostdec(), "ayaprof-uart": program(cell.board, "ayaprof-uart")}
    host = boot(bench, cell, DESK.format(clipped=clipped) + then, files, join=join)
    wait_for("the desk to record", lambda: "desk: records" in host.console() or not alive(host), BOOT_TIMEOUT_S)
    return host


def refused(files, name, words):
    """Exit status 1 and one line that says why."""
    text = files[name].decode()
    assert files[f"{name}.code"].strip() == b"1", files[f"{name}.code"]
    assert text.count("\n") == 1 and words in text, text


def both(bench, board, host):
    """What came back from the two: the desk's files, the recording's info and functions, the board's summary."""
    result = board.wait(BOOT_TIMEOUT_S)
    assert result.code == 0, f"exit status {result.code} on the board"
    at_desk = host.wait(BOOT_TIMEOUT_S)
    bench.note(at_desk.files.get("log", b"").decode())
    assert at_desk.code == 0, f"exit status {at_desk.code} on the desk"
    recording = bench.tmp / "run.pb"
    recording.write_bytes(at_desk.files["run.pb"])
    info, summary = bench.info(recording), json.loads(result.files["summary.json"])
    balanced(info, summary)
    return at_desk.files, info, bench.stats(recording), summary


def add(cell, driver, clipped):
    @test(f"two boards, one line: hostdec records on a {driver} tty, alone, and never at another rate")
    def null_modem(bench):
        host = desk(bench, cell, clipped, WAIT)
        board = start(bench, BOARD, "-M syscall -p k:create_pipe_files", f"workload alloc {CALLS}", join=host.data)
        files, info, stats, summary = both(bench, board, host)
        assert info["lost"]["total"] == 0 and info["frames_bad"] == 0, info
        assert stats["create_pipe_files"]["count"] == CALLS == stats["sys_pipe2"]["count"], stats
        assert info["link"]["baud"] == 115200, info["link"]
        refused(files, "clipped", "instead of")
        refused(files, "second", "in use")
        refused(files, "third", "in use")
        print(f"# {driver}: {info['events']} events, {info['wire_bytes']} bytes, link {info['link']}", flush=True)


for row in DESKS:
    add(*row)


@test("two boards, one line: the USB adapter is pulled out and put in again, and the recording goes on")
def replug(bench):
    cell, _, clipped = DESKS[1]
    line = Line(bench.tmp / "line", 921600)
    host = desk(bench, cell, clipped, PLUGGED, join=line.port)
    board = start(bench, BOARD, f"-M syscall -d {REPLUG_S} -p k:create_pipe_files", BUSY)
    line.attach(board.data)
    wait_for("the profile", lambda: "ayaprof-uart: line" in board.console(), BOOT_TIMEOUT_S)
    carried = line.carried
    wait_for("frames", lambda: line.carried > carried + 1000)
    host.monitor("device_del adapter")
    wait_for("the adapter to go", lambda: "desk: adapter is /dev/ttyUSB*." in host.console())
    # QEMU 7.2 keeps the socket of an adapter that was pulled out for itself: the new one gets another.
    host.monitor(f"chardev-add socket,id=again,path={line.port}")
    answer = host.monitor("device_add usb-serial,id=again,chardev=again,always-plugged=on")
    assert "Error" not in answer, answer
    wait_for("the adapter to come back", lambda: host.console().count("desk: adapter is /dev/ttyUSB") > 2)
    files, info, stats, _ = both(bench, board, host)
    log = files["log"].decode()
    assert "is gone" in log and "is back" in log, log
    print(f"# {log.strip().splitlines()[-1]}; lost {info['lost']['by_cause']}", flush=True)
    assert stats["create_pipe_files"]["count"] > 11, info


main()
