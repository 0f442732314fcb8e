"""The row of a flattened event: channel * flat_size + y * flat_width + x, by additions from row to row."""
from myhdl import always, always_comb, always_seq, block

from rtl.stream import bit, unsigned, wrapping

LATENCY = 4     # from an event to its row, where the event before was in the same row of its map


@block
def flat_row(clk, rst, start, flat_size, flat_width, valid, taken, channel, y0, high, x0, low, found, row):
    """row = channel * flat_size + (y0 + high) * flat_width + x0 + low, modulo 2**16, once `found`.

    start: pulse, a pass begins; flat_size, flat_width (16 bits) hold from the next cycle on.
    valid: there is an event, held with all that describes it until `taken`.  channel: 16 bits, never below the one before in a pass.
    Instead of two multipliers: events come in order, so that most are in the row of the one before, or in the next one or two.
    LATENCY cycles, and two more for each channel and each row in between; a row above the one before is found from the channel's
    first one on. Reset: like start.
    """
    y_bits = max(len(y0), len(high)) + 1
    phase_q = unsigned(2)
    y_q, x_q = unsigned(y_bits), unsigned(max(len(x0), len(low)) + 1)
    place_q, line_q, base_q, first_q = wrapping(16), unsigned(y_bits), wrapping(16), wrapping(16)    # channel, y, row of x = 0, of y = 0
    same_channel_q, same_line_q, above_q, found_q = bit(), bit(), bit(), bit()

    @always_comb
    def tell():
        found.next = found_q

    @always(clk.posedge)
    def compare():
        y_q.next = y0 + high
        x_q.next = x0 + low
        row.next = (base_q + x_q) & 0xFFFF
        same_channel_q.next = place_q == channel
        same_line_q.next = line_q == y_q
        above_q.next = line_q > y_q

    @always_seq(clk.posedge, reset=rst)
    def walk():
        found_q.next = valid and not taken and phase_q == 2 and same_channel_q and same_line_q
        if not valid or taken:
            phase_q.next = 0
        elif phase_q != 2:
            phase_q.next = phase_q + 1
        elif not same_channel_q or not same_line_q:
            phase_q.next = 1

    @always_seq(clk.posedge, reset=rst)
    def move():
        if start:
            place_q.next = 0
            line_q.next = 0
            base_q.next = 0
            first_q.next = 0
        elif valid and phase_q == 2:
            if not same_channel_q:
                place_q.next = place_q + 1
                line_q.next = 0
                first_q.next = first_q + flat_size
                base_q.next = first_q + flat_size
            elif above_q:
                line_q.next = 0
                base_q.next = first_q
            elif not same_line_q:
                line_q.next = line_q + 1
                base_q.next = base_q + flat_width

    return tell, compare, walk, move
