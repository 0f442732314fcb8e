"""The ready/valid stream that joins blocks, and the signal shapes that they share."""
from __future__ import annotations

from myhdl import Signal, intbv, modbv


def bit(value: int = 0):
    """One-bit signal."""
    return Signal(bool(value))


def unsigned(bits: int):
    """Unsigned signal of `bits` bits."""
    return Signal(intbv(0)[bits:])


def signed(bits: int):
    """Two's complement signal of `bits` bits."""
    return Signal(intbv(0, min=-(1 << (bits - 1)), max=1 << (bits - 1)))


def wrapping(bits: int):
    """Unsigned signal of `bits` bits whose arithmetic is meant to wrap (pointers, ring addresses)."""
    return Signal(modbv(0)[bits:])


class Stream:
    """One direction of data: `data` moves in a cycle in which `valid` and `ready` are both high.

    The source keeps `valid` up and `data` stable until the transfer; `ready` may come and go.
    data: an existing signal to use, else an unsigned one of `width` bits is made.
    """

    def __init__(self, width: int = 0, data=None):
        self.data = unsigned(width) if data is None else data
        self.valid = bit()
        self.ready = bit()
