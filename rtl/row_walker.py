"""Lists the kernel rows that an event has to be multiplied with, and only those."""
from myhdl import always, always_comb, always_seq, block, concat, intbv

from rtl.config import COUNT_BITS, EVENT_BITS
from rtl.event_queue import event_queue
from rtl.fill_level import fill_level
from rtl.hdl import leave_open
from rtl.memory import memory
from rtl.row_count import count_bits
from rtl.stream import Stream, bit, signed, unsigned, wrapping

ROW_QUEUE = 8       # rows between look-up and beats: the look-up has six in flight when every row is one beat


class Event:
    """An event on its way to a PE.

    number: of the rows.  rows: one bit per kernel position (ky * kernel + kx) whose output is in the tile and whose count is not zero.
    sum: partial-sum address of (y', x') before the position's offset is taken off.  slot: where its weights live.
    """

    def __init__(self, config):
        self.rows = unsigned(config.positions)
        self.number = unsigned(count_bits(config))
        self.value = signed(EVENT_BITS)
        self.sum = wrapping(config.acc_address_bits)
        self.slot = unsigned(config.slot_bits)


class RowTable:
    """Write port of the row tables, the same for all PEs: entry [slot, position] = (count, weight, offset)."""

    def __init__(self, config):
        self.write = bit()
        self.address = unsigned(config.slot_bits + config.position_bits)
        self.entry = unsigned(COUNT_BITS + config.ring_bits + config.acc_address_bits)


@block
def row_walker(clk, rst, config, event, event_valid, event_ready, table, row, row_valid, row_ready):
    """rows = the set bits of event.rows, lowest first, each with its table entry; sum = event.sum - offset.

    event, event_valid, event_ready: events whose rows are not empty.  table: RowTable, written before an event needs it.
    row, row_valid, row_ready: counter_skip.Row out, with `last` on an event's last one.
    Latency 6 from event to row, one row a cycle, no bubble between events. Reset empties it.
    """
    positions, position_bits, slot_bits = config.positions, config.position_bits, config.slot_bits
    sum_bits, ring_bits = config.acc_address_bits, config.ring_bits
    meta_bits = 1 + slot_bits + EVENT_BITS + sum_bits
    row_bits = COUNT_BITS + ring_bits + sum_bits + EVENT_BITS + slot_bits + 1

    rows_q, rest = unsigned(positions), unsigned(positions)
    left_q = unsigned(count_bits(config))       # of the set bits of rows_q
    any_q, lone_q = bit(), bit()                # there are some; there is one
    value_q, sum_q, slot_q = signed(EVENT_BITS), wrapping(sum_bits), unsigned(slot_bits)
    pick, leaves, waiting, crowded = bit(), bit(), bit(), bit()

    onehot_q, meta_1, meta_2, meta_3, meta_4 = unsigned(positions), *(unsigned(meta_bits) for _ in range(4))
    valid_1, valid_2, valid_3 = bit(), bit(), bit()
    address_q = unsigned(slot_bits + position_bits)
    entry = unsigned(COUNT_BITS + ring_bits + sum_bits)
    looked_up, queued = Stream(row_bits), Stream(row_bits)

    leave_open(looked_up.ready, waiting)     # credits see to it that the queue has room
    u_table = memory(clk, table.write, table.address, table.entry, address_q, entry, 1 << (slot_bits + position_bits),
                     family=config.family)
    u_rows = event_queue(clk, rst, looked_up, queued, ROW_QUEUE)
    u_credit = fill_level(clk, rst, pick, leaves, ROW_QUEUE, waiting, crowded)

    @always_comb
    def choose():
        rest.next = rows_q & (rows_q - 1)

    @always_comb
    def decide():
        pick.next = any_q and not crowded
        leaves.next = queued.valid and row_ready
        event_ready.next = not any_q or (lone_q and not crowded)

    @always_seq(clk.posedge, reset=rst)
    def walk():
        if event_ready:
            any_q.next = event_valid
            rows_q.next = event.rows
            left_q.next = event.number
            lone_q.next = event.number == 1
            value_q.next = event.value
            sum_q.next = event.sum
            slot_q.next = event.slot
        elif pick:
            rows_q.next = rest
            left_q.next = left_q - 1
            lone_q.next = left_q == 2
        valid_1.next = pick
        valid_2.next = valid_1
        valid_3.next = valid_2
        looked_up.valid.next = valid_3

    @always(clk.posedge)
    def carry():
        onehot_q.next = rows_q ^ rest
        meta_1.next = concat(lone_q, slot_q, value_q[EVENT_BITS:], sum_q)
        meta_2.next = meta_1
        meta_3.next = meta_2
        meta_4.next = meta_3

    @always(clk.posedge)
    def encode():
        position = intbv(0)[position_bits:]
        position[:] = 0
        for i in range(positions):
            if onehot_q[i]:
                position[:] = position | i
        address_q.next = concat(meta_1[meta_bits - 1:meta_bits - 1 - slot_bits], position)

    @always_comb
    def finish():
        start = intbv(0)[sum_bits + 1:]
        start[:] = (1 << sum_bits) + meta_4[sum_bits:] - entry[sum_bits:]
        looked_up.data.next = concat(meta_4[meta_bits:sum_bits], start[sum_bits:], entry[COUNT_BITS + ring_bits + sum_bits:sum_bits])

    @always_comb
    def unpack():
        row.count.next = queued.data[COUNT_BITS + ring_bits:ring_bits]
        row.weight.next = queued.data[ring_bits:]
        row.sum.next = queued.data[COUNT_BITS + ring_bits + sum_bits:COUNT_BITS + ring_bits]
        row.value.next = queued.data[row_bits - 1 - slot_bits:COUNT_BITS + ring_bits + sum_bits].signed()
        row.slot.next = queued.data[row_bits - 1:row_bits - 1 - slot_bits]
        row.last.next = queued.data[row_bits - 1]
        row_valid.next = queued.valid
        queued.ready.next = row_ready

    return u_table, u_rows, u_credit, choose, decide, walk, carry, encode, finish, unpack
