# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every function that a board lists is probed, entry and return, in chunks, under load; and the board lives.

One boot goes through the chunks until the board hangs or panics; the next one goes on behind that chunk, which is
then halved until the names are few.

usage: every_function.py BOARD KERNEL [MECHANISM [GLOB...]]     prints what it did; exit 1 when a board did not live
"""
import collections
import gzip
import re
import sys
import time

from cells import Cell, program
import board as boards

CHUNK = 4000  # functions; a program takes 4096
FEW = 4       # names that are not halved further
# Its two processors wait for each other for ever where QEMU has one thread for both.
ONE_CPU = {"armv7l": "maxcpus=1"}
BOOTS = 24    # to narrow down what ended boards; then it is said so
# A chunk: attached, 4096 times two probes in an emulator, then the load with a probe in each call, then detached.
CHUNK_S = 900
# Each profile may end with 1 (a chunk in which nothing can be probed); a board that dies says nothing more.
LOAD = """
workload alloc 101 & workload getppid 307 & workload forks 3 & workload loopback 4001 & usleep 20000 & sleep 0.2 &
dd if=/dev/zero of=/tmp/some bs=64k count=4 2>/dev/null; cat /proc/self/maps /proc/stat /proc/interrupts >/dev/null
mkdir /tmp/dir; ln -s some /tmp/dir/link; mv /tmp/some /tmp/dir/some; cat /tmp/dir/link >/dev/null; rm -r /tmp/dir
mount -t tmpfs more /mnt && umount /mnt; ping -c 1 127.0.0.1 >/dev/null 2>&1; ps >/dev/null; sync; usleep 100000
wait
"""
JOB = """
set -f
mkdir -p /mnt
ip link set lo up
echo 8 >/proc/sys/kernel/printk
while read number options; do
	echo "chunk $number begins"
	ayaprof-uart --mode log -o /tmp/x.pb --summary-json /tmp/x.json -M none --return-slots 16 --ring-size 1M $options -- sh /job/load </dev/null 2>/tmp/x.err
	echo "chunk $number ended with $?, $(grep -o '"attached": *[0-9]*' /tmp/x.json | head -n 1), $(grep -o '"events": *[0-9]*' /tmp/x.json | head -n 1), $(cut -d' ' -f1 /proc/uptime) s"
	grep -v "not traced" /tmp/x.err | head -n 2
	rm -f /tmp/x.*
done </job/chunks
"""
# Compressed: a board's UART is what takes longest here.
LIST = """ayaprof-uart --list-functions '*' >/tmp/free || exit
gzip -c /tmp/free >/out/free
gzip -c /proc/kallsyms >/out/kallsyms
"""

Chunk = collections.namedtuple("Chunk", "globs n")


def prefixes(names, most, prefix=""):
    """Patterns that share the names among them, no more than `most` each, with their numbers."""
    if len(names) <= most:
        return [Chunk((f"{prefix}*",), len(names))] if names else []
    found, by_next = [], collections.defaultdict(list)
    for name in names:
        by_next[name[len(prefix):len(prefix) + 1]].append(name)
    for letter, some in sorted(by_next.items()):
        if letter == "" or letter in "*?[\\\\":
            found.append(Chunk((prefix,), len(some)))
        else:
            found += prefixes(some, most, prefix + letter)
    return found


def chunks_of(names, most=CHUNK):
    """All names in as few chunks as pattern borders allow."""
    full = []
    for piece in prefixes(sorted(set(names)), most // 4):
        if full and full[-1].n + piece.n <= most:
            full[-1] = Chunk(full[-1].globs + piece.globs, full[-1].n + piece.n)
        else:
            full.append(piece)
    return full


def halves(chunk, names):
    """A chunk in two; None when it is few names already."""
    if chunk.n <= FEW:
        return None
    if len(chunk.globs) > 1:
        middle = len(chunk.globs) // 2
        return [Chunk(part, chunk.n // 2) for part in (chunk.globs[:middle], chunk.globs[middle:])]
    prefix = chunk.globs[0].rstrip("*")
    inside = sorted(n for n in set(names) if n.startswith(prefix))
    return chunks_of(inside, max(1, len(inside) // 2)) if len(inside) > FEW else None


class Culprits(Exception):
    """Patterns that ended boards, with the last words of their consoles."""


def options_of(chunk, more):
    return " ".join([*more, *(f"-p k:{glob}" for glob in chunk.globs)])


def go(cell, chunks, more, tmp, say):
    """Go through chunks in one boot: how many were survived, and the console's end if the board did not live."""
    (tmp / "load").write_text(LOAD)
    (tmp / "chunks").write_text("".join(f"{i} {options_of(c, more)}\n" for i, c in enumerate(chunks)))
    files = {"load": tmp / "load", "chunks": tmp / "chunks",
             **{name: program(cell.board, name) for name in ("ayaprof-uart", "workload")}}
    # One thread for all CPUs: half-patched code (board.py) is QEMU's fault, not what is under test.
    with boards.Board(cell.board, cell.kernel, JOB, files, append=ONE_CPU.get(cell.board, ""), memory_mb=1024,
                      threads="single") as board:
        told, last = 0, time.monotonic()
        while board.process.poll() is None and time.monotonic() < last + CHUNK_S:
            lines = [l for l in board.console().splitlines() if re.match(r"chunk \d+ (begins|ended)|ayaprof-uart:", l)]
            for line in lines[told:]:
                say(line)
                last = time.monotonic()
            told = max(told, len(lines))
            time.sleep(0.2)
        console = board.console()
        done = len(re.findall(r"^chunk \d+ ended with", console, re.M))
        lived = done == len(chunks) and "board: job ended" in console
        return done, "" if lived else " | ".join(console.strip().splitlines()[-12:])


