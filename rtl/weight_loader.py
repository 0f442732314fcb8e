"""Takes a channel's counts and chunks from memory into the row tables and weight rings of all PEs."""
from myhdl import Signal, always, always_comb, always_seq, block, concat, intbv, modbv

from rtl.config import COUNT_BITS
from rtl.event_queue import event_queue
from rtl.fill_level import fill_level
from rtl.hdl import leave_open
from rtl.stream import Stream, bit, unsigned, wrapping
from rtl.weight_buffer import chunk_gather


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
    kernel_h, kernel_w: in place two cycles before the first count.
    offset_index, offset: position index out, its partial-sum offset in, a cycle later.
    slots: Slots; listed and loaded are driven here.  table: RowTable.  ring: RingPort.
    One count and one word a cycle, each as far ahead as slots and ring have room; a slot is listed one cycle after its last count,
    its entries and its mask are in place one later, and it is loaded one after it is listed at the earliest. Reset empties the ring.
    """
    slot_bits, ring_bits, depth = config.slot_bits, config.ring_bits, config.weight_depth
    pointer_bits = ring_bits + slot_bits + 2        # chunks, counted far enough to tell every resident channel apart
    sum_bits, kernel, position_bits, columns = config.acc_address_bits, config.kernel, config.position_bits, config.words_per_chunk
    slot_count, half_range = config.slots, 1 << (pointer_bits - 1)
    last_column = columns - 1
    column_bits = max(1, (columns - 1).bit_length())

    y_q, x_q, index_q = unsigned(4), unsigned(4), unsigned(7)
    last_y, last_x = wrapping(4), wrapping(4)       # of the kernel
    place_q = unsigned(position_bits + 1)
    line_q = Signal(intbv(kernel)[position_bits + 2:])      # place where the next kernel row begins
    end_q, end_up, taken_q = (wrapping(pointer_bits) for _ in range(3))
    taken_up = Signal(modbv(1)[pointer_bits:])
    limit_q = Signal(modbv(depth)[pointer_bits:])           # where the ring is full
    column_q = wrapping(column_bits)
    ends = [unsigned(pointer_bits) for _ in range(slot_count)]
    masks = [unsigned(config.positions) for _ in range(slot_count)]
    released_q = wrapping(slot_bits + 1)            # like freed, once the ring's base has followed
    releases, channel_listed, some, full = bit(), bit(), bit(), bit()      # of the slots
    listing, listed, ends_line, ends_channel, taking, completes, shaped_q = (bit() for _ in range(7))
    room_q = bit(1)
    count, first_chunk = unsigned(COUNT_BITS), unsigned(COUNT_BITS)
    # A count on its way to the table.
    listed_1, ends_1, some_1 = bit(), bit(), bit()
    count_1, first_1 = unsigned(COUNT_BITS), unsigned(COUNT_BITS)
    place_1, weight_1, slot_1 = unsigned(position_bits), unsigned(ring_bits), unsigned(slot_bits)
    start = wrapping(sum_bits)
    rows_q, rows = unsigned(config.positions), unsigned(config.positions)
    # Where the chunks of the listed channels end, for those that are not loaded yet.
    goal, next_goal = Stream(pointer_bits), Stream(pointer_bits)
    beyond = wrapping(pointer_bits)

    leave_open(goal.ready, some)        # there are no more listed channels than slots
    u_goals = event_queue(clk, rst, goal, next_goal, slot_count)
    u_chunk = chunk_gather(clk, config, taking, column_q, weights.data, ring.data)
    u_resident = fill_level(clk, rst, channel_listed, releases, slot_count, some, full)

    if len(counts.data) > COUNT_BITS:

        @always_comb
        def split():
            count.next = counts.data[COUNT_BITS:]
            first_chunk.next = counts.data[2 * COUNT_BITS:COUNT_BITS]
    else:

        @always_comb
        def split():
            count.next = counts.data
            first_chunk.next = 0

    @always_comb
    def measure():
        ends_line.next = x_q == last_x
        ends_channel.next = x_q == last_x and y_q == last_y
        end_up.next = end_q + count

    @always_comb
    def permit():
        listing.next = shaped_q and not full
        offset_index.next = index_q
        slots.mask.next = masks[slots.read]
        counts.ready.next = listing
        weights.ready.next = room_q

    @always_comb
    def accept():
        listed.next = listing and counts.valid
        taking.next = room_q and weights.valid
        completes.next = room_q and weights.valid and column_q == last_column

    @always(clk.posedge)
    def shape():
        shaped_q.next = kernel_h != 0
        last_y.next = kernel_h - 1
        last_x.next = kernel_w - 1

    @always_seq(clk.posedge, reset=rst)
    def walk():
        if listed:
            end_q.next = end_up
            x_q.next = x_q + 1
            place_q.next = place_q + 1
            index_q.next = index_q + 1
            if ends_line:
                x_q.next = 0
                y_q.next = y_q + 1
                place_q.next = line_q
                line_q.next = line_q + kernel
            if ends_channel:
                y_q.next = 0
                place_q.next = 0
                line_q.next = kernel
                index_q.next = 0
                slots.listed.next = slots.listed + 1

    @always_seq(clk.posedge, reset=rst)
    def hand_on():
        listed_1.next = listed
        table.write.next = listed_1
        if listed_1:
            rows_q.next = rows
            if ends_1:
                rows_q.next = 0

    @always(clk.posedge)
    def carry():
        ends_1.next = ends_channel
        count_1.next = count
        some_1.next = count != 0
        first_1.next = first_chunk
        place_1.next = place_q[position_bits:]
        weight_1.next = end_q[ring_bits:]
        slot_1.next = slots.listed[slot_bits:]
        table.address.next = concat(slot_1, place_1)
        table.entry.next = concat(count_1, weight_1, start)

    @always_comb
    def add_row():
        start.next = offset - first_1
        rows.next = rows_q
        if some_1:
            for i in range(config.positions):
                if place_1 == i:
                    rows.next[i] = True

    @always(clk.posedge)
    def keep():
        if listed and ends_channel:
            ends[slots.listed[slot_bits:]].next = end_up
        if listed_1 and ends_1:
            masks[slot_1].next = rows

    @always_seq(clk.posedge, reset=rst)
    def fill_ring():
        ring.write.next = completes
        ring.address.next = taken_q[ring_bits:]
        if taking:
            column_q.next = column_q + 1
        room_q.next = taken_q != limit_q
        if completes:
            column_q.next = 0
            taken_q.next = taken_up
            taken_up.next = taken_up + 1
            room_q.next = taken_up != limit_q

    @always_comb
    def set_goal():
        channel_listed.next = listed and ends_channel
        goal.valid.next = listed and ends_channel
        goal.data.next = end_up
        beyond.next = taken_q - next_goal.data

    @always_comb
    def judge():
        next_goal.ready.next = beyond < half_range
        releases.next = released_q != slots.freed

    @always_seq(clk.posedge, reset=rst)
    def load():
        if next_goal.valid and next_goal.ready:
            slots.loaded.next = slots.loaded + 1

    @always_seq(clk.posedge, reset=rst)
    def release():
        if releases:
            released_q.next = released_q + 1
            limit_q.next = ends[released_q[slot_bits:]] + depth

    return (u_goals, u_chunk, u_resident, split, measure, permit, accept, shape, walk, hand_on, carry, add_row, keep, fill_ring,
            set_goal, judge, load, release)
