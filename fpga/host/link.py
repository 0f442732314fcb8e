"""The host's end of the link: requests in order over a line that may lose, double or spoil them (docs/link.md).

At most four frames are open. A reply that does not come is waited for a while, then all open frames are sent again (go-back-N); the
device carries each out once.
"""
from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass, field

from fpga.host import frames
from fpga.host.frames import DONE, HELLO, MEMORY_ERROR, MOST_WORDS, OTHER_SESSION, OUT_OF_ORDER, READ, WRITE
from fpga.host.ports import LinkError

try:
    from termios import error as TerminalError
except ImportError:     # Windows has no terminals of this kind
    TerminalError = OSError

GONE = (OSError, TypeError, TerminalError)      # what pyserial 3.5 lets through when a port vanishes
WINDOW = 4
TRIES = 10              # times that the same frames are sent before the board is silent: where one in five is spoilt, 1 in 10**7
TURNAROUND = 0.08       # seconds that a USB bridge and the two ends may take for a reply besides the line's own time
BITS = 10               # of a byte on the line
MOST_STUFFED = 2 * frames.MOST_BYTES + 2


@dataclass(eq=False)
class _Operation:
    """A write or a read of at most MOST_WORDS words at a word address."""

    opcode: int
    address: int
    count: int
    words: tuple = ()
    result: tuple | None = field(default=None)


def _writes(address: int, words) -> list[_Operation]:
    """The writes of consecutive words."""
    words = tuple(int(word) for word in words)
    return [_Operation(WRITE, address + at, len(words[at:at + MOST_WORDS]), words[at:at + MOST_WORDS])
            for at in range(0, len(words), MOST_WORDS)]


