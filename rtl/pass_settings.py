"""The settings of a pass, as the program's header words give them (docs/accelerator.md)."""
from myhdl import always_seq, block

from rtl.stream import bit, signed, unsigned

HEADER_WORDS = 22
MAGIC = 0xCF
ADDRESS_BITS = 28       # of a memory word
BYTE_ADDRESS_BITS = 32


class FetchSettings:
    """What the shell needs to fetch the events and the weight counts of a pass."""

    def __init__(self):
        self.channels, self.bands = unsigned(16), unsigned(16)      # input channels; bands read of each
        self.slot_words, self.map_bands = unsigned(16), unsigned(16)
        self.events, self.counts = unsigned(ADDRESS_BITS), unsigned(BYTE_ADDRESS_BITS)
        self.band_rows, self.strips = unsigned(8), unsigned(4)
        self.first_y = unsigned(16)
        self.channel_words = unsigned(ADDRESS_BITS)
        self.weight_counts, self.count_words = unsigned(ADDRESS_BITS), unsigned(16)
        self.lag, self.progressive = unsigned(2), bit()
        self.masked, self.mask_half = bit(), bit()      # channels without a bit in the live mask are passed over
        self.before = unsigned(8)       # firing passes before this one, modulo 256


class SourceSettings:
    """What the front needs: unpacking, locating, weights."""

    def __init__(self):
        self.flatten, self.diagonal, self.signed_source = bit(), bit(), bit()
        self.offset_half = bit()        # which half of the offset memory holds this pass's
        self.kernel_h, self.kernel_w = unsigned(4), unsigned(4)
        self.stride_log2 = unsigned(2)
        self.x_bits = unsigned(4)
        self.y_offset, self.x_offset = signed(16), signed(16)
        self.chunks, self.count_words = unsigned(ADDRESS_BITS), unsigned(16)
        self.first_chunk = unsigned(16)
        self.flat_size, self.flat_width = unsigned(16), unsigned(16)


class FireSettings:
    """What fire and the event writer need; the front shares the tile's shape and strides."""

    def __init__(self, config):
        bits = config.acc_address_bits + 1        # a stride may be the whole depth
        self.last = bit()               # the program ends with this pass
        self.emit_zeros, self.relu, self.vector = bit(), bit(), bit()
        self.tile_h, self.tile_w = unsigned(16), unsigned(16)
        self.stride_y, self.stride_x = unsigned(bits), unsigned(bits)
        self.channels, self.first_channel = unsigned(16), unsigned(16)
        self.pool, self.pool_stride, self.pool_pad, self.pool_pad_y = (unsigned(4) for _ in range(4))
        self.height, self.width = unsigned(16), unsigned(16)
        self.slot_words, self.map_bands = unsigned(16), unsigned(16)
        self.events, self.counts = unsigned(ADDRESS_BITS), unsigned(BYTE_ADDRESS_BITS)
        self.channel_words = unsigned(ADDRESS_BITS)
        self.band_rows, self.x_bits, self.strips = unsigned(8), unsigned(4), unsigned(4)
        self.odd = bit()                # which half of the parameter memories holds this pass's


@block
def copy_fetch(clk, rst, take, src, dst):
    """dst = src at `take` (FetchSettings). Reset clears dst."""

    @always_seq(clk.posedge, reset=rst)
    def copy():
        if take:
            dst.channels.next = src.channels
            dst.bands.next = src.bands
            dst.slot_words.next = src.slot_words
            dst.map_bands.next = src.map_bands
            dst.events.next = src.events
            dst.counts.next = src.counts
            dst.band_rows.next = src.band_rows
            dst.strips.next = src.strips
            dst.first_y.next = src.first_y
            dst.channel_words.next = src.channel_words
            dst.weight_counts.next = src.weight_counts
            dst.count_words.next = src.count_words
            dst.lag.next = src.lag
            dst.progressive.next = src.progressive
            dst.masked.next = src.masked
            dst.mask_half.next = src.mask_half
            dst.before.next = src.before

    return copy


@block
def copy_source(clk, rst, take, src, dst):
    """dst = src at `take` (SourceSettings). Reset clears dst."""

    @always_seq(clk.posedge, reset=rst)
    def copy():
        if take:
            dst.flatten.next = src.flatten
            dst.diagonal.next = src.diagonal
            dst.signed_source.next = src.signed_source
            dst.offset_half.next = src.offset_half
            dst.kernel_h.next = src.kernel_h
            dst.kernel_w.next = src.kernel_w
            dst.stride_log2.next = src.stride_log2
            dst.x_bits.next = src.x_bits
            dst.y_offset.next = src.y_offset
            dst.x_offset.next = src.x_offset
            dst.chunks.next = src.chunks
            dst.count_words.next = src.count_words
            dst.first_chunk.next = src.first_chunk
            dst.flat_size.next = src.flat_size
            dst.flat_width.next = src.flat_width

    return copy


@block
def copy_fire(clk, rst, take, src, dst):
    """dst = src at `take` (FireSettings). Reset clears dst."""

    @always_seq(clk.posedge, reset=rst)
    def copy():
        if take:
            dst.last.next = src.last
            dst.emit_zeros.next = src.emit_zeros
            dst.relu.next = src.relu
            dst.vector.next = src.vector
            dst.tile_h.next = src.tile_h
            dst.tile_w.next = src.tile_w
            dst.stride_y.next = src.stride_y
            dst.stride_x.next = src.stride_x
            dst.channels.next = src.channels
            dst.first_channel.next = src.first_channel
            dst.pool.next = src.pool
            dst.pool_stride.next = src.pool_stride
            dst.pool_pad.next = src.pool_pad
            dst.pool_pad_y.next = src.pool_pad_y
            dst.height.next = src.height
            dst.width.next = src.width
            dst.slot_words.next = src.slot_words
            dst.map_bands.next = src.map_bands
            dst.events.next = src.events
            dst.counts.next = src.counts
            dst.channel_words.next = src.channel_words
            dst.band_rows.next = src.band_rows
            dst.x_bits.next = src.x_bits
            dst.strips.next = src.strips
            dst.odd.next = src.odd

    return copy
