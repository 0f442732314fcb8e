"""Reads the sums of a pass output by output: channel, y, x (x fastest)."""
from myhdl import always_comb, always_seq, block

from rtl.compact.sizes import CHANNEL_BITS, place_bits
from rtl.stream import bit, unsigned, wrapping

VECTOR_LAST = 127       # a band of a vector is 128 outputs


class Output:
    """An output on its way: which lane; whether it is the first of its channel, the last of its row, band, channel, pass."""

    def __init__(self, config):
        self.valid, self.first, self.ends_row, self.ends_band, self.ends_channel, self.ends_pass = (bit() for _ in range(6))
        self.lane = unsigned(config.lanes.bit_length())


@block
def emit_scan(clk, rst, config, start, settings, start_address, go, have_params, clear_allowed, output, address, clear):
    """output and address, of the sum start_address + (y * width + x) * stride_x + chunk; clear: it is read for the
    last time.

    start: pulse, start_address from that cycle on.  settings: Settings, held.  go: one step.  have_params: those of
    another channel are there.  clear_allowed: sums may be cleared.  output: Output, address: registered.
    An output a cycle, and two cycles for a channel of one output. Reset stops it.
    """
    lanes, bits = config.lanes, config.acc_address_bits
    last_lane = lanes - 1
    active_q, wait_q, begins_q = bit(), bit(), bit()
    origin_q, at_q = wrapping(bits), wrapping(bits)
    y_q, x_q = unsigned(place_bits(config) - 2), unsigned(place_bits(config) - 2)
    row_q = unsigned(8)
    channel_q, lane_q = unsigned(CHANNEL_BITS), unsigned(lanes.bit_length())
    end_x, end_y, end_band, end_pass, next_ends, last, read = (bit() for _ in range(7))

    @always_comb
    def ends():
        end_x.next = x_q == settings.right
        end_y.next = y_q == settings.bottom
        last.next = lane_q == last_lane or end_pass
        end_band.next = row_q + 1 == settings.band_rows or y_q == settings.bottom
        if settings.vector:
            end_band.next = (channel_q & VECTOR_LAST) == VECTOR_LAST or end_pass

    @always_comb
    def decide():
        read.next = active_q and not wait_q and (have_params or not begins_q) and (clear_allowed or not last)

    @always_seq(clk.posedge, reset=rst)
    def walk():
        # Whether a channel is the last is found out while the one before it is read, which takes two cycles at least.
        next_ends.next = channel_q + 2 == settings.fired
        if start:
            end_pass.next = settings.fired == 1
            next_ends.next = settings.fired == 2
            active_q.next = True
            begins_q.next = True
            wait_q.next = False
            origin_q.next = start_address
            at_q.next = start_address
            y_q.next = 0
            x_q.next = 0
            row_q.next = 0
            channel_q.next = 0
            lane_q.next = 0
        elif go:
            output.valid.next = read
            output.first.next = begins_q and read
            output.ends_row.next = end_x
            output.ends_band.next = end_x and end_band
            output.ends_channel.next = end_x and end_y
            output.ends_pass.next = end_x and end_y and end_pass
            output.lane.next = lane_q
            address.next = at_q
            clear.next = read and last
            wait_q.next = False
            if read:
                begins_q.next = False
                at_q.next = at_q + settings.stride_x
                x_q.next = x_q + 1
                if end_x:
                    x_q.next = 0
                    y_q.next = y_q + 1
                    row_q.next = row_q + 1
                    if end_band:
                        row_q.next = 0
                    if end_y:
                        y_q.next = 0
                        begins_q.next = True
                        wait_q.next = begins_q
                        channel_q.next = channel_q + 1
                        end_pass.next = next_ends
                        lane_q.next = lane_q + 1
                        at_q.next = origin_q
                        if lane_q == last_lane:
                            lane_q.next = 0
                            origin_q.next = origin_q + 1
                            at_q.next = origin_q + 1
                        if end_pass:
                            active_q.next = False

    return ends, decide, walk
