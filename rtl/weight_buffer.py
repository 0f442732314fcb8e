"""A PE's copy of the weight ring."""
from myhdl import always, always_comb, block

from rtl.hdl import cut, packed
from rtl.memory import memory
from rtl.stream import bit, unsigned, wrapping


class RingPort:
    """Write port of the weight rings, the same for all PEs: the chunk at `address`, lane 0 lowest."""

    def __init__(self, config):
        self.write = bit()
        self.address = wrapping(config.ring_bits)
        self.data = unsigned(8 * config.lanes)


@block
def _word(clk, take, column, index, word, part):
    """part = the word taken last at `column` = index."""

    @always(clk.posedge)
    def keep():
        if take and column == index:
            part.next = word

    return keep


@block
def chunk_gather(clk, config, take, column, word, data):
    """data(t + 1) = the chunk of the words taken last, word `column` of it from bit 8 * weight_bytes * column on.

    take: bit, `word` is taken.  No reset: every chunk is taken whole.
    """
    parts = [unsigned(8 * config.weight_bytes) for _ in range(config.words_per_chunk)]
    together = packed(parts)
    u_parts = [_word(clk, take, column, i, word, parts[i]) for i in range(len(parts))]

    @always_comb
    def join():
        data.next = together

    return u_parts, join


@block
def weight_buffer(clk, config, ring, address, weights):
    """weights[lane](t + 2) = ring chunk at address(t), lane by lane.

    ring: RingPort.  address: chunk.  weights: list of `lanes` int8 signals.  Latency 2. No reset.
    """
    chunk = unsigned(8 * config.lanes)
    u_chunks = memory(clk, ring.write, ring.address, ring.data, address, chunk, config.weight_depth, family=config.family)
    u_cut = [cut(chunk, weights[lane], 8 * lane + 8, 8 * lane) for lane in range(config.lanes)]
    return u_chunks, u_cut
