"""Cuts memory words of events into words of event lanes, and asks for the weights of every channel that has an event."""
from myhdl import ConcatSignal, always, always_comb, always_seq, block, concat, intbv

from rtl.config import EVENT_BITS, WORDS_AHEAD
from rtl.event_queue import event_queue
from rtl.flat_row import ROW_BITS, flat_row, place_bits
from rtl.stream import Stream, bit, unsigned

PACKED_BITS = 16        # an event in memory: value (low), position
LATENCY = 4             # from a piece to the first event word


def lane_bits(config) -> int:
    """Width of a lane of an event word: valid, y, x, value (lowest)."""
    return EVENT_BITS + 2 * config.coord_bits + 1


def event_word_bits(config) -> int:
    """Width of an event word: first, then the lanes, lane 0 lowest."""
    return config.event_lanes * lane_bits(config) + 1


@block
def unpack_lane(clk, go, config, settings, index, word, mask, number, x0, y0, part):
    """part = lane `index` of an event word: valid, y, x and value of event `index` of the word that was there at the last `go`.

    number: how many events of that word leave.
    """
    coord_bits, first = config.coord_bits, PACKED_BITS * index
    middle, top = first + 8, first + PACKED_BITS
    sign_bit = middle - 1
    value_q, low, high = unsigned(EVENT_BITS), unsigned(8), unsigned(8)     # column and row inside the band

    @always(clk.posedge)
    def take():
        if go:
            value_q.next = concat(bool(settings.signed_source and word[sign_bit]), word[middle:first])
            low.next = word[top:middle] & mask
            high.next = word[top:middle] >> settings.x_bits

    @always_comb
    def place():
        across = intbv(0)[12:]
        down = intbv(0)[12:]
        across[:] = low + x0
        down[:] = high + y0
        part.next = concat(number > index, down[coord_bits:], across[coord_bits:], value_q)

    return take, place


