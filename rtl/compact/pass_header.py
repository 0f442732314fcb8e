"""The settings of a pass, taken from its header words as they come (docs/accelerator.md, Passes)."""
from myhdl import always, always_comb, always_seq, block, intbv

from rtl.compact.sizes import ADDRESS_BITS, BAND_BITS, CHANNEL_BITS, byte_bits, place, place_bits, small, word_bits
from rtl.hdl import leave_open
from rtl.pass_settings import MAGIC
from rtl.stream import bit, unsigned, wrapping

FIRST_WORDS = 13        # words of the header that multiplying needs, but for the one of flatten
LAST_WORD = 21          # which is after those that fire needs


class Settings:
    """What the blocks need of the header of the pass that runs; the words that fire needs follow when it is to begin.

    Of the source while the pass multiplies, of the output while it fires: slot_words, map_bands, band_rows, x_bits and
    the pulses `events` and `counts`; on small devices also the sides of the tile, which are those of the fired map then.
    """

    def __init__(self, config):
        sums, coordinate = config.acc_address_bits + 1, place_bits(config)
        at_byte = ADDRESS_BITS + byte_bits(config)
        self.last, self.vector, self.flatten, self.emit_zeros, self.relu, self.diagonal = (bit() for _ in range(6))
        self.signed_source = bit()
        self.kernel_h, self.kernel_w, self.stride_log2 = unsigned(4), unsigned(4), unsigned(2)
        self.keep, self.masked = bit(), bit()
        self.channels, self.bands = unsigned(CHANNEL_BITS), unsigned(BAND_BITS)
        self.slot_words, self.map_bands = unsigned(8), unsigned(BAND_BITS)
        self.band_rows, self.x_bits = unsigned(8), unsigned(4)
        self.first_y, self.x_offset = place(config), place(config)      # first_y: with the y offset
        self.tile_bottom, self.tile_right = wrapping(coordinate - 2), wrapping(coordinate - 2)  # last line and column of outputs
        self.stride_y, self.stride_x = unsigned(sums), unsigned(sums)
        self.fired = unsigned(CHANNEL_BITS)
        self.pool_end, self.pool_stride, self.pool_pad, self.pool_pad_y = (wrapping(4) for _ in range(4))    # end: side - 1
        self.bottom, self.right = wrapping(coordinate - 2), wrapping(coordinate - 2)            # of those fired
        # The word that comes in this cycle is a number that goes to the one register that counts it on.
        self.address = unsigned(at_byte)
        self.events, self.counts, self.weight_counts, self.chunks, self.first_chunk = (bit() for _ in range(5))
        self.flat_size, self.flat_end = unsigned(16), wrapping(8)
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
        leave_open(answers.note)

        @always_comb
        def pick():
            word.next = answers.data

    return pick


@block
def pass_header(clk, rst, config, start, second, valid, word, settings, complete):
    """settings = the header's words, one a cycle with `valid`: 0 .. FIRST_WORDS - 1, one for flatten, FIRST_WORDS .. 20.

    start: pulse, word 0 comes next.  second: the words from FIRST_WORDS on come; else word 21 does after the first ones.
    word: 32 bits.  settings: Settings; magic: word 0 begins a pass; possible: this core can run it.
    complete: all words up to FIRST_WORDS, with `second` to 20, are there.  Latency 1. Reset: no pass.
    """
    kernel, unpadded = config.kernel, small(config)
    sums, coordinate = config.acc_address_bits + 1, place_bits(config)
    at_byte = ADDRESS_BITS + byte_bits(config)
    index_q = unsigned(5)
    s = settings

    @always_comb
    def hand_on():
        s.address.next = word[at_byte:]
        s.events.next = valid and (index_q == 3 or index_q == 17)
        s.counts.next = valid and (index_q == 4 or index_q == 18)
        s.weight_counts.next = valid and index_q == 10
        s.chunks.next = valid and index_q == 11
        s.first_chunk.next = valid and index_q == 12

    @always_comb
    def tell():
        complete.next = index_q == FIRST_WORDS
        if second:
            complete.next = index_q == LAST_WORD

    @always_seq(clk.posedge, reset=rst)
    def count():
        if start:
            index_q.next = 0
        elif valid and (second or index_q != FIRST_WORDS):
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
            if index_q == 2 or index_q == 16:
                s.slot_words.next = word[24:16]
                s.map_bands.next = word[BAND_BITS:]
            if index_q == 5 or index_q == 20:
                s.band_rows.next = word[8:]
                s.x_bits.next = word[12:8]
                if word[16:12] != 1:
                    s.possible.next = False
            if index_q == 5:
                s.first_y.next = word[16 + coordinate:16].signed()
            if index_q == 7:
                s.first_y.next = s.first_y + word[16 + coordinate:16].signed()
                s.x_offset.next = word[coordinate:].signed()
            if index_q == 8 or (unpadded and index_q == 15):
                s.tile_bottom.next = word[14 + coordinate:16] - 1
                s.tile_right.next = word[coordinate - 2:] - 1
            if index_q == 9:
                s.stride_y.next = word[16 + sums:16]
                s.stride_x.next = word[sums:]
            if index_q == FIRST_WORDS:
                if second:
                    s.fired.next = word[16 + CHANNEL_BITS:16]
                else:
                    s.flat_size.next = word[32:16]
                    s.flat_end.next = word[8:] - 1
            if index_q == 14:
                s.pool_end.next = word[4:] - 1
                s.pool_stride.next = word[8:4]
                s.pool_pad.next = word[12:8]
                s.pool_pad_y.next = word[16:12]
                # Of more than 7: no window, stride or padding is walked.
                if (unpadded and word[16:8] != 0) or word[3] or word[7] or word[11] or word[15]:
                    s.possible.next = False

    if unpadded:
        @always_comb
        def share():
            s.bottom.next = s.tile_bottom
            s.right.next = s.tile_right

        return hand_on, tell, count, take, share

    @always(clk.posedge)
    def take_sides():
        if valid and index_q == 15:
            s.bottom.next = word[14 + coordinate:16] - 1
            s.right.next = word[coordinate - 2:] - 1

    return hand_on, tell, count, take, take_sides
