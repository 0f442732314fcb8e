"""The link in Python: frames, and a device that answers them as docs/link.md says; what the hardware is compared with."""
from __future__ import annotations

import zlib

from fpga.link.protocol import (DONE, ESCAPE, FLAG, FLIP, HELLO, IDENTITY, IMPOSSIBLE, MEMORY, MEMORY_ERROR, MOST_WORDS,
                                OTHER_SESSION, OUT_OF_ORDER, READ, REGISTERS, SPACE_BIT, WRITE)


def stuffed(body: bytes) -> bytes:
    """A body between flags, with its check sequence."""
    body += zlib.crc32(body).to_bytes(4, "little")
    inside = b"".join(bytes([ESCAPE, b ^ FLIP]) if b in (FLAG, ESCAPE) else bytes([b]) for b in body)
    return bytes([FLAG]) + inside + bytes([FLAG])


def request(session: int, sequence: int, opcode: int, address: int = 0, words=(), count: int | None = None) -> bytes:
    """A request's frame; count: the number of words by default."""
    head = bytes([session, sequence & 255, opcode, len(words) if count is None else count])
    return stuffed(head + address.to_bytes(4, "little") + b"".join(w.to_bytes(4, "little") for w in words))


def bodies(line: bytes) -> list[bytes]:
    """The bodies of the good frames on a line, without their check sequences."""
    found, body, escape = [], bytearray(), False
    for byte in line:
        if byte == FLAG:
            if not escape and len(body) > 4 and zlib.crc32(body[:-4]).to_bytes(4, "little") == body[-4:]:
                found.append(bytes(body[:-4]))
            body, escape = bytearray(), False
        elif byte == ESCAPE and not escape:
            escape = True
        else:
            body.append(byte ^ FLIP if escape else byte)
            escape = False
    return found


def words_of(body: bytes) -> list[int]:
    """The data words of a reply."""
    return [int.from_bytes(body[at:at + 4], "little") for at in range(4, len(body), 4)]


class Device:
    """What a device does: `hear` bytes of the line, `said` are the bytes it answers, `memory` its 32-bit words."""

    def __init__(self, words: int, identity, registers=None):
        self.memory, self.identity = [0] * words, list(identity)
        self.registers = [0] * 64 if registers is None else registers
        self.session, self.expected, self.failed = None, 0, False
        self.said, self.writes, self.held = b"", 0, b""

    def hear(self, line: bytes) -> bytes:
        """Take bytes; return the bytes of the answers."""
        before = len(self.said)
        line = self.held + line
        cut = line.rfind(FLAG)
        self.held = line[max(cut, 0):]
        for body in bodies(line[:cut + 1]):
            self._carry_out(body)
        return self.said[before:]

    def _reply(self, sequence: int, status: int, words=()) -> None:
        self.said += stuffed(bytes([self.session or 0, sequence, status, len(words)])
                             + b"".join(w.to_bytes(4, "little") for w in words))

    def _carry_out(self, body: bytes) -> None:
        if len(body) < 8 or (body[2] == WRITE and body[3] > MOST_WORDS) \
                or len(body) != 8 + (4 * body[3] if body[2] == WRITE else 0):
            return
        session, sequence, opcode, count = body[:4]
        address, space = int.from_bytes(body[4:8], "little") & (1 << SPACE_BIT) - 1, body[7] >> 6
        repeated = False
        if opcode == HELLO:
            self.session, self.expected = session, (sequence + 1) & 255
            return self._reply(sequence, DONE, self.identity)
        if session != self.session:
            return self._reply(sequence, OTHER_SESSION)
        if sequence != self.expected:
            repeated = (sequence + 1) & 255 == self.expected
            if not repeated:
                return self._reply(self.expected, OUT_OF_ORDER)
        self.expected = (sequence + 1) & 255
        if opcode not in (WRITE, READ) or not 1 <= count <= MOST_WORDS or space > REGISTERS \
                or (opcode == WRITE and space == IDENTITY):
            return self._reply(sequence, IMPOSSIBLE)
        store = {MEMORY: self.memory, IDENTITY: self.identity, REGISTERS: self.registers}[space]
        if not repeated:
            self.failed = False
        if opcode == READ:
            if address + count > len(store):
                self.failed = True
                return self._reply(sequence, MEMORY_ERROR)
            return self._reply(sequence, DONE, store[address:address + count])
        if not repeated:
            self.failed = address + count > len(store)
            for number, word in enumerate(words_of(body[4:])):
                if address + number < len(store):
                    store[address + number] = word
                    self.writes += 1
        return self._reply(sequence, MEMORY_ERROR if self.failed else DONE)
