"""Cuts memory words of events into words of event lanes, and asks for the weights of every channel that has an event."""
from myhdl import ConcatSignal, always, always_comb, always_seq, block, concat, intbv

from rtl.config import EVENT_BITS, WORDS_AHEAD
from rtl.event_queue import event_queue
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
def unpack_lane(config, settings, index, group, number, x0, y0, mask, part):
    """part = lane `index` of an event word: valid, y, x and value of event `index` of the group; combinational."""
    coord_bits, low = config.coord_bits, PACKED_BITS * index
    middle, high = low + 8, low + PACKED_BITS
    sign_bit = middle - 1

    @always_comb
    def place():
        across = intbv(0)[12:]
        down = intbv(0)[12:]
        across[:] = 0
        down[:] = 0
        if not settings.flatten:
            across[:] = (group[high:middle] & mask) + x0
            down[:] = (group[high:middle] >> settings.x_bits) + y0
        part.next = concat(number > index, down[coord_bits:], across[coord_bits:],
                           bool(settings.signed_source and group[sign_bit]), group[middle:low])

    return place


@block
def event_unpack(clk, rst, config, start, settings, pieces, words, events, requests, finished):
    """x = x0 + (position & (2**x_bits - 1)), y = y0 + (position >> x_bits), up to E events of a memory word an output word.

    Not done: an output word never holds events of two memory words. With flatten every event is its own word, in lane 0, at
    y = x = 0, and its channel is channel * flat_size + y * flat_width + x.
    start: pulse; settings (SourceSettings) hold the pass from the next cycle on.
    pieces: stream of pieces (event_fetch.piece_bits): `count` (0 .. 255) events of a channel from (y0, x0) on; `first` piece of its channel,
    `last` of the pass.  words: stream of memory words, ceil(count / Q) for each piece.
    events: stream of event words (event_word_bits); `first` marks the first of a channel.
    requests: stream of 16 bits, the channel of each `first` word, there from the same cycle on; WORDS_AHEAD are held here.
    finished: all events of the pass are taken; pieces wait from the pass's last one to the next start.
    Latency 4 from a piece, 3 from a word; one output word a cycle, from piece to piece too. Reset ends the pass.
    """
    coord_bits, lanes, per_word = config.coord_bits, config.event_lanes, config.port_events
    step = min(lanes, per_word)             # most events of a memory word in an output word
    group_bits = PACKED_BITS * step
    at_x, at_y, at_channel = 8, 8 + coord_bits, 8 + 2 * coord_bits
    at_first = at_channel + 16
    at_last = at_first + 1

    active_q, held_q, first_q, opens_q = bit(), bit(), bit(), bit()
    count_q, rest_q = unsigned(8), unsigned(8)          # of the piece that waits; of the one being cut, beyond its word here
    next_x_q, next_y_q, x_q, y_q = (unsigned(coord_bits) for _ in range(4))
    next_channel_q, channel_q = unsigned(16), unsigned(16)
    word_q = unsigned(PACKED_BITS * per_word)
    inside_q, width, used = unsigned(4), unsigned(4), unsigned(4)       # events left in the word; that leave; that do now
    room, begin, more = bit(), bit(), bit()

    valid_b, first_b, go, free, allowed = bit(), bit(), bit(), bit(), bit()
    group_b, number_b = unsigned(group_bits), unsigned(4)
    x_b, y_b, mask = unsigned(coord_bits), unsigned(coord_bits), unsigned(8)
    index_b, row = unsigned(16), unsigned(16)
    asked = Stream(16)

    parts = [unsigned(lane_bits(config)) for _ in range(step)]
    above = ["0" * ((lanes - step) * lane_bits(config))] if lanes > step else []
    joined = ConcatSignal(first_b, *above, *reversed(parts))

    u_requests = event_queue(clk, rst, asked, requests, WORDS_AHEAD)
    u_lane = [unpack_lane(config, settings, i, group_b, number_b, x_b, y_b, mask, parts[i]) for i in range(step)]

    @always_comb
    def shape():
        mask.next = ((1 << settings.x_bits) - 1) & 255

    @always_comb
    def advance():
        free.next = events.ready or not events.valid
        allowed.next = asked.ready or not first_b
        asked.valid.next = valid_b and first_b and (events.ready or not events.valid)
        asked.data.next = row

    @always_comb
    def move_on():
        go.next = not valid_b or (free and allowed)
        width.next = step
        if settings.flatten:
            width.next = 1

    @always_comb
    def measure():
        used.next = width
        if inside_q < width:
            used.next = inside_q
        room.next = inside_q == 0 or (go and inside_q <= width)
        more.next = rest_q != 0

    @always_comb
    def permit():
        begin.next = held_q and room and not more and (words.valid or count_q == 0)

    @always_comb
    def accept():
        pieces.ready.next = active_q and (begin or not held_q)
        words.ready.next = room and (more or (held_q and count_q != 0))

    @always_seq(clk.posedge, reset=rst)
    def take_pieces():
        if begin:
            held_q.next = 0
        if active_q and pieces.valid and (begin or not held_q):
            held_q.next = 1
            active_q.next = not pieces.data[at_last]
        if start:
            active_q.next = 1

    @always(clk.posedge)
    def hold_piece():
        if begin or not held_q:
            count_q.next = pieces.data[8:]
            next_x_q.next = pieces.data[at_y:at_x]
            next_y_q.next = pieces.data[at_channel:at_y]
            next_channel_q.next = pieces.data[at_first:at_channel]
            opens_q.next = pieces.data[at_first]

    @always_seq(clk.posedge, reset=rst)
    def cut_words():
        amount = intbv(0)[8:]
        if go and inside_q != 0:
            first_q.next = 0
            inside_q.next = inside_q - used
        if begin and opens_q:
            first_q.next = 1        # stays while pieces of no events go by
        if start:
            first_q.next = 0
        if room and words.valid and (more or begin):
            amount[:] = rest_q
            if not more:
                amount[:] = count_q
            if amount > per_word:
                inside_q.next = per_word
                rest_q.next = amount - per_word
            else:
                inside_q.next = amount[4:]
                rest_q.next = 0

    @always(clk.posedge)
    def shift_words():
        if room:
            word_q.next = words.data
        elif go:
            if settings.flatten:
                word_q.next = word_q >> PACKED_BITS
            else:
                word_q.next = word_q >> group_bits
        if begin:
            x_q.next = next_x_q
            y_q.next = next_y_q
            channel_q.next = next_channel_q

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if go:
            valid_b.next = inside_q != 0
        if free:
            events.valid.next = valid_b and allowed

    @always(clk.posedge)
    def hold_group():
        product = intbv(0)[32:]
        product[:] = channel_q * settings.flat_size
        if go:
            group_b.next = word_q[group_bits:]
            number_b.next = used
            first_b.next = first_q or settings.flatten
            x_b.next = x_q
            y_b.next = y_q
            index_b.next = channel_q
            if settings.flatten:
                index_b.next = product[16:]

    @always_comb
    def find_row():
        total = intbv(0)[34:]
        total[:] = index_b
        if settings.flatten:
            total[:] = ((group_b[16:8] >> settings.x_bits) + y_b) * settings.flat_width
            total[:] = total + index_b + (group_b[16:8] & mask) + x_b
        row.next = total[16:]

    @always(clk.posedge)
    def show():
        if free:
            events.data.next = joined

    @always_comb
    def finish():
        finished.next = not (active_q or held_q or more or inside_q != 0 or valid_b or events.valid)

    return (u_requests, u_lane, shape, advance, move_on, measure, permit, accept, take_pieces, hold_piece, cut_words,
            shift_words, follow, hold_group, find_row, show, finish)
