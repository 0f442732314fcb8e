"""From a partial sum to an int8 activation, one a step."""
from myhdl import always, always_comb, block, concat, intbv

from rtl.compact.scale_product import scale_product
from rtl.compact.step_delay import step_delay
from rtl.config import EVENT_BITS
from rtl.stream import bit, signed, unsigned

LATENCY = 8         # steps from sum to value
DOWN = 4            # steps from a shift to its product
KEPT = 26           # bits after the coarse shift: more than a fine shift of 15 can bring into range


@block
def fire_value(clk, rst, config, go, sum_, bias, multiplier, shift, dead, relu, scaling, value, is_dead):
    """value = clamp((((sum + bias) * multiplier) + 2**(shift - 1)) >> shift), to 0..255 with relu, else -128..127.

    The shift is done 16 at a time with the result held within +-2**25, then by what is left: both keep the clamped value.
    go: one step.  sum_: signed acc_bits.  bias: signed acc_bits + 1, of the sum's step.  multiplier (16 bits), shift
    (1..63) and dead: of the
    step after it.  scaling: see scale_product.  value: signed 9 bits and is_dead, LATENCY steps after the sum.
    Reset: see step_delay.
    """
    biased_bits = config.acc_bits + 2
    product_bits = biased_bits + 17
    high, low = (1 << (KEPT - 1)) - 1, -(1 << (KEPT - 1))
    biased_q = signed(biased_bits)
    product_q = signed(product_bits)
    coarse_q, fine_q = signed(KEPT), signed(KEPT)
    first, late, down_4, fine_5 = unsigned(7), unsigned(7), unsigned(6), unsigned(4)
    dead_5, dead_6 = bit(), bit()

    u_product = scale_product(clk, config, go, biased_q, multiplier, scaling, product_q)

    u_late = step_delay(clk, rst, go, first, late, DOWN, config.family)

    @always_comb
    def look():
        down = intbv(0)[6:]
        down[:] = (shift - 1) & 63
        first.next = concat(dead, down)
        down_4.next = late[6:]

    @always(clk.posedge)
    def multiply():
        if go:
            biased_q.next = sum_ + bias

    @always(clk.posedge)
    def move():
        far = intbv(0, min=-(1 << (product_bits - 1)), max=1 << (product_bits - 1))
        beyond = intbv(0, min=-(1 << (product_bits - 1)), max=1 << (product_bits - 1))
        rounded = intbv(0, min=-(1 << KEPT), max=1 << KEPT)
        above = intbv(0, min=-(1 << KEPT), max=1 << KEPT)
        if go:
            if down_4[6:4] == 0:
                far[:] = product_q
            elif down_4[6:4] == 1:
                far[:] = product_q >> 16
            elif down_4[6:4] == 2:
                far[:] = product_q >> 32
            else:
                far[:] = product_q >> (product_bits - 1)
            # In range where all bits from the kept sign on are alike: cheaper than comparing.
            beyond[:] = far >> (KEPT - 1)
            if beyond == 0 or beyond == -1:
                coarse_q.next = far[KEPT:].signed()
            elif far < 0:
                coarse_q.next = low
            else:
                coarse_q.next = high
            fine_5.next = down_4[4:]
            dead_5.next = late[6]
            fine_q.next = coarse_q >> fine_5
            dead_6.next = dead_5
            rounded[:] = fine_q + 1
            rounded[:] = rounded >> 1
            is_dead.next = dead_6
            above[:] = rounded >> 7
            if relu:
                above[:] = rounded >> 8
            if rounded < 0:
                value.next = rounded[EVENT_BITS:].signed()
                if relu:
                    value.next = 0
                elif above != -1:
                    value.next = -128
            else:
                value.next = rounded[EVENT_BITS:].signed()
                if above != 0:
                    value.next = 127
                    if relu:
                        value.next = 255

    return u_product, u_late, look, multiply, move
