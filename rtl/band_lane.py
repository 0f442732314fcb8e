"""The events of a band of one channel, packed into memory words, in one half of a buffer while the other is read."""
from myhdl import always_comb, always_seq, block, concat, intbv

from rtl.memory import memory
from rtl.stream import unsigned

BAND_EVENTS = 256       # places of a band; at most 255 of them are used, so that the count fits a byte


def band_address_bits(config) -> int:
    """Bits of a word's address in one half: 256 events of 16 bits."""
    return 8 - (config.port_events.bit_length() - 1)


@block
def band_lane(clk, rst, config, put, value, position, close, half, read, read_address, word, count):
    """word = the memory word at read_address; word w of a half holds its events w * Q .. w * Q + Q - 1, lowest first.

    put: an event (value, position) is added to `half`.  close: the half is full with this cycle's event, if any; `count` tells
    from the next cycle on, until the next close, how many events it has, and the next event begins the other half.
    read, read_address: a word, with its half on top, two cycles later at `word`.  value, position: 8 bits.
    What follows the last event in its word is zero. One event and one read a cycle. Reset forgets the events.
    """
    events = config.port_events
    step = events.bit_length() - 1
    bits = band_address_bits(config)
    wide = 16 * events
    level_q = unsigned(8)
    gathered_q, filled = unsigned(wide), unsigned(wide)
    write_address = unsigned(1 + bits)

    u_memory = memory(clk, put, write_address, filled, read_address, word, 2 << bits, read)

    @always_comb
    def place():
        shift = intbv(0)[8:]
        entry = intbv(0)[16:]
        filled.next = gathered_q
        if put:
            shift[:] = level_q & (events - 1)
            shift[:] = shift << 4
            entry[:] = concat(position, value)
            filled.next = gathered_q | (entry << shift)
        write_address.next = concat(half, level_q[8:step])

    @always_seq(clk.posedge, reset=rst)
    def gather():
        if put:
            level_q.next = level_q + 1
            gathered_q.next = filled
            if level_q & (events - 1) == events - 1:
                gathered_q.next = 0
        if close:
            count.next = level_q
            if put:
                count.next = level_q + 1
            level_q.next = 0
            gathered_q.next = 0

    return u_memory, place, gather
