"""Where an event meets the kernel: first and last kernel row and column that hit the tile, and the first sum's address."""
from myhdl import always, always_comb, always_seq, block, intbv

from rtl.compact.sizes import place, place_bits, side_bits, spare_multipliers
from rtl.config import EVENT_BITS
from rtl.primitives.quick_product import quick_product
from rtl.stream import bit, signed, unsigned, wrapping


class PlacedEvent:
    """A stream of events: kernel rows top, top + stride .. bottom, columns left .. right, the sum address of (top, left).

    ends: no event, the end of a channel.
    """

    def __init__(self, config):
        side = side_bits(config)
        self.value, self.sum = signed(EVENT_BITS), wrapping(config.acc_address_bits)
        self.top, self.bottom, self.left, self.right = (unsigned(side) for _ in range(4))
        self.ends, self.valid, self.ready = bit(), bit(), bit()


@block
def axis_place(clk, config, step, along, last, side, tile, log2, first, final, out, none):
    """Kernel positions `first`, first + 2**log2 .. `final` of an axis hit the tile for an event at `along`; none: none does.

        first = along - last where that is not negative, else along mod 2**log2;   final = min(along, kernel side - 1)
        out = (along - first) >> log2

    last: (tile - 1) << log2.  step: move on.  Latency 1.
    """
    bits, wide = side_bits(config), place_bits(config)
    most, tile_mask = (1 << bits) - 1, (1 << (wide - 2)) - 1
    beyond = signed(wide + 3)

    @always_comb
    def look():
        beyond.next = along - last

    @always(clk.posedge)
    def find():
        near = intbv(0)[wide + 1:]
        whole = intbv(0)[wide:]
        if step:
            near[:] = 0
            whole[:] = 0
            if along >= 0:
                whole[:] = along
            if beyond >= 0:
                near[:] = beyond
                out.next = (tile - 1) & (tile_mask)
            else:
                if log2 == 1:
                    near[:] = whole & 1
                elif log2 != 0:
                    near[:] = whole & 3
                out.next = whole >> log2
            first.next = near[bits:]
            final.next = (side - 1) & most
            if along < side:
                final.next = whole[bits:]
            none.next = along < 0 or near >= side

    return look, find


