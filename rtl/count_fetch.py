"""Walks over the bands of a pass and asks for the memory words that hold their event counts."""
from myhdl import always, always_comb, always_seq, block, concat

from rtl.event_queue import event_queue
from rtl.memory_bus import job_stream
from rtl.pass_settings import ADDRESS_BITS, BYTE_ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned, wrapping

MASK_WORD = 32
EVERY = (1 << MASK_WORD) - 1
BANDS_AHEAD = 64        # bands whose counts are asked for and not looked at yet


class MaskPort:
    """Write port of the live masks: `data` holds the bits of 32 channels; `address` has the pass's half on top."""

    def __init__(self, config):
        self.write = bit()
        self.address = unsigned(mask_address_bits(config))
        self.data = unsigned(MASK_WORD)


def mask_address_bits(config) -> int:
    """Bits of a mask word's address, half and word."""
    return config.mask_words.bit_length()


def band_bits(config) -> int:
    """Bits of a band as count_fetch tells it: byte of its count in the word, new word, opens, closes, live, end, low to high."""
    return config.port_bytes.bit_length() - 1 + 5


@block
def band_walk(clk, rst, config, prepare, settle, settings, mask, step, at, channel, opens, closes, live, ended, walking):
    """Byte addresses of the counts, channels outside, bands inside: one on with each `step`, of a channel that is not live at once.

    prepare, settle: pulses, in this order, once `settings` (FetchSettings) are there.  mask: MaskPort.
    at, channel: of this band.  opens, closes: it is its channel's first, its last one to be looked at.  live: the channel has rows
    with chunks.  walking: there is a band; with `ended`, the step behind the last one, which only says so.
    One band a cycle; latency 1 from `settle`. Reset stops the walk.
    """
    word_bits = mask_address_bits(config) - 1
    masks = [unsigned(MASK_WORD) for _ in range(2 * config.mask_words)]
    mask_q, word, word_q = unsigned(MASK_WORD), unsigned(MASK_WORD), wrapping(word_bits)     # live bits from this channel on
    bits_q = wrapping(5)
    row_q = wrapping(BYTE_ADDRESS_BITS)             # count of the next channel's first band
    bands_q, last_band_q, lone_q = unsigned(16), bit(), bit()
    channels_q, last_channel_q, empty_q = unsigned(16), bit(), bit()
    live_q = mask_q(0)

    @always(clk.posedge)
    def write_mask():
        if mask.write:
            masks[mask.address].next = mask.data

    @always_comb
    def look_up():
        word.next = EVERY
        if settings.masked:
            word.next = masks[concat(settings.mask_half, word_q)]

    @always_comb
    def tell():
        live.next = live_q and not ended
        closes.next = last_band_q or not live_q

    @always_seq(clk.posedge, reset=rst)
    def move():
        if prepare:
            walking.next = False
            at.next = settings.counts
            row_q.next = settings.counts
            channel.next = 0
            channels_q.next = settings.channels
            last_channel_q.next = settings.channels == 1
            lone_q.next = settings.bands == 1
            empty_q.next = settings.channels == 0 or settings.bands == 0
        elif settle:
            walking.next = True
            ended.next = empty_q
            opens.next = True
            row_q.next = row_q + settings.map_bands
            bands_q.next = settings.bands
            last_band_q.next = lone_q
        elif step and ended:
            walking.next = False
        elif step and (last_band_q or not live_q):
            opens.next = True
            at.next = row_q
            row_q.next = row_q + settings.map_bands
            bands_q.next = settings.bands
            last_band_q.next = lone_q
            channel.next = channel + 1
            channels_q.next = channels_q - 1
            last_channel_q.next = channels_q == 2
            ended.next = last_channel_q
        elif step:
            opens.next = False
            at.next = at + 1
            bands_q.next = bands_q - 1
            last_band_q.next = bands_q == 2

    @always_seq(clk.posedge, reset=rst)
    def follow_mask():
        if prepare:
            word_q.next = 0
        elif settle:
            bits_q.next = 0
            mask_q.next = word
            word_q.next = word_q + 1
        elif step and (last_band_q or not live_q):
            bits_q.next = bits_q + 1
            mask_q.next = mask_q >> 1
            if bits_q == 31:
                mask_q.next = word
                word_q.next = word_q + 1

    return write_mask, look_up, tell, move, follow_mask


@block
def _permit(clk, rst, settings, progress, reach, moved, allowed):
    """allowed: the events and counts of the channels up to `reach` are in memory (some cycles late); once so, it stays so.

    settings: FetchSettings.  progress: Progress.  moved: `reach` is another one from the next cycle on.
    """
    ahead = wrapping(8)             # passes written beyond those needed, modulo 256: the top bit is its sign
    needed_q, whole_q, partly_q, written_q = wrapping(8), bit(), bit(), unsigned(16)
    reached_q, fresh_q = bit(), bit()

    @always_comb
    def compare():
        ahead.next = progress.passes - needed_q
        allowed.next = whole_q or (reached_q and not fresh_q)

    @always_seq(clk.posedge, reset=rst)
    def watch():
        needed_q.next = settings.before - settings.lag
        whole_q.next = not ahead[7]
        partly_q.next = settings.progressive and ((progress.passes + 1) & 255) == settings.before
        written_q.next = progress.channels
        reached_q.next = partly_q and written_q > reach
        fresh_q.next = moved

    return compare, watch


