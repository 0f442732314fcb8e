"""Counts an event's kernel rows on its way to a PE, so that the PE knows its last one without looking."""
from myhdl import always, always_comb, always_seq, block, concat, intbv

from rtl.stream import bit, unsigned

LATENCY = 4


def count_bits(config) -> int:
    """Width of a number of rows: 0 .. positions."""
    return config.positions.bit_length()


@block
def count_line(clk, there, bundle, low, bits, number):
    """number(t + 1) = set bits of bundle(t)[low + bits:low], the kernel positions of one kernel row, where `there`."""

    @always(clk.posedge)
    def count():
        total = intbv(0)[len(number):]
        if there:
            total[:] = 0
            for i in range(bits):
                total[:] = total + bundle[low + i]
            number.next = total

    return count


@block
def row_count(clk, rst, config, bundle, bundle_valid, counted, counted_valid):
    """counted(t + 4) = the number of rows of bundle(t) above the bundle, when bundle_valid(t).

    bundle: packed event (pe.event_bits), its rows lowest.  counted: as wide as both.  bundle_valid, counted_valid: one bit.
    Latency 4, an event a cycle. Reset forgets the events.
    """
    kernel, width = config.kernel, len(bundle)
    number_bits, halves, odd, last = kernel.bit_length(), kernel // 2, kernel % 2, kernel - 1
    pairs = halves + odd
    number = [unsigned(number_bits) for _ in range(kernel)]
    pair = [unsigned(number_bits + 1) for _ in range(pairs)]
    valid_1, valid_2, valid_3 = bit(), bit(), bit()
    bundle_1, bundle_2, bundle_3, bundle_4 = (unsigned(width) for _ in range(4))
    total_4 = unsigned(count_bits(config))
    u_line = [count_line(clk, valid_1, bundle_1, kernel * i, kernel, number[i]) for i in range(kernel)]

    @always_seq(clk.posedge, reset=rst)
    def follow():
        valid_1.next = bundle_valid
        valid_2.next = valid_1
        valid_3.next = valid_2
        counted_valid.next = valid_3

    @always(clk.posedge)
    def carry():
        total = intbv(0)[len(total_4):]
        if bundle_valid:
            bundle_1.next = bundle
        if valid_1:
            bundle_2.next = bundle_1
        if valid_2:
            bundle_3.next = bundle_2
            for i in range(halves):
                pair[i].next = number[2 * i] + number[2 * i + 1]
            if odd:
                pair[halves - 1 + odd].next = number[last]
        if valid_3:
            bundle_4.next = bundle_3
            total[:] = 0
            for i in range(pairs):
                total[:] = total + pair[i]
            total_4.next = total

    @always_comb
    def join():
        counted.next = concat(total_4, bundle_4)

    return u_line, follow, carry, join
