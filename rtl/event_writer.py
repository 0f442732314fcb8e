"""Puts what fire makes of a pass into memory, as a feature map or a vector (docs/accelerator.md)."""
from myhdl import ConcatSignal, always, always_comb, always_seq, block, concat, intbv

from rtl.band_drain import Band, band_drain
from rtl.band_lane import band_address_bits, band_lane
from rtl.bit_count import bit_count
from rtl.config import EVENT_BITS, FIRE_MARGIN
from rtl.event_queue import event_queue
from rtl.hdl import leave_open
from rtl.output_place import output_place
from rtl.pass_settings import ADDRESS_BITS, BYTE_ADDRESS_BITS
from rtl.stream import Stream, bit, unsigned, wrapping

SKID = 32               # outputs between fire and the bands; FIRE_MARGIN of them for those that come after `go` fell
PASSES = 16             # passes that may be begun and not yet in memory: one for each write on its way, and three before them


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
    One output a cycle (vector: one event a cycle, and two cycles an output at least), one write a cycle; latency 8 from the output
    that ends a band to its first write, and one more for each doubling of fire_lanes above 4. Reset empties it.
    """
    lanes, lane_step = config.fire_lanes, config.fire_lanes.bit_length() - 1
    emits_at, position_at, ends_at, lanes_at = 8 * lanes, 9 * lanes, 9 * lanes + 8, 9 * lanes + 11
    top = lanes_at + lanes.bit_length()
    skid_in, skid = Stream(top), Stream(top)        # values, emits, position, ends of band, group and pass, lanes with a channel
    number_in, number = Stream(8), Stream(8)        # events of each output, and on top whether they are one at most, and some
    total, counted = unsigned(6), bit()
    begun, first = Stream(16), Stream(16)
    crowded, pending_q, collecting_q, adopt, adopted_q, begun_q = (bit() for _ in range(6))
    outstanding_q = unsigned(PASSES.bit_length())

    vector_q = bit()
    map_bands_q, slot_words_q, channel_words_q = unsigned(16), unsigned(16), unsigned(ADDRESS_BITS)
    group_events_q, band_events_q = wrapping(ADDRESS_BITS), wrapping(ADDRESS_BITS)
    group_counts_q, band_counts_q = wrapping(BYTE_ADDRESS_BITS), wrapping(BYTE_ADDRESS_BITS)
    pop, hand, half_q, free = (bit() for _ in range(4))
    # Of what fire gives.
    position, ends_band, ends_group, ends_pass, group_lanes = unsigned(8), bit(), bit(), bit(), unsigned(lanes.bit_length())
    closes, closes_group, closes_pass = skid.data(ends_at), skid.data(ends_at + 1), skid.data(ends_at + 2)
    here, few, some = bit(), bit(), bit()
    # Something may happen in the bands: in this cycle, in the one before; either, or a shift.
    filling, filling_q, stirring = bit(), bit(), bit()
    # The output's events are in the bands, of a vector's one at least; which of a vector's are, and how many; its last one
    # is to go now, went before; another one is to go.
    given_q, taken_q, told_q, last_q, going_q = bit(), unsigned(lanes), wrapping(6), bit(), bit()
    puts, value_0, place = unsigned(lanes), unsigned(8), unsigned(8)
    index, chosen_value = unsigned(6), unsigned(8)
    event_q, event_value_q, event_place_q, over_q = bit(), unsigned(8), unsigned(8), bit()      # a vector's event

    band = Band()
    count, no_lane = [unsigned(8) for _ in range(lanes)], unsigned(8)
    words = [unsigned(8 * config.port_bytes) for _ in range(lanes)]
    narrow = (ConcatSignal(*(fired.values(EVENT_BITS * f + 8, EVENT_BITS * f) for f in reversed(range(lanes)))) if lanes > 1
              else fired.values(8, 0))
    reads, read_address = unsigned(lanes), unsigned(1 + band_address_bits(config))
    half, shift = bit(), bit()
    wrote_group, wrote_pass = bit(), bit()

    leave_open(skid.valid, skid_in.ready, number_in.ready, begun.ready)      # `go` stops fire in time; PASSES is more than can be begun
    u_skid = event_queue(clk, rst, skid_in, skid, SKID, crowded, FIRE_MARGIN + 2)   # two come while that is noticed
    u_total = bit_count(clk, rst, fired.emit, fired.strobe, total, counted)
    u_numbers = event_queue(clk, rst, number_in, number, SKID)
    u_begun = event_queue(clk, rst, begun, first, PASSES)
    u_place = output_place(clk, rst, config, begun_q, settings, fired.strobe, position, ends_band, ends_group, ends_pass, group_lanes)
    u_lanes = [band_lane(clk, rst, config, stirring, puts(f), skid.data(8 * f + 8, 8 * f) if f else value_0, place, hand, half_q, shift,
                         count[f + 1] if f + 1 < lanes else no_lane, reads(f), read_address, words[f], count[f])
               for f in range(lanes)]
    u_drain = band_drain(clk, rst, config, hand, band, half, count[0], shift, words, reads, read_address, free, write, wrote_group,
                         wrote_pass)
    u_progress = writing_progress(clk, rst, config, first, wrote_group, wrote_pass, progress)

    @always_comb
    def arrive():
        skid_in.valid.next = fired.strobe
        skid_in.data.next = concat(group_lanes, ends_pass, ends_group, ends_band, position, fired.emit, narrow)
        begun.valid.next = begun_q
        begun.data.next = settings.first_channel
        no_lane.next = 0

    @always_comb
    def count_events():
        few.next = total <= 1
        some.next = total != 0
        number_in.valid.next = counted
        number_in.data.next = concat(some, few, total)
        here.next = number.valid        # its output came earlier, and its pass was adopted before `go` let fire read on
        number.ready.next = pop

    @always_comb
    def admit():
        adopt.next = pending_q and not collecting_q and not adopted_q
        busy.next = outstanding_q != 0

    @always_comb
    def choose():
        earlier = bool(0)
        at = intbv(0)[6:]
        value = intbv(0)[8:]
        earlier = False
        at[:] = 0
        value[:] = 0
        if vector_q:        # its events go one after the other
            for i in range(lanes):
                if skid.data[emits_at + i] and not taken_q[i] and not earlier:
                    at[:] = at | i
                    value[:] = value | ((skid.data >> (8 * i)) & 0xFF)
                if skid.data[emits_at + i] and not taken_q[i]:
                    earlier = True
        index.next = at
        chosen_value.next = value

    @always_comb
    def decide():
        pop.next = number.valid and ((last_q and not closes) or (over_q and closes and free))
        hand.next = number.valid and over_q and closes and free

    @always_comb
    def stir():
        filling.next = here or event_q
        stirring.next = filling or filling_q or shift

    @always_comb
    def collect():
        skid.ready.next = pop
        puts.next = 0
        value_0.next = skid.data[8:]
        place.next = skid.data[ends_at:position_at]
        if vector_q:
            puts.next[0] = event_q
            value_0.next = event_value_q
            place.next = event_place_q
        elif here and not given_q:
            puts.next = skid.data[position_at:emits_at]

    @always_comb
    def describe():
        half.next = not half_q
        band.events.next = band_events_q
        band.counts.next = band_counts_q
        band.channel_words.next = channel_words_q
        band.map_bands.next = map_bands_q
        band.lanes.next = skid.data[top:lanes_at]
        if vector_q:
            band.lanes.next = 1
        band.ends_group.next = closes_group and not vector_q
        band.ends_pass.next = closes_pass

    @always_seq(clk.posedge, reset=rst)
    def follow():
        begun_q.next = start
        # No read before the settings were taken, so that fire cannot be done with them earlier.
        go.next = not crowded and not pending_q and not start
        if start:
            pending_q.next = 1
        elif adopt:
            pending_q.next = 0
        if start and not wrote_pass:
            outstanding_q.next = outstanding_q + 1
        elif wrote_pass and not start:
            outstanding_q.next = outstanding_q - 1
        adopted_q.next = adopt
        filling_q.next = filling
        if adopted_q:
            collecting_q.next = 1
        elif pop and closes_pass:
            collecting_q.next = 0
        if hand:
            half_q.next = not half_q

    @always_seq(clk.posedge, reset=rst)
    def remember():
        if pop or not here:
            given_q.next = False
            taken_q.next = 0
            told_q.next = 0
            last_q.next = not vector_q
            over_q.next = not vector_q
            going_q.next = False
        else:
            given_q.next = True
            told_q.next = told_q + 1
            going_q.next = not last_q and not number.data[6]
            over_q.next = last_q
            last_q.next = number.data[6] or last_q or told_q + 2 == number.data[6:]
            if vector_q:
                taken_q.next[index] = True

    @always_seq(clk.posedge, reset=rst)
    def choose_event():
        event_q.next = vector_q and here and (going_q or (not given_q and number.data[7]))
        event_value_q.next = chosen_value
        event_place_q.next = skid.data[ends_at:position_at] | index

    @always(clk.posedge)
    def aim():
        if adopt:
            vector_q.next = settings.vector
            map_bands_q.next = settings.map_bands
            slot_words_q.next = settings.slot_words
            channel_words_q.next = settings.channel_words
            group_events_q.next = settings.events
            band_events_q.next = settings.events
            group_counts_q.next = settings.counts
            band_counts_q.next = settings.counts
        elif hand:
            if closes_group and not vector_q:
                group_events_q.next = group_events_q + (channel_words_q << lane_step)
                band_events_q.next = group_events_q + (channel_words_q << lane_step)
                group_counts_q.next = group_counts_q + (map_bands_q << lane_step)
                band_counts_q.next = group_counts_q + (map_bands_q << lane_step)
            else:
                band_events_q.next = band_events_q + slot_words_q
                band_counts_q.next = band_counts_q + 1

    return (u_skid, u_total, u_numbers, u_begun, u_place, u_lanes, u_drain, u_progress, arrive, count_events, admit, choose,
            decide, stir, collect, describe, follow, remember, choose_event, aim)
