"""Where each output of a pass belongs: its place in its band, and what ends with it."""
from myhdl import always, always_comb, always_seq, block, intbv

from rtl.stream import bit, unsigned, wrapping

STRIP = 128             # columns of a strip, and of a row of a vector


@block
def _countdown(clk, rst, begin, size, step, full, last):
    """last: this is the last of `full` steps, which then begin anew.  begin: start anew with `size` steps; full is size from then on."""
    left_q, last_q, lone_q = unsigned(len(size)), bit(), bit()

    @always_comb
    def tell():
        last.next = last_q

    @always_seq(clk.posedge, reset=rst)
    def count():
        if begin:
            left_q.next = size
            lone_q.next = size == 1
            last_q.next = size == 1
        elif step and last_q:
            left_q.next = full
            last_q.next = lone_q
        elif step:
            left_q.next = left_q - 1
            last_q.next = left_q == 2

    return tell, count


@block
def output_place(clk, rst, config, begin, settings, step, position, ends_band, ends_group, ends_pass, lanes):
    """Of the output that comes next, in fire's order (groups outside, then y, then x): its place and what it is the last of.

    begin: pulse, a pass begins with `settings` (FireSettings).  step: the next output, from the cycle after.
    position: (y - y0) << x_bits | (x - x0) inside its band; of a vector that of lane 0, to which the lane is added.
    ends_band, ends_group, ends_pass: it is the last output of its band, of fire_lanes channels, of the pass.
    lanes: channels of its group.
    Latency 1. Reset: no pass.
    """
    fire_lanes, last_base, last_column = config.fire_lanes, STRIP - config.fire_lanes, STRIP - 1
    twice, lane_bits = 2 * fire_lanes, len(lanes)
    vector_q, height_q, width_q, rows_q, rows = bit(), unsigned(16), unsigned(16), unsigned(8), unsigned(8)
    row_step_q, row_q, column_q, base_q = wrapping(8), wrapping(8), wrapping(7), wrapping(7)
    left_q, last_group_q = unsigned(16), bit()
    end_x, end_y, end_row, next_row, next_group, next_band = (bit() for _ in range(6))

    u_x = _countdown(clk, rst, begin, settings.width, step, width_q, end_x)
    u_y = _countdown(clk, rst, begin, settings.height, next_row, height_q, end_y)
    u_row = _countdown(clk, rst, next_band, rows, next_row, rows_q, end_row)

    @always_comb
    def look():
        next_row.next = step and end_x
        next_group.next = step and end_x and end_y
        next_band.next = begin or (step and end_x and end_y)
        rows.next = rows_q
        if begin:
            rows.next = settings.band_rows

    @always_comb
    def tell():
        ends_group.next = end_x and end_y
        ends_pass.next = end_x and end_y and last_group_q
        position.next = row_q | column_q
        ends_band.next = (end_x or column_q == last_column) and (end_y or end_row)
        if vector_q:
            position.next = base_q
            ends_band.next = last_group_q or base_q == last_base
        lanes.next = fire_lanes
        if last_group_q:
            lanes.next = left_q[lane_bits:]

    @always(clk.posedge)
    def keep():
        if begin:
            vector_q.next = settings.vector
            height_q.next = settings.height
            width_q.next = settings.width
            rows_q.next = settings.band_rows
            row_step_q.next = (1 << settings.x_bits) & 255

    @always_seq(clk.posedge, reset=rst)
    def count_rows():
        if begin or next_group:
            row_q.next = 0
        elif next_row:
            row_q.next = row_q + row_step_q
            if end_row:
                row_q.next = 0
        if begin or next_row:
            column_q.next = 0
        elif step:
            column_q.next = column_q + 1

    @always_seq(clk.posedge, reset=rst)
    def count_groups():
        if begin:
            base_q.next = 0
            left_q.next = settings.channels
            last_group_q.next = settings.channels <= fire_lanes
        elif next_group:
            base_q.next = base_q + fire_lanes
            last_group_q.next = left_q <= twice
            if not last_group_q:
                left_q.next = left_q - fire_lanes

    return u_x, u_y, u_row, look, tell, keep, count_rows, count_groups
