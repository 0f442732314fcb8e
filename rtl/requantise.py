"""From a partial sum to an int8 activation."""
from myhdl import always, always_comb, block, intbv

from rtl.config import EVENT_BITS
from rtl.memory import memory
from rtl.primitives.multiplier import LATENCY as MULTIPLY
from rtl.primitives.multiplier import multiplier
from rtl.stream import bit, signed, unsigned

BIAS_BITS = 32
SCALE_BITS = 16 + 6 + 1     # multiplier, shift, dead
LATENCY = MULTIPLY + 6      # cycles from total to value: bias, product of two halves, their sum, two shifts, round, clamp
LOW_BITS = 17               # of the biased sum, in the lower of its two multipliers


class ParamPort:
    """Write port of the parameter memories: bias (low) and scale of output channel `address` * fire_lanes + lane."""

    def __init__(self, config):
        self.write = unsigned(config.fire_lanes)    # one bit per lane
        self.address = unsigned((config.param_depth - 1).bit_length() + 1)
        self.data = unsigned(BIAS_BITS + SCALE_BITS)


@block
def scale_up(clk, config, awake, biased, factor, product):
    """product(t + 4) = biased(t) * factor(t), of two products of at most 18 bits a side, while awake.

    biased: signed.  factor: signed, at most 18 bits.  product: signed, as wide as both together. Latency 4. No reset.
    """
    high_bits = max(2, len(biased) - LOW_BITS)
    low, high = signed(LOW_BITS + 1), signed(high_bits)
    low_product, high_product = signed(LOW_BITS + 1 + len(factor)), signed(high_bits + len(factor))

    @always_comb
    def halve():
        low.next = biased[LOW_BITS:]
        high.next = biased >> LOW_BITS

    u_low = multiplier(clk, low, factor, low_product, config.family, awake)
    u_high = multiplier(clk, high, factor, high_product, config.family, awake)

    @always(clk.posedge)
    def join():
        upper = intbv(0, min=product.min, max=product.max)
        if awake:
            upper[:] = high_product
            product.next = (upper << LOW_BITS) + low_product

    return halve, u_low, u_high, join


@block
def round_off(clk, awake, total, relu, value):
    """value(t + 2) = clamp((total(t) + 1) >> 1), to 0 .. 255 with relu, else -128 .. 127; while awake. Latency 2. No reset."""
    near = EVENT_BITS + 2       # bits of a total that may come out unclamped
    above, below = bit(), bit()
    near_q = signed(near + 1)

    @always(clk.posedge)
    def halve():
        near_bits = intbv(0)[near - 1:]
        if awake:
            near_bits[:] = total[near - 1:]
            above.next = total >= 0 and total >> (near - 1) != 0
            below.next = total < 0 and total >> (near - 1) != -1
            near_q.next = near_bits + 1
            if total < 0:
                near_q.next = near_bits + 1 - (1 << (near - 1))

    @always(clk.posedge)
    def clamp():
        rounded = intbv(0, min=-(1 << near), max=1 << near)
        if awake:
            rounded[:] = near_q
            rounded[:] = rounded >> 1
            value.next = rounded[EVENT_BITS:].signed()
            if relu:
                if below or rounded < 0:
                    value.next = 0
                elif above or rounded > 255:
                    value.next = 255
            else:
                if below or rounded < -128:
                    value.next = -128
                elif above or rounded > 127:
                    value.next = 127

    return halve, clamp


@block
def requantise(clk, config, awake, total, params, write, group, beyond, relu, value, dead):
    """value = clamp((((total + bias) * multiplier) + 2**(shift - 1)) >> shift), to 0..255 with relu, else -128..127.

    Computed as ((p >> (shift - 1)) + 1) >> 1, which is the same number and needs no wide constant. shift >= 1.
    awake: totals are on their way; without it everything holds.  total: signed acc_bits.  params: ParamPort.
    write: this lane's bit of it.
    beyond: no channel is in this lane; with the total.
    group: address of this lane's parameters, two cycles before the total; held while its totals come.
    value: signed 9 bits, LATENCY cycles after total.  dead: this channel must not fire, in the cycle of value.
    One total a cycle. No reset.
    """
    acc_bits = config.acc_bits
    biased_bits = max(acc_bits, 32) + 1
    product_bits = biased_bits + 17
    dead_mark = 1 << (SCALE_BITS - 1)
    bias, scale, parameters = signed(BIAS_BITS), unsigned(SCALE_BITS), unsigned(BIAS_BITS + SCALE_BITS)
    biased_q, product, coarse_q, shifted_q = signed(biased_bits), signed(product_bits), signed(product_bits), signed(product_bits)
    factor = signed(17)
    scale_1, scale_2, scale_3, scale_4 = (unsigned(SCALE_BITS) for _ in range(4))
    down_5, down_6 = unsigned(6), unsigned(6)
    dead_5, dead_6, dead_7, dead_8 = (bit() for _ in range(4))

    u_parameters = memory(clk, write, params.address, params.data, group, parameters, 2 * config.param_depth, awake, config.family)
    u_product = scale_up(clk, config, awake, biased_q, factor, product)
    u_round = round_off(clk, awake, shifted_q, relu, value)

    @always_comb
    def arrive():
        bias.next = parameters[BIAS_BITS:].signed()
        scale.next = parameters[BIAS_BITS + SCALE_BITS:BIAS_BITS]
        factor.next = scale_1[16:]

    @always(clk.posedge)
    def add_bias():
        if awake:
            biased_q.next = total + bias
            scale_1.next = scale
            if beyond:
                scale_1.next = scale | dead_mark

    @always(clk.posedge)
    def shift():
        if awake:
            coarse_q.next = product >> (down_5 & 56)
            down_6.next = down_5 & 7
            shifted_q.next = coarse_q >> down_6

    @always(clk.posedge)
    def accompany():
        if awake:
            scale_2.next = scale_1
            scale_3.next = scale_2
            scale_4.next = scale_3
            down_5.next = 0
            if scale_4[22:16] != 0:
                down_5.next = scale_4[22:16] - 1
            dead_5.next = scale_4[22]
            dead_6.next = dead_5
            dead_7.next = dead_6
            dead_8.next = dead_7
            dead.next = dead_8

    return u_parameters, u_product, u_round, arrive, add_bias, shift, accompany
