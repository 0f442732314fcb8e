"""Reads a pass's tokens in channel order and turns them into events with addresses."""
from myhdl import always, always_comb, always_seq, block, concat, intbv

from rtl.config import EVENT_BITS, LOOKAHEAD
from rtl.event_queue import event_queue
from rtl.hdl import leave_open
from rtl.stream import Stream, bit, signed, unsigned, wrapping

STAGES = 4      # events between the token port and the look-ahead queue


def located_bits(config) -> int:
    """Width of a located event: first, value, sum, row hits, column hits (lowest)."""
    return 1 + EVENT_BITS + config.acc_address_bits + 2 * config.kernel


@block
def event_source(clk, rst, config, start, settings, tile, outside, bank_token, bank_valid, bank_take, bank_index,
                 located, requests, drained, finished):
    """Tokens -> located events; the first event of a channel asks for that channel's weights.

    For an event at (y, x): y' = y + y_offset, row hits[ky] = y' - ky is a multiple of the stride within the tile, columns
    likewise, sum = (y' >> l) * stride_y + (x' >> l) * stride_x. An event without hits is dropped. With flatten the channel
    is channel * flat_size + y * flat_width + x, at y' = x' = 0. A drain pass sends its tokens out as they are.
    start: pulse; settings (SourceConfig) and tile (FireConfig) hold the pass from the next cycle on.
    outside: token stream in.  bank_token, bank_valid, bank_take, bank_index: head of the chosen event bank.
    located: stream of packed events (see located_bits), LOOKAHEAD of them held here.
    requests: stream of weights_id and channel.  drained: stream of tokens.  finished: all is handed on.
    Latency 4, one token a cycle. Reset ends the pass.
    """
    kernel, sum_bits, coord_bits = config.kernel, config.acc_address_bits, config.coord_bits
    banks = config.fire_lanes
    bank_bits = max(1, (banks - 1).bit_length())

    token_bits, tail = config.token_bits, EVENT_BITS + 2 * coord_bits

    active_q, crowded, go, have, take = bit(), bit(), bit(), bit(), bit()
    token = unsigned(token_bits)
    channel_q, repeat_q, base_q = unsigned(16), unsigned(16), wrapping(17)
    bank_q = unsigned(bank_bits)
    fresh_q, hit = bit(), bit()

    valid_1, valid_2, valid_3 = bit(), bit(), bit()
    ended_1, ended_2, ended_3 = bit(), bit(), bit()
    value_1, value_2, value_3 = (signed(EVENT_BITS) for _ in range(3))
    y_1, x_1, y_2, x_2 = unsigned(coord_bits), unsigned(coord_bits), signed(18), signed(18)
    channel_1, base_1, channel_2, channel_3 = (unsigned(17) for _ in range(4))
    hits_y_3, hits_x_3 = unsigned(kernel), unsigned(kernel)
    sum_y_3, sum_x_3 = unsigned(sum_bits), unsigned(sum_bits)
    bundle, asked = Stream(located_bits(config)), Stream(32)

    leave_open(bundle.ready, asked.ready)   # `crowded` stops the tokens in time; no more requests than events wait
    u_lookahead = event_queue(clk, rst, bundle, located, LOOKAHEAD, crowded, STAGES)
    u_requests = event_queue(clk, rst, asked, requests, LOOKAHEAD)

    @always_comb
    def choose():
        have.next = outside.valid
        token.next = outside.data
        if settings.banks:
            have.next = bank_valid
            token.next = bank_token

    @always_comb
    def allow():
        go.next = active_q and not crowded and not (settings.drain and drained.valid)

    @always_comb
    def transfer():
        take.next = go and have
        outside.ready.next = go and not settings.banks
        bank_take.next = go and settings.banks
        bank_index.next = bank_q

    @always_seq(clk.posedge, reset=rst)
    def count_channels():
        if start:
            active_q.next = 1
            channel_q.next = 0
            repeat_q.next = 0
            base_q.next = 0
            bank_q.next = 0
        elif take and token[token_bits - 1]:
            channel_q.next = channel_q + 1
            base_q.next = base_q + settings.flat_size
            bank_q.next = (bank_q + 1) & (banks - 1)
            if channel_q + 1 == settings.channels:
                channel_q.next = 0
                base_q.next = 0
                bank_q.next = 0
                repeat_q.next = repeat_q + 1
                if repeat_q + 1 == settings.repeats:
                    active_q.next = 0

    @always_seq(clk.posedge, reset=rst)
    def drain_out():
        if drained.ready:
            drained.valid.next = 0
        if take and settings.drain:
            drained.valid.next = 1
            drained.data.next = token

    @always_seq(clk.posedge, reset=rst)
    def follow():
        valid_1.next = take and token[tail] and not settings.drain
        ended_1.next = take and token[token_bits - 1]
        valid_2.next = valid_1
        ended_2.next = ended_1
        valid_3.next = valid_2
        ended_3.next = ended_2
        if start or ended_3:
            fresh_q.next = 1
        elif hit:
            fresh_q.next = 0

    @always(clk.posedge)
    def locate():
        value_1.next = token[EVENT_BITS:].signed()
        x_1.next = token[EVENT_BITS + coord_bits:EVENT_BITS]
        y_1.next = token[tail:EVENT_BITS + coord_bits]
        channel_1.next = channel_q
        base_1.next = base_q
        value_2.next = value_1
        if settings.flatten:
            y_2.next = 0
            x_2.next = 0
            channel_2.next = base_1 + y_1 * settings.flat_width + x_1
        else:
            y_2.next = y_1 + settings.y_offset
            x_2.next = x_1 + settings.x_offset
            channel_2.next = channel_1
        value_3.next = value_2
        channel_3.next = channel_2

    @always(clk.posedge)
    def find_hits():
        distance = intbv(0, min=-(1 << 18), max=1 << 18)
        limit = intbv(0)[20:]
        hits = intbv(0)[kernel:]
        limit[:] = tile.tile_h << settings.stride_log2
        hits[:] = 0
        for i in range(kernel):
            distance[:] = y_2 - i
            if i < settings.kernel_h and distance >= 0 and distance < limit:
                if settings.stride_log2 == 0 or (settings.stride_log2 == 1 and distance[1:] == 0) or distance[2:] == 0:
                    hits[i] = 1
        hits_y_3.next = hits
        limit[:] = tile.tile_w << settings.stride_log2
        hits[:] = 0
        for i in range(kernel):
            distance[:] = x_2 - i
            if i < settings.kernel_w and distance >= 0 and distance < limit:
                if settings.stride_log2 == 0 or (settings.stride_log2 == 1 and distance[1:] == 0) or distance[2:] == 0:
                    hits[i] = 1
        hits_x_3.next = hits

    @always(clk.posedge)
    def address():
        index = intbv(0)[18:]
        product = intbv(0)[36:]
        index[:] = 0
        if y_2 >= 0:
            index[:] = y_2 >> settings.stride_log2
        product[:] = index * tile.stride_y
        sum_y_3.next = product[sum_bits:]
        index[:] = 0
        if x_2 >= 0:
            index[:] = x_2 >> settings.stride_log2
        product[:] = index * tile.stride_x
        sum_x_3.next = product[sum_bits:]

    @always_comb
    def meet():
        hit.next = valid_3 and hits_y_3 != 0 and hits_x_3 != 0

    @always_comb
    def pack():
        total = intbv(0)[sum_bits + 1:]
        first = bool(0)
        total[:] = sum_y_3 + sum_x_3
        first = fresh_q or settings.flatten
        bundle.valid.next = hit
        bundle.data.next = concat(first, value_3[EVENT_BITS:], total[sum_bits:], hits_y_3, hits_x_3)
        asked.valid.next = hit and first
        asked.data.next = concat(settings.weights_id, channel_3[16:])

    @always_comb
    def finish():
        finished.next = not (active_q or valid_1 or valid_2 or valid_3 or ended_1 or ended_2 or ended_3
                             or located.valid or drained.valid)

    return (u_lookahead, u_requests, choose, allow, transfer, count_channels, drain_out, follow, locate, find_hits,
            address, meet, pack, finish)
