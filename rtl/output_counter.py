"""Where in a pass an output is: group of channels, y, x."""
from myhdl import always_comb, always_seq, block

from rtl.countdown import countdown
from rtl.stream import bit


@block
def output_counter(clk, rst, fire_lanes, restart, step, settings, y, x, group, ends_group, left):
    """Counts outputs in fire's order: x fastest, then y, then group.

    restart: pulse; the settings (height, width, channels) are in place from the next cycle on, and no step comes before the one after.
    step: count on.  y, x, group: of the present output, 16 bits.  ends_group: it is the last of its group.
    left: output channels from its group on, modulo its size.
    No output waits for a comparison. Reset stops it.
    """
    begin_q, move, end_x, end_y = (bit() for _ in range(4))

    u_x = countdown(clk, restart, move, step, end_x, settings.width, end_x)
    u_y = countdown(clk, restart, move, end_x, ends_group, settings.height, end_y)

    @always_comb
    def decide():
        move.next = begin_q or step
        ends_group.next = end_x and end_y

    @always_seq(clk.posedge, reset=rst)
    def count():
        begin_q.next = restart
        if begin_q:
            x.next = 0
            y.next = 0
            group.next = 0
            left.next = settings.channels
        elif step:
            x.next = x + 1
            if end_x:
                x.next = 0
                y.next = y + 1
                if end_y:
                    y.next = 0
                    group.next = group + 1
                    left.next = left - fire_lanes

    return u_x, u_y, decide, count
