"""Takes the header words of a pass apart (docs/accelerator.md)."""
from myhdl import always_seq, block

from rtl.pass_settings import ADDRESS_BITS, HEADER_WORDS
from rtl.stream import bit, unsigned


@block
def pass_header(clk, rst, config, launch, chosen, data, fetch, source, tile, ended, keep):
    """fetch, source, tile = the settings that the header words seen so far give.

    launch: pulse, a program begins.  chosen, data: bit w is up for header word w, and its 32 bits.
    fetch, source, tile: FetchSettings, SourceSettings, FireSettings.  ended: this is the program's last pass.
    keep: it fires with the parameters of the firing pass before it.
    Latency 1. Reset counts firing passes, and halves of memories, from zero.
    """
    sum_bits, byte_bits, last_word = config.acc_address_bits, len(fetch.counts), HEADER_WORDS - 1
    odd_q, offset_half_q, mask_half_q = bit(), bit(), bit()
    firings_q = unsigned(8)

    @always_seq(clk.posedge, reset=rst)
    def load():
        if launch:
            ended.next = 0
        else:
            if chosen[0]:
                source.offset_half.next = offset_half_q
                offset_half_q.next = not offset_half_q
                keep.next = data[20]
                fetch.masked.next = data[21]
                fetch.mask_half.next = mask_half_q
                if data[21]:
                    mask_half_q.next = not mask_half_q
                fetch.before.next = firings_q
                tile.last.next = data[0]
                ended.next = data[0]
                tile.vector.next = data[1]
                source.flatten.next = data[2]
                tile.emit_zeros.next = data[3]
                tile.relu.next = data[4]
                source.diagonal.next = data[5]
                source.signed_source.next = data[6]
                fetch.progressive.next = data[7]
                source.kernel_h.next = data[12:8]
                source.kernel_w.next = data[16:12]
                source.stride_log2.next = data[18:16]
                fetch.lag.next = data[20:18]
            if chosen[1]:
                fetch.channels.next = data[32:16]
                fetch.bands.next = data[16:]
            if chosen[2]:
                fetch.slot_words.next = data[32:16]
                fetch.map_bands.next = data[16:]
            if chosen[3]:
                fetch.events.next = data[ADDRESS_BITS:]
            if chosen[4]:
                fetch.counts.next = data[byte_bits:]
            if chosen[5]:
                fetch.band_rows.next = data[8:]
                source.x_bits.next = data[12:8]
                fetch.strips.next = data[16:12]
                fetch.first_y.next = data[32:16]
            if chosen[6]:
                fetch.channel_words.next = data[ADDRESS_BITS:]
            if chosen[7]:
                source.y_offset.next = data[32:16].signed()
                source.x_offset.next = data[16:].signed()
            if chosen[8]:
                tile.tile_h.next = data[32:16]
                tile.tile_w.next = data[16:]
            if chosen[9]:
                tile.stride_y.next = data[17 + sum_bits:16]
                tile.stride_x.next = data[sum_bits + 1:]
            if chosen[10]:
                fetch.weight_counts.next = data[ADDRESS_BITS:]
            if chosen[11]:
                source.chunks.next = data[ADDRESS_BITS:]
            if chosen[12]:
                fetch.count_words.next = data[32:16]
                source.count_words.next = data[32:16]
                source.first_chunk.next = data[16:]
            if chosen[13]:
                tile.channels.next = data[32:16]
                tile.first_channel.next = data[16:]
                if data[32:16] != 0:
                    firings_q.next = (firings_q + 1) & 255
                    if not keep:
                        odd_q.next = not odd_q
            if chosen[14]:
                tile.odd.next = odd_q
                tile.pool.next = data[4:]
                tile.pool_stride.next = data[8:4]
                tile.pool_pad.next = data[12:8]
                tile.pool_pad_y.next = data[16:12]
            if chosen[15]:
                tile.height.next = data[32:16]
                tile.width.next = data[16:]
            if chosen[16]:
                tile.slot_words.next = data[32:16]
                tile.map_bands.next = data[16:]
            if chosen[17]:
                tile.events.next = data[ADDRESS_BITS:]
            if chosen[18]:
                tile.counts.next = data[byte_bits:]
            if chosen[19]:
                tile.channel_words.next = data[ADDRESS_BITS:]
            if chosen[20]:
                tile.band_rows.next = data[8:]
                tile.x_bits.next = data[12:8]
                tile.strips.next = data[16:12]
            if chosen[last_word]:
                source.flat_size.next = data[32:16]
                source.flat_width.next = data[16:]

    return load
