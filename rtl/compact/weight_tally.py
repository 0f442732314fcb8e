"""Adds up the weight image's counts, so that every kernel row's chunks are found."""
from myhdl import Signal, always, always_comb, always_seq, block, concat, intbv

from rtl.compact.sizes import ADDRESS_BITS, CHANNEL_BITS, side_bits, slot_bits
from rtl.stream import bit, unsigned, wrapping

REST, READY, WORD, FETCH = range(4)
EARLY = 3               # counts left when the next word is to be asked for: it cannot come before they are used up
COUNT_BITS = 8


@block
def weight_tally(clk, rst, config, enter, settings, weights, answers, row_valid, row_lists, row_ahead, row_ready, freed,
                 write, entry_address, entry, filled):
    """Entry [slot, ky, kx] = (some, count, word address of the chunks) for each channel; with flatten for rows asked for.

    some: count is not 0.  enter: pulse; settings: Settings, held.  weights: Ask.  answers: Answers.  row_valid, row_lists:
    with flatten, the next row is to be passed, to be listed as it is; row_ahead: one will be passed.  row_ready: a row that
    is valid is taken in this cycle, and passed in the next one or later; it depends on registers alone.
    freed: pulse, the oldest slot is no longer needed.  write, entry_address, entry: to the table.
    filled: slots written and not freed.
    A count a cycle, and a memory latency for each word of counts. Reset, and enter, forget all slots.
    """
    wide, side, slots = ADDRESS_BITS, side_bits(config), slot_bits(config)
    word_bytes = config.port_bytes
    left_bits = word_bytes.bit_length()
    most = 1 << slots
    state_q = Signal(intbv(REST, min=0, max=4))
    at_q, chunk_q = wrapping(wide), wrapping(wide)
    word_q, left_q = unsigned(8 * word_bytes), unsigned(left_bits)
    channels_q = unsigned(CHANNEL_BITS)
    slot_q = wrapping(slots)
    y_q, x_q = wrapping(side), wrapping(side)
    single, ready, short, add, lists, done = (bit() for _ in range(6))
    asked_q, lists_q, some_q, stock_q, roomy_q = (bit() for _ in range(5))
    last_y, last_x = unsigned(4), unsigned(4)

    @always_comb
    def look():
        single.next = settings.kernel_h == 1 and settings.kernel_w == 1
        # Bits of their own, since all that follows waits for them: counts, and a slot, are there.
        ready.next = stock_q and roomy_q
        short.next = some_q and roomy_q
        if settings.flatten:
            short.next = row_ahead or asked_q
        last_x.next = (settings.kernel_w - 1) & 15
        last_y.next = (settings.kernel_h - 1) & 15

    @always_comb
    def decide():
        add.next = stock_q and roomy_q and (some_q or asked_q)
        lists.next = stock_q and roomy_q and (some_q or (asked_q and lists_q))
        done.next = single or (x_q == last_x and y_q == last_y)
        weights.valid.next = state_q == WORD
        weights.address.next = at_q

    @always_comb
    def accept():
        row_ready.next = settings.flatten and (not asked_q or ready)
        write.next = lists
        entry_address.next = concat(slot_q, y_q, x_q)
        entry.next = concat(bool(word_q[COUNT_BITS:] != 0), word_q[COUNT_BITS:], chunk_q)

    @always_seq(clk.posedge, reset=rst)
    def walk():
        if enter:
            state_q.next = READY
            left_q.next = 0
            # With flatten rows are asked for, and no channel may be left over for the header of the next pass to ask for.
            channels_q.next = 0
            some_q.next = False
            stock_q.next = False
            roomy_q.next = True
            if not settings.flatten:
                channels_q.next = settings.channels
                some_q.next = settings.channels != 0
            slot_q.next = 0
            y_q.next = 0
            x_q.next = 0
            filled.next = 0
        else:
            # Early only where counts of the channel must be in the next word.
            if state_q == READY and short and (left_q == 0 or (left_q <= EARLY and y_q != last_y and last_x > 1)):
                state_q.next = WORD
            elif state_q == WORD:
                if weights.ready:
                    state_q.next = FETCH
            elif answers.weights:
                state_q.next = READY
            if answers.weights:
                left_q.next = word_bytes
                stock_q.next = True
            elif add:
                left_q.next = left_q - 1
                stock_q.next = left_q != 1
            if add:
                if not single:
                    x_q.next = x_q + 1
                    if x_q == last_x:
                        x_q.next = 0
                        y_q.next = y_q + 1
                    if done:
                        # Each channel begins at a word.
                        y_q.next = 0
                        left_q.next = 0
                        stock_q.next = False
            if lists and done:
                slot_q.next = slot_q + 1
                if not settings.flatten:
                    channels_q.next = channels_q - 1
                    some_q.next = channels_q != 1
            if lists and done and not freed:
                filled.next = filled + 1
                roomy_q.next = filled != most - 1
            elif freed and not (lists and done):
                filled.next = filled - 1
                roomy_q.next = True

    @always_seq(clk.posedge, reset=rst)
    def request():
        # Held for a cycle, so that no path leads from the event's place to the table and the port.
        if enter:
            asked_q.next = False
        elif row_ready:
            asked_q.next = row_valid
            lists_q.next = row_lists

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

    return look, decide, accept, walk, request, address, shift
