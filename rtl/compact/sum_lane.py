"""One lane: its partial sums, its multiplier, and the total that adds, takes the larger, or is zero."""
from myhdl import always_comb, block

from rtl.compact.lane_sums import lane_sums
from rtl.primitives.mac import mac
from rtl.stream import bit, signed


@block
def sum_lane(clk, config, go, weight, value, read_address, keep, freeze, zero, zero_late, write, write_address,
             current, total):
    """total = current + weight * value, with `keep` max(total, current), with `freeze` as it was; sums[write_address]
    = total.

    weight, value, read_address: of cycle t; current = sums[read_address] in t + 2, total from t + 3 on, keep and
    freeze of t + 2,
    write and write_address of the cycle in which total is there.  With keep, value is 0.  zero: total is 0 from the
    next cycle on;
    zero_late: zero, a cycle late.  go: without it reading holds still.  weight: signed 8 bits, value: signed 9 bits.
    A read needs a write to be three cycles older. No reset.
    """
    hold, found = bit(), signed(config.acc_bits)

    u_sums = lane_sums(clk, go, write, write_address, total, read_address, found, config.acc_depth, config.family)
    u_mac = mac(clk, go, weight, value, found, hold, zero, zero_late, total, config.family)

    @always_comb
    def decide():
        hold.next = freeze or (keep and total >= found)
        current.next = found    # a member of a list, which has no name that text could use

    return u_sums, u_mac, decide


@block
def scaling_lane(clk, config, go, weight, value, read_address, keep, freeze, clearing, scaling, a, b, addend, write,
                 write_address, current, total):
    """A sum_lane whose multiplier also serves fire: with `scaling`, total = addend + a * b, and zeros are written.

    a, b: signed 16 bits; addend, total: signed 32 bits, timed as weight, value and the sum.  clearing: zeros are
    written.  All else as in sum_lane.
    """
    width = config.acc_bits
    hold, found = bit(), signed(width)
    left, right, base, kept = signed(16), signed(16), signed(32), signed(width)
    never = bit()

    u_sums = lane_sums(clk, go, write, write_address, kept, read_address, found, config.acc_depth, config.family)
    u_mac = mac(clk, go, left, right, base, hold, never, never, total, config.family)

    @always_comb
    def decide():
        hold.next = freeze or (keep and total >= found)
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

    return u_sums, u_mac, decide, choose