def survive(cell, names, more, tmp, chunks=None, say=print):
    """Probe all of the names. Culprits if a board did not live; else how many chunks there were."""
    todo = chunks or chunks_of(names)
    all_chunks, found, boots = len(todo), [], 0
    while todo:
        if boots == BOOTS:
            found.append(f"given up after {BOOTS} boots with {len(todo)} chunks to go")
            break
        boots += 1
        done, end = go(cell, todo, more, tmp, say)
        if not end:
            break
        if done == len(todo):
            found.append(f"the board did not end: {end}")
            break
        culprit, todo = todo[done], todo[done + 1:]
        smaller = halves(culprit, names)
        say(f"# did not live: {options_of(culprit, ())[:400]}: {end[-600:]}")
        if smaller:
            todo = smaller + todo
        else:
            found.append(f"{' '.join(culprit.globs)}: {end[-300:]}")
    if found:
        raise Culprits("\n".join(found))
    return all_chunks


def listed(cell):
    """What the board says can be traced, its symbols, and its kernel's directory."""
    files = {"ayaprof-uart": program(cell.board, "ayaprof-uart")}
    with boards.Board(cell.board, cell.kernel, LIST, files, append=ONE_CPU.get(cell.board, ""), threads="single") as board:
        result = board.wait(CHUNK_S)
        if result.code:
            raise boards.BoardError(f"exit status {result.code} on the board")
        free, symbols = (gzip.decompress(result.files[name]).decode() for name in ("free", "kallsyms"))
        return [line.split()[0] for line in free.splitlines()], symbols, board.kernel_dir


def main():
    import pathlib
    import tempfile
    cell = Cell(sys.argv[1], sys.argv[2], ())
    more = ["--mechanism", sys.argv[3]] if len(sys.argv) > 3 and sys.argv[3] != "-" else []
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        names, chunks = [], [Chunk((glob,), CHUNK) for glob in sys.argv[4:]] or None
        if not chunks:
            names = listed(cell)[0]
            chunks = chunks_of(names)
            print(f"# {len(names)} names in {len(chunks)} chunks", flush=True)
        try:
            n = survive(cell, names, more, tmp, chunks, lambda line: print(f"{time.monotonic() - start:.0f} {line}", flush=True))
        except Culprits as e:
            print(e)
            return 1
    print(f"# {n} chunks in {time.monotonic() - start:.0f} s: the board lives")
    return 0


if __name__ == "__main__":
    sys.exit(main())
