"""A deep queue of tokens that can be read more than once."""
from myhdl import ResetSignal, always_comb, always_seq, block

from rtl.event_queue import event_queue
from rtl.hdl import leave_open
from rtl.memory import memory
from rtl.stream import Stream, bit, wrapping


@block
def event_bank(clk, rst, push, token, src, keep, rewind, has_room, depth, margin):
    """Tokens in order; with `keep` those taken stay, and `rewind` makes them come again.

    push, token: a token in; it is never refused, so the writer stops in time when `has_room` falls.
    src: stream out.  keep: tokens taken are kept (a pass that will be replayed).  rewind: pulse, with src idle.
    has_room: at least `margin` places are free.  depth: a power of two.  margin: below depth.
    Latency 4 from an empty bank, one token a cycle. Reset empties it.
    """
    bits = (depth - 1).bit_length()
    width = len(token)
    write_q, read_q, taken_q, base_q = (wrapping(bits + 1) for _ in range(4))
    used, owed = wrapping(bits + 1), wrapping(bits + 1)
    fetch, coming_1, coming_2 = bit(), bit(), bit()
    fetched = Stream(width)
    flush = ResetSignal(0, active=1, isasync=False)
    limit = depth - margin

    leave_open(fetched.ready)       # fetches are counted, so the queue ahead always has room
    u_memory = memory(clk, push, write_q(bits, 0), token, read_q(bits, 0), fetched.data, depth, fetch)
    u_ahead = event_queue(clk, flush, fetched, src, 4)

    @always_comb
    def measure():
        used.next = write_q - base_q
        owed.next = read_q - taken_q

    @always_comb
    def decide():
        fetch.next = read_q != write_q and owed < 4
        fetched.valid.next = coming_2
        flush.next = rst or rewind

    @always_seq(clk.posedge, reset=rst)
    def move():
        has_room.next = used < limit
        coming_1.next = fetch
        coming_2.next = coming_1
        if push:
            write_q.next = write_q + 1
        if fetch:
            read_q.next = read_q + 1
        if src.valid and src.ready:
            taken_q.next = taken_q + 1
            if not keep:
                base_q.next = taken_q + 1
        if rewind:
            coming_1.next = 0
            coming_2.next = 0
            read_q.next = base_q
            taken_q.next = base_q

    return u_memory, u_ahead, measure, decide, move
