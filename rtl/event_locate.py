"""Finds for up to E events a cycle the kernel rows and columns that they meet, and the address of their sums."""
from myhdl import ConcatSignal, always, always_comb, always_seq, block, concat, intbv

from rtl.config import EVENT_BITS, WORDS_AHEAD
from rtl.event_queue import event_queue
from rtl.event_unpack import event_word_bits, lane_bits
from rtl.hdl import leave_open
from rtl.stream import Stream, bit, signed, unsigned

LATENCY = 4
STAGES = 4      # words that may still come into the look-ahead queue after it was found full


def located_lane_bits(config) -> int:
    """Width of a lane of a located word: valid, value, sum, row hits, column hits (lowest)."""
    return 1 + EVENT_BITS + config.acc_address_bits + 2 * config.kernel


def located_word_bits(config) -> int:
    """Width of a located word: first, then the lanes, lane 0 lowest."""
    return config.event_lanes * located_lane_bits(config) + 1


@block
def locate_lane(clk, config, settings, tile, limit_y, limit_x, index, word, hit, part):
    """Lane `index` of a located word from that of the event word three cycles before; hit is its valid bit.

    limit_y, limit_x: sides of the tile times the stride.  An event that is not valid costs no work and is not valid.
    """
    kernel, sum_bits, coord_bits = config.kernel, config.acc_address_bits, config.coord_bits
    low = index * lane_bits(config)
    at_x = low + EVENT_BITS
    at_y, at_valid = at_x + coord_bits, at_x + 2 * coord_bits

    valid_1, valid_2 = bit(), bit()
    value_1, value_2 = unsigned(EVENT_BITS), unsigned(EVENT_BITS)
    y_1, x_1 = signed(18), signed(18)
    hits_y_2, hits_x_2 = unsigned(kernel), unsigned(kernel)
    sum_y_2, sum_x_2 = unsigned(sum_bits), unsigned(sum_bits)

    @always(clk.posedge)
    def move():
        valid_1.next = word[at_valid]
        if settings.flatten:
            y_1.next = 0
            x_1.next = 0
        else:
            y_1.next = word[at_valid:at_y] + settings.y_offset
            x_1.next = word[at_y:at_x] + settings.x_offset
        value_1.next = word[at_x:low]
        valid_2.next = valid_1
        value_2.next = value_1

    @always(clk.posedge)
    def find_hits():
        distance = intbv(0, min=-(1 << 18), max=1 << 18)
        hits = intbv(0)[kernel:]
        if valid_1:
            hits[:] = 0
            for i in range(kernel):
                distance[:] = y_1 - i
                if i < settings.kernel_h and distance >= 0 and distance < limit_y:
                    if settings.stride_log2 == 0 or (settings.stride_log2 == 1 and distance[1:] == 0) or distance[2:] == 0:
                        hits[i] = 1
            hits_y_2.next = hits
            hits[:] = 0
            for i in range(kernel):
                distance[:] = x_1 - i
                if i < settings.kernel_w and distance >= 0 and distance < limit_x:
                    if settings.stride_log2 == 0 or (settings.stride_log2 == 1 and distance[1:] == 0) or distance[2:] == 0:
                        hits[i] = 1
            hits_x_2.next = hits

    @always(clk.posedge)
    def address():
        place = intbv(0)[18:]
        product = intbv(0)[36:]
        if valid_1:
            place[:] = 0
            if y_1 >= 0:
                place[:] = y_1 >> settings.stride_log2
            product[:] = place * tile.stride_y
            sum_y_2.next = product[sum_bits:]
            place[:] = 0
            if x_1 >= 0:
                place[:] = x_1 >> settings.stride_log2
            product[:] = place * tile.stride_x
            sum_x_2.next = product[sum_bits:]

    @always(clk.posedge)
    def meet():
        total = intbv(0)[sum_bits + 1:]
        total[:] = sum_y_2 + sum_x_2
        hit.next = valid_2 and hits_y_2 != 0 and hits_x_2 != 0
        part.next = concat(value_2, total[sum_bits:], hits_y_2, hits_x_2)

    return move, find_hits, address, meet


@block
def event_locate(clk, rst, config, settings, tile, events, located, idle):
    """row hits[ky] = y + y_offset - ky is a multiple of the stride within the tile; columns likewise; sum is their address.

    With y' = y + y_offset, sum = (y' >> l) * stride_y + (x' >> l) * stride_x; with flatten y' = x' = 0. An event without hits
    is no longer valid; a word without valid events is dropped unless it is `first`: its channel must still be opened.
    settings: SourceSettings.  tile: FireSettings; its sides and strides are used.
    events: stream of event words (see event_unpack).  located: stream of located words (located_word_bits), WORDS_AHEAD of
    them held here.  idle: nothing is held here.
    Latency 4, one word a cycle. Reset empties it.
    """
    lanes = config.event_lanes
    first_bit = event_word_bits(config) - 1
    crowded, valid_1, valid_2, valid_3, first_1, first_2, first_3 = (bit() for _ in range(7))
    limit_y, limit_x = unsigned(20), unsigned(20)
    hits = [bit() for _ in range(lanes)]
    parts = [unsigned(located_lane_bits(config) - 1) for _ in range(lanes)]
    any_hit = ConcatSignal("0", *hits)
    joined = ConcatSignal(first_3, *(signal for pair in zip(reversed(hits), reversed(parts)) for signal in pair))
    bundle = Stream(located_word_bits(config))

    leave_open(bundle.ready)                # `crowded` stops the words in time
    u_lookahead = event_queue(clk, rst, bundle, located, WORDS_AHEAD, crowded, STAGES)
    u_lane = [locate_lane(clk, config, settings, tile, limit_y, limit_x, i, events.data, hits[i], parts[i])
              for i in range(lanes)]

    @always_comb
    def accept():
        events.ready.next = not crowded

    @always_seq(clk.posedge, reset=rst)
    def follow():
        valid_1.next = events.valid and not crowded
        valid_2.next = valid_1
        valid_3.next = valid_2

    @always(clk.posedge)
    def keep():
        first_1.next = events.data[first_bit]
        first_2.next = first_1
        first_3.next = first_2
        limit_y.next = tile.tile_h << settings.stride_log2
        limit_x.next = tile.tile_w << settings.stride_log2

    @always_comb
    def pack():
        bundle.valid.next = valid_3 and (first_3 or any_hit != 0)
        bundle.data.next = joined

    @always_comb
    def rest():
        idle.next = not (valid_1 or valid_2 or valid_3 or located.valid)

    return u_lookahead, u_lane, accept, follow, keep, pack, rest
