# SPDX-License-Identifier: MIT OR Apache-2.0
"""A board's UART and the host's port, joined by a line with a rate and bit errors.

QEMU carries bytes as fast as it can and never wrong. Between a board's unix socket and hostdec this paces
both directions to 10 bits a byte and flips bits on the way to the host, where is a matter of the seed and
the bytes' positions alone.
"""
import random
import selectors
import socket
import threading
import time

TICK_S = 0.002


class Direction:
    def __init__(self, source, sink, rate, ber=0.0, seed=1):
        self.source, self.sink, self.rate = source, sink, rate
        self.ber, self.random = ber, random.Random(seed)
        self.bits_left = self._distance()
        self.carried = self.flipped = 0
        self.credit = 0.0

    def _distance(self):
        return int(self.random.expovariate(self.ber)) if self.ber else 1 << 62

    def _damage(self, data):
        out, bits = bytearray(data), 8 * len(data)
        while self.bits_left < bits:
            out[self.bits_left // 8] ^= 1 << self.bits_left % 8
            self.flipped += 1
            self.bits_left += 1 + self._distance()
        self.bits_left -= bits
        return bytes(out)

    def carry(self, seconds):
        """What that time allows; False at the end of the source."""
        self.credit = min(self.credit + seconds * self.rate, self.rate * 0.1)
        if self.credit < 1:
            return True
        try:
            data = self.source.recv(int(self.credit), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.credit -= len(data)
        self.carried += len(data)
        try:
            self.sink.sendall(self._damage(data))
        except OSError:
            pass  # nobody listens: the bytes are gone, as on a wire
        return bool(data)


class Line:
    """hostdec, or a desk's QEMU, opens `port` (a unix socket); then the board's socket is opened. Who opens `port`
    later takes the host's end over. Lives until the board's end closes."""

    def __init__(self, port, baud, ber=0.0, seed=1):
        self.port, self.baud, self.ber, self.seed = port, baud, ber, seed
        self.flipped = self.carried = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(port))
        self.listener.listen(1)
        self.path, self.attached = None, threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def attach(self, board):
        """Where the board's socket is."""
        self.path = str(board)
        self.attached.set()

    def _run(self):
        host, _ = self.listener.accept()
        self.attached.wait()
        board = socket.socket(socket.AF_UNIX)
        board.connect(self.path)
        out = Direction(board, host, self.baud / 10, self.ber, self.seed)
        back = Direction(host, board, self.baud / 10)
        with board, selectors.DefaultSelector() as wait:
            for source in (board, host, self.listener):
                wait.register(source, selectors.EVENT_READ)
            last, alive, listening = time.monotonic(), True, True
            while alive:
                ready = [key.fileobj for key, _ in wait.select(0.1)]
                if self.listener in ready:
                    wait.unregister(host) if listening else None
                    host.close()
                    host, _ = self.listener.accept()
                    out.sink = back.source = host
                    wait.register(host, selectors.EVENT_READ)
                    listening = True
                now = time.monotonic()
                if listening and not back.carry(now - last):
                    listening = False
                    wait.unregister(host)
                alive = out.carry(now - last)
                last = now
                self.flipped, self.carried = out.flipped, out.carried
                time.sleep(TICK_S)  # the pace
        host.close()
        self.listener.close()
