"""The products of a PE: one event with all lanes' weights."""
from myhdl import always, block

from rtl.hdl import cut, packed
from rtl.primitives.multiplier import multiplier
from rtl.stream import signed, unsigned
from rtl.sum_tree import delay


@block
def _product(clk, enable, value, operand, product):
    """product(t + 1) = value(t) * operand(t) while enabled."""

    @always(clk.posedge)
    def multiply():
        if enable:
            product.next = value * operand

    return multiply


@block
def lane_products(clk, config, weights, value, enable, products):
    """products[lane](t + 3) = weights[lane](t) * value(t); times are counted in cycles with `enable`, without which nothing moves.

    weights: list of int8.  value: signed.  products: list of signed, as wide as both together.
    On ecp5 each lane is a multiplier with all its registers. Elsewhere the registers are in front of the multiplication, those of the
    value are common to all lanes, and the weights move together (fewer registers, and less to simulate).
    Latency 3, a product a lane and cycle. No reset.
    """
    lanes = len(weights)
    if config.family == "ecp5":
        return [multiplier(clk, value, weights[i], products[i], config.family, enable) for i in range(lanes)]
    bits = len(weights[0])
    value_1, value_2 = signed(len(value)), signed(len(value))
    together, together_1 = packed(weights), unsigned(bits * lanes)
    early, operands = ([signed(bits) for _ in range(lanes)] for _ in range(2))

    @always(clk.posedge)
    def carry():
        if enable:
            value_1.next = value
            value_2.next = value_1
            together_1.next = together

    u_early = [cut(together_1, early[i], bits * (i + 1), bits * i) for i in range(lanes)]
    u_operands = [delay(clk, enable, early[i], operands[i]) for i in range(lanes)]
    u_products = [_product(clk, enable, value_2, operands[i], products[i]) for i in range(lanes)]
    return carry, u_early, u_operands, u_products
