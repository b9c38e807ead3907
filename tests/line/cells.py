# SPDX-License-Identifier: MIT OR Apache-2.0
"""The matrix of line faults: rates x faults x links, and what must hold in every cell.

A row is data: what the simulated line does, and what happens to the programs meanwhile. In each cell: produced =
delivered + lost, to the event; nothing that was never sent. On a reliable line besides: everything is delivered
through whatever the board lives through.
"""
import collections
import json
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from harness import records, test, wait_for  # noqa: E402
from recordings import TRACEPOINTS, check_books, check_same_events, check_subset  # noqa: E402

BAUDS = (115200, 921600, 4000000)
LINKS = ("oneway", "reliable")
PRINTK = "".join(f"[{n // 7:5}.{n * 7919 % 1000000:06}] usb {n}-1: a message of some driver, number {n}\n" for n in range(97))

# faults: options of the line; {text} is a file of lines, {early} and {half} numbers of bytes from the board.
# what: what happens to a program when half has been sent. least: share delivered without retransmission, over SEEDS.
# long: many times the recording, at rates that carry one in no time.
Row = collections.namedtuple("Row", "title faults what least long", defaults=((), None, 0, False))
ROWS = (
    Row("clean", least=1),
    Row("bit errors 1e-6", ("--ber", "1e-6", "--back-ber", "1e-6"), least=0.95),
    Row("bit errors 1e-5", ("--ber", "1e-5", "--back-ber", "1e-5"), least=0.8),
    Row("bit errors 1e-4", ("--ber", "1e-4", "--back-ber", "1e-4")),
    Row("byte drops", ("--drop", "5e-5", "--back-drop", "5e-4"), least=0.6),
    Row("inserted text", ("--text", "{text}", "--text-gap", "1000", "--text-at", "anywhere"), least=1),
    Row("duplicated bytes", ("--dup", "5e-5", "--back-dup", "5e-4"), least=0.6),
    Row("bursts", ("--burst-gap", "15000", "--burst-len", "64")),
    Row("20 ms latency", ("--latency", "20"), least=1),
    Row("3 s stall", ("--at-byte", "{half}:stall 3"), least=1),
    Row("unplugged and plugged in again", ("--at-byte", "{early}:unplug host", "--at-byte", "{half}:plug host"), long=True),
    Row("host killed and started again", ("--at-byte", "{half}:mark"), what="host"),
    Row("board killed and started again", ("--at-byte", "{half}:mark"), what="board"),
    Row("board told twice to stop, and started again", ("--at-byte", "{half}:mark"), what="board in a hurry"),
)
SEEDS = (1, 2, 3)
# A line of 115200 baud carries 11,520 bytes a second.
EVENTS = {115200: 20000, 921600: 40000, 4000000: 40000}
EARLY = {115200: 8000, 921600: 12000, 4000000: 12000}
HALF = {115200: 16000, 921600: 18000, 4000000: 18000}


