"""Where an event meets the kernel: first and last kernel row and column that hit the tile, and the first sum's address."""
from myhdl import Signal, always, always_comb, always_seq, block, intbv, modbv

from rtl.compact.axis_place import axis_place
from rtl.compact.sizes import place, place_bits, side_bits
from rtl.config import EVENT_BITS
from rtl.stream import bit, signed, unsigned, wrapping

TAKE, AIM, LINE, COLUMN, CLOSE = range(5)


class PlacedEvent:
    """A stream of events: the first kernel row and column that it meets, how many more there are, the sum address of those.

    ends: no event, the end of a channel.
    """

    def __init__(self, config):
        side = side_bits(config)
        self.value, self.sum = signed(EVENT_BITS), wrapping(config.acc_address_bits)
        self.top, self.more_rows, self.left, self.more_columns = (unsigned(side) for _ in range(4))
        self.ends, self.valid, self.ready = bit(), bit(), bit()


@block
def along_axis(settings, event, held, columns, along):
    """along = y + (place >> s) of an event, or with `columns` x offset + held mod 2**s of the place held; combinational."""

    @always_comb
    def add():
        part = intbv(0)[8:]
        part[:] = event.place >> settings.x_bits
        along.next = event.y + part
        if columns:
            part[:] = held & (((1 << settings.x_bits) - 1) & 0xFF)
            along.next = settings.x_offset + part

    return add


@block
def chunk_place(clk, rst, config, settings, closed, extra):
    """extra = what a channel's place among the chunks adds to a sum address: with diagonal a chunk for every C channels.

    settings: Settings.  closed: pulse, the next channel begins.
    """
    lane_mask, sum_mask = config.lanes - 1, (1 << len(extra)) - 1
    number_q = wrapping(config.lanes.bit_length() - 1)

    @always_seq(clk.posedge, reset=rst)
    def count():
        if settings.first_chunk:
            extra.next = 0
            if settings.diagonal:
                extra.next = 0 - (settings.address & sum_mask)
            number_q.next = 0
        elif closed:
            number_q.next = number_q + 1
            if settings.diagonal and number_q == lane_mask:
                extra.next = extra + 1

    return count


