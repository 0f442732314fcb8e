"""One multiplier and adder: the partial sums of one output channel of each chunk."""
from myhdl import always, always_comb, block

from rtl.memory import memory
from rtl.stream import signed

MULTIPLY_LATENCY = 3    # operand, pipeline and output register, as hard multipliers have them


@block
def multiply(clk, a, b, p):
    """p = a * b, signed; latency 3 (operands, pipeline, output)."""
    a_q, b_q = signed(len(a)), signed(len(b))
    product_q = signed(len(p))

    @always(clk.posedge)
    def pipeline():
        a_q.next = a
        b_q.next = b
        product_q.next = a_q * b_q
        p.next = product_q

    return pipeline


@block
def mac_lane(clk, config, weight, value, forward, port, clear, fire_sum):
    """sum[address] += weight * value, in the half of the buffer that the PE writes; the other half is read out at fire_sum.

    Sums wrap silently only if the compiler's proof of acc_bits is broken; the simulation then raises.
    weight: int8.  value: the event, signed 9 bits, in the cycle of its weight.  forward: 0 takes the sum from memory,
    1, 2, 3 the sum of as many beats before (same address, not yet readable).  port: accumulation_buffer.LanePort.
    clear: the fire side's write of zero for this lane.  fire_sum: partial sum at port.fire's address, latency 2.
    Latency 4 from weight to sum. No reset: the buffer is cleared by a sweep.
    """
    product = signed(len(weight) + len(value))
    sum_q, sum_2q, sum_3q = (signed(config.acc_bits) for _ in range(3))
    read_0, read_1, before = (signed(config.acc_bits) for _ in range(3))
    data_0, data_1 = signed(config.acc_bits), signed(config.acc_bits)
    write_0, write_1 = (port.new_bit() for _ in range(2))

    u_multiply = multiply(clk, value, weight, product)
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
            data_0.next = sum_q
        if port.write and port.half:
            data_1.next = sum_q

    @always_comb
    def select():
        if forward == 1:
            before.next = sum_q
        elif forward == 2:
            before.next = sum_2q
        elif forward == 3:
            before.next = sum_3q
        elif port.half:
            before.next = read_1
        else:
            before.next = read_0

    @always(clk.posedge)
    def accumulate():
        if port.adding:
            sum_q.next = before + product
        sum_2q.next = sum_q
        sum_3q.next = sum_2q

    @always_comb
    def show():
        if port.half:
            fire_sum.next = read_0
        else:
            fire_sum.next = read_1

    return u_multiply, u_half_0, u_half_1, steer, select, accumulate, show
