"""The settings of a pass, as the program's header words give them."""
from myhdl import always_seq, block

from rtl.stream import bit, signed, unsigned

HEADER_WORDS = 11


class SourceConfig:
    """What the source, the loader and the router need to know of a pass."""

    def __init__(self, config):
        self.banks = bit()              # tokens come from the event banks, not from outside
        self.drain = bit()
        self.replay = bit()
        self.flatten = bit()
        self.kernel_h, self.kernel_w = unsigned(4), unsigned(4)
        self.stride_log2 = unsigned(2)
        self.channels, self.repeats = unsigned(16), unsigned(16)
        self.y_offset, self.x_offset = signed(16), signed(16)
        self.weights_id = unsigned(16)
        self.flat_size, self.flat_width = unsigned(16), unsigned(16)


class FireConfig:
    """What fire needs to know of a pass; the router shares the tile's shape and strides."""

    def __init__(self, config):
        bits = config.acc_address_bits + 1        # a stride may be the whole depth
        self.emit_zeros, self.relu = bit(), bit()
        self.tile_h, self.tile_w = unsigned(16), unsigned(16)
        self.stride_y, self.stride_x = unsigned(bits), unsigned(bits)
        self.channels = unsigned(16)
        self.pool, self.pool_stride, self.pool_pad, self.pool_pad_y = (unsigned(4) for _ in range(4))
        self.height, self.width = unsigned(16), unsigned(16)
        self.first_y, self.first_x = unsigned(16), unsigned(16)
        self.odd = bit()                # which half of the parameter memories holds this pass's


@block
def copy_source(clk, rst, take, src, dst):
    """dst = src at `take`. Reset clears dst."""

    @always_seq(clk.posedge, reset=rst)
    def copy():
        if take:
            dst.banks.next = src.banks
            dst.drain.next = src.drain
            dst.replay.next = src.replay
            dst.flatten.next = src.flatten
            dst.kernel_h.next = src.kernel_h
            dst.kernel_w.next = src.kernel_w
            dst.stride_log2.next = src.stride_log2
            dst.channels.next = src.channels
            dst.repeats.next = src.repeats
            dst.y_offset.next = src.y_offset
            dst.x_offset.next = src.x_offset
            dst.weights_id.next = src.weights_id
            dst.flat_size.next = src.flat_size
            dst.flat_width.next = src.flat_width

    return copy


@block
def copy_fire(clk, rst, take, src, dst):
    """dst = src at `take`. Reset clears dst."""

    @always_seq(clk.posedge, reset=rst)
    def copy():
        if take:
            dst.emit_zeros.next = src.emit_zeros
            dst.relu.next = src.relu
            dst.tile_h.next = src.tile_h
            dst.tile_w.next = src.tile_w
            dst.stride_y.next = src.stride_y
            dst.stride_x.next = src.stride_x
            dst.channels.next = src.channels
            dst.pool.next = src.pool
            dst.pool_stride.next = src.pool_stride
            dst.pool_pad.next = src.pool_pad
            dst.pool_pad_y.next = src.pool_pad_y
            dst.height.next = src.height
            dst.width.next = src.width
            dst.first_y.next = src.first_y
            dst.first_x.next = src.first_x
            dst.odd.next = src.odd

    return copy
