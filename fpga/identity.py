"""What a board says of itself: eight words that tell a host which design answers."""
from __future__ import annotations

import hashlib
import json

from myhdl import always_comb, block

from fpga.link.protocol import IDENTITY_WORDS, MAGIC, VERSION
from rtl.config import CoreConfig


def config_digest(config: CoreConfig) -> int:
    """The first four bytes, lowest first, of the SHA-256 of a configuration's JSON with sorted keys."""
    text = json.dumps(config.to_dict(), sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")


def identity_words(number: int, config: CoreConfig, clock_hz: int, memory_bytes: int, baud: int) -> tuple[int, ...]:
    """The identity block of docs/link.md.  number: the board's, 1 .. 65535.  clock_hz: of the design."""
    array = config.pes | config.lanes << 8 | config.port_bytes << 16 | int(config.compact) << 24
    return (MAGIC, VERSION | number << 16, clock_hz, memory_bytes, array, config_digest(config), baud, 0)


@block
def identity(place, data, words):
    """data = a bit of the identity; combinational.  place: 8 bits, word (high) and bit.  words: a tuple of eight constants."""
    if len(words) != IDENTITY_WORDS:
        raise ValueError(f"an identity must be {IDENTITY_WORDS} words, not {len(words)}")
    bits = tuple(word >> i & 1 for word in words for i in range(32))

    @always_comb
    def tell():
        data.next = bits[int(place)]

    return tell
