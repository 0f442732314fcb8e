"""Addresses, hazards and halves of a PE's accumulation buffer; the sums themselves are in its lanes."""
from myhdl import always, always_comb, always_seq, block

from rtl.stream import bit, unsigned, wrapping

ADD_STAGE = 5       # cycles from a beat to its addition: weight memory 2, multiplier 3


class LanePort:
    """What all lanes of a PE share: addresses of both halves, and when to add and to write."""

    def __init__(self, config):
        bits = config.acc_address_bits
        self.read_address_0, self.read_address_1 = wrapping(bits), wrapping(bits)
        self.write_address_0, self.write_address_1 = wrapping(bits), wrapping(bits)
        self.read_0, self.read_1 = bit(), bit()
        self.adding = bit()
        self.write = bit()
        self.half = bit()
        self.sweep = bit()

    @staticmethod
    def new_bit():
        return bit()


class FirePort:
    """Fire's access to the half that is not written: a read, and a write of zero for each group of lanes."""

    def __init__(self, config):
        self.read_address = wrapping(config.acc_address_bits)
        self.clear_address = wrapping(config.acc_address_bits)
        self.read = bit()
        self.clear = unsigned(config.fire_groups)
        self.sweep = bit()


@block
def accumulation_buffer(clk, rst, config, beat, half, fire, port, forward, busy):
    """Reads the partial sums of a beat, forwards those still on their way, and writes the new ones back.

    A beat of cycle t reads its sums' memory at t + 3, adds at t + 5, writes at t + 6; a beat at the same address one, two or
    three cycles later takes the sum from the adder instead (`forward` = that distance, else 0). Nothing ever stalls.
    half: which half beats use; fire uses the other; it may change only while `busy` is low.
    fire: FirePort; during its sweep both halves are cleared.  port: LanePort for the lanes.  busy: beats are in flight.
    Reset forgets the beats in flight.
    """
    bits = config.acc_address_bits
    a_1, a_2, a_3, a_4, a_5, a_6, a_7 = (wrapping(bits) for _ in range(7))
    v_1, v_2, v_3, v_4, v_5, v_6, v_7 = (bit() for _ in range(7))

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
        forward.next = 0
        if v_5 and a_5 == a_4:
            forward.next = 1
        elif v_6 and a_6 == a_4:
            forward.next = 2
        elif v_7 and a_7 == a_4:
            forward.next = 3

    @always_comb
    def drive():
        port.adding.next = v_5
        port.write.next = v_6
        port.half.next = half
        port.sweep.next = fire.sweep
        busy.next = beat.valid or v_1 or v_2 or v_3 or v_4 or v_5 or v_6
        port.read_0.next = v_3
        port.read_1.next = fire.read
        port.read_address_0.next = a_3
        port.write_address_0.next = a_6
        port.read_address_1.next = fire.read_address
        port.write_address_1.next = fire.clear_address
        if half:
            port.read_0.next = fire.read
            port.read_1.next = v_3
            port.read_address_0.next = fire.read_address
            port.write_address_0.next = fire.clear_address
            port.read_address_1.next = a_3
            port.write_address_1.next = a_6
        if fire.sweep:
            port.write_address_0.next = fire.clear_address
            port.write_address_1.next = fire.clear_address

    return track, carry, drive