class Link:
    """A session on a board.

    port: open pyserial port.  baud: of the line.  slowness: seconds that a second of the board takes, 1 for a real one.
    `identity`: the eight words that the board told.  `resent`: frames sent again so far.  `sent`, `received`: bytes on the line so far.
    Every method raises LinkError, one sentence, when the board is silent, gone, taken over or says no.
    """

    def __init__(self, port, baud: int, slowness: float = 1.0):
        self._port, self._receiver = port, frames.Receiver()
        self._patience = slowness * (TURNAROUND + 2 * WINDOW * MOST_STUFFED * BITS / baud)
        self.resent = self.sent = self.received = 0
        self._session, self._sequence = os.urandom(2)
        self.identity = self._hello()

    def write(self, address: int, words, progress=None) -> None:
        """Write 32-bit words to consecutive word addresses. progress: called with the words done so far."""
        self._carry_out(_writes(address, words), progress)

    def write_all(self, pieces, progress=None) -> None:
        """Write several pieces of memory, (word address, words) each, without waiting in between."""
        self._carry_out([one for address, words in pieces for one in _writes(address, words)], progress)

    def read(self, address: int, count: int, progress=None) -> list[int]:
        """Return 32-bit words from consecutive word addresses."""
        operations = [_Operation(READ, address + at, min(MOST_WORDS, count - at)) for at in range(0, count, MOST_WORDS)]
        self._carry_out(operations, progress)
        return [word for one in operations for word in one.result]

    # ---- frames

    def _hello(self) -> tuple:
        """Open a session: whatever went on before on this line is forgotten."""
        self._guard(self._port.reset_input_buffer)
        frame = frames.request(self._session, self._sequence, HELLO, 0, 0)
        for _ in range(TRIES):
            self._send(frame)
            deadline = time.monotonic() + self._patience
            while time.monotonic() < deadline:
                for reply in self._replies():
                    if (reply.session, reply.sequence, reply.status, len(reply.words)) == (self._session, self._sequence, DONE, 8):
                        self._sequence = self._sequence + 1 & 255
                        return reply.words
        raise LinkError(f"no answer from a board on {self._port.port}: is it programmed, and is this its port and baud rate?")

    def _carry_out(self, waiting: list, progress=None) -> None:
        """Carry operations out in order; results are put into them."""
        todo, open_frames, done, tries = deque(waiting), deque(), 0, 0
        refused = None      # the sequence that the board asked for, once the frames from it on were sent again
        deadline = time.monotonic()
        while todo or open_frames:
            while todo and len(open_frames) < WINDOW:
                one = todo.popleft()
                frame = frames.request(self._session, self._sequence, one.opcode, one.count, one.address, one.words)
                open_frames.append((self._sequence, one, frame))
                self._sequence = self._sequence + 1 & 255
                self._send(frame)
                deadline = time.monotonic() + self._patience
            for reply in self._replies():
                passed = self._judge(reply, open_frames)
                if passed:
                    refused = None
                    done += self._finish(open_frames, passed, todo)
                    tries, deadline = 0, time.monotonic() + self._patience
                    if progress:
                        progress(done)
                if reply.status == OUT_OF_ORDER and reply.session == self._session and open_frames and refused != reply.sequence:
                    refused = reply.sequence
                    self._send_again(open_frames)
                    deadline = time.monotonic() + self._patience
            if open_frames and time.monotonic() > deadline:
                tries += 1
                if tries >= TRIES:
                    raise LinkError(f"the board on {self._port.port} does not answer any more")
                refused = None
                self._send_again(open_frames)
                deadline = time.monotonic() + self._patience

    def _judge(self, reply: frames.Reply, open_frames: deque) -> int:
        """Return how many of the open frames, from the first on, a reply shows to be carried out."""
        if reply.status == OTHER_SESSION:
            raise LinkError(f"another program opened a session with the board on {self._port.port}, or the board was reset")
        if reply.session != self._session:
            return 0
        place = (reply.sequence - open_frames[0][0]) & 255 if open_frames else 256
        if reply.status == OUT_OF_ORDER:
            if place <= len(open_frames):
                return place
            behind = place > 255 - WINDOW      # of a frame that was sent twice
            if not behind and open_frames:
                raise LinkError(f"the board on {self._port.port} lost its session: was it reset?")
            return 0
        if place >= len(open_frames):
            return 0
        if reply.status != DONE:
            one = open_frames[place][1]
            what = "has no such memory or register" if reply.status != MEMORY_ERROR else "got an error from its memory"
            raise LinkError(f"the board {what}: {'read' if one.opcode == READ else 'write'} of {one.count} words "
                            f"at word {one.address & 0x3FFFFFFF:#x}")
        if open_frames[place][1].opcode == READ:
            if len(reply.words) != open_frames[place][1].count:
                return 0
            open_frames[place][1].result = reply.words
        return place + 1

    @staticmethod
    def _finish(open_frames: deque, passed: int, todo: deque) -> int:
        """Take carried-out frames away; reads whose replies were lost are asked for anew. Return the words that are done."""
        words, lost = 0, []
        for _ in range(passed):
            _, one, _ = open_frames.popleft()
            if one.opcode == READ and one.result is None:
                lost.append(one)
            else:
                words += one.count
        todo.extendleft(reversed(lost))
        return words

    def _send_again(self, open_frames: deque) -> None:
        self.resent += len(open_frames)
        for _, _, frame in open_frames:
            self._send(frame)

    # ---- bytes

    def _guard(self, action, *arguments):
        """Do something with the port; a port that vanished is one sentence."""
        try:
            return action(*arguments)
        except GONE:
            raise LinkError(f"{self._port.port} is gone: was the cable pulled?") from None

    def _send(self, frame: bytes) -> None:
        self.sent += len(frame)
        self._guard(self._port.write, frame)

    def _replies(self) -> list[frames.Reply]:
        data = self._guard(lambda: self._port.read(max(1, self._port.in_waiting)))
        self.received += len(data)
        return [found for found in map(frames.reply, self._receiver.feed(data)) if found]

    def close(self) -> None:
        """Close the port."""
        try:
            self._port.close()
        except OSError:
            pass
