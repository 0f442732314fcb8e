"""From a partial sum to an int8 activation."""
from myhdl import always, always_comb, block, intbv

from rtl.config import EVENT_BITS
from rtl.memory import memory
from rtl.stream import bit, signed, unsigned

SCALE_BITS = 16 + 6 + 1     # multiplier, shift, dead
LATENCY = 5                 # cycles from total to value


class ParamPort:
    """Write port of the parameter memories: bias word, then scale word, of output channel `address` * fire_lanes + lane."""

    def __init__(self, config):
        self.bias = unsigned(config.fire_lanes)     # one bit per lane
        self.scale = unsigned(config.fire_lanes)
        self.address = unsigned((config.param_depth - 1).bit_length() + 1)
        self.data = unsigned(32)


@block
def requantise(clk, config, awake, total, params, write_bias, write_scale, group, relu, value, dead):
    """value = clamp((((total + bias) * multiplier) + 2**(shift - 1)) >> shift), to 0..255 with relu, else -128..127.

    Computed as ((p >> (shift - 1)) + 1) >> 1, which is the same number and needs no wide constant. shift >= 1.
    awake: totals are on their way; without it everything holds.  total: signed acc_bits.  params: ParamPort; write_bias, write_scale: this lane's bits of it.
    group: address of this lane's parameters, two cycles before the total; held while its totals come.
    value: signed 9 bits, 5 cycles after total.  dead: this channel must not fire, in the cycle of value.
    One total a cycle. No reset.
    """
    acc_bits = config.acc_bits
    biased_bits = max(acc_bits, 32) + 1
    product_bits = biased_bits + 17
    bias, new_bias = signed(32), signed(32)
    scale, new_scale = unsigned(SCALE_BITS), unsigned(SCALE_BITS)
    scale_1, scale_2, scale_3 = (unsigned(SCALE_BITS) for _ in range(3))
    dead_4 = bit()
    biased_q = signed(biased_bits)
    product_q, product_2q, shifted_q = (signed(product_bits) for _ in range(3))
    multiplier = signed(17)

    u_bias = memory(clk, write_bias, params.address, new_bias, group, bias, 2 * config.param_depth, awake)
    u_scale = memory(clk, write_scale, params.address, new_scale, group, scale, 2 * config.param_depth, awake)

    @always_comb
    def arrive():
        new_bias.next = params.data.signed()
        new_scale.next = params.data[SCALE_BITS:]
        multiplier.next = scale_1[16:]

    @always(clk.posedge)
    def pipeline():
        down = intbv(0)[7:]
        rounded = intbv(0, min=-(1 << (product_bits - 1)), max=1 << (product_bits - 1))
        if awake:
            biased_q.next = total + bias
            scale_1.next = scale
            product_q.next = biased_q * multiplier
            scale_2.next = scale_1
            product_2q.next = product_q
            scale_3.next = scale_2
            down[:] = 0
            if scale_3[22:16] != 0:
                down[:] = scale_3[22:16] - 1
            shifted_q.next = product_2q >> down
            dead_4.next = scale_3[22]
            rounded[:] = shifted_q + 1
            rounded[:] = rounded >> 1
            dead.next = dead_4
            if relu and rounded < 0:
                value.next = 0
            elif relu and rounded > 255:
                value.next = 255
            elif not relu and rounded < -128:
                value.next = -128
            elif not relu and rounded > 127:
                value.next = 127
            else:
                value.next = rounded[EVENT_BITS:].signed()

    return u_bias, u_scale, arrive, pipeline
