"""Walks the finished half of the accumulation buffer, window by window."""
from myhdl import always, always_comb, always_seq, block, intbv

from rtl.stream import bit, signed, unsigned, wrapping


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
    scan ends: groups of lanes past the last channel are not scanned, their weights are zero.
    start: pulse with settings (FireConfig or FireSettings) in place from the next cycle on.  go: a read may be issued this cycle.
    sweeping: clear every address of both halves instead (after reset).  scan: Scan, registered.  port: FirePort, registered.
    running: high from start until the last read is issued.
    One read a cycle. Reset stops the scan.
    """
    bits, groups, fire_lanes = config.acc_address_bits, config.fire_groups, config.fire_lanes
    wide, last_group = bits + 6, groups - 1
    prepare_q, active_q, ready_q = bit(), bit(), bit()
    step_y, step_x = unsigned(bits + 5), unsigned(bits + 5)
    origin_q, line_q, window_q, stripe_q, at_q = (signed(wide + 2) for _ in range(5))
    dy_q, dx_q, group_q = unsigned(4), unsigned(4), unsigned(6)
    fired_y_q, fired_x_q = unsigned(16), unsigned(16)
    top_q, left_q, y_q, x_q = (signed(18) for _ in range(4))
    end_dx, end_dy, end_x, end_y, end_group, end_pass = (bit() for _ in range(6))
    reached_q = unsigned(17)        # output channels up to and with this group
    clear_q = unsigned(groups)
    clear_at_q = wrapping(bits)
    sweep_q = wrapping(bits)

    @always_comb
    def ends():
        end_dx.next = dx_q + 1 == settings.pool
        end_dy.next = dy_q + 1 == settings.pool
        end_x.next = fired_x_q + 1 == settings.width
        end_y.next = fired_y_q + 1 == settings.height
        end_group.next = group_q == last_group
        end_pass.next = reached_q >= settings.channels
        running.next = prepare_q or ready_q or active_q

    @always(clk.posedge)
    def precompute():
        step_y.next = settings.stride_y * settings.pool_stride
        step_x.next = settings.stride_x * settings.pool_stride

    @always_seq(clk.posedge, reset=rst)
    def walk():
        back = intbv(0, min=-(1 << (wide + 1)), max=1 << (wide + 1))
        prepare_q.next = start
        ready_q.next = prepare_q
        if ready_q:
            active_q.next = 1
            back[:] = settings.stride_y * settings.pool_pad_y + settings.stride_x * settings.pool_pad
            origin_q.next = -back
            line_q.next = -back
            window_q.next = -back
            stripe_q.next = -back
            at_q.next = -back
            dy_q.next = 0
            dx_q.next = 0
            group_q.next = 0
            reached_q.next = fire_lanes
            fired_y_q.next = 0
            fired_x_q.next = 0
            top_q.next = -settings.pool_pad_y
            y_q.next = -settings.pool_pad_y
            left_q.next = -settings.pool_pad
            x_q.next = -settings.pool_pad
        elif active_q and go:
            if not end_dx:
                dx_q.next = dx_q + 1
                x_q.next = x_q + 1
                at_q.next = at_q + settings.stride_x
            else:
                dx_q.next = 0
                x_q.next = left_q
                if not end_dy:
                    dy_q.next = dy_q + 1
                    y_q.next = y_q + 1
                    stripe_q.next = stripe_q + settings.stride_y
                    at_q.next = stripe_q + settings.stride_y
                else:
                    dy_q.next = 0
                    y_q.next = top_q
                    if not end_x:
                        fired_x_q.next = fired_x_q + 1
                        left_q.next = left_q + settings.pool_stride
                        x_q.next = left_q + settings.pool_stride
                        window_q.next = window_q + step_x
                        stripe_q.next = window_q + step_x
                        at_q.next = window_q + step_x
                    else:
                        fired_x_q.next = 0
                        left_q.next = -settings.pool_pad
                        x_q.next = -settings.pool_pad
                        if not end_y:
                            fired_y_q.next = fired_y_q + 1
                            top_q.next = top_q + settings.pool_stride
                            y_q.next = top_q + settings.pool_stride
                            line_q.next = line_q + step_y
                            window_q.next = line_q + step_y
                            stripe_q.next = line_q + step_y
                            at_q.next = line_q + step_y
                        else:
                            fired_y_q.next = 0
                            top_q.next = -settings.pool_pad_y
                            y_q.next = -settings.pool_pad_y
                            line_q.next = origin_q
                            window_q.next = origin_q
                            stripe_q.next = origin_q
                            at_q.next = origin_q
                            reached_q.next = reached_q + fire_lanes
                            if end_pass:
                                active_q.next = 0
                            if not end_group:
                                group_q.next = group_q + 1
                            else:
                                group_q.next = 0
                                origin_q.next = origin_q + 1
                                line_q.next = origin_q + 1
                                window_q.next = origin_q + 1
                                stripe_q.next = origin_q + 1
                                at_q.next = origin_q + 1

    @always_seq(clk.posedge, reset=rst)
    def issue():
        covered = bool(0)
        leaving = bool(0)
        covered = y_q >= 0 and y_q < settings.tile_h and x_q >= 0 and x_q < settings.tile_w
        leaving = (dy_q < settings.pool_stride or end_y) and (dx_q < settings.pool_stride or end_x)
        scan.valid.next = active_q and go
        scan.covered.next = covered
        scan.opens.next = dy_q == 0 and dx_q == 0
        scan.closes.next = end_dy and end_dx
        scan.group.next = group_q
        clear_q.next = 0
        port.read.next = active_q and go
        port.read_address.next = at_q[bits:]
        clear_at_q.next = at_q[bits:]
        if active_q and go and covered and leaving:
            clear_q.next = 1 << group_q
        # A cycle behind the read, so that no address is read and written at once.
        port.clear.next = clear_q
        port.clear_address.next = clear_at_q
        port.sweep.next = sweeping
        if sweeping:
            port.clear.next = (1 << groups) - 1
            port.clear_address.next = sweep_q
            sweep_q.next = sweep_q + 1

    return ends, precompute, walk, issue
