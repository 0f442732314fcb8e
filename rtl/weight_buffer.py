"""A PE's copy of the weight ring."""
from myhdl import block

from rtl.hdl import cut
from rtl.memory import memory
from rtl.stream import unsigned, wrapping


class RingPort:
    """Write port of the weight rings, the same for all PEs: word `column` of the chunk at `address`."""

    def __init__(self, config):
        self.write = unsigned(config.words_per_chunk)       # one bit per column
        self.address = wrapping(config.ring_bits)
        self.data = unsigned(8 * config.weight_bytes)


@block
def weight_buffer(clk, config, ring, address, weights):
    """weights[lane](t + 2) = ring chunk at address(t), lane by lane.

    ring: RingPort.  address: chunk.  weights: list of `lanes` int8 signals.  Latency 2. No reset.
    """
    width = 8 * config.weight_bytes
    columns = [unsigned(width) for _ in range(config.words_per_chunk)]
    u_column = [memory(clk, ring.write(i), ring.address, ring.data, address, columns[i], config.weight_depth,
                       family=config.family)
                for i in range(config.words_per_chunk)]
    u_cut = [cut(columns[lane // config.weight_bytes], weights[lane],
                 8 * (lane % config.weight_bytes) + 8, 8 * (lane % config.weight_bytes))
             for lane in range(config.lanes)]
    return u_column, u_cut
