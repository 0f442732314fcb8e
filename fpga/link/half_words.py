"""A 32-bit access as two of 16 bits, for memories whose words have two bytes."""
from myhdl import always_comb, always_seq, block, concat

from rtl.stream import bit, unsigned


@block
def half_words(clk, rst, bus, halves):
    """The low half first; err when either half had one.

    bus: LinkBus of 32 bits.  halves: LinkBus of 16, whose adr is one bit wider.  Latency: twice that of halves and one cycle.
    Reset forgets an access begun.
    """
    second_q, error_q, low_q = bit(), bit(), unsigned(16)

    @always_comb
    def ask():
        halves.stb.next = bus.stb
        halves.we.next = bus.we
        halves.space.next = bus.space
        halves.adr.next = concat(bus.adr, second_q)
        if second_q:
            halves.dat_w.next = bus.dat_w >> 16
        else:
            halves.dat_w.next = bus.dat_w & 0xFFFF

    @always_comb
    def answer():
        bus.ack.next = halves.ack and second_q
        bus.err.next = halves.err or error_q
        bus.dat_r.next = concat(halves.dat_r, low_q)

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if halves.ack:
            second_q.next = not second_q
            error_q.next = halves.err and not second_q
            low_q.next = halves.dat_r

    return ask, answer, follow
