"""The events of a band of one channel, packed into memory words, in one half of a buffer while the other is read."""
from myhdl import Signal, always, always_comb, always_seq, block, concat, modbv

from rtl.hdl import packed
from rtl.memory import memory
from rtl.stream import bit, unsigned

BAND_EVENTS = 256       # places of a band; at most 255 of them are used, so that the count fits a byte


def band_address_bits(config) -> int:
    """Bits of a word's address in one half: 256 events of 16 bits."""
    return 8 - (config.port_events.bit_length() - 1)


@block
def _slot(clk, stirring, put, level, index, events, value, position, slot):
    """slot = the event put last at place `index` of its word."""
    inside = events - 1

    @always(clk.posedge)
    def keep():
        if stirring:
            if put and level & inside == index:
                slot.next = concat(position, value)

    return keep


@block
def band_lane(clk, rst, config, stirring, put, value, position, close, half, shift, above, read, read_address, word, count):
    """word = the memory word at read_address; word w of a half holds its events w * Q .. w * Q + Q - 1, lowest first.

    stirring: all lanes' sign that something may happen: up in a cycle of put, close or shift and in the one after a put (saves power,
    and time in simulation).
    put: an event (value, position) is added to `half`; it may be read two cycles later.  close: the half is full with this cycle's
    event, if any; `count` tells from the next cycle on how many events it has, and the next event begins the other half.
    shift: count = above, the one of the next lane (not in the cycle of close).
    read, read_address: a word, with its half on top, two cycles later at `word`.  value, position: 8 bits.
    What follows the last event in its word means nothing. One event and one read a cycle. Reset forgets the events.
    """
    events = config.port_events
    step = events.bit_length() - 1
    bits = band_address_bits(config)
    level_q, above_q = unsigned(8), Signal(modbv(1)[8:])        # events of the half being filled, and one more
    put_q, write_address_q = bit(), unsigned(1 + bits)
    slots = [unsigned(16) for _ in range(events)]
    together, gathered = packed(slots), unsigned(16 * events)

    u_slots = [_slot(clk, stirring, put, level_q, i, events, value, position, slots[i]) for i in range(events)]
    u_memory = memory(clk, put_q, write_address_q, gathered, read_address, word, 2 << bits, read, config.family)

    @always_comb
    def join():
        gathered.next = together

    @always(clk.posedge)
    def place():
        if stirring:
            write_address_q.next = concat(half, level_q[8:step])

    @always_seq(clk.posedge, reset=rst)
    def fill():
        if stirring:
            put_q.next = put
            if close:
                level_q.next = 0
                above_q.next = 1
                count.next = level_q
                if put:
                    count.next = above_q
            else:
                if put:
                    level_q.next = above_q
                    above_q.next = above_q + 1
                if shift:
                    count.next = above

    return u_slots, u_memory, join, place, fill
