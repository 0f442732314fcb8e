"""Puts what fire makes of a pass into memory, as a feature map or a vector (docs/accelerator.md)."""
from myhdl import ConcatSignal, always_comb, always_seq, block, concat, intbv

from rtl.band_drain import Band, band_drain
from rtl.band_lane import band_address_bits, band_lane
from rtl.config import EVENT_BITS, FIRE_MARGIN
from rtl.event_queue import event_queue
from rtl.hdl import leave_open
from rtl.pass_settings import ADDRESS_BITS, BYTE_ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned, wrapping

SKID = 32               # outputs between fire and the bands; FIRE_MARGIN of them for those that come after `go` fell
PASSES = 16             # passes that may be begun and not yet in memory: one for each write on its way, and three before them
STRIP = 128             # columns of a strip, and of a row of a vector


@block
def writing_progress(clk, rst, config, first, wrote_group, wrote_pass, progress):
    """progress = passes in memory, modulo 256, and channels in memory of the pass being written, 0 where there is none.

    first: stream, the first channel of each pass begun.  wrote_group, wrote_pass: the last word of fire_lanes channels, of a
    pass, goes to memory.  progress: Progress.  Latency 1. Reset clears it.
    """
    lanes = config.fire_lanes
    open_q = bit()

    @always_comb
    def accept():
        first.ready.next = not open_q

    @always_seq(clk.posedge, reset=rst)
    def count():
        channels = intbv(0)[17:]
        channels[:] = progress.channels
        if first.valid and not open_q:
            channels[:] = first.data
            open_q.next = 1
        if wrote_group:
            channels[:] = channels + lanes
        if wrote_pass:
            channels[:] = 0
            open_q.next = 0
            progress.passes.next = (progress.passes + 1) & 0xFF
        progress.channels.next = channels[16:]

    return accept, count


