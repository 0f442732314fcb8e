"""One lane: its multiplier, and the total that adds, takes the larger, or is zero."""
from myhdl import always_comb, block, concat

from rtl.primitives.mac import mac
from rtl.stream import bit, signed


@block
def at_least(one, other, yes):
    """yes = one >= other, two signed numbers of other's width, of which `one` may have more bits; combinational.

    Compared as numbers without a sign, the top bit turned over, which the end of a carry chain decides: for signed ones Yosys 0.70
    also takes the carry before the last bit out of the chain, which on ECP5 takes 1.8 ns and a LUT more.
    """
    top = len(other) - 1

    @always_comb
    def compare():
        yes.next = concat(bool(not one[top]), one[top:]) >= concat(bool(not other[top]), other[top:])

    return compare


@block
def sum_lane(clk, config, go, weight, value, found, keep, freeze, zero, zero_late, current, total):
    """total = found + weight * value, with `keep` max(total, found), with `freeze` as it was.

    weight, value: of cycle t; found, keep and freeze of t + 2; total from t + 3 on.  With keep, value is 0.  zero: total is
    0 from the next cycle on; zero_late: zero, a cycle late.  go: without it nothing moves.  weight: signed 8 bits, value:
    signed 9 bits.  found, current, total: signed acc_bits; current is found. No reset.
    """
    hold, larger = bit(), bit()

    u_larger = at_least(total, found, larger)
    u_mac = mac(clk, go, weight, value, found, hold, zero, zero_late, total, config.family)

    @always_comb
    def decide():
        hold.next = freeze or (keep and larger)
        current.next = found    # a member of a list, which has no name that text could use

    return u_larger, u_mac, decide


@block
def scaling_lane(clk, config, go, weight, value, found, keep, freeze, clearing, scaling, a, b, addend, current, kept, total):
    """A sum_lane whose multiplier also serves fire: with `scaling`, total = addend + a * b, and zeros are kept.

    a, b: signed 16 bits; addend, total: signed 32 bits, timed as weight, value and the sum.  clearing: kept is zero,
    otherwise total's sum. All else as in sum_lane.
    """
    width = config.acc_bits
    hold, larger = bit(), bit()
    left, right, base = signed(16), signed(16), signed(32)
    never = bit()

    u_larger = at_least(total, found, larger)
    u_mac = mac(clk, go, left, right, base, hold, never, never, total, config.family)

    @always_comb
    def decide():
        hold.next = freeze or (keep and larger)
        current.next = found
        never.next = False

    @always_comb
    def choose():
        left.next = weight
        right.next = value
        base.next = found
        if scaling:
            left.next = a
            right.next = b
            base.next = addend
        kept.next = total[width:].signed()
        if clearing:
            kept.next = 0

    return u_larger, u_mac, decide, choose
