"""Finds for up to E events a cycle the kernel rows and columns that they meet, and the address of their sums."""
from myhdl import ConcatSignal, always, always_comb, always_seq, block, concat, intbv

from rtl.config import EVENT_BITS, WORDS_AHEAD
from rtl.event_queue import event_queue
from rtl.event_unpack import event_word_bits, lane_bits
from rtl.hdl import leave_open
from rtl.primitives.multiplier import multiplier
from rtl.stream import Stream, bit, signed, unsigned

LATENCY = 6
STAGES = 6      # words that may still come into the look-ahead queue after it was found full


def located_lane_bits(config) -> int:
    """Width of a lane of a located word: valid, value, sum, row hits, column hits (lowest)."""
    return 1 + EVENT_BITS + config.acc_address_bits + 2 * config.kernel


def located_word_bits(config) -> int:
    """Width of a located word: first, then the lanes, lane 0 lowest."""
    return config.event_lanes * located_lane_bits(config) + 1


@block
def locate_axis(clk, config, there, moving, flatten, place, offset, limit, inside, stride_log2, stride, hits, share):
    """One axis: a = place + offset, 0 with flatten; hits[k]: a - k is a multiple of 2**stride_log2, at least 0, below limit, and inside[k].

    share = (a >> stride_log2) * stride, the axis's part of the address.  place: unsigned, y or x.  limit: 20 bits.
    there: bit k is up while the place that came k cycles before counts.  moving: one of bits 1 .. 3 is up (both save power, and time in
    simulation).
    hits is there three cycles after place, share four. No reset.
    """
    kernel, sum_bits = config.kernel, config.acc_address_bits
    a_1, a_2, room_2 = signed(18), signed(18), signed(22)       # room: limit - a; a - k is below the limit from k > -room on
    phase_2 = unsigned(4)           # a - k is a multiple of the stride for k = 0, 1, 2, 3 modulo 4
    index, factor, product = signed(18), signed(18), signed(36)
    top = 4                         # bits that tell the kernel's sides apart

    u_product = multiplier(clk, index, factor, product, config.family, moving)

    @always(clk.posedge)
    def shift_origin():
        if there[0]:
            a_1.next = 0
            if not flatten:
                a_1.next = place + offset

    @always_comb
    def number():
        index.next = 0
        if a_1 >= 0:
            index.next = a_1 >> stride_log2
        factor.next = stride

    @always(clk.posedge)
    def measure():
        low = intbv(0)[2:]
        if there[1]:
            low[:] = a_1[2:]
            a_2.next = a_1
            room_2.next = limit - a_1
            phase_2.next = 15
            if stride_log2 == 1:
                phase_2.next = 5
                if low[0]:
                    phase_2.next = 10
            elif stride_log2 != 0:
                phase_2.next = 1 << low

    @always(clk.posedge)
    def find_hits():
        found = intbv(0)[kernel:]
        if there[2]:
            found[:] = 0
            for k in range(kernel):
                # a >= k, and a - k < limit
                if a_2 >= k and room_2 > -k and inside[k] and phase_2[k & 3]:
                    found[k] = 1
            hits.next = found

    @always_comb
    def show():
        share.next = product[sum_bits:]

    return u_product, shift_origin, number, measure, find_hits, show


