"""Addresses, hazards and halves of a PE's accumulation buffer; the sums themselves are in its lanes."""
from myhdl import always, always_comb, always_seq, block

from rtl.stream import bit, wrapping

ADD_STAGE = 5       # cycles from a beat to its addition: weight memory 2, multiplier 3


class LanePort:
    """What all lanes of a PE share: addresses and strobes of both halves, what to add to, and when.

    near: the sum is that of the beat one cycle (0) or two cycles (1) before.  early: of the beat three (0) or four (1), else five
    cycles before, where `far`.  multiplying: there are operands or products.
    gathering, selecting, adding, added, added_before: a beat is two cycles before its addition .. two cycles after.
    zero: the write of this half clears.  fired: the half that fire reads.
    """

    def __init__(self, config):
        bits = config.acc_address_bits
        self.read_address_0, self.read_address_1 = wrapping(bits), wrapping(bits)
        self.write_address_0, self.write_address_1 = wrapping(bits), wrapping(bits)
        self.read_0, self.read_1 = bit(), bit()
        self.write_0, self.write_1 = bit(), bit()
        self.zero_0, self.zero_1 = bit(), bit()
        self.near_0, self.near_1, self.early_0, self.early_1, self.far = (bit() for _ in range(5))
        self.gathering, self.selecting, self.adding, self.added, self.added_before = (bit() for _ in range(5))
        self.multiplying = bit()
        self.half = bit()


class FirePort:
    """Fire's access to the half that is not written: a read, and a write of zero.

    sweep: clears go to both halves; up from a cycle before the first that counts.
    """

    def __init__(self, config):
        self.read_address = wrapping(config.acc_address_bits)
        self.clear_address = wrapping(config.acc_address_bits)
        self.read = bit()
        self.clear = bit()
        self.sweep = bit()


@block
def accumulation_buffer(clk, rst, config, beat, half, fire, port, busy):
    """Reads the partial sums of a beat, forwards those still on their way, and writes the new ones back.

    A beat of cycle t reads its sums' memory at t + 2, adds at t + 5, writes at t + 7; a beat at the same address one to five
    cycles later takes the sum from the adder, or from where it waits, instead. Nothing ever stalls.
    half: which half beats use; fire uses the other; it may change only while `busy` is low.
    fire: FirePort, a cycle late; during its sweep both halves are cleared.  port: LanePort for the lanes, all registers.
    busy: beats are in flight.
    Reset forgets the beats in flight.
    """
    bits = config.acc_address_bits
    a_1, a_2, a_3, a_4, a_5, a_6, a_7 = (wrapping(bits) for _ in range(7))
    v_1, v_2, v_3, v_4, v_5, v_6, v_7 = (bit() for _ in range(7))
    third, fourth, fifth = bit(), bit(), bit()      # the beat so many cycles before has the same address
    distant = bit()

    @always_seq(clk.posedge, reset=rst)
    def track():
        v_1.next = beat.valid
        v_2.next = v_1
        v_3.next = v_2
        v_4.next = v_3
        v_5.next = v_4
        v_6.next = v_5
        v_7.next = v_6

    @always(clk.posedge)
    def carry():
        a_1.next = beat.sum
        a_2.next = a_1
        a_3.next = a_2
        a_4.next = a_3
        a_5.next = a_4
        a_6.next = a_5
        a_7.next = a_6

    @always_comb
    def compare():
        third.next = v_5 and a_5 == a_2
        fourth.next = v_6 and a_6 == a_2
        fifth.next = v_7 and a_7 == a_2

    @always(clk.posedge)
    def forward():
        port.early_0.next = third
        port.early_1.next = fourth
        distant.next = third or fourth or fifth
        port.far.next = distant
        port.near_1.next = v_5 and a_5 == a_3
        port.near_0.next = v_5 and a_5 == a_4
        port.multiplying.next = v_1 or v_2 or v_3

    @always_seq(clk.posedge, reset=rst)
    def strobe():
        port.write_0.next = v_6
        port.write_1.next = v_6
        port.read_0.next = v_1
        port.read_1.next = v_1
        if half or fire.sweep:
            port.write_0.next = fire.clear
            port.read_0.next = fire.read
        if not half or fire.sweep:
            port.write_1.next = fire.clear
            port.read_1.next = fire.read

    @always(clk.posedge)
    def point():
        port.zero_0.next = half or fire.sweep
        port.zero_1.next = not half or fire.sweep
        port.half.next = half
        port.read_address_0.next = a_1
        port.read_address_1.next = a_1
        port.write_address_0.next = a_6
        port.write_address_1.next = a_6
        if half or fire.sweep:
            port.write_address_0.next = fire.clear_address
            port.read_address_0.next = fire.read_address
        if not half or fire.sweep:
            port.write_address_1.next = fire.clear_address
            port.read_address_1.next = fire.read_address

    @always_comb
    def tell():
        port.gathering.next = v_3
        port.selecting.next = v_4
        port.adding.next = v_5
        port.added.next = v_6
        port.added_before.next = v_7
        busy.next = beat.valid or v_1 or v_2 or v_3 or v_4 or v_5 or v_6 or v_7

    return track, carry, compare, forward, strobe, point, tell
