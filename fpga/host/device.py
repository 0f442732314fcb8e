"""A board as its host sees it: identity, memory, and the accelerator's registers."""
from __future__ import annotations

import time

import numpy as np

from cascadefire.errors import InputError
from fpga.host import ports
from fpga.host.link import Link
from fpga.host.ports import LinkError
from fpga.identity import config_digest
from tb.accelerator_job import BUSY, CAUSES, CONTROL, CYCLES, ERROR, PROGRAM, START, STATUS, STOP

MAGIC, VERSION = 0x43464952, 1
MEMORY, IDENTITY, REGISTERS = 0, 1 << 30, 2 << 30       # of an address; the rest counts 32-bit words
COUNTERS = ("cycles", "passes", "beats", "events", "words_read", "words_written", "configuration", "no_event", "no_weight",
            "no_buffer", "output_blocked", "row_lookup", "drain")
"""The registers from `CYCLES` on; from `configuration` on, PE cycles without a beat, by cause."""
GAP = 4             # words that are cheaper to send again than a frame of their own
POLL_FOREVER = 5    # seconds of the board after which a program that does not end counts as hung


def connect(port: str, board, slowness: float = 1.0) -> "Device":
    """Open a serial port and return the Device behind it, which must be the board with its own configuration.

    port: its name.  board: Board.  slowness: as of Link.  Raises LinkError as Device does, and as opening does; then the port is closed.
    """
    link = Link(ports.open_port(port, board.baud), board.baud, slowness)
    try:
        return Device(link, board, config_digest(board.config()), slowness)
    except BaseException:
        link.close()
        raise


class Device:
    """A board behind an open link.

    link: Link.  board: Board, what is expected to be there.  digest: of the configuration that is expected (fpga.identity).
    slowness: as of Link.
    Raises LinkError when something else is there: another board, another bitstream, no cascadefire at all.
    """

    def __init__(self, link: Link, board, digest: int, slowness: float = 1.0):
        self.link, self._slowness = link, slowness
        magic, version, self.clock_hz, self.memory_bytes, array, found, self.baud, _ = link.identity
        if magic != MAGIC:
            raise LinkError(f"what answers is no cascadefire board (it says {magic:#010x})")
        if version & 0xFFFF != VERSION:
            raise LinkError(f"the board speaks version {version & 0xFFFF} of the link, this program version {VERSION}: build and load "
                            "its bitstream again")
        if version >> 16 != board.number:
            raise LinkError(f"the bitstream is that of board number {version >> 16}, but {board.name} is number {board.number}")
        if found != digest:
            kind = "compact " if array >> 24 & 1 else ""
            raise LinkError(f"the board holds another bitstream, of a {kind}{array & 255} x {array >> 8 & 255} array with other "
                            f"settings: load this one's with `cascadefire program --board {board.name}`")
        self._words = np.zeros(self.memory_bytes // 4, "<u4")
        self._known = np.zeros(len(self._words), bool)
        if self.status() & BUSY:
            self.stop()

    # ---- memory

    def check_size(self, name: str, size: int) -> None:
        """Raise InputError unless `size` bytes fit the board's memory."""
        if size > self.memory_bytes:
            raise InputError(f"{name} needs {-(-size // 1024)} KiB, this board has {self.memory_bytes // 1024} KiB")

    def update(self, address: int, data: np.ndarray, progress=None) -> int:
        """Make memory hold `data`, sending only words that it does not hold yet; return the words that were sent.

        address: in bytes, a multiple of 4.  data: uint8.  progress: called with (words sent, words to send).
        """
        wanted, first = self._as_words(data), address // 4
        here = slice(first, first + len(wanted))
        stale = np.flatnonzero(~self._known[here] | (self._words[here] != wanted))
        cuts = np.flatnonzero(np.diff(stale) > GAP) + 1
        pieces = [(first + int(run[0]), wanted[run[0]:run[-1] + 1]) for run in np.split(stale, cuts)] if len(stale) else []
        total = sum(len(words) for _, words in pieces)
        self.link.write_all(pieces, (lambda done: progress(done, total)) if progress else None)
        self._words[here], self._known[here] = wanted, True
        return total

    def read(self, address: int, size: int) -> np.ndarray:
        """Return bytes of memory, uint8; address and size in bytes, any."""
        first, last = address // 4, -(-(address + size) // 4)
        words = np.array(self.link.read(MEMORY | first, last - first), "<u4")
        return words.view(np.uint8)[address - 4 * first:][:size]

    def forget(self, address: int, size: int) -> None:
        """Note that the accelerator may have written bytes of memory."""
        self._known[address // 4:-(-(address + size) // 4)] = False

    @staticmethod
    def _as_words(data: np.ndarray) -> np.ndarray:
        return np.frombuffer(np.asarray(data, np.uint8).tobytes().ljust(-(-len(data) // 4) * 4, b"\0"), "<u4")

    # ---- accelerator

    def status(self) -> int:
        return self.link.read(REGISTERS | STATUS, 1)[0]

    def run(self, program: int, length: int) -> dict:
        """Run a program and return the counters by name, and `status`.

        program: word address.  length: 32-bit words.
        Raises LinkError when the accelerator stops with an error or does not end.
        """
        self.link.write(REGISTERS | PROGRAM, [program, length])
        self.link.write(REGISTERS | CONTROL, [START])
        deadline = time.monotonic() + POLL_FOREVER * self._slowness
        # Only the status: a counter that is read while it counts may fall behind on small devices.
        while not (status := self.status()) or status & BUSY:
            if time.monotonic() > deadline:
                self.stop()
                raise LinkError("the accelerator does not come to an end; it was stopped")
        if status & ERROR:
            cause = status >> 8 & 15
            raise LinkError(f"the accelerator stopped: {CAUSES[cause] if cause < len(CAUSES) else f'cause {cause}'}")
        counted = self.link.read(REGISTERS | CYCLES, len(COUNTERS))
        return dict(zip(COUNTERS, counted)) | {"status": status}

    def stop(self) -> None:
        """Stop whatever runs and wait until it has; raises LinkError when it does not."""
        self.link.write(REGISTERS | CONTROL, [STOP])
        deadline = time.monotonic() + POLL_FOREVER * self._slowness
        while self.status() & BUSY:
            if time.monotonic() > deadline:
                raise LinkError("the accelerator does not stop: switch the board off and on")
