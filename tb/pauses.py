"""When a port of a bench holds back: the same seeded patterns in Python and in `harness.cpp`.

A gate is asked once a cycle. Sources withhold `valid` (never once it was raised), sinks withhold `ready`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable

MODES = ("never", "sometimes", "burst", "fixed")
"""never: always open · sometimes: closed in half of the cycles · burst: 1 to 64 cycles closed, then 1 to 16 open
· fixed: open in every fourth cycle."""

PORTS = ("cfg", "events_in", "requests", "counts", "weights", "events_out")
"""Ports of the core, in the order that gives each of them its own random numbers."""


def xorshift32(state: int) -> int:
    """The next state of Marsaglia's 32-bit generator; state 1 .. 2**32 - 1."""
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    return state ^ ((state << 5) & 0xFFFFFFFF)


def gate_seed(seed: int, number: int = 0) -> int:
    """The first state of gate `number` under `seed`; never zero, which the generator would not leave."""
    state = (seed * 2654435761 + (number + 1) * 40503) & 0xFFFFFFFF
    return xorshift32(state or 1)


class Gate:
    """Says, cycle by cycle, whether a port is held back.

    mode: one of `MODES`; or a function of the cycle number (0, 1, ..) or an iterable of truth values, for patterns of a
    test's own (an iterable that ends leaves the gate open).
    seed: any integer; number: the port, so that ports under one seed differ.
    Raises ValueError for a mode that does not exist.
    """

    def __init__(self, mode: str | Callable[[int], bool] | Iterable[bool] = "never", seed: int = 1, number: int = 0):
        if isinstance(mode, str) and mode not in MODES:
            raise ValueError(f"a pause must be one of {', '.join(MODES)}, not {mode!r}")
        self.mode = mode if isinstance(mode, str) or callable(mode) else iter(mode)
        self.state = gate_seed(seed, number)
        self.cycle = -1
        self.left = 0
        self.shut = False

    def _draw(self) -> int:
        self.state = xorshift32(self.state)
        return self.state >> 16

    def closed(self) -> bool:
        """Whether the port is held back in the next cycle; call once a cycle."""
        self.cycle += 1
        if self.mode == "never":
            return False
        if self.mode == "sometimes":
            return bool(self._draw() & 1)
        if self.mode == "burst":
            if self.left == 0:
                self.shut = not self.shut
                self.left = 1 + (self._draw() & (63 if self.shut else 15))
            self.left -= 1
            return self.shut
        if self.mode == "fixed":
            return self.cycle & 3 != 3
        if callable(self.mode):
            return bool(self.mode(self.cycle))
        return bool(next(self.mode, False))
