"""Reads the events of a pass from memory: each band's count, then its words, cut into events."""
from myhdl import Signal, always, always_comb, always_seq, block, concat, intbv

from rtl.compact.sizes import BAND_BITS, CHANNEL_BITS, address_bits, byte_bits, place
from rtl.config import EVENT_BITS
from rtl.stream import bit, unsigned, wrapping

REST, COUNT, LATE, WORD, FETCH, CUT, TURN, CLOSE = range(8)


class FeedEvent:
    """A stream of events: value, place in the band, y of the band's first row; or `ends`, a channel's end."""

    def __init__(self, config):
        self.value, self.place, self.y = unsigned(EVENT_BITS), unsigned(8), place(config)
        self.ends, self.valid, self.ready = bit(), bit(), bit()


@block
def event_feed(clk, rst, config, enter, settings, counts, events, answers, event, over):
    """For each channel, for each band: the events that memory holds, in order; after a channel's last one an `ends`.

    enter: pulse; settings: Settings, held.  counts, events: Ask.  answers: Answers.  event: FeedEvent, out.
    over: the last channel's end was taken, until enter comes next.
    An event a cycle; 6 cycles and two memory latencies between bands, one and a latency between words. Reset: over.
    """
    wide, low = address_bits(config), byte_bits(config)
    at_byte, per_word = wide + low, config.port_events
    sub_bits = max(1, (per_word - 1).bit_length())
    last_sub = per_word - 1
    state_q = Signal(intbv(REST, min=0, max=8))
    count_at_q, at_q, row_q, moved = wrapping(at_byte), wrapping(wide), wrapping(wide), wrapping(wide)
    rest_q = wrapping(8)        # words of the band's slot that are not read
    channels_q, bands_q = unsigned(CHANNEL_BITS), unsigned(BAND_BITS)
    left_q, sub_q, y_q = unsigned(8), wrapping(sub_bits), place(config)
    word_q, count = unsigned(8 * config.port_bytes), unsigned(8)
    last_band, taken, skip_q, stepped = bit(), bit(), wrapping(BAND_BITS), wrapping(at_byte)

    @always_comb
    def ask():
        counts.valid.next = state_q == COUNT
        counts.address.next = count_at_q[at_byte:low]
        counts.note.next = count_at_q[low:]
        events.valid.next = state_q == WORD
        events.address.next = at_q
        last_band.next = bands_q == 1

    @always_comb
    def pick():
        shift = intbv(0)[8:]
        shift[:] = answers.note << 3
        count.next = (answers.data >> shift) & 0xFF

    @always_comb
    def give():
        event.valid.next = state_q == CUT or state_q == CLOSE
        event.ends.next = state_q == CLOSE
        event.value.next = concat(bool(settings.signed_source and word_q[7]), word_q[8:])
        event.place.next = word_q[16:8]
        event.y.next = y_q
        over.next = state_q == REST and not enter

    @always_comb
    def move():
        moved.next = at_q + 1
        if state_q == TURN:
            moved.next = at_q + rest_q
        elif state_q == CLOSE:
            moved.next = row_q + settings.channel_words
        stepped.next = count_at_q + 1
        if state_q == CLOSE:
            stepped.next = count_at_q + skip_q
        taken.next = event.ready and (state_q == CUT or state_q == CLOSE)

    @always_seq(clk.posedge, reset=rst)
    def walk():
        skip_q.next = settings.map_bands - settings.bands
        if state_q == REST:
            channels_q.next = settings.channels
            if enter and settings.channels != 0 and settings.bands != 0:
                state_q.next = COUNT
        elif state_q == COUNT:
            if counts.ready:
                state_q.next = LATE
        elif state_q == LATE:
            left_q.next = count
            if answers.count:
                state_q.next = WORD
                if count == 0:
                    state_q.next = TURN
        elif state_q == WORD:
            sub_q.next = 0
            if events.ready:
                state_q.next = FETCH
        elif state_q == FETCH:
            if answers.events:
                state_q.next = CUT
        elif state_q == CUT:
            if taken:
                sub_q.next = sub_q + 1
                left_q.next = left_q - 1
                if left_q == 1:
                    state_q.next = TURN
                elif sub_q == last_sub:
                    state_q.next = WORD
        elif state_q == TURN:
            state_q.next = COUNT
            if last_band:
                state_q.next = CLOSE
        elif taken:
            channels_q.next = channels_q - 1
            state_q.next = COUNT
            if channels_q == 1:
                state_q.next = REST

    @always_seq(clk.posedge, reset=rst)
    def address():
        if settings.counts:
            count_at_q.next = settings.address
        elif state_q == TURN or (state_q == CLOSE and taken):
            count_at_q.next = stepped
        if settings.events:
            at_q.next = settings.address[wide:]
            row_q.next = settings.address[wide:]
        else:
            if (state_q == WORD and events.ready) or state_q == TURN or (state_q == CLOSE and taken):
                at_q.next = moved
            if state_q == CLOSE and taken:
                row_q.next = moved
        if state_q == WORD:
            if events.ready:
                rest_q.next = rest_q - 1
        elif state_q == REST or state_q == TURN:
            rest_q.next = settings.slot_words
        if state_q == REST or state_q == CLOSE:
            bands_q.next = settings.bands
            y_q.next = settings.first_y + settings.y_offset
        elif state_q == TURN:
            bands_q.next = bands_q - 1
            y_q.next = y_q + settings.band_rows

    @always(clk.posedge)
    def shift():
        if answers.events:
            word_q.next = answers.data
        elif state_q == CUT and event.ready:
            word_q.next = word_q >> 16

    return ask, pick, give, move, walk, address, shift
