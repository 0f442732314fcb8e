"""A shallow queue between two streams."""
from myhdl import always_comb, always_seq, block

from rtl.stream import bit, unsigned, wrapping


@block
def event_queue(clk, rst, src, dst, depth, nearly_full=None, margin=0):
    """First in, first out; a word is at dst the cycle after it came in.

    src, dst: streams of one width.  depth: words, a power of two from 2.
    nearly_full: optional bit, high when fewer than `margin` places are left (for sources that cannot stop at once).
    Latency 1, one word a cycle in and out at once. Reset empties it.
    """
    if depth < 2 or depth & (depth - 1):
        raise ValueError(f"depth must be a power of two from 2, not {depth}")
    bits = (depth - 1).bit_length()
    words = [unsigned(len(src.data)) for _ in range(depth)]
    write_q, read_q = wrapping(bits), wrapping(bits)
    level_q = unsigned(bits + 1)
    limit = depth - margin
    crowded = bit() if nearly_full is None else nearly_full

    @always_comb
    def offer():
        src.ready.next = level_q != depth
        dst.valid.next = level_q != 0
        dst.data.next = words[read_q]

    @always_seq(clk.posedge, reset=rst)
    def move():
        if src.valid and level_q != depth:
            words[write_q].next = src.data
            write_q.next = write_q + 1
            if not (dst.ready and level_q != 0):
                level_q.next = level_q + 1
        elif dst.ready and level_q != 0:
            level_q.next = level_q - 1
        if dst.ready and level_q != 0:
            read_q.next = read_q + 1

    if nearly_full is None:
        return offer, move

    @always_comb
    def watch():
        crowded.next = level_q > limit

    return offer, move, watch
