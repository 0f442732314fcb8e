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
    valid_q, more_q, last_q = bit(), bit(), bit()       # more: this is not the row's last beat

    @always_comb
    def accept():
        row_ready.next = not more_q
        beat.valid.next = valid_q
        event_done.next = last_q and valid_q and not more_q

    @always_seq(clk.posedge, reset=rst)
    def count():
        if more_q:
            left_q.next = left_q - 1
            more_q.next = left_q != 2
            beat.weight.next = beat.weight + 1
            beat.sum.next = beat.sum + 1
        else:
            valid_q.next = row_valid
            more_q.next = row_valid and row.count != 1
            left_q.next = row.count
            beat.weight.next = row.weight
            beat.sum.next = row.sum
            beat.value.next = row.value
            slot.next = row.slot
            last_q.next = row.last

    return accept, count
