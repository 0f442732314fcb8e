"""The row of a flattened event: channel * flat_size + y * flat_width + x, by additions from row to row."""
from myhdl import always, always_comb, always_seq, block, concat

from rtl.config import EVENT_BITS
from rtl.event_queue import event_queue
from rtl.stream import Stream, bit, unsigned, wrapping

LATENCY = 3     # from an event to its row, where the event before was in the same row of its map
ROW_BITS = 16


def place_bits(config) -> int:
    """Width of an event to flatten: value, x, y, channel, packed low to high."""
    return EVENT_BITS + 2 * config.coord_bits + ROW_BITS


@block
def flat_row(clk, rst, config, start, flat_size, flat_width, events, rows, idle):
    """row = channel * flat_size + y * flat_width + x, modulo 2**16, of each event.

    start: pulse, a pass begins, while nothing is held here; flat_size, flat_width (16 bits) hold from the next cycle on.
    events: stream of place_bits(config); the channel is never below the one before in a pass.  rows: stream of value (low) and row.
    idle: nothing is held here.
    Instead of two multipliers: events come in order, so that most are in the row of the one before, or in the next one or two.
    Latency LATENCY, an event a cycle, and two more for each channel and each row in between; a row above the one before is found from
    the channel's first one on. Reset: like start, and forgets the events.
    """
    at_y = EVENT_BITS + config.coord_bits
    at_channel, top = at_y + config.coord_bits, place_bits(config)
    waiting = Stream(top)
    # The event that is compared, and what the comparison says; looked: it is of where the additions are now.
    held_q, looked_q, event_q = bit(), bit(), unsigned(top)
    same_channel_q, same_line_q, above_q = bit(), bit(), bit()
    # Where the additions are: channel, y, row of x = 0, row of y = 0.
    place_q, line_q, base_q, first_q = wrapping(ROW_BITS), wrapping(config.coord_bits), wrapping(ROW_BITS), wrapping(ROW_BITS)
    found_q, row_q, value_q = bit(), wrapping(ROW_BITS), unsigned(EVENT_BITS)
    moves, leaves, steps = bit(), bit(), bit()
    compared = unsigned(top)

    u_waiting = event_queue(clk, rst, events, waiting, 2)

    @always_comb
    def decide():
        leaves.next = held_q and same_channel_q and same_line_q and (rows.ready or not found_q)
        moves.next = not held_q or (same_channel_q and same_line_q and (rows.ready or not found_q))
        steps.next = held_q and looked_q and not (same_channel_q and same_line_q)

    @always_comb
    def choose():
        waiting.ready.next = moves
        compared.next = event_q
        if moves:
            compared.next = waiting.data

    @always_comb
    def tell():
        rows.valid.next = found_q
        rows.data.next = concat(row_q, value_q)
        idle.next = not (waiting.valid or held_q or found_q)

    @always_seq(clk.posedge, reset=rst)
    def follow():
        looked_q.next = not steps
        if moves:
            held_q.next = waiting.valid
        if leaves:
            found_q.next = True
        elif rows.ready:
            found_q.next = False

    @always(clk.posedge)
    def compare():
        same_channel_q.next = place_q == compared[top:at_channel]
        same_line_q.next = line_q == compared[at_channel:at_y]
        above_q.next = line_q > compared[at_channel:at_y]
        event_q.next = compared

    @always(clk.posedge)
    def add():
        if leaves:
            row_q.next = base_q + event_q[at_y:EVENT_BITS]
            value_q.next = event_q[EVENT_BITS:]

    @always_seq(clk.posedge, reset=rst)
    def move():
        if start:
            place_q.next = 0
            line_q.next = 0
            base_q.next = 0
            first_q.next = 0
        elif steps:
            if not same_channel_q:
                place_q.next = place_q + 1
                line_q.next = 0
                first_q.next = first_q + flat_size
                base_q.next = first_q + flat_size
            elif above_q:
                line_q.next = 0
                base_q.next = first_q
            else:
                line_q.next = line_q + 1
                base_q.next = base_q + flat_width

    return u_waiting, decide, choose, tell, follow, compare, add, move
