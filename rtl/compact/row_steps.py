"""Walks the kernel rows that an event meets, and only those with chunks."""
from myhdl import always, always_comb, always_seq, block, concat

from rtl.compact.sizes import ADDRESS_BITS, side_bits, slot_bits
from rtl.compact.store import store
from rtl.compact.weight_tally import COUNT_BITS
from rtl.config import EVENT_BITS
from rtl.stream import bit, signed, unsigned, wrapping


@block
def row_steps(clk, rst, config, enter, settings, placed, filled, freed, write, entry_address, entry, row_count,
              row_chunk, row_sum, row_value, row_valid, row_ready, empty):
    """For ky = top, top + 2**l .. bottom, for kx = left .. right: the row's count and chunks from the table, and its
    sum address.

    Each step of ky takes stride_y off the sum address, each of kx stride_x. Rows without chunks are left out.
    placed: PlacedEvent.  filled: slots of the table that are there.  freed: pulse, the oldest is done: at a channel's
    end, with flatten after
    each event.  write, entry_address, entry: the table's.  row_count .. row_ready: a stream of rows.  empty: nothing
    is held here.
    A row a cycle; latency 3 from an event. enter, a pulse, starts with slot 0. Reset empties it.
    """
    side, slots, sums, wide = side_bits(config), slot_bits(config), config.acc_address_bits, ADDRESS_BITS
    slot_q = wrapping(slots)
    busy_q, advance, last_x, last_y, leave, look = (bit() for _ in range(6))
    y_q, x_q, bottom_q, left_q, right_q = (unsigned(side) for _ in range(5))
    value_q, line_q, sum_q = signed(EVENT_BITS), wrapping(sums), wrapping(sums)
    valid_1, value_1, sum_1 = bit(), signed(EVENT_BITS), wrapping(sums)
    read_address, found = unsigned(len(entry_address)), unsigned(len(entry))
    stride, side_mask = unsigned(4), (1 << side) - 1

    u_table = store(clk, write, entry_address, entry, look, read_address, found, 1 << len(entry_address), config.family)

    @always_comb
    def aim():
        stride.next = 1 << settings.stride_log2
        read_address.next = concat(slot_q, y_q, x_q)

    @always_comb
    def measure():
        last_x.next = x_q + stride > right_q
        last_y.next = y_q + stride > bottom_q
        advance.next = not valid_1 or row_ready or found[wide + COUNT_BITS:wide] == 0

    @always_comb
    def decide():
        look.next = busy_q and advance and filled != 0
        leave.next = busy_q and advance and filled != 0 and last_x and last_y

    @always_comb
    def take():
        # A channel's end waits until its slot is listed, so that slots and channels stay in step.
        placed.ready.next = (not busy_q or leave) and (not placed.ends or (not busy_q and (filled != 0 or settings.flatten)))
        freed.next = (leave and settings.flatten) or (placed.valid and placed.ends and not busy_q and filled != 0
                                                      and not settings.flatten)
        empty.next = not busy_q and not valid_1

    @always_comb
    def give():
        row_count.next = found[wide + COUNT_BITS:wide]
        row_chunk.next = found[wide:]
        row_value.next = value_1
        row_sum.next = sum_1
        row_valid.next = valid_1 and found[wide + COUNT_BITS:wide] != 0

    @always_seq(clk.posedge, reset=rst)
    def walk():
        if enter:
            slot_q.next = 0
        elif freed:
            slot_q.next = slot_q + 1
        if advance:
            valid_1.next = look
        if placed.ready:
            busy_q.next = placed.valid and not placed.ends
        elif leave:
            busy_q.next = False

    @always(clk.posedge)
    def move():
        if placed.ready:
            value_q.next = placed.value
            sum_q.next = placed.sum
            line_q.next = placed.sum
            y_q.next = placed.top
            x_q.next = placed.left
            left_q.next = placed.left
            bottom_q.next = placed.bottom
            right_q.next = placed.right
        elif look:
            if last_x:
                x_q.next = left_q
                y_q.next = (y_q + stride) & side_mask
                sum_q.next = line_q - settings.stride_y
                line_q.next = line_q - settings.stride_y
            else:
                x_q.next = (x_q + stride) & side_mask
                sum_q.next = sum_q - settings.stride_x
        if look:
            value_1.next = value_q
            sum_1.next = sum_q

    return u_table, aim, measure, decide, take, give, walk, move
