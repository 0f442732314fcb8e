"""The reset of a board's design: from power-on, or a lost PLL, for a while."""
from myhdl import always, always_comb, block

from rtl.stream import unsigned

RESET_BITS = 8          # 128 cycles: an iCE40's block RAM reads zeros for some microseconds after configuration


@block
def power_on_reset(clk, locked, rst):
    """rst is high while `locked` is low and for 2**(RESET_BITS - 1) cycles after; it falls in step with clk.

    locked: of any phase.  Needs registers that are zero at power-on, as those of iCE40, ECP5 and Gowin are.
    """
    count_q, locked_q = unsigned(RESET_BITS), unsigned(2)

    @always(clk.posedge)
    def wait():
        locked_q.next = ((locked_q << 1) & 2) | locked
        if not locked_q[1]:
            count_q.next = 0
        elif not count_q[RESET_BITS - 1]:
            count_q.next = count_q + 1

    @always_comb
    def hold():
        rst.next = not count_q[RESET_BITS - 1]

    return wait, hold
