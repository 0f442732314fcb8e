"""The settings of a pass, taken from its header words as they come (docs/accelerator.md, Passes)."""
from myhdl import always, always_comb, always_seq, block, intbv

from rtl.compact.sizes import BAND_BITS, CHANNEL_BITS, address_bits, byte_bits, place, place_bits, small, word_bits
from rtl.pass_settings import HEADER_WORDS, MAGIC
from rtl.stream import bit, unsigned


class Settings:
    """What the blocks need of the header of the pass that runs."""

    def __init__(self, config):
        sums, wide, coordinate = config.acc_address_bits + 1, address_bits(config), place_bits(config)
        at_byte = wide + byte_bits(config)
        self.last, self.vector, self.flatten, self.emit_zeros, self.relu, self.diagonal = (bit() for _ in range(6))
        self.signed_source = bit()
        self.kernel_h, self.kernel_w, self.stride_log2 = unsigned(4), unsigned(4), unsigned(2)
        self.keep, self.masked = bit(), bit()
        self.channels, self.bands, self.slot_words = unsigned(CHANNEL_BITS), unsigned(BAND_BITS), unsigned(8)
        self.map_bands = unsigned(BAND_BITS)
        self.band_rows, self.x_bits, self.first_y = unsigned(8), unsigned(4), unsigned(coordinate)
        self.channel_words = unsigned(wide)
        self.y_offset, self.x_offset = place(config), place(config)
        self.tile_h, self.tile_w = unsigned(coordinate - 2), unsigned(coordinate - 2)
        self.stride_y, self.stride_x = unsigned(sums), unsigned(sums)
        self.first_chunk = unsigned(8)
        self.fired = unsigned(CHANNEL_BITS)
        self.pool, self.pool_stride, self.pool_pad, self.pool_pad_y = (unsigned(4) for _ in range(4))
        self.height, self.width = unsigned(coordinate - 2), unsigned(coordinate - 2)
        self.out_slot_words, self.out_map_bands = unsigned(8), unsigned(BAND_BITS)
        self.out_channel_words = unsigned(wide)
        # The word that comes in this cycle is an address, which goes to the one register that counts it on.
        self.address = unsigned(at_byte)
        self.events, self.counts, self.weight_counts, self.chunks = (bit() for _ in range(4))
        self.out_events, self.out_counts = bit(), bit()
        self.out_band_rows, self.out_x_bits = unsigned(8), unsigned(4)
        self.flat_size, self.flat_width = unsigned(16), unsigned(8)
        self.magic, self.possible = bit(), bit()


@block
def program_word(config, answers, word):
    """word = the 32-bit word that a program answer is for; combinational."""
    bits = word_bits(config)

    if bits:
        @always_comb
        def pick():
            shift = intbv(0)[9:]
            shift[:] = answers.note[bits:] << 5
            word.next = (answers.data >> shift) & 0xFFFFFFFF
    else:
        @always_comb
        def pick():
            word.next = answers.data

    return pick


@block
def pass_header(clk, rst, config, start, valid, word, settings, complete):
    """settings = the header's words, one a cycle with `valid`.

    start: pulse, word 0 comes next.  word: 32 bits.  settings: Settings; magic: word 0 begins a pass; possible: this
    core can run it.
    complete: all words are there.  Latency 1. Reset: no pass.
    """
    kernel, unpadded = config.kernel, small(config)
    wide, sums, coordinate = address_bits(config), config.acc_address_bits + 1, place_bits(config)
    at_byte = wide + byte_bits(config)
    index_q = unsigned(5)
    s = settings

    @always_comb
    def hand_on():
        s.address.next = word[at_byte:]
        s.events.next = valid and index_q == 3
        s.counts.next = valid and index_q == 4
        s.weight_counts.next = valid and index_q == 10
        s.chunks.next = valid and index_q == 11
        s.out_events.next = valid and index_q == 17
        s.out_counts.next = valid and index_q == 18

    @always_comb
    def tell():
        complete.next = index_q == HEADER_WORDS

    @always_seq(clk.posedge, reset=rst)
    def count():
        if start:
            index_q.next = 0
        elif valid:
            index_q.next = index_q + 1

    @always(clk.posedge)
    def take():
        if valid:
            if index_q == 0:
                s.last.next = word[0]
                s.vector.next = word[1]
                s.flatten.next = word[2]
                s.emit_zeros.next = word[3]
                s.relu.next = word[4]
                s.diagonal.next = word[5]
                s.signed_source.next = word[6]
                s.kernel_h.next = word[12:8]
                s.kernel_w.next = word[16:12]
                s.stride_log2.next = word[18:16]
                s.keep.next = word[20]
                s.masked.next = word[21]
                s.magic.next = word[32:24] == MAGIC
                s.possible.next = (word[12:8] != 0 and word[16:12] != 0 and word[12:8] <= kernel and word[16:12] <= kernel
                                   and word[18:16] != 3)
            if index_q == 1:
                s.channels.next = word[16 + CHANNEL_BITS:16]
                s.bands.next = word[BAND_BITS:]
            if index_q == 2:
                s.slot_words.next = word[24:16]
                s.map_bands.next = word[BAND_BITS:]
            if index_q == 5:
                s.band_rows.next = word[8:]
                s.x_bits.next = word[12:8]
                s.first_y.next = word[16 + coordinate:16]
                if word[16:12] != 1:
                    s.possible.next = False
            if index_q == 6:
                s.channel_words.next = word[wide:]
            if index_q == 7:
                s.y_offset.next = word[16 + coordinate:16].signed()
                s.x_offset.next = word[coordinate:].signed()
            if index_q == 8:
                s.tile_h.next = word[14 + coordinate:16]
                s.tile_w.next = word[coordinate - 2:]
            if index_q == 9:
                s.stride_y.next = word[16 + sums:16]
                s.stride_x.next = word[sums:]
            if index_q == 12:
                s.first_chunk.next = word[8:]
            if index_q == 13:
                s.fired.next = word[16 + CHANNEL_BITS:16]
            if index_q == 14:
                s.pool.next = word[4:]
                s.pool_stride.next = word[8:4]
                s.pool_pad.next = word[12:8]
                s.pool_pad_y.next = word[16:12]
                if unpadded and word[16:8] != 0:
                    s.possible.next = False
            if index_q == 15:
                s.height.next = word[14 + coordinate:16]
                s.width.next = word[coordinate - 2:]
            if index_q == 16:
                s.out_slot_words.next = word[24:16]
                s.out_map_bands.next = word[BAND_BITS:]
            if index_q == 19:
                s.out_channel_words.next = word[wide:]
            if index_q == 20:
                s.out_band_rows.next = word[8:]
                s.out_x_bits.next = word[12:8]
                if word[16:12] != 1:
                    s.possible.next = False
            if index_q == 21:
                s.flat_size.next = word[32:16]
                s.flat_width.next = word[8:]

    return hand_on, tell, count, take
