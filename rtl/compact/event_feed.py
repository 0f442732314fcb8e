"""Reads the events of a pass from memory: each band's count, then its words, cut into events."""
from myhdl import Signal, always, always_comb, always_seq, block, concat, intbv

from rtl.compact.sizes import BAND_BITS, CHANNEL_BITS, byte_bits, place
from rtl.config import EVENT_BITS
from rtl.primitives.loadable_counter import loadable_counter
from rtl.stream import bit, unsigned, wrapping

REST, COUNT, FIRST, WORD, FETCH, CUT, TURN, CLOSE = range(8)


class FeedEvent:
    """A stream of events: value, place in the band, y of the band's first row; or `ends`, a channel's end."""

    def __init__(self, config):
        self.value, self.place, self.y = unsigned(EVENT_BITS), unsigned(8), place(config)
        self.ends, self.valid, self.ready = bit(), bit(), bit()


@block
def event_feed(clk, rst, config, enter, settings, counts, events, count_at, passing, answers, event, word, band, closes,
               over):
    """For each channel, for each band: the events that memory holds, in order; after a channel's last one an `ends`.

    enter: pulse; settings: Settings, held.  counts, events: Ask, for the addresses of band_walk.  count_at, passing, word,
    band, closes: of band_walk.  answers: Answers.  event: FeedEvent, out.
    over: the last channel's end was taken, until enter comes next.
    An event a cycle; 6 cycles and a memory latency between bands, one and a latency between words. Reset: over.
    """
    low, per_word = byte_bits(config), config.port_events
    sub_bits = max(1, (per_word - 1).bit_length())
    last_sub = per_word - 1
    state_q = Signal(intbv(REST, min=0, max=8))
    channels, bands, left = wrapping(CHANNEL_BITS), wrapping(BAND_BITS), wrapping(8)
    sub_q, y_q = wrapping(sub_bits), place(config)
    word_q, count = unsigned(8 * config.port_bytes), unsigned(8)
    last_band, rests, closed, at_edge, cuts, counted, turns = (bit() for _ in range(7))

    u_channels = loadable_counter(clk, rests, settings.channels, closed, channels, True, config.family)
    u_bands = loadable_counter(clk, at_edge, settings.bands, turns, bands, True, config.family)
    u_left = loadable_counter(clk, counted, count, cuts, left, True, config.family)

    @always_comb
    def ask():
        counts.valid.next = state_q == COUNT and not passing
        events.valid.next = state_q == FIRST or state_q == WORD
        last_band.next = bands == 1
        word.next = (state_q == FIRST or state_q == WORD) and events.ready
        band.next = state_q == TURN
        closes.next = bands == 1

    @always_comb
    def pick():
        shift = intbv(0)[low + 3:]
        shift[:] = count_at[low:] << 3
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
    def look():
        rests.next = state_q == REST
        turns.next = state_q == TURN
        counted.next = answers.count
        at_edge.next = state_q == REST or state_q == CLOSE
        cuts.next = event.ready and state_q == CUT
        closed.next = event.ready and state_q == CLOSE

    @always_seq(clk.posedge, reset=rst)
    def walk():
        if state_q == REST:
            if enter and settings.channels != 0 and settings.bands != 0:
                state_q.next = COUNT
        elif state_q == COUNT:
            if counts.valid and counts.ready:
                state_q.next = FIRST
        elif state_q == FIRST:
            # Before it is known whether there are events: most bands have some. The count comes before them.
            if events.ready:
                state_q.next = FETCH
        elif state_q == WORD:
            if events.ready:
                state_q.next = FETCH
        elif state_q == FETCH:
            sub_q.next = 0
            if answers.events:
                state_q.next = CUT
                if left == 0:
                    state_q.next = TURN
        elif state_q == CUT:
            if cuts:
                sub_q.next = sub_q + 1
                if left == 1:
                    state_q.next = TURN
                elif sub_q == last_sub:
                    state_q.next = WORD
        elif state_q == TURN:
            state_q.next = COUNT
            if last_band:
                state_q.next = CLOSE
        elif closed:
            state_q.next = COUNT
            if channels == 1:
                state_q.next = REST

    @always(clk.posedge)
    def follow():
        if at_edge:
            y_q.next = settings.first_y
        elif turns:
            y_q.next = y_q + settings.band_rows

    @always(clk.posedge)
    def shift():
        if answers.events:
            word_q.next = answers.data
        elif cuts:
            word_q.next = word_q >> 16

    return u_channels, u_bands, u_left, ask, pick, give, look, walk, follow, shift
