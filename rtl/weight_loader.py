"""Takes a channel's counts and chunks from memory into the row tables and weight rings of all PEs."""
from myhdl import always_comb, always_seq, block, concat, intbv

from rtl.config import COUNT_BITS
from rtl.stream import bit, unsigned, wrapping


class Slots:
    """The resident channels. Pointers count channels, modulo twice the slots: freed <= opened <= loaded <= listed.

    listed: row table written.  loaded: chunks all here.  opened: the router has begun the channel.  freed: no PE needs it.
    mask: row mask (one bit per kernel position, count not zero) of slot `read`, in the same cycle.
    """

    def __init__(self, config):
        bits = config.slot_bits + 1
        self.listed, self.loaded, self.opened, self.freed = (wrapping(bits) for _ in range(4))
        self.mask = unsigned(config.positions)
        self.read = unsigned(config.slot_bits)


@block
def weight_loader(clk, rst, config, counts, weights, kernel_h, kernel_w, offset_index, offset, slots, table, ring):
    """Counts become row-table entries (count, ring address, sum offset) and a row mask; chunks go to the ring in order.

    counts: stream of kernel_h * kernel_w counts per requested channel, ky-major; 8 bits each, or 16: count (low) and number
    of the first chunk (high), which is subtracted from the sum offset.  weights: stream of weight words.
    offset_index, offset: position index out, its partial-sum offset in (same cycle).
    slots: Slots; listed and loaded are driven here.  table: RowTable.  ring: RingPort.
    One count and one word a cycle, each as far ahead as slots and ring have room. Reset empties the ring.
    """
    slot_bits, ring_bits, depth = config.slot_bits, config.ring_bits, config.weight_depth
    pointer_bits = ring_bits + slot_bits + 2        # chunks, counted far enough to tell every resident channel apart
    kernel, position_bits, columns = config.kernel, config.position_bits, config.words_per_chunk
    slot_count, half_range = config.slots, 1 << (pointer_bits - 1)
    last_column = columns - 1
    column_bits = max(1, (columns - 1).bit_length())

    y_q, x_q, index_q = unsigned(4), unsigned(4), unsigned(7)
    line_q, place = unsigned(position_bits + 1), unsigned(position_bits + 1)
    rows_q = unsigned(config.positions)
    end_q, taken_q, base_q = (wrapping(pointer_bits) for _ in range(3))
    column_q = unsigned(column_bits)
    ends = [unsigned(pointer_bits) for _ in range(slot_count)]
    masks = [unsigned(config.positions) for _ in range(slot_count)]
    released_q = wrapping(slot_bits + 1)            # like freed, once the ring's base has followed
    resident, filled, beyond = wrapping(slot_bits + 1), wrapping(pointer_bits), wrapping(pointer_bits)
    listing, room = bit(), bit()
    count, start = unsigned(COUNT_BITS), wrapping(config.acc_address_bits)
    sum_mask = (1 << config.acc_address_bits) - 1

    if len(counts.data) == COUNT_BITS:

        @always_comb
        def split():
            count.next = counts.data
            start.next = offset
    else:

        @always_comb
        def split():
            count.next = counts.data[COUNT_BITS:]
            start.next = (offset - counts.data[2 * COUNT_BITS:COUNT_BITS]) & sum_mask

    @always_comb
    def measure():
        resident.next = slots.listed - released_q
        filled.next = taken_q - base_q
        beyond.next = taken_q - ends[slots.loaded[slot_bits:]]
        place.next = line_q + x_q

    @always_comb
    def permit():
        listing.next = resident != slot_count and kernel_h != 0
        room.next = filled < depth
        offset_index.next = index_q
        slots.mask.next = masks[slots.read]

    @always_comb
    def accept():
        counts.ready.next = listing
        weights.ready.next = room

    @always_seq(clk.posedge, reset=rst)
    def list_rows():
        rows = intbv(0)[len(rows_q):]
        table.write.next = listing and counts.valid
        table.address.next = concat(slots.listed[slot_bits:], place[position_bits:])
        table.entry.next = concat(count, end_q[ring_bits:], start)
        if listing and counts.valid:
            rows[:] = rows_q
            if count != 0:
                rows[place] = 1
            end_q.next = end_q + count
            rows_q.next = rows
            x_q.next = x_q + 1
            index_q.next = index_q + 1
            if x_q + 1 == kernel_w:
                x_q.next = 0
                y_q.next = y_q + 1
                line_q.next = line_q + kernel
                if y_q + 1 == kernel_h:
                    y_q.next = 0
                    line_q.next = 0
                    index_q.next = 0
                    rows_q.next = 0
                    slots.listed.next = slots.listed + 1
                    masks[slots.listed[slot_bits:]].next = rows
                    ends[slots.listed[slot_bits:]].next = (end_q + count) & (2 * half_range - 1)

    @always_seq(clk.posedge, reset=rst)
    def fill_ring():
        ring.write.next = 0
        ring.address.next = taken_q[ring_bits:]
        ring.data.next = weights.data
        if weights.valid and room:
            ring.write.next = 1 << column_q
            if column_q == last_column:
                column_q.next = 0
                taken_q.next = taken_q + 1
            else:
                column_q.next = column_q + 1
        if slots.loaded != slots.listed and beyond < half_range:
            slots.loaded.next = slots.loaded + 1

    @always_seq(clk.posedge, reset=rst)
    def release():
        if released_q != slots.freed:
            released_q.next = released_q + 1
            base_q.next = ends[released_q[slot_bits:]]

    return split, measure, permit, accept, list_rows, fill_ring, release