@block
def count_fetch(clk, rst, config, start, settings, mask, progress, count_jobs, bands):
    """A job for each memory word of counts, and what the one who reads the words must know of each band.

    start: pulse, no band of the pass before is left; settings: FetchSettings, there and held from this cycle on.
    mask: MaskPort.  progress: Progress; a count is asked for once the pass that writes it is far enough (docs/accelerator.md).
    count_jobs: job_stream() out.  bands: stream of band_bits(config): a band, or a whole channel that is not live, or the end.
    A band a cycle, BANDS_AHEAD of them ahead. Latency 5 from `start` to the first job. Reset forgets the pass.
    """
    byte_bits = config.port_bytes.bit_length() - 1
    last_byte = config.port_bytes - 1
    top = ADDRESS_BITS + byte_bits
    one_word = 1 << ADDRESS_BITS
    settle_q, walking, step, opens, closes, live, ended = (bit() for _ in range(7))
    at, channel = wrapping(BYTE_ADDRESS_BITS), unsigned(16)
    # 1: the band behind the walk, in a queue whose room is a register: a path from the reader of bands through the walk would be the
    # longest.  2: the band that is asked for; word_2 is also that of the live band before it.
    opens_1, closes_1, live_1, ended_1 = (bit() for _ in range(4))
    at_1, reach, reach_1 = unsigned(BYTE_ADDRESS_BITS), unsigned(17), unsigned(17)
    reach_end = BYTE_ADDRESS_BITS + 17
    walked, behind = Stream(reach_end + 4), Stream(reach_end + 4)
    valid_2, new_2, any_2, opens_2, closes_2, live_2, ended_2 = (bit() for _ in range(7))
    word_2, byte_2, reach_2 = unsigned(ADDRESS_BITS), unsigned(byte_bits), unsigned(17)
    allowed, go, moved = bit(), bit(), bit()
    job, band = job_stream(), Stream(band_bits(config))

    u_walk = band_walk(clk, rst, config, start, settle_q, settings, mask, step, at, channel, opens, closes, live, ended, walking)
    u_behind = event_queue(clk, rst, walked, behind, 2)
    u_permit = _permit(clk, rst, settings, progress, reach_2, moved, allowed)
    u_jobs = event_queue(clk, rst, job, count_jobs, 2)
    u_bands = event_queue(clk, rst, band, bands, BANDS_AHEAD)

    @always_comb
    def decide():
        go.next = not valid_2 or (band.ready and (not new_2 or (allowed and job.ready)))

    @always_comb
    def advance():
        step.next = walking and walked.ready
        moved.next = behind.valid and go

    @always_comb
    def look_up():
        reach.next = channel + (last_byte - at[byte_bits:])

    @always_comb
    def wait():
        walked.valid.next = walking
        walked.data.next = concat(ended, live, closes, opens, reach, at)
        behind.ready.next = go
        at_1.next = behind.data[BYTE_ADDRESS_BITS:]
        reach_1.next = behind.data[reach_end:BYTE_ADDRESS_BITS]
        opens_1.next = behind.data[reach_end]
        closes_1.next = behind.data[reach_end + 1]
        live_1.next = behind.data[reach_end + 2]
        ended_1.next = behind.data[reach_end + 3]

    @always_comb
    def hand_on():
        job.valid.next = valid_2 and new_2 and allowed and band.ready
        job.data.next = one_word | word_2
        band.valid.next = valid_2 and (not new_2 or (allowed and job.ready))
        band.data.next = concat(ended_2, live_2, closes_2, opens_2, new_2, byte_2)

    @always_seq(clk.posedge, reset=rst)
    def follow():
        settle_q.next = start
        if go:
            valid_2.next = behind.valid
        if moved and live_1:
            any_2.next = True
        if start:
            any_2.next = False

    @always(clk.posedge)
    def shift():
        if moved:
            new_2.next = live_1 and (not any_2 or word_2 != at_1[top:byte_bits])
            byte_2.next = at_1[byte_bits:]
            reach_2.next = reach_1
            opens_2.next = opens_1
            closes_2.next = closes_1
            live_2.next = live_1
            ended_2.next = ended_1
            if live_1:
                word_2.next = at_1[top:byte_bits]

    return u_walk, u_behind, u_permit, u_jobs, u_bands, decide, advance, look_up, wait, hand_on, follow, shift