@block
def event_unpack(clk, rst, config, start, settings, pieces, words, events, requests, finished):
    """x = x0 + (position & (2**x_bits - 1)), y = y0 + (position >> x_bits), up to E events of a memory word an output word.

    Not done: an output word never holds events of two memory words. With flatten every event is its own word, in lane 0, at
    y = x = 0, and its channel is channel * flat_size + y * flat_width + x; y and x are modulo 2**coord_bits in either case.
    start: pulse; settings (SourceSettings) hold the pass from the next cycle on.
    pieces: stream of pieces (event_fetch.piece_bits): `count` (0 .. 255) events of a channel from (y0, x0) on; `first` piece of
    its channel, `last` of the pass.  words: stream of memory words, ceil(count / Q) for each piece.
    events: stream of event words (event_word_bits); `first` marks the first of a channel.
    requests: stream of 16 bits, the channel of each `first` word, there from the same cycle on; WORDS_AHEAD are held here.
    finished: all events of the pass are taken; pieces wait from the pass's last one to the next start.
    Latency 4 from a piece, 3 from a word; one output word a cycle, from piece to piece too; with flatten
    flat_row.LATENCY more, and as flat_row finds rows.
    Reset ends the pass.
    """
    coord_bits, lanes, per_word = config.coord_bits, config.event_lanes, config.port_events
    step = min(lanes, per_word)             # most events of a memory word in an output word
    twice, whole, lone = 2 * step, per_word <= step, per_word == 1      # all of a word leaves at once; it is one event
    group_bits = PACKED_BITS * step
    at_x, at_y, at_channel = 8, 8 + coord_bits, 8 + 2 * coord_bits
    at_first = at_channel + 16
    at_last = at_first + 1

    active_q, held_q, empty_q, first_q, opens_q = (bit() for _ in range(5))
    count_q, rest_q, more_q = unsigned(8), unsigned(8), bit()       # of the piece that waits; of the one being cut, beyond its word here
    next_x_q, next_y_q, x_q, y_q = (unsigned(coord_bits) for _ in range(4))
    next_channel_q, channel_q = unsigned(16), unsigned(16)
    word_q = unsigned(PACKED_BITS * per_word)
    inside_q, some_q, last_q = unsigned(4), bit(), bit()            # events left in the word; there are any; they all leave now
    room, opening, load = bit(), bit(), bit()

    valid_b, first_b, go, leaving = bit(), bit(), bit(), bit()
    number_b, x_b, y_b, channel_b = unsigned(4), unsigned(coord_bits), unsigned(coord_bits), unsigned(16)
    mask, to_flatten, flat, flat_idle = unsigned(8), Stream(place_bits(config)), Stream(EVENT_BITS + ROW_BITS), bit()
    asked, given = Stream(16), Stream(event_word_bits(config))

    parts = [unsigned(lane_bits(config)) for _ in range(step)]
    above = ["0" * ((lanes - step) * lane_bits(config))] if lanes > step else []
    joined = ConcatSignal(first_b, *above, *reversed(parts))
    flat_word = ConcatSignal("1" + "0" * ((lanes - 1) * lane_bits(config)) + "1" + "0" * (2 * coord_bits), flat.data(EVENT_BITS, 0))
    flat_row_of, place = flat.data(EVENT_BITS + ROW_BITS, EVENT_BITS), parts[0](EVENT_BITS + 2 * coord_bits, 0)

    u_requests = event_queue(clk, rst, asked, requests, WORDS_AHEAD)
    u_events = event_queue(clk, rst, given, events, 2)
    u_lane = [unpack_lane(clk, go, config, settings, i, word_q, mask, number_b, x_b, y_b, parts[i])
              for i in range(step)]
    u_row = flat_row(clk, rst, config, start, settings.flat_size, settings.flat_width, to_flatten, flat, flat_idle)

    @always_comb
    def shape():
        mask.next = 0
        for i in range(8):
            if settings.x_bits > i:
                mask.next[i] = True

    @always_comb
    def advance():
        leaving.next = valid_b and given.ready and asked.ready and not settings.flatten
        flat.ready.next = given.ready and asked.ready
        to_flatten.valid.next = valid_b and settings.flatten
        to_flatten.data.next = concat(channel_b, place)
        go.next = not valid_b or (given.ready and asked.ready)
        if settings.flatten:
            go.next = not valid_b or to_flatten.ready

    @always_comb
    def hand_on():
        given.valid.next = leaving or (flat.valid and asked.ready)
        given.data.next = joined
        asked.valid.next = (leaving and first_b) or (flat.valid and given.ready)
        asked.data.next = channel_b
        if settings.flatten:
            given.data.next = flat_word
            asked.data.next = flat_row_of

    @always_comb
    def measure():
        room.next = not some_q or (go and last_q)

    @always_comb
    def permit():
        opening.next = held_q and room and not more_q and (words.valid or empty_q)
        load.next = room and words.valid and (more_q or (held_q and not empty_q))

    @always_comb
    def accept():
        pieces.ready.next = active_q and (opening or not held_q)
        words.ready.next = room and (more_q or (held_q and not empty_q))

    @always_seq(clk.posedge, reset=rst)
    def take_pieces():
        if opening:
            held_q.next = 0
        if active_q and pieces.valid and (opening or not held_q):
            held_q.next = 1
            active_q.next = not pieces.data[at_last]
        if start:
            active_q.next = 1

    @always(clk.posedge)
    def hold_piece():
        if opening or not held_q:
            count_q.next = pieces.data[8:]
            empty_q.next = pieces.data[8:] == 0
            next_x_q.next = pieces.data[at_y:at_x]
            next_y_q.next = pieces.data[at_channel:at_y]
            next_channel_q.next = pieces.data[at_first:at_channel]
            opens_q.next = pieces.data[at_first]

    @always_seq(clk.posedge, reset=rst)
    def cut_words():
        amount = intbv(0)[8:]
        amount[:] = count_q
        if more_q:
            amount[:] = rest_q
        if load:
            some_q.next = True
            more_q.next = amount > per_word
            if amount > per_word:
                inside_q.next = per_word
                rest_q.next = amount - per_word
            else:
                inside_q.next = amount[4:]
            last_q.next = amount <= step or whole
            if settings.flatten:
                last_q.next = amount == 1 or lone
        elif go and some_q:
            some_q.next = not last_q
            if last_q:
                inside_q.next = 0
            elif settings.flatten:
                inside_q.next = inside_q - 1
                last_q.next = inside_q == 2
            else:
                inside_q.next = inside_q - step
                last_q.next = inside_q <= twice

    @always_seq(clk.posedge, reset=rst)
    def mark_first():
        if go and some_q:
            first_q.next = 0
        if opening and opens_q:
            first_q.next = 1        # stays while pieces of no events go by
        if start:
            first_q.next = 0

    @always(clk.posedge)
    def shift_words():
        if room:
            word_q.next = words.data
        elif go:
            if settings.flatten:
                word_q.next = word_q >> PACKED_BITS
            else:
                word_q.next = word_q >> group_bits
        if opening:
            x_q.next = next_x_q
            y_q.next = next_y_q
            channel_q.next = next_channel_q

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if go:
            valid_b.next = some_q

    @always(clk.posedge)
    def hold_group():
        if go:
            number_b.next = inside_q
            if not last_q:
                number_b.next = step
            first_b.next = first_q
            x_b.next = x_q
            y_b.next = y_q
            channel_b.next = channel_q

    @always_comb
    def finish():
        finished.next = flat_idle and not (active_q or held_q or more_q or some_q or valid_b or events.valid)

    return (u_requests, u_events, u_lane, u_row, shape, advance, hand_on, measure, permit, accept, take_pieces, hold_piece, cut_words,
            mark_first, shift_words, follow, hold_group, finish)
