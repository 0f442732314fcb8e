"""Multipliers and adders that share a memory: the partial sums of all output channels of each chunk."""
from myhdl import always, always_comb, block

from rtl.hdl import cut, packed
from rtl.lane_products import lane_products
from rtl.memory import memory
from rtl.primitives.chosen_sum import chosen_sum
from rtl.stream import signed, unsigned


@block
def mac_lanes(clk, config, weights, value, port, fire_sums):
    """sums[lane][address] += weights[lane] * value, in the half of the buffer that the PE writes; the other one goes to fire_sums.

    Sums wrap silently only if the compiler's proof of acc_bits is broken; the simulation then raises.
    weights: list of int8.  value: the event, signed 9 bits, in the cycle of its weights, two after the beat.
    port: accumulation_buffer.LanePort.  fire_sums: list of partial sums at port's read address of fire's half, latency 2.
    The lanes' sums of an address are one memory word: fewer block RAMs than one memory a lane, and faster to simulate.
    Latency 4 from weights to sums. No reset: the buffer is cleared by a sweep.
    """
    lanes, bits = len(weights), config.acc_bits
    wide, family = lanes * bits, config.family
    product = [signed(len(weights[0]) + len(value)) for _ in range(lanes)]
    before, total = ([signed(bits) for _ in range(lanes)] for _ in range(2))
    sums_2q, sums_3q, early_q, before_q, read_0, read_1, data_0, data_1, shown = (unsigned(wide) for _ in range(9))
    sums = packed(total)

    u_lane = [lane_products(clk, config, weights, value, port.multiplying, product)]
    for i in range(lanes):
        u_lane += [cut(before_q, before[i], bits * (i + 1), bits * i),
                   chosen_sum(clk, port.adding, port.near_0, before[i], product[i], total[i], family),
                   cut(shown, fire_sums[i], bits * (i + 1), bits * i)]
    u_half_0 = memory(clk, port.write_0, port.write_address_0, data_0, port.read_address_0, read_0, config.acc_depth, port.read_0,
                      family)
    u_half_1 = memory(clk, port.write_1, port.write_address_1, data_1, port.read_address_1, read_1, config.acc_depth, port.read_1,
                      family)

    @always(clk.posedge)
    def hold():
        # Sums that are not new are there already: the older ones need not move then.
        if port.added:
            sums_2q.next = sums
        if port.added_before:
            sums_3q.next = sums_2q
        if port.gathering:
            if port.early_0:
                early_q.next = sums
            elif port.early_1:
                early_q.next = sums_2q
            else:
                early_q.next = sums_3q

    @always(clk.posedge)
    def select():
        if port.selecting:
            if port.near_1:
                before_q.next = sums
            elif port.far:
                before_q.next = early_q
            elif port.half:
                before_q.next = read_1
            else:
                before_q.next = read_0

    @always(clk.posedge)
    def give_back():
        # Zero by the registers' own reset: no logic between the adder and the memory.
        if port.zero_0:
            data_0.next = 0
        elif port.added:
            data_0.next = sums
        if port.zero_1:
            data_1.next = 0
        elif port.added:
            data_1.next = sums

    @always_comb
    def show():
        if port.half:
            shown.next = read_0
        else:
            shown.next = read_1

    return u_lane, u_half_0, u_half_1, hold, select, give_back, show
