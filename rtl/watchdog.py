"""Tells when a condition has lasted too long."""
from myhdl import always_comb, always_seq, block

from rtl.stream import unsigned


@block
def watchdog(clk, rst, waiting, bits, barks):
    """barks = `waiting` has been high in each of the last 2**bits cycles.

    waiting: bit.  bits: from 1.  barks: one cycle, then the count begins again. Reset begins it again.
    """
    cycles_q = unsigned(bits + 1)

    @always_comb
    def tell():
        barks.next = cycles_q[bits]

    @always_seq(clk.posedge, reset=rst)
    def count():
        if waiting and not cycles_q[bits]:
            cycles_q.next = cycles_q + 1
        else:
            cycles_q.next = 0

    return tell, count
