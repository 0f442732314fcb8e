"""From a partial sum to an int8 activation, one a step."""
from myhdl import always, always_comb, block, concat, intbv

from rtl.compact.scale_product import scale_product
from rtl.compact.step_delay import step_delay
from rtl.config import EVENT_BITS
from rtl.stream import bit, signed, unsigned

LATENCY = 8         # steps from sum to value
DOWN = 4            # steps from a shift to its product
SHIFT_MIN, SHIFT_MAX = 13, 44       # shifts that it can do
NEAR, FINE = 17, 10     # bits that matter before a shift by 0..7, and after it


@block
def fire_value(clk, rst, config, go, sum_, bias, multiplier, shift, dead, relu, scaling, value, is_dead):
    """value = clamp((((sum + bias) * multiplier) + 2**(shift - 1)) >> shift), to 0..255 with relu, else -128..127.

    The shift is done by eights, then by what is left; after each only the bits that can still be within the clamp are
    kept, and a bit that tells that there are more.
    go: one step.  sum_: signed acc_bits.  bias: signed acc_bits + 1, of the sum's step.  multiplier (16 bits), shift
    (SHIFT_MIN..SHIFT_MAX) and dead: of the
    step after it.  scaling: see scale_product.  value: signed 9 bits and is_dead, LATENCY steps after the sum.
    Reset: see step_delay.
    """
    biased_bits = config.acc_bits + 2
    product_bits = biased_bits + 17
    wide = product_bits - SHIFT_MIN + 1
    half_near, half_four, half_two, half_fine = (1 << (bits - 1) for bits in (NEAR, FINE + 3, FINE + 1, FINE))
    biased_q = signed(biased_bits)
    product_q = signed(product_bits)
    near_q, fine_q = signed(NEAR), signed(FINE)
    first, late, eights, down_5 = unsigned(6), unsigned(6), unsigned(2), unsigned(3)
    beyond_5, beyond_6, below_5, below_6, dead_5, dead_6 = (bit() for _ in range(6))

    u_product = scale_product(clk, rst, config, go, biased_q, multiplier, scaling, product_q)

    u_late = step_delay(clk, rst, go, first, late, DOWN, config.family)

    @always_comb
    def look():
        down = intbv(0)[5:]
        down[:] = (shift - SHIFT_MIN) & 31
        first.next = concat(dead, down)
        eights.next = late[5:3]

    @always(clk.posedge)
    def multiply():
        if go:
            biased_q.next = sum_ + bias

    @always(clk.posedge)
    def move_eights():
        far = intbv(0, min=-(1 << (wide - 1)), max=1 << (wide - 1))
        above = intbv(0, min=-(1 << (wide - 1)), max=1 << (wide - 1))
        if go:
            far[:] = product_q >> (SHIFT_MIN - 1)
            below_5.next = far < 0
            # Nothing is beyond where all bits from the kept sign on are alike: cheaper than comparing.
            if eights == 0:
                above[:] = far >> (NEAR - 1)
            elif eights == 1:
                above[:] = far >> (NEAR + 7)
                far[:] = far >> 8
            elif eights == 2:
                above[:] = far >> (NEAR + 15)
                far[:] = far >> 16
            else:
                above[:] = far >> (NEAR + 23)
                far[:] = far >> 24
            beyond_5.next = above != 0 and above != -1
            near_q.next = far[NEAR:].signed()
            down_5.next = late[3:]
            dead_5.next = late[5]

    @always(clk.posedge)
    def move_rest():
        near = intbv(0, min=-half_near, max=half_near)
        four = intbv(0, min=-half_four, max=half_four)
        two = intbv(0, min=-half_two, max=half_two)
        beyond = intbv(0)[1:]
        if go:
            near[:] = near_q
            beyond[:] = beyond_5
            if down_5[2]:
                near[:] = near_q >> 4
            elif near < -half_four or near >= half_four:
                beyond[:] = 1
            four[:] = near[FINE + 3:].signed()
            if down_5[1]:
                two[:] = (four >> 2)
            else:
                two[:] = four[FINE + 1:].signed()
                if four < -half_two or four >= half_two:
                    beyond[:] = 1
            if down_5[0]:
                fine_q.next = two >> 1
            else:
                fine_q.next = two[FINE:].signed()
                if two < -half_fine or two >= half_fine:
                    beyond[:] = 1
            beyond_6.next = beyond[0]
            below_6.next = below_5
            dead_6.next = dead_5

    @always(clk.posedge)
    def clamp():
        rounded = intbv(0, min=-(1 << FINE), max=1 << FINE)
        if go:
            is_dead.next = dead_6
            rounded[:] = fine_q + 1
            rounded[:] = rounded >> 1
            if below_6:
                value.next = rounded[EVENT_BITS:].signed()
                if relu:
                    value.next = 0
                elif beyond_6 or (rounded >> 7 != -1 and rounded >> 7 != 0):
                    value.next = -128
            else:
                value.next = rounded[EVENT_BITS:].signed()
                if relu:
                    if beyond_6 or rounded >> 8 != 0:
                        value.next = 255
                elif beyond_6 or rounded >> 7 != 0:
                    value.next = 127

    return u_product, u_late, look, multiply, move_eights, move_rest, clamp
