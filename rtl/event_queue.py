"""A shallow queue between two streams."""
from myhdl import always, always_comb, always_seq, block

from rtl.stream import bit, unsigned, wrapping


@block
def event_queue(clk, rst, src, dst, depth, nearly_full=None, margin=0):
    """First in, first out; a word is at dst the cycle after it came in.

    src, dst: streams of one width.  depth: words, a power of two from 2.
    nearly_full: optional bit, high when fewer than `margin` places are left (for sources that cannot stop at once).
    Every output is a register: the oldest word waits in one of its own, the others in a memory that is read in the same cycle.
    Latency 1, one word a cycle in and out at once. Reset empties it.
    """
    if depth < 2 or depth & (depth - 1):
        raise ValueError(f"depth must be a power of two from 2, not {depth}")
    bits = (depth - 1).bit_length()
    words = [unsigned(len(src.data)) for _ in range(depth)]     # the oldest word is not in here: place write_q is always free
    write_q, read_q = wrapping(bits), wrapping(bits)
    level_q = unsigned(bits + 1)
    valid_q, full_q, behind_q = bit(), bit(), bit()             # behind: words are in the memory
    push, load, step_in, step_out = bit(), bit(), bit(), bit()
    nearly, limit = depth - 1, depth - margin
    above = limit + 1

    @always_comb
    def offer():
        src.ready.next = not full_q
        dst.valid.next = valid_q

    @always_comb
    def decide():
        push.next = src.valid and not full_q
        load.next = dst.ready or not valid_q

    @always_comb
    def step():
        step_in.next = push and (behind_q or not load)
        step_out.next = behind_q and load

    @always(clk.posedge)
    def store():
        if src.valid:
            words[write_q].next = src.data
        if load:
            dst.data.next = src.data
            if behind_q:
                dst.data.next = words[read_q]

    @always_seq(clk.posedge, reset=rst)
    def move():
        if load:
            valid_q.next = behind_q or push
        if step_in:
            write_q.next = write_q + 1
        if step_out:
            read_q.next = read_q + 1
        if push and not (dst.ready and valid_q):
            level_q.next = level_q + 1
            full_q.next = level_q == nearly
        elif dst.ready and valid_q and not push:
            level_q.next = level_q - 1
            full_q.next = 0
        if step_in:
            behind_q.next = 1
        elif step_out:
            behind_q.next = level_q > 2

    if nearly_full is None:
        return offer, decide, step, store, move

    crowded_q = bit()

    @always_seq(clk.posedge, reset=rst)
    def watch():
        if push and not (dst.ready and valid_q):
            crowded_q.next = level_q >= limit
        elif dst.ready and valid_q and not push:
            crowded_q.next = level_q > above

    @always_comb
    def warn():
        nearly_full.next = crowded_q

    return offer, decide, step, store, move, watch, warn
