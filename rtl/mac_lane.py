"""Multipliers and adders that share a memory: the partial sums of one group of output channels of each chunk."""
from myhdl import ConcatSignal, always, always_comb, block

from rtl.hdl import cut
from rtl.memory import memory
from rtl.stream import signed, unsigned

MULTIPLY_LATENCY = 2    # pipeline and output register, as hard multipliers have them; with the operand registers 3


@block
def multiply(clk, a, b, p):
    """p = a * b, signed; latency 2 (pipeline, output)."""
    product_q = signed(len(p))

    @always(clk.posedge)
    def pipeline():
        product_q.next = a * b
        p.next = product_q

    return pipeline


@block
def add_product(clk, adding, before, product, total):
    """total(t + 1) = before(t) + product(t) while adding, else it holds."""

    @always(clk.posedge)
    def add():
        if adding:
            total.next = before + product

    return add


def packed(signals):
    """One unsigned vector of a list of signals, first one lowest."""
    return ConcatSignal(*reversed(signals)) if len(signals) > 1 else signals[0](len(signals[0]), 0)


@block
def mac_lanes(clk, config, weights, value, forward, port, clear, fire_sums):
    """sums[lane][address] += weights[lane] * value, in the half of the buffer that the PE writes; the other one goes to fire_sums.

    Sums wrap silently only if the compiler's proof of acc_bits is broken; the simulation then raises.
    weights: list of int8.  value: the event, signed 9 bits, in the cycle of its weights.  forward: 0 takes the sums from memory,
    1, 2, 3 the sums of as many beats before (same address, not yet readable).  port: accumulation_buffer.LanePort.
    clear: the fire side's write of zeros.  fire_sums: list of partial sums at port.fire's address, latency 2.
    The lanes' sums of an address are one memory word: fewer block RAMs than one memory a lane, and faster to simulate.
    Latency 4 from weights to sums. No reset: the buffer is cleared by a sweep.
    """
    lanes, bits, weight_bits = len(weights), config.acc_bits, len(weights[0])
    wide = lanes * bits
    weights_q, value_q = unsigned(lanes * weight_bits), signed(len(value))
    weight = [signed(weight_bits) for _ in range(lanes)]
    product = [signed(weight_bits + len(value)) for _ in range(lanes)]
    before, total = ([signed(bits) for _ in range(lanes)] for _ in range(2))
    sums_2q, sums_3q, read_0, read_1, data_0, data_1, chosen, shown = (unsigned(wide) for _ in range(8))
    write_0, write_1 = (port.new_bit() for _ in range(2))
    operands, sums = packed(weights), packed(total)

    u_lane = []
    for i in range(lanes):
        u_lane += [cut(weights_q, weight[i], weight_bits * (i + 1), weight_bits * i), multiply(clk, value_q, weight[i], product[i]),
                   cut(chosen, before[i], bits * (i + 1), bits * i), add_product(clk, port.adding, before[i], product[i], total[i]),
                   cut(shown, fire_sums[i], bits * (i + 1), bits * i)]
    u_half_0 = memory(clk, write_0, port.write_address_0, data_0, port.read_address_0, read_0, config.acc_depth,
                      port.read_0)
    u_half_1 = memory(clk, write_1, port.write_address_1, data_1, port.read_address_1, read_1, config.acc_depth,
                      port.read_1)

    @always_comb
    def steer():
        write_0.next = (port.write and not port.half) or (clear and (port.half or port.sweep))
        write_1.next = (port.write and port.half) or (clear and (not port.half or port.sweep))
        data_0.next = 0
        data_1.next = 0
        if port.write and not port.half:
            data_0.next = sums
        if port.write and port.half:
            data_1.next = sums

    @always_comb
    def select():
        if forward == 1:
            chosen.next = sums
        elif forward == 2:
            chosen.next = sums_2q
        elif forward == 3:
            chosen.next = sums_3q
        elif port.half:
            chosen.next = read_1
        else:
            chosen.next = read_0

    @always(clk.posedge)
    def hold():
        weights_q.next = operands
        value_q.next = value
        sums_2q.next = sums
        sums_3q.next = sums_2q

    @always_comb
    def show():
        if port.half:
            shown.next = read_0
        else:
            shown.next = read_1

    return u_lane, u_half_0, u_half_1, steer, select, hold, show
