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
    """For ky = top, top + 2**l .. (more_rows + 1), for kx = left .. alike: the row's count and chunks from the table, and
    its sum address.

    Each step of ky takes stride_y off the sum address, each of kx stride_x. Rows without chunks are left out.
    placed: PlacedEvent.  filled: slots of the table that are there.  freed: pulse, the oldest is done: at a channel's
    end, with flatten after
    each event.  write, entry_address, entry: the table's.  row_count .. row_ready: a stream of rows.  empty: nothing
    is held here.
    A row a cycle; latency 3 from an event. enter, a pulse, starts with slot 0. Reset empties it.
    """
    side, slots, sums, wide = side_bits(config), slot_bits(config), config.acc_address_bits, ADDRESS_BITS
    slot_q = wrapping(slots)
    busy_q, advance, last_x, walks, ends, leave, look, idle = (bit() for _ in range(8))
    y_q, x_q, left_q, rows_q, columns_q, width_q = (unsigned(side) for _ in range(6))
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
        last_x.next = columns_q == 0
        walks.next = busy_q and filled != 0
        ends.next = busy_q and filled != 0 and columns_q == 0 and rows_q == 0
        advance.next = not valid_1 or row_ready or not found[wide + COUNT_BITS]

    @always_comb
    def decide():
        look.next = walks and advance
        leave.next = ends and advance

    @always_comb
    def take():
        # A channel's end waits until its slot is listed, so that slots and channels stay in step.
        idle.next = not busy_q and (not placed.ends or filled != 0 or settings.flatten)
        placed.ready.next = idle or (ends and not placed.ends and advance)
        freed.next = ((ends and settings.flatten and advance)
                      or (placed.valid and placed.ends and not busy_q and filled != 0 and not settings.flatten))
        empty.next = not busy_q and not valid_1

    @always_comb
    def give():
        row_count.next = found[wide + COUNT_BITS:wide]
        row_chunk.next = found[wide:]
        row_value.next = value_1
        row_sum.next = sum_1
        row_valid.next = valid_1 and found[wide + COUNT_BITS]

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
            rows_q.next = placed.more_rows
            columns_q.next = placed.more_columns
            width_q.next = placed.more_columns
        elif look:
            if last_x:
                x_q.next = left_q
                columns_q.next = width_q
                rows_q.next = (rows_q - 1) & side_mask
                y_q.next = (y_q + stride) & side_mask
                sum_q.next = line_q - settings.stride_y
                line_q.next = line_q - settings.stride_y
            else:
                x_q.next = (x_q + stride) & side_mask
                columns_q.next = (columns_q - 1) & side_mask
                sum_q.next = sum_q - settings.stride_x
        if look:
            value_1.next = value_q
            sum_1.next = sum_q

    return u_table, aim, measure, decide, take, give, walk, move
