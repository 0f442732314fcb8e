"""From the bytes of a reply to bytes of the line: flags and escapes."""
from myhdl import always_comb, always_seq, block, concat, intbv

from fpga.link.protocol import ESCAPE, FLAG, FLIP
from rtl.stream import bit

LOW_BITS = ESCAPE & 3


@block
def frame_sender(clk, rst, src, dst):
    """A flag for a word of src with bit 8 set, else its byte, or ESCAPE and byte ^ 0x20 where the byte is FLAG or ESCAPE.

    src: stream of 9 bits.  dst: stream of bytes. Latency 0: dst and src.ready are combinational. Reset forgets an escape begun.
    """
    escaped_q, special = bit(), bit()

    @always_comb
    def look():
        special.next = not src.data[8] and (src.data[8:] == FLAG or src.data[8:] == ESCAPE)

    @always_comb
    def offer():
        dst.valid.next = src.valid
        src.ready.next = dst.ready and (escaped_q or not special)
        # A byte that is special is FLAG or ESCAPE, which differ in the two lowest bits only.
        if src.data[8]:
            dst.data.next = FLAG
        elif escaped_q:
            dst.data.next = src.data[8:] ^ FLIP
        elif special:
            dst.data.next = concat(src.data[8:2], intbv(LOW_BITS)[2:])
        else:
            dst.data.next = src.data[8:]

    @always_seq(clk.posedge, reset=rst)
    def remember():
        if src.valid and dst.ready:
            escaped_q.next = special and not escaped_q

    return look, offer, remember