@block
def event_place(clk, rst, config, enter, settings, event, placed, goal, goal_valid, goal_ready, empty):
    """Places events of a channel one after the other; with flatten, tells for each the row of weights that it needs.

        y' = y + (place >> s),  x' = x offset + place mod 2**s,  sum = (y' - top >> l) * stride_y + (x' - left >> l) *
        stride_x

    enter: pulse; settings: Settings, held.  event: FeedEvent, y with the y offset.  placed: PlacedEvent; events that
    hit nothing are left out.
    With diagonal, a channel's place among the chunks is added to sum. With flatten sum is 0, kernel ranges are those
    of a 1 x 1 kernel, and
    goal = channel * flat_size + y' * flat_width + x' is given once, before or with the event.
    empty: nothing is held here.  Latency 4, an event every other cycle; with flatten a cycle more for each line of the map
    between two. Reset empties it.
    """
    sums, wide = config.acc_address_bits, place_bits(config)
    lane_mask, beyond_all, sum_mask = config.lanes - 1, (1 << (wide - 1)) - 1, (1 << sums) - 1
    step, moves = bit(), bit()
    valid_1, valid_2, valid_3, ends_1, ends_2, ends_3 = (bit() for _ in range(6))
    value_1, value_2, value_3 = (signed(EVENT_BITS) for _ in range(3))
    y_1, x_1 = place(config), place(config)
    out_y, out_x = unsigned(wide - 1), unsigned(wide - 1)
    last_y, last_x = signed(wide + 2), signed(wide + 2)
    top_2, bottom_2, left_2, right_2 = (unsigned(side_bits(config)) for _ in range(4))
    top_3, bottom_3, left_3, right_3 = (unsigned(side_bits(config)) for _ in range(4))
    none_y, none_x = bit(), bit()
    row_3, column_3, extra_q = unsigned(sums), unsigned(sums), wrapping(sums)
    stride_y, stride_x, lines, columns = (unsigned(sums) for _ in range(4))
    cell = spare_multipliers(config) >= 2
    number_q = wrapping(config.lanes.bit_length() - 1)
    line_q, channel_q, moved, y_q, goal_3 = wrapping(16), wrapping(16), wrapping(16), wrapping(wide - 1), wrapping(16)

    u_y = axis_place(clk, config, step, y_1, last_y, settings.kernel_h, settings.tile_h, settings.stride_log2, top_2,
                     bottom_2, out_y, none_y)
    u_x = axis_place(clk, config, step, x_1, last_x, settings.kernel_w, settings.tile_w, settings.stride_log2, left_2,
                     right_2, out_x, none_x)

    u_row = quick_product(clk, step, lines, stride_y, row_3, cell)
    u_column = quick_product(clk, step, columns, stride_x, column_3, cell)

    @always_comb
    def cut():
        lines.next = out_y & sum_mask
        columns.next = out_x & sum_mask
        stride_y.next = settings.stride_y & sum_mask
        stride_x.next = settings.stride_x & sum_mask

    @always_comb
    def look():
        # With flatten the row of weights is followed line by line: events come in their order.
        moves.next = settings.flatten and valid_2 and not ends_2 and y_q != out_y
        # Not in the cycle in which the last one is taken: a path from the memory port back to the feed would be the longest.
        step.next = (not placed.valid and not goal_valid
                     and not (settings.flatten and valid_2 and not ends_2 and y_q != out_y))
        empty.next = not (valid_1 or valid_2 or valid_3 or placed.valid)

    @always_comb
    def accept():
        event.ready.next = step
        moved.next = line_q + settings.flat_width
        if not moves:
            moved.next = channel_q + settings.flat_size

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if step:
            valid_1.next = event.valid
            ends_1.next = event.ends
            valid_2.next = valid_1
            ends_2.next = ends_1
            valid_3.next = valid_2 and (ends_2 or settings.flatten or not (none_y or none_x))
            ends_3.next = ends_2
            placed.valid.next = valid_3
            placed.ends.next = ends_3
            goal_valid.next = valid_3 and not ends_3 and settings.flatten
        else:
            if placed.ready:
                placed.valid.next = False
            if goal_ready:
                goal_valid.next = False

    @always_seq(clk.posedge, reset=rst)
    def chase():
        if enter:
            line_q.next = 0
            channel_q.next = 0
            y_q.next = 0
        elif moves:
            line_q.next = moved
            y_q.next = y_q + 1
        elif step and valid_2 and ends_2:
            line_q.next = moved
            channel_q.next = moved
            y_q.next = 0

    @always_seq(clk.posedge, reset=rst)
    def gather():
        if enter:
            number_q.next = 0
            extra_q.next = 0
            if settings.diagonal:
                extra_q.next = 0 - settings.first_chunk
        elif step and valid_3 and ends_3:
            number_q.next = number_q + 1
            if settings.diagonal and number_q == lane_mask:
                extra_q.next = extra_q + 1

    @always(clk.posedge)
    def carry():
        last = intbv(0, min=-(1 << (wide + 1)), max=1 << (wide + 1))
        # With flatten every place is before the end of the tile, so that it comes through as it is.
        last[:] = settings.tile_h - 1
        last[:] = last << settings.stride_log2
        last_y.next = last
        last[:] = settings.tile_w - 1
        last[:] = last << settings.stride_log2
        last_x.next = last
        if settings.flatten:
            last_y.next = beyond_all
            last_x.next = beyond_all
        if step:
            value_1.next = event.value[EVENT_BITS:].signed()
            y_1.next = event.y + (event.place >> settings.x_bits)
            x_1.next = settings.x_offset + (event.place & ((1 << settings.x_bits) - 1))
            value_2.next = value_1
            value_3.next = value_2
            top_3.next = top_2
            bottom_3.next = bottom_2
            left_3.next = left_2
            right_3.next = right_2
            goal_3.next = line_q + out_x
            placed.value.next = value_3
            placed.top.next = top_3
            placed.bottom.next = bottom_3
            placed.left.next = left_3
            placed.right.next = right_3
            placed.sum.next = row_3 + column_3 + extra_q
            goal.next = goal_3
            if settings.flatten:
                placed.sum.next = 0
                placed.top.next = 0
                placed.bottom.next = 0
                placed.left.next = 0
                placed.right.next = 0

    return u_y, u_x, u_row, u_column, cut, look, accept, follow, chase, gather, carry