@block
def event_place(clk, rst, config, enter, settings, event, placed, row_valid, row_lists, row_ahead, row_ready, empty):
    """Places events of a channel one after the other; with flatten, tells for each the row of weights that it needs.

        sum = (y' - top >> l) * stride_y + (x' - left >> l) * stride_x

    enter: pulse; settings: Settings, held.  event: FeedEvent, y with the y offset.  placed: PlacedEvent; events that
    hit nothing are left out.
    Events come in the order of their places, so that the address goes from one to the next by strides, one a cycle: first
    lines, then columns. With diagonal, a channel's place among the chunks is added. With flatten sum is 0, kernel ranges
    are those of a 1 x 1 kernel, and the position goes along with the rows of weights:
    row_valid: one is to be passed, which it is with row_ready; row_lists: it is the event's; row_ahead: one will be.
    empty: nothing is held here.  3 cycles an event, and one for each line and column on the way. Reset empties it.
    """
    sums, wide, side = config.acc_address_bits, place_bits(config), side_bits(config)
    most_line = wide - 1
    state_q = Signal(intbv(TAKE, min=0, max=8))
    along, along_q, value_q, place_q = place(config), place(config), signed(EVENT_BITS), unsigned(8)
    columns, none, none_q, misses, there, again, free, aims, places, takes, lags, closed, clear = (bit() for _ in range(13))
    kernel, tile_end = unsigned(4), unsigned(wide - 2)
    first, final, first_q, final_q, top_q, rows_more_q, more = (unsigned(side_bits(config)) for _ in range(7))
    out, target_q = unsigned(wide - 2), unsigned(most_line)
    y_q, x_q, rows_q = wrapping(most_line), wrapping(most_line), wrapping(16)
    line_q, sum_q, moved, extra = wrapping(sums), wrapping(sums), wrapping(sums), wrapping(sums)

    u_along = along_axis(settings, event, place_q, columns, along)
    u_axis = axis_place(config, along_q, kernel, tile_end, settings.stride_log2, first, final, out, none)
    u_chunk = chunk_place(clk, rst, config, settings, closed, extra)

    @always_comb
    def turn():
        columns.next = state_q == AIM

    # A cycle early, before a long path: in AIM rows are looked at, in LINE, which comes next, columns.
    @always(clk.posedge)
    def choose():
        kernel.next = settings.kernel_h
        tile_end.next = settings.tile_bottom
        if state_q == AIM or state_q == LINE:
            kernel.next = settings.kernel_w
            tile_end.next = settings.tile_right

    @always_comb
    def look():
        there.next = y_q == target_q
        if state_q == COLUMN:
            there.next = x_q == target_q
        misses.next = none_q and not settings.flatten
        # Not in the cycle in which it is taken: a path from the memory port back to here would be the longest.
        free.next = not placed.valid
        lags.next = settings.flatten and rows_q != settings.flat_size

    @always_comb
    def measure():
        span = modbv(0)[side:]
        span[:] = final_q - first_q
        more.next = span >> settings.stride_log2

    @always_comb
    def decide():
        closed.next = state_q == CLOSE and not lags and (free or settings.flatten)
        aims.next = state_q == LINE and there and not misses
        places.next = state_q == COLUMN and there and not misses and free and (row_ready or not settings.flatten)
        takes.next = state_q == TAKE or (state_q == COLUMN and there and not misses and free
                                         and (row_ready or not settings.flatten))

    @always_comb
    def accept():
        event.ready.next = takes
        clear.next = enter or closed
        row_valid.next = settings.flatten and (((state_q == LINE or state_q == COLUMN) and not there)
                                               or (state_q == COLUMN and free) or (state_q == CLOSE and lags))
        row_lists.next = state_q == COLUMN and there
        row_ahead.next = lags and state_q != TAKE
        empty.next = state_q == TAKE and not placed.valid

    @always_comb
    def move():
        base = modbv(0)[sums:]
        base[:] = line_q
        amount = modbv(0)[sums:]
        amount[:] = settings.stride_y[sums:]
        again.next = x_q == settings.tile_right
        if state_q == COLUMN:
            amount[:] = 0
            if x_q != settings.tile_right:
                base[:] = sum_q
                amount[:] = settings.stride_x[sums:]
        moved.next = base + amount

    @always_seq(clk.posedge, reset=rst)
    def walk():
        if placed.ready:
            placed.valid.next = False
        # With flatten rows are counted, and nobody needs a channel's end.
        if places or (closed and not settings.flatten):
            placed.valid.next = True
            placed.ends.next = closed
        if takes:
            state_q.next = TAKE
            if event.valid:
                state_q.next = AIM
                if event.ends:
                    state_q.next = CLOSE
        elif state_q == AIM:
            state_q.next = LINE
        elif aims:
            state_q.next = COLUMN
        elif closed or (misses and (state_q == LINE or state_q == COLUMN)):
            state_q.next = TAKE

    @always_seq(clk.posedge, reset=rst)
    def follow():
        if clear:
            y_q.next = 0
            x_q.next = 0
            rows_q.next = 0
            line_q.next = 0
            sum_q.next = 0
        elif settings.flatten:
            if row_valid and row_ready:
                rows_q.next = rows_q + 1
                x_q.next = x_q + 1
                if x_q == settings.flat_end:
                    x_q.next = 0
                    y_q.next = y_q + 1
        elif not there and not none_q:
            if state_q == LINE:
                y_q.next = y_q + 1
                x_q.next = 0
                line_q.next = moved
                sum_q.next = moved
            elif state_q == COLUMN:
                # Another line of events may be of the same line of sums.
                x_q.next = x_q + 1
                if again:
                    x_q.next = 0
                sum_q.next = moved

    @always(clk.posedge)
    def keep():
        if takes or state_q == AIM:
            along_q.next = along
        if takes:
            value_q.next = event.value[EVENT_BITS:].signed()
            place_q.next = event.place
        if state_q == AIM or aims:
            first_q.next = first
            final_q.next = final
            none_q.next = none
            target_q.next = out
            if settings.flatten:
                target_q.next = along_q[most_line:]
        if aims:
            top_q.next = first_q
            rows_more_q.next = more
        if places:
            placed.value.next = value_q
            placed.sum.next = sum_q + extra
            placed.top.next = top_q
            placed.more_rows.next = rows_more_q
            placed.left.next = first_q
            placed.more_columns.next = more
        if settings.flatten:
            placed.top.next = 0
            placed.left.next = 0
            placed.more_rows.next = 0
            placed.more_columns.next = 0

    return u_along, u_axis, u_chunk, turn, choose, look, measure, decide, accept, move, walk, follow, keep
