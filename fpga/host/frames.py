"""Frames of the link as bytes: framing and check sequence of RFC 1662, requests and replies (docs/link.md)."""
from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
WRITE, READ, HELLO = 1, 2, 3
DONE, OUT_OF_ORDER, OTHER_SESSION, IMPOSSIBLE, MEMORY_ERROR = range(5)
MOST_WORDS = 60
MOST_BYTES = 8 + 4 * MOST_WORDS + 4     # of a frame before stuffing
REPLY_HEAD, CHECK = 4, 4


@dataclass(frozen=True)
class Reply:
    """session, sequence, status: bytes of the frame.  words: its data, 32 bits each."""

    session: int
    sequence: int
    status: int
    words: tuple


def stuffed(body: bytes) -> bytes:
    """A frame as it goes over the line: body and check sequence between flags, flags and escapes inside escaped."""
    data = body + zlib.crc32(body).to_bytes(4, "little")
    escaped = data.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    return b"\x7e" + escaped + b"\x7e"


def request(session: int, sequence: int, opcode: int, count: int, address: int, words=()) -> bytes:
    """A request as it goes over the line."""
    return stuffed(struct.pack("<BBBBI", session, sequence, opcode, count, address) + struct.pack(f"<{len(words)}I", *words))


class Receiver:
    """Turns what comes in into bodies of good frames; everything else is dropped without a word."""

    def __init__(self):
        self._body = bytearray()
        self._escaped = self._broken = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the bodies, without check sequence, of the frames that end in `data`."""
        found = []
        for byte in data:
            if byte == FLAG:
                body = bytes(self._body)
                if not self._escaped and not self._broken and len(body) > CHECK \
                        and zlib.crc32(body[:-CHECK]) == int.from_bytes(body[-CHECK:], "little"):
                    found.append(body[:-CHECK])
                self._body.clear()
                self._escaped = self._broken = False
            elif byte == ESCAPE and not self._escaped:
                self._escaped = True
            else:
                self._body.append(byte ^ FLIP if self._escaped else byte)
                self._escaped = False
                if len(self._body) > MOST_BYTES:
                    self._broken = True
                    self._body.clear()
        return found


def reply(body: bytes) -> Reply | None:
    """A reply of a body; None when its length does not fit its count."""
    if len(body) < REPLY_HEAD or len(body) != REPLY_HEAD + 4 * body[3]:
        return None
    return Reply(body[0], body[1], body[2], struct.unpack(f"<{body[3]}I", body[REPLY_HEAD:]))
