"""Adds up the weight image's counts, so that every kernel row's chunks are found."""
from myhdl import Signal, always, always_comb, always_seq, block, concat, intbv

from rtl.compact.sizes import CHANNEL_BITS, address_bits, side_bits, slot_bits
from rtl.stream import bit, unsigned, wrapping

REST, READY, WORD, FETCH = range(4)
COUNT_BITS = 8


@block
def weight_tally(clk, rst, config, enter, settings, weights, answers, goal, goal_valid, goal_ready, freed, write,
                 entry_address, entry, filled):
    """Entry [slot, ky, kx] = (count, word address of its chunks) for each channel in turn; with flatten for each goal,
    a row.

    enter: pulse; settings: Settings, held.  weights: Ask.  answers: Answers.  goal, goal_valid, goal_ready: rows, ascending.
    freed: pulse, the oldest slot is no longer needed.  write, entry_address, entry: to the table.
    filled: slots written and not freed.
    A count a cycle, and a memory latency for each word of counts. Reset, and enter, forget all slots.
    """
    wide, side, slots = address_bits(config), side_bits(config), slot_bits(config)
    word_bytes = config.port_bytes
    left_bits = word_bytes.bit_length()
    most = 1 << slots
    state_q = Signal(intbv(REST, min=0, max=4))
    at_q, chunk_q = wrapping(wide), wrapping(wide)
    word_q, left_q = unsigned(8 * word_bytes), unsigned(left_bits)
    channels_q = unsigned(CHANNEL_BITS)
    number_q, slot_q = wrapping(16), wrapping(slots)
    y_q, x_q = wrapping(side), wrapping(side)
    single, wanted, reached, add, lists, done = (bit() for _ in range(6))
    last_y, last_x = unsigned(4), unsigned(4)

    @always_comb
    def look():
        single.next = settings.kernel_h == 1 and settings.kernel_w == 1
        reached.next = number_q == goal
        wanted.next = channels_q != 0 and filled != most
        if settings.flatten:
            wanted.next = goal_valid and filled != most
        last_x.next = (settings.kernel_w - 1) & 15
        last_y.next = (settings.kernel_h - 1) & 15

    @always_comb
    def decide():
        add.next = state_q == READY and left_q != 0 and wanted
        lists.next = state_q == READY and left_q != 0 and wanted and (reached or not settings.flatten)
        done.next = single or (x_q == last_x and y_q == last_y)
        weights.valid.next = state_q == WORD
        weights.address.next = at_q

    @always_comb
    def accept():
        goal_ready.next = lists and settings.flatten
        write.next = lists
        entry_address.next = concat(slot_q, y_q, x_q)
        entry.next = concat(word_q[COUNT_BITS:], chunk_q)

    @always_seq(clk.posedge, reset=rst)
    def walk():
        if enter:
            state_q.next = READY
            left_q.next = 0
            # With flatten goals count, and no channel may be left over for the header of the next pass to ask for.
            channels_q.next = 0
            if not settings.flatten:
                channels_q.next = settings.channels
            number_q.next = 0
            slot_q.next = 0
            y_q.next = 0
            x_q.next = 0
            filled.next = 0
        else:
            if state_q == READY and left_q == 0 and wanted:
                state_q.next = WORD
            elif state_q == WORD:
                if weights.ready:
                    state_q.next = FETCH
            elif state_q == FETCH:
                left_q.next = word_bytes
                if answers.weights:
                    state_q.next = READY
            if add:
                left_q.next = left_q - 1
                number_q.next = number_q + 1
                if not single:
                    x_q.next = x_q + 1
                    if x_q == last_x:
                        x_q.next = 0
                        y_q.next = y_q + 1
                    if done:
                        y_q.next = 0
                        left_q.next = 0
            if lists and done:
                slot_q.next = slot_q + 1
                if not settings.flatten:
                    channels_q.next = channels_q - 1
            if lists and done and not freed:
                filled.next = filled + 1
            elif freed and not (lists and done):
                filled.next = filled - 1

    @always_seq(clk.posedge, reset=rst)
    def address():
        if settings.weight_counts:
            at_q.next = settings.address[wide:]
        elif weights.valid and weights.ready:
            at_q.next = at_q + 1
        if settings.chunks:
            chunk_q.next = settings.address[wide:]
        elif add:
            chunk_q.next = chunk_q + word_q[COUNT_BITS:]

    @always(clk.posedge)
    def shift():
        if answers.weights:
            word_q.next = answers.data
        elif add:
            word_q.next = word_q >> 8

    return look, decide, accept, walk, address, shift