@block
def locate_lane(clk, config, there, moving, settings, tile, limit_y, limit_x, inside_y, inside_x, index, word, hit, part):
    """Lane `index` of a located word from that of the event word five cycles before; hit is its valid bit.

    there, moving: as of locate_axis, of the words.  limit_y, limit_x: sides of the tile times the stride.
    inside_y, inside_x: a bit for each kernel row and column there is.
    """
    kernel, sum_bits, coord_bits = config.kernel, config.acc_address_bits, config.coord_bits
    low = index * lane_bits(config)
    at_x = low + EVENT_BITS
    at_y, at_valid = at_x + coord_bits, at_x + 2 * coord_bits

    y, x = unsigned(coord_bits), unsigned(coord_bits)
    valid_1, valid_2, valid_3, some_4 = (bit() for _ in range(4))
    value_1, value_2, value_3, value_4 = (unsigned(EVENT_BITS) for _ in range(4))
    hits_y, hits_x, hits_y_4, hits_x_4 = (unsigned(kernel) for _ in range(4))
    share_y, share_x = unsigned(sum_bits), unsigned(sum_bits)

    u_y = locate_axis(clk, config, there, moving, settings.flatten, y, settings.y_offset, limit_y, inside_y, settings.stride_log2,
                      tile.stride_y, hits_y, share_y)
    u_x = locate_axis(clk, config, there, moving, settings.flatten, x, settings.x_offset, limit_x, inside_x, settings.stride_log2,
                      tile.stride_x, hits_x, share_x)

    @always_comb
    def split():
        y.next = word[at_valid:at_y]
        x.next = word[at_y:at_x]

    @always(clk.posedge)
    def move():
        if there[0]:
            valid_1.next = word[at_valid]
            value_1.next = word[at_x:low]
        if there[1]:
            valid_2.next = valid_1
            value_2.next = value_1
        if there[2]:
            valid_3.next = valid_2
            value_3.next = value_2
        if there[3]:
            some_4.next = valid_3 and hits_y != 0 and hits_x != 0
            value_4.next = value_3
            hits_y_4.next = hits_y
            hits_x_4.next = hits_x

    @always(clk.posedge)
    def meet():
        total = intbv(0)[sum_bits + 1:]
        if there[4]:
            total[:] = share_y + share_x
            hit.next = some_4
            part.next = concat(value_4, total[sum_bits:], hits_y_4, hits_x_4)

    return u_y, u_x, split, move, meet


@block
def event_locate(clk, rst, config, settings, tile, events, located, idle):
    """row hits[ky] = y + y_offset - ky is a multiple of the stride within the tile; columns likewise; sum is their address.

    With y' = y + y_offset, sum = (y' >> l) * stride_y + (x' >> l) * stride_x; with flatten y' = x' = 0. An event without hits
    is no longer valid; a word without valid events is dropped unless it is `first`: its channel must still be opened.
    settings: SourceSettings.  tile: FireSettings; its sides and strides are used.
    events: stream of event words (see event_unpack).  located: stream of located words (located_word_bits), WORDS_AHEAD of
    them held here.  idle: nothing is held here.
    Latency 6, one word a cycle. Reset empties it.
    """
    lanes = config.event_lanes
    first_bit = event_word_bits(config) - 1
    crowded = bit()
    valid_q, first_q = unsigned(LATENCY - 1), unsigned(LATENCY - 1)     # of the words on their way, the oldest highest
    oldest, there, moving = LATENCY - 2, ConcatSignal(valid_q, events.valid), bit()
    limit_y, limit_x = unsigned(20), unsigned(20)
    inside_y, inside_x, kernel = unsigned(config.kernel), unsigned(config.kernel), config.kernel
    hits = [bit() for _ in range(lanes)]
    parts = [unsigned(located_lane_bits(config) - 1) for _ in range(lanes)]
    any_hit = ConcatSignal("0", *hits)
    joined = ConcatSignal(first_q(oldest), *(signal for pair in zip(reversed(hits), reversed(parts)) for signal in pair))
    bundle = Stream(located_word_bits(config))

    leave_open(bundle.ready)                # `crowded` stops the words in time
    u_lookahead = event_queue(clk, rst, bundle, located, WORDS_AHEAD, crowded, STAGES)
    u_lane = [locate_lane(clk, config, there, moving, settings, tile, limit_y, limit_x, inside_y, inside_x, i, events.data, hits[i],
                          parts[i]) for i in range(lanes)]

    @always_comb
    def accept():
        events.ready.next = not crowded
        moving.next = valid_q[3:] != 0

    @always_seq(clk.posedge, reset=rst)
    def follow():
        valid_q.next = concat(valid_q[oldest:], events.valid and not crowded)

    @always(clk.posedge)
    def keep():
        rows = intbv(0)[kernel:]
        columns = intbv(0)[kernel:]
        first_q.next = concat(first_q[oldest:], events.data[first_bit])
        limit_y.next = tile.tile_h << settings.stride_log2
        limit_x.next = tile.tile_w << settings.stride_log2
        rows[:] = 0
        columns[:] = 0
        for k in range(kernel):
            if k < settings.kernel_h:
                rows[k] = 1
            if k < settings.kernel_w:
                columns[k] = 1
        inside_y.next = rows
        inside_x.next = columns

    @always_comb
    def pack():
        bundle.valid.next = valid_q[oldest] and (first_q[oldest] or any_hit != 0)
        bundle.data.next = joined

    @always_comb
    def rest():
        idle.next = valid_q == 0 and not located.valid

    return u_lookahead, u_lane, accept, follow, keep, pack, rest
