"""The down counter that is the whole weight-skipping logic."""
from myhdl import always_comb, always_seq, block

from rtl.config import COUNT_BITS, EVENT_BITS
from rtl.stream import bit, signed, unsigned, wrapping


class Row:
    """A kernel row to multiply: `count` chunks from weight `weight`, into partial sums from address `sum` on.

    slot: where its channel's weights live.  last: no further row of this event follows.
    """

    def __init__(self, config):
        self.count = unsigned(COUNT_BITS)
        self.weight = wrapping(config.ring_bits)
        self.sum = wrapping(config.acc_address_bits)
        self.value = signed(EVENT_BITS)
        self.slot = unsigned(config.slot_bits)
        self.last = bit()


class Beat:
    """One cycle's work of a PE: lane weights at `weight`, partial sums at `sum`, times `value`."""

    def __init__(self, config):
        self.valid = bit()
        self.weight = wrapping(config.ring_bits)
        self.sum = wrapping(config.acc_address_bits)
        self.value = signed(EVENT_BITS)


@block
def counter_skip(clk, rst, row, row_valid, row_ready, beat, slot, event_done):
    """For each row, count beats: beat j has weight row.weight + j and partial sum row.sum + j (CSP-H's counter).

    row, row_valid, row_ready: a stream of rows, counts 1 .. 255 (rows of count 0 are never listed).
    beat: registered; no bubble between rows.  slot: the slot of the beats being issued (CSP weights still needed).
    event_done: high in the cycle of an event's last beat.
    Latency 1. Reset stops the beats.
    """
    left_q = unsigned(COUNT_BITS)
    last_q = bit()

    @always_comb
    def accept():
        row_ready.next = left_q <= 1
        beat.valid.next = left_q != 0
        event_done.next = last_q and left_q == 1

    @always_seq(clk.posedge, reset=rst)
    def count():
        if left_q > 1:
            left_q.next = left_q - 1
            beat.weight.next = beat.weight + 1
            beat.sum.next = beat.sum + 1
        elif row_valid:
            left_q.next = row.count
            beat.weight.next = row.weight
            beat.sum.next = row.sum
            beat.value.next = row.value
            slot.next = row.slot
            last_q.next = row.last
        else:
            left_q.next = 0

    return accept, count
