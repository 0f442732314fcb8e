"""How full a store is, told by registers."""
from myhdl import always_comb, always_seq, block

from rtl.stream import bit, unsigned


@block
def fill_level(clk, rst, put, got, depth, filled, full):
    """filled = there is something, full = there are `depth`: of what `put` brought and `got` took away up to the last cycle.

    put, got: bits; put is not high while full, unless got is, and got not while empty.  depth: from 2.
    Both outputs are registers, so what is decided by them does not wait for a comparison. Latency 1. Reset empties it.
    """
    if depth < 2:
        raise ValueError(f"depth must be at least 2, not {depth}")
    level_q = unsigned(depth.bit_length())
    filled_q, full_q = bit(), bit()
    last = depth - 1

    @always_comb
    def tell():
        filled.next = filled_q
        full.next = full_q

    @always_seq(clk.posedge, reset=rst)
    def count():
        if put and not got:
            level_q.next = level_q + 1
            filled_q.next = True
            full_q.next = level_q == last
        elif got and not put:
            level_q.next = level_q - 1
            filled_q.next = level_q != 1
            full_q.next = False

    return tell, count