@block
def event_writer(clk, rst, config, start, settings, fired, write, go, busy, progress):
    """Events of each band of each channel, then their number, to memory, in fire's order of bands.

    Band: position = (y - y0) << x_bits | (x - x0), events at `events` + channel * channel_words + band * slot_words, count at
    byte `counts` + channel * map_bands + band. Vector: value k is at position k & 127 of band k >> 7 of the only channel.
    One half of the band buffers fills while the other one is written.
    start: pulse; settings (FireSettings) hold the pass from the next cycle until fire has given its last output.
    fired: Fired; never refused.  go: fire may read on; at most FIRE_MARGIN outputs may come after it fell.
    write: WritePort.  progress: Progress.
    busy: from the cycle after start until all that was started has been written; another pass may start before.
    One output a cycle (vector: one event a cycle), one write a cycle; latency 5 from the output that ends a band to its first
    write. Reset empties it.
    """
    lanes, lane_step = config.fire_lanes, config.fire_lanes.bit_length() - 1
    emits_at = 8 * lanes
    last_base = STRIP - lanes
    skid_in, skid = Stream(9 * lanes), Stream(9 * lanes)
    begun, first = Stream(16), Stream(16)
    crowded, pending_q, collecting_q, adopt, begun_q = (bit() for _ in range(5))
    outstanding_q = unsigned(PASSES.bit_length())

    vector_q = bit()
    height_q, width_q, map_bands_q, slot_words_q, left_q = (unsigned(16) for _ in range(5))
    band_rows_q, x_bits_q = unsigned(8), unsigned(4)
    channel_words_q = unsigned(ADDRESS_BITS)
    x_q, y_q = unsigned(16), unsigned(16)
    row_q, base_q = unsigned(8), wrapping(7)
    group_events_q, band_events_q = wrapping(ADDRESS_BITS), wrapping(ADDRESS_BITS)
    group_counts_q, band_counts_q = wrapping(BYTE_ADDRESS_BITS), wrapping(BYTE_ADDRESS_BITS)
    end_x, end_group, last, closes, ends_pass = (bit() for _ in range(5))
    taken_q, puts = unsigned(lanes), unsigned(lanes)
    index, lone, chosen, chosen_value, value_0 = unsigned(6), bit(), bit(), unsigned(8), unsigned(8)
    position = unsigned(8)
    advance, pop, hand, half_q, free = (bit() for _ in range(5))

    band = Band()
    count = [unsigned(8) for _ in range(lanes)]
    words = [unsigned(8 * config.port_bytes) for _ in range(lanes)]
    if lanes > 1:
        counts = ConcatSignal(*reversed(count))
        narrow = ConcatSignal(*(fired.values(EVENT_BITS * f + 8, EVENT_BITS * f) for f in reversed(range(lanes))))
    else:
        counts, narrow = count[0], fired.values(8, 0)
    reads, read_address = unsigned(lanes), unsigned(1 + band_address_bits(config))
    half = bit()
    wrote_group, wrote_pass = bit(), bit()

    leave_open(skid_in.ready, begun.ready)      # `go` stops fire in time; PASSES is more than can be begun
    u_skid = event_queue(clk, rst, skid_in, skid, SKID, crowded, FIRE_MARGIN + 1)   # one comes while that is noticed
    u_begun = event_queue(clk, rst, begun, first, PASSES)
    u_lanes = [band_lane(clk, rst, config, puts(f), skid.data(8 * f + 8, 8 * f) if f else value_0, position, hand, half_q,
                         reads(f), read_address, words[f], count[f]) for f in range(lanes)]
    u_drain = band_drain(clk, rst, config, hand, band, half, counts, words, reads, read_address, free, write, wrote_group,
                         wrote_pass)
    u_progress = writing_progress(clk, rst, config, first, wrote_group, wrote_pass, progress)

    @always_comb
    def arrive():
        skid_in.valid.next = fired.strobe
        skid_in.data.next = concat(fired.emit, narrow)
        begun.valid.next = begun_q
        begun.data.next = settings.first_channel

    @always_comb
    def admit():
        # No read before the settings were taken, so that fire cannot be done with them earlier.
        go.next = not crowded and not pending_q
        adopt.next = pending_q and not collecting_q
        busy.next = outstanding_q != 0

    @always_comb
    def find_ends():
        end_x.next = x_q + 1 == width_q
        end_group.next = x_q + 1 == width_q and y_q + 1 == height_q
        last.next = left_q <= lanes
        ends_pass.next = left_q <= lanes and x_q + 1 == width_q and y_q + 1 == height_q
        if vector_q:
            closes.next = left_q <= lanes or base_q == last_base
        else:
            closes.next = ((x_q + 1 == width_q or (x_q & (STRIP - 1)) == STRIP - 1)
                           and (y_q + 1 == height_q or row_q + 1 == band_rows_q))

    @always_comb
    def choose():
        found = bool(0)
        more = bool(0)
        found = False
        more = False
        index.next = 0
        chosen_value.next = 0
        if vector_q:    # only a vector needs it
            for i in range(lanes):
                if skid.data[emits_at + i] and not taken_q[i]:
                    if found:
                        more = True
                    else:
                        index.next = i
                        chosen_value.next = (skid.data >> (8 * i)) & 0xFF
                    found = True
        chosen.next = found
        lone.next = not more

    @always_comb
    def decide():
        settled = bool(0)
        settled = lone or not vector_q
        advance.next = skid.valid and collecting_q and (free or not closes or not settled)
        pop.next = skid.valid and collecting_q and settled and (free or not closes)
        hand.next = skid.valid and collecting_q and settled and free and closes

    @always_comb
    def collect():
        place = intbv(0)[16:]
        skid.ready.next = pop
        puts.next = 0
        value_0.next = skid.data[8:]
        if vector_q:
            place[:] = base_q | index
            value_0.next = chosen_value
            if advance and chosen:
                puts.next = 1
        else:
            place[:] = (row_q << x_bits_q) | (x_q & (STRIP - 1))
            if advance:
                puts.next = skid.data[9 * lanes:emits_at]
        position.next = place[8:]

    @always_comb
    def describe():
        half.next = not half_q
        band.events.next = band_events_q
        band.counts.next = band_counts_q
        band.channel_words.next = channel_words_q
        band.map_bands.next = map_bands_q
        band.lanes.next = lanes
        if vector_q:
            band.lanes.next = 1
        elif last:
            band.lanes.next = left_q[6:]
        band.ends_group.next = end_group and not vector_q
        band.ends_pass.next = ends_pass

    @always_seq(clk.posedge, reset=rst)
    def follow():
        begun_q.next = start
        if start:
            pending_q.next = 1
        elif adopt:
            pending_q.next = 0
        if start and not wrote_pass:
            outstanding_q.next = outstanding_q + 1
        elif wrote_pass and not start:
            outstanding_q.next = outstanding_q - 1
        if adopt:
            collecting_q.next = 1
        elif pop and ends_pass:
            collecting_q.next = 0
        if hand:
            half_q.next = not half_q

    @always_seq(clk.posedge, reset=rst)
    def keep():
        if adopt:
            vector_q.next = settings.vector
            height_q.next = settings.height
            width_q.next = settings.width
            map_bands_q.next = settings.map_bands
            slot_words_q.next = settings.slot_words
            channel_words_q.next = settings.channel_words
            band_rows_q.next = settings.band_rows
            x_bits_q.next = settings.x_bits

    @always_seq(clk.posedge, reset=rst)
    def count():
        if adopt:
            left_q.next = settings.channels
            group_events_q.next = settings.events
            band_events_q.next = settings.events
            group_counts_q.next = settings.counts
            band_counts_q.next = settings.counts
            x_q.next = 0
            y_q.next = 0
            row_q.next = 0
            base_q.next = 0
            taken_q.next = 0
        elif pop:
            taken_q.next = 0
            x_q.next = x_q + 1
            if end_x:
                x_q.next = 0
                y_q.next = y_q + 1
                row_q.next = row_q + 1
                if closes:
                    row_q.next = 0
            if closes:
                band_events_q.next = band_events_q + slot_words_q
                band_counts_q.next = band_counts_q + 1
            if end_group:
                y_q.next = 0
                base_q.next = base_q + lanes
                if not last:
                    left_q.next = left_q - lanes
                if not vector_q:
                    group_events_q.next = group_events_q + (channel_words_q << lane_step)
                    band_events_q.next = group_events_q + (channel_words_q << lane_step)
                    group_counts_q.next = group_counts_q + (map_bands_q << lane_step)
                    band_counts_q.next = group_counts_q + (map_bands_q << lane_step)
        elif advance:
            taken_q.next = taken_q | (1 << index)

    return (u_skid, u_begun, u_lanes, u_drain, u_progress, arrive, admit, find_ends, choose, decide, collect, describe, follow,
            keep, count)
