"""Walks the finished half of the accumulation buffer, window by window."""
from myhdl import always, always_comb, always_seq, block, concat, intbv

from rtl.countdown import countdown
from rtl.serial_product import serial_product
from rtl.stream import bit, signed, unsigned, wrapping

PREPARE = 7     # cycles from the start to the first step


class Scan:
    """One read a cycle: its group of lanes, whether it is covered the tile, and whether it opens or closes a window."""

    def __init__(self):
        self.valid, self.covered, self.opens, self.closes = bit(), bit(), bit(), bit()
        self.group = unsigned(6)


@block
def fire_scan(clk, rst, config, start, go, settings, sweeping, scan, port, running):
    """For chunk, group, fired y, fired x, window dy, dx: read sum address (y * stride_y + x * stride_x + chunk).

    y = fired_y * pool_stride - pool_pad_y + dy, x = fired_x * pool_stride - pool_pad + dx; positions outside the tile, on any
    side, are skipped by `covered`. A position is cleared in the last window that reads it, so that the half is all zero when the
    scan ends: all lanes with the last group of a chunk that is scanned; those past the last channel are zero, as are their weights.
    start: pulse with settings (FireConfig or FireSettings) in place from the next cycle on.  go: a read may be issued this cycle.
    sweeping: clear every address of both halves instead (after reset).  scan: Scan, registered.  port: FirePort, registered.
    running: high from start until the last read is decided on.
    One read a cycle, two cycles after it was decided on, the first PREPARE + 1 cycles after the start. Reset stops the scan.
    """
    bits, groups, fire_lanes = config.acc_address_bits, config.fire_groups, config.fire_lanes
    last_group, before_last, lane_shift = groups - 1, (groups - 2) % groups, (fire_lanes - 1).bit_length()
    last_phase = PREPARE - 2
    phase_q = unsigned(last_phase + 1)
    init_q, active_q, move, measure = bit(), bit(), bit(), bit()
    step_y, step_x, back_y, back_x = (unsigned(bits) for _ in range(4))
    at_q, line_up, window_up, row_up, group_up = (wrapping(bits) for _ in range(5))    # up: where the next one of that loop begins
    dy_q, dx_q, group_q = unsigned(4), unsigned(4), unsigned(6)
    top_q, left_q, top_up, left_up, y_q, x_q = (signed(18) for _ in range(6))
    start_y, start_x = signed(5), signed(5)
    end_dx, end_dy, end_x, end_y, end_group, end_pass = (bit() for _ in range(6))   # registers: last round of that loop
    next_dx, next_dy, next_x, next_y, next_group = (bit() for _ in range(5))    # the loop that goes on, one of them
    after_dx, after_dy, after_x = bit(), bit(), bit()                           # one further out than that goes on
    rounds_q = wrapping(17)         # groups of output channels still to come
    valid_1, covered_1, leaving_1, opens_1, closes_1 = (bit() for _ in range(5))
    group_1, at_1 = unsigned(6), unsigned(bits)
    clear_q, clear_at_q, sweep_q = bit(), wrapping(bits), wrapping(bits)

    u_step_y = serial_product(clk, measure, settings.stride_y, settings.pool_stride, step_y)
    u_step_x = serial_product(clk, measure, settings.stride_x, settings.pool_stride, step_x)
    u_back_y = serial_product(clk, measure, settings.stride_y, settings.pool_pad_y, back_y)
    u_back_x = serial_product(clk, measure, settings.stride_x, settings.pool_pad, back_x)
    u_dx = countdown(clk, measure, move, next_dx, after_dx, settings.pool, end_dx)
    u_dy = countdown(clk, measure, move, next_dy, after_dy, settings.pool, end_dy)
    u_x = countdown(clk, measure, move, next_x, after_x, settings.width, end_x)
    u_y = countdown(clk, measure, move, next_y, next_group, settings.height, end_y)

    @always_comb
    def choose():
        # All loops are over before the first step: it ends a group that never was, and so begins the first one.
        next_dx.next = not end_dx
        next_dy.next = end_dx and not end_dy
        next_x.next = end_dx and end_dy and not end_x
        next_y.next = end_dx and end_dy and end_x and not end_y
        next_group.next = end_dx and end_dy and end_x and end_y
        after_dx.next = end_dx
        after_dy.next = end_dx and end_dy
        after_x.next = end_dx and end_dy and end_x

    @always_comb
    def allow():
        move.next = init_q or (active_q and go)
        measure.next = phase_q[0]
        running.next = phase_q != 0 or init_q or active_q

    @always_seq(clk.posedge, reset=rst)
    def begin():
        phase_q.next = concat(phase_q[last_phase:], start)
        init_q.next = phase_q[last_phase]
        if init_q:
            active_q.next = 1
        elif active_q and go and next_group and end_pass:
            active_q.next = 0

    @always(clk.posedge)
    def walk_groups():
        groups_up = intbv(0)[17:]
        groups_up[:] = settings.channels + (fire_lanes - 1)
        if phase_q[last_phase]:
            group_up.next = -back_y - back_x
            rounds_q.next = groups_up >> lane_shift
            group_q.next = last_group
        elif move and next_group:
            rounds_q.next = rounds_q - 1
            end_pass.next = rounds_q == 1
            group_q.next = (group_q + 1) & last_group
            end_group.next = group_q == before_last
            if group_q == before_last:
                group_up.next = group_up + 1

    @always(clk.posedge)
    def walk_addresses():
        base = intbv(0)[bits:]
        if move:
            if next_dx:
                at_q.next = at_q + settings.stride_x
            elif next_dy:
                at_q.next = line_up
            elif next_x:
                at_q.next = window_up
            elif next_y:
                at_q.next = row_up
            else:
                at_q.next = group_up
            base[:] = group_up
            if not end_y:
                base[:] = row_up
            if not end_x:
                base[:] = window_up
            if not end_dy:
                base[:] = line_up
            if after_dx:
                line_up.next = base + settings.stride_y
            base[:] = group_up
            if not end_y:
                base[:] = row_up
            if not end_x:
                base[:] = window_up
            if after_dy:
                window_up.next = base + step_x
            base[:] = group_up
            if not end_y:
                base[:] = row_up
            if after_x:
                row_up.next = base + step_y

    @always(clk.posedge)
    def walk_places():
        base = intbv(0, min=-(1 << 17), max=1 << 17)
        start_y.next = -settings.pool_pad_y
        start_x.next = -settings.pool_pad
        if move:
            dx_q.next = 0
            if next_dx:
                dx_q.next = dx_q + 1
                x_q.next = x_q + 1
            elif next_dy:
                x_q.next = left_q
            elif next_x:
                x_q.next = left_up
            else:
                x_q.next = start_x
            if next_x:
                left_q.next = left_up
            elif after_x:
                left_q.next = start_x
            base[:] = left_up
            if end_x:
                base[:] = start_x
            if after_dy:
                left_up.next = base + settings.pool_stride
            if next_dy:
                dy_q.next = dy_q + 1
                y_q.next = y_q + 1
            elif next_x:
                dy_q.next = 0
                y_q.next = top_q
            elif next_y:
                dy_q.next = 0
                y_q.next = top_up
            elif next_group:
                dy_q.next = 0
                y_q.next = start_y
            if next_y:
                top_q.next = top_up
            elif next_group:
                top_q.next = start_y
            base[:] = top_up
            if end_y:
                base[:] = start_y
            if after_x:
                top_up.next = base + settings.pool_stride

    @always_seq(clk.posedge, reset=rst)
    def follow():
        valid_1.next = active_q and go

    @always(clk.posedge)
    def look():
        covered_1.next = y_q >= 0 and y_q < settings.tile_h and x_q >= 0 and x_q < settings.tile_w
        leaving_1.next = ((dy_q < settings.pool_stride or end_y) and (dx_q < settings.pool_stride or end_x)
                          and (end_group or end_pass))
        opens_1.next = dy_q == 0 and dx_q == 0
        closes_1.next = end_dy and end_dx
        group_1.next = group_q
        at_1.next = at_q

    @always_seq(clk.posedge, reset=rst)
    def issue():
        scan.valid.next = valid_1
        scan.covered.next = covered_1
        scan.opens.next = opens_1
        scan.closes.next = closes_1
        scan.group.next = group_1
        port.read.next = valid_1
        port.read_address.next = at_1
        clear_q.next = valid_1 and covered_1 and leaving_1
        clear_at_q.next = at_1
        # A cycle behind the read, so that no address is read and written at once.
        port.clear.next = clear_q
        port.clear_address.next = clear_at_q
        port.sweep.next = sweeping
        if sweeping:
            port.clear.next = 1
            port.clear_address.next = sweep_q
            sweep_q.next = sweep_q + 1

    return (u_step_y, u_step_x, u_back_y, u_back_x, u_dx, u_dy, u_x, u_y, choose, allow, begin, walk_groups, walk_addresses,
            walk_places, follow, look, issue)
