"""The clock of a board's design: its pin, or a PLL on it."""
from __future__ import annotations

from myhdl import always_comb, block

from rtl.primitives.pll import PllSettings, pll, pll_settings


def settings(board) -> PllSettings | None:
    """The PLL that makes a board's clock_hz from its clock_pin_hz; None where it has none.

    Raises ValueError when the clocks differ and no PLL makes one of the other.
    """
    if board.pll is None:
        if board.clock_hz != board.clock_pin_hz:
            raise ValueError(f"board {board.name} has no PLL: its clock must be {board.clock_pin_hz / 1e6:g} MHz, "
                             f"not {board.clock_hz / 1e6:g} MHz")
        return None
    return pll_settings(board.pll["type"], board.clock_pin_hz, board.clock_hz)


@block
def clock(pin, out, locked, board):
    """out runs at board.clock_hz once locked is high; in simulation it is the pin, which then is the design's clock.

    board: family, device, clock_pin_hz, clock_hz and pll (type; ice40: pad, whether the pin is the PLL's own, as it is on UP5K).
    """
    chosen = settings(board)
    if chosen is None:
        @always_comb
        def pass_through():
            out.next = pin
            locked.next = True

        return pass_through

    u_pll = pll(pin, out, locked, chosen, board.pll.get("pad", board.family == "up5k"), board.pll.get("device", ""))
    return u_pll
