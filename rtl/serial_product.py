"""A product that a pass needs once: a few cycles instead of a multiplier."""
from myhdl import always, always_comb, block

from rtl.stream import unsigned, wrapping


@block
def serial_product(clk, restart, a, b, product):
    """product = a * b modulo its size, from len(b) + 1 cycles after `restart` to the next one.

    restart: pulse, with a and b in place.  a, b, product: unsigned.
    Latency len(b) + 1. No reset.
    """
    bits = len(product)
    sum_q, term_q, digits_q = wrapping(bits), wrapping(bits), unsigned(len(b))
    mask = (1 << bits) - 1

    @always_comb
    def show():
        product.next = sum_q

    @always(clk.posedge)
    def add():
        if restart:
            sum_q.next = 0
            term_q.next = a & mask
            digits_q.next = b
        else:
            term_q.next = term_q << 1
            digits_q.next = digits_q >> 1
            if digits_q[0]:
                sum_q.next = sum_q + term_q

    return show, add