class Cell:
    """One run through one row; its recordings, and what was sent."""

    def __init__(self, bench, row, baud, link, seed):
        self.bench, self.baud, self.link = bench, baud, link
        self.tag = f"{link}-{seed}"
        if row.long and baud > BAUDS[0]:  # still being sent when the host is back, which takes it 0.25 s
            self.path, self.data = TRACEPOINTS.unpack_again(bench.tmp, baud // 250000 + 2)
        else:
            self.path, self.data = TRACEPOINTS.unpack(bench.tmp, EVENTS[baud])
        text = bench.tmp / "text"
        text.write_text(PRINTK)
        faults = [fault.format(text=text, early=EARLY[baud], half=HALF[baud]) for fault in row.faults]
        self.line = bench.line("--baud", baud, "--seed", seed, *faults, name=f"line-{self.tag}")
        self.recordings, self.summaries = [], []
        self.follows = row.what == "board in a hurry"  # its goodbye is not the end
        self.host = self.record()
        self.line.wait_open("host")
        self.board = self.start_board()
        if row.what:
            self.line.wait_text("ok mark", stream="out")
            {"host": self.restart_host, "board": self.restart_board, "board in a hurry": self.hurry_board}[row.what]()
        # Where nothing is wrong with its line at the end, a board need not say goodbye for seconds.
        alone = link == "oneway" and not row.what and not row.long and "stall" not in row.title
        assert (bench.end_unanswered(self.board, 240) if alone else self.board.wait(240)) == 0
        self.line.drain()
        try:
            code = self.host.wait(0 if self.follows else 15)
        except AssertionError:
            code = self.host.stop()
        assert code == 0, f"hostdec ended with {code}"
        self.stats = self.line.stats()

    def record(self):
        self.recordings.append(self.bench.tmp / f"{self.tag}-{len(self.recordings)}.pb")
        return self.bench.record(self.line.host, self.recordings[-1], "-b", self.baud, "--follow" if self.follows else "-q",
                                 name=f"host-{self.tag}-{len(self.recordings)}")

    def start_board(self):
        self.summaries.append(self.bench.tmp / f"{self.tag}-{len(self.summaries)}.json")
        return self.bench.board("--replay", self.path, "--names", TRACEPOINTS.names_path, "-b", self.baud, self.line.board,
                                "--link", self.link if self.link == "oneway" else "auto", "--summary-json",
                                self.summaries[-1], name=f"board-{self.tag}-{len(self.summaries)}")

    def restart_host(self):
        self.host.stop(signal.SIGKILL)
        self.host = self.record()

    def restart_board(self):
        self.board.stop(signal.SIGKILL)
        self.board = self.start_board()

    def hurry_board(self):
        self.board.popen.send_signal(signal.SIGINT)
        assert self.board.stop(signal.SIGINT) == 0
        self.line.drain()  # a UART's driver lets nobody go before; what a pty holds would be flushed by the next open
        self.board = self.start_board()


def check(bench, row, cell):
    """What holds for every cell; returns the share that was delivered."""
    infos, found = [bench.info(recording) for recording in cell.recordings], []
    for recording, info in zip(cell.recordings, infos):
        found += bench.events(recording)
        assert sum(session["produced"] for session in info["session_list"]) == info["events"] + info["lost"]["total"]
    assert sum(info["events"] for info in infos) == len(found)
    info, last = infos[-1], infos[-1]["session_list"][-1]
    summaries = [json.loads(path.read_text()) for path in cell.summaries if path.exists()]
    summary = summaries[-1]
    bench.note(f"{cell.tag}: {last['events']} of {len(cell.data) // 16}, lost {info['lost']}, {cell.stats}")
    if row.what in ("board", "board in a hurry"):
        assert set(found) <= set(records(cell.data)), "events that were never sent"
        assert info["sessions"] == 2 and last["goodbye"] and last["produced"] == summary["events"], info["session_list"]
        if len(summaries) == 2:
            heard, told = [session["produced"] for session in info["session_list"]], [run["events"] for run in summaries]
            assert heard == told, f"produced: {heard} as heard, {told} as the board says"
        if cell.link == "reliable":
            assert last["events"] == summary["events"], last
        return last["events"] / last["produced"]
    # A host that was killed and its successor: nothing twice in both, or what was not written when it was killed.
    check_subset(found if cell.link == "oneway" else bench.events(cell.recordings[-1]), cell.data)
    assert last["goodbye"]
    check_books(info, summary)
    if cell.link == "reliable":
        both = bench.tmp / f"{cell.tag}-both.pb"
        both.write_bytes(b"".join(recording.read_bytes() for recording in cell.recordings))
        check_same_events(bench.events(both), cell.data, row.title)
        assert bench.info(both)["lost"]["total"] == 0
    return info["events"] / (len(cell.data) / 16)


def add_cell(row, baud, link):
    @test(f"{baud} {link}, {row.title}")
    def run(bench):
        seeds = SEEDS if row.least and row.least < 1 and link == "oneway" else SEEDS[:1]
        shares = [check(bench, row, Cell(bench, row, baud, link, seed)) for seed in seeds]
        print(f"# delivered: {', '.join(f'{100 * share:.1f} %' for share in shares)}", flush=True)
        if link == "oneway":
            assert sum(shares) / len(shares) >= row.least, f"{shares} delivered, {row.least} is the least"


def carry_all(bench, path, data, baud, *line_options):
    """A replay with --link reliable, of which nothing is lost; what the line says of it."""
    line = bench.line("--baud", baud, *line_options)
    out = bench.tmp / "all.pb"
    host = bench.record(line.host, out, "-b", baud)
    line.wait_open("host")
    board = bench.board("--replay", path, "-b", baud, "--link", "reliable", line.board)
    assert board.wait(60) == 0 and host.wait(30) == 0
    check_same_events(bench.events(out), data, f"over a line with {line_options}")
    assert bench.info(out)["lost"]["total"] == 0
    return line.stats()["board_to_host"]


def add_busy():
    @test("4000000 baud through 20 ms of latency each way: acknowledgements do not hold the line up")
    def busy(bench):
        stats = carry_all(bench, *TRACEPOINTS.unpack_again(bench.tmp, 10), 4000000, "--latency", 20)
        used = stats["busy_s"] / stats["span_s"]
        print(f"# share of the line's time in use: {100 * used:.1f} %")
        # No measure of speed, this machine has other things to do: a frame at a time would use a tenth of it.
        assert used > 0.4, stats


def add_device_gone():
    @test("--link reliable, the board's device gone for longer than a line may stand: nothing is lost")
    def gone(bench):
        carry_all(bench, *TRACEPOINTS.unpack(bench.tmp), 921600, "--at-byte", "20000:unplug board 12")


Memory = collections.namedtuple("Memory", "resident own")  # KiB; own: without pages of files, which come as code is used


def memory_of(process):
    fields = dict(row.split()[:2] for row in open(f"/proc/{process.pid}/status", encoding="ascii") if row.endswith(" kB\n"))
    return Memory(int(fields["VmRSS:"]), int(fields["RssAnon:"]))


def add_life(cycles, restarts):
    @test(f"{cycles} times unplugged and {restarts} times started again in one recording: nothing grows, all books balance")
    def life(bench):
        line = bench.line("--baud", 921600)
        out = bench.tmp / "life.pb"
        host = bench.record(line.host, out, "-b", 921600, "--follow")
        line.wait_open("host")
        opens, sizes, produced = 1, {}, []
        path, data = TRACEPOINTS.unpack(bench.tmp, 4001)
        for number in range(restarts):
            board = bench.board("--replay", path, "-b", 921600, line.board, name=f"board{number}",
                                *("--summary-json", bench.tmp / f"{number}.json"))
            assert board.wait(60) == 0
            line.drain()
            produced.append(json.loads((bench.tmp / f"{number}.json").read_text())["events"])
        # One that keeps talking: status and hellos while nothing happens.
        board = bench.board("-M", "throughput", "-i", "20", "-b", 921600, line.board, name="live")
        board.wait_text("line ", stream="err")
        line.command("babble 5000")  # the host has its buffers for damage from now on
        for number in range(1, cycles + 1):
            line.command("unplug host")
            line.command("plug host")
            opens += 1
            line.wait_open("host", opens)
            size = out.stat().st_size
            wait_for("more of the recording", lambda: out.stat().st_size > size)
            if number in (cycles // 10, cycles):
                sizes[number] = memory_of(host), memory_of(board)
        assert board.stop() == 0
        line.drain()
        assert host.stop() == 0
        info = bench.info(out)
        bench.note(f"{sizes} {info['lost']} {info['session_list']}")
        assert info["sessions"] == restarts + 1 and info["complete"]
        assert [session["produced"] for session in info["session_list"][:restarts]] == produced
        assert info["events"] == restarts * 4001 + info["session_list"][-1]["events"] and info["lost"]["total"] == 0
        for before, after in zip(sizes[cycles // 10], sizes[cycles]):
            assert after.own - before.own <= 0.05 * before.resident, f"grown from {before} to {after}: {sizes}"
        print(f"# hostdec and board: {sizes}", flush=True)
