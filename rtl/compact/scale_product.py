"""The product of fire: a sum with its bias times the multiplier of its channel, on two multipliers."""
from myhdl import always, always_comb, block, intbv

from rtl.compact.step_delay import step_delay
from rtl.primitives.mac import mac
from rtl.stream import bit, signed, unsigned

LATENCY = 4         # steps from operands to product
SPLIT = 15          # bits of the sum, and of the multiplier, that one multiplier takes


class Scaling:
    """Operands for two multipliers of up5k lanes, and their totals: total = addend + a * b, as of scaling_lane."""

    def __init__(self):
        self.low, self.high, self.factor = signed(16), signed(16), signed(16)
        self.addend, self.nothing, self.low_total, self.high_total = (signed(32) for _ in range(4))


@block
def scale_product(clk, rst, config, go, biased, multiplier, scaling, product):
    """product = biased * multiplier, LATENCY steps later.

        product = low + high * 2**15,   low = biased mod 2**15 * m0,   high = (biased >> 15) * m0 + biased * m1,
        multiplier = m1 * 2**15 + m0

    go: one step.  biased: signed, at most 31 bits.  multiplier: unsigned 16 bits.  scaling: Scaling, where the
    multipliers are all in lanes (up5k);
    else None: the multipliers are here, and take the multiplier whole; lanes take its top bit, m1, for one. Reset: see
    step_delay.
    """
    bits = len(biased)
    low_total, high_total = (scaling.low_total, scaling.high_total) if scaling else (signed(32), signed(bits + 4))
    sum_bits = len(product) - SPLIT

    @always(clk.posedge)
    def add():
        high = intbv(0, min=-(1 << (sum_bits - 1)), max=1 << (sum_bits - 1))
        if go:
            high[:] = high_total + (low_total >> SPLIT)
            product.next = (high << SPLIT) | low_total[SPLIT:]

    if scaling:
        early, late = unsigned(bits), unsigned(bits)
        u_late = step_delay(clk, rst, go, early, late, 2, config.family)

        @always_comb
        def give():
            early.next = biased[bits:]
            scaling.low.next = biased[SPLIT:]
            scaling.high.next = biased >> SPLIT
            scaling.factor.next = multiplier[SPLIT:]
            scaling.addend.next = late[bits:].signed()
            scaling.nothing.next = 0

        return u_late, add, give

    low, high_part, factor = signed(SPLIT + 1), signed(bits - SPLIT), unsigned(16)
    nothing, nothing_wide, never = signed(32), signed(bits + 4), bit()
    u_low = mac(clk, go, low, factor, nothing, never, never, never, low_total, config.family)
    u_high = mac(clk, go, high_part, factor, nothing_wide, never, never, never, high_total, config.family)

    @always_comb
    def split():
        low.next = biased[SPLIT:]
        high_part.next = biased >> SPLIT
        factor.next = multiplier
        nothing.next = 0
        nothing_wide.next = 0
        never.next = False

    return u_low, u_high, add, split
