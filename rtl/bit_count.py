"""How many bits of a vector are set, a level of the adder tree a cycle."""
from myhdl import always, always_comb, always_seq, block

from rtl.stream import bit, unsigned
from rtl.sum_tree import add_pairs

GROUP = 4       # bits that one level of four-input tables counts


@block
def _count_group(clk, there, bits, low, total):
    """total(t + 1) = set bits of bits[low .. low + 3], where `there`."""
    second, third, fourth = low + 1, low + 2, low + 3

    @always(clk.posedge)
    def count():
        # One table of four inputs for each bit of the result.
        if there:
            total.next[0] = bits[low] ^ bits[second] ^ bits[third] ^ bits[fourth]
            total.next[1] = (((bits[low] and bits[second]) or (bits[third] and bits[fourth])
                              or ((bits[low] or bits[second]) and (bits[third] or bits[fourth])))
                             and not (bits[low] and bits[second] and bits[third] and bits[fourth]))
            total.next[2] = bits[low] and bits[second] and bits[third] and bits[fourth]

    return count


@block
def _follow(clk, rst, there, later):
    """later(t + 1) = there. Reset clears it."""

    @always_seq(clk.posedge, reset=rst)
    def follow():
        later.next = there

    return follow


@block
def _widen(bits, padded):
    """padded = bits, with zeros on top; combinational."""

    @always_comb
    def widen():
        padded.next = bits

    return widen


def count_latency(width) -> int:
    """Cycles from a vector of `width` bits to its count."""
    return max(1, (width // GROUP).bit_length())


@block
def bit_count(clk, rst, bits, valid, total, counted):
    """total = number of bits that are set, of each vector that is `valid`; counted: there it is.

    bits: a power of two of them.  total: at least as wide as the result; keeps the last one.
    Latency count_latency(width), a vector a cycle. Reset forgets those on their way.
    """
    padded = unsigned(max(GROUP, len(bits)))
    terms = [unsigned(3) for _ in range(len(padded) // GROUP)]
    there = [valid] + [bit() for _ in range(count_latency(len(bits)) - 1)] + [counted]
    parts = [_widen(bits, padded)] + [_follow(clk, rst, there[i], there[i + 1]) for i in range(len(there) - 1)]
    parts += [_count_group(clk, valid, padded, GROUP * i, terms[i]) for i in range(len(terms))]
    level = 1
    while len(terms) > 1:
        sums = [unsigned(len(terms[0]) + 1) for _ in range(len(terms) // 2)]
        parts.append(add_pairs(clk, there[level], terms, sums))
        terms, level = sums, level + 1
    parts.append(_widen(terms[0], total))
    return parts
