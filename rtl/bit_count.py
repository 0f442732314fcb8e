"""How many bits of a vector are set, a level of the adder tree a cycle."""
from myhdl import always, always_comb, block

from rtl.stream import unsigned

GROUP = 4       # bits that one level of four-input tables counts


@block
def _count_group(clk, bits, low, total):
    """total = set bits of bits[low .. low + 3], in the next cycle."""
    second, third, fourth = low + 1, low + 2, low + 3

    @always(clk.posedge)
    def count():
        # One table of four inputs for each bit of the result.
        total.next[0] = bits[low] ^ bits[second] ^ bits[third] ^ bits[fourth]
        total.next[1] = (((bits[low] and bits[second]) or (bits[third] and bits[fourth])
                          or ((bits[low] or bits[second]) and (bits[third] or bits[fourth])))
                         and not (bits[low] and bits[second] and bits[third] and bits[fourth]))
        total.next[2] = bits[low] and bits[second] and bits[third] and bits[fourth]

    return count


@block
def _add_and_keep(clk, a, b, total):
    """total = a + b, in the next cycle."""

    @always(clk.posedge)
    def add():
        total.next = a + b

    return add


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
def bit_count(clk, bits, total):
    """total = number of bits that are set.

    bits: a power of two of them.  total: at least as wide as the result.  Latency count_latency(width), a vector a cycle. No reset.
    """
    padded = unsigned(max(GROUP, len(bits)))
    parts = [_widen(bits, padded)]
    terms = [unsigned(3) for _ in range(len(padded) // GROUP)]
    parts += [_count_group(clk, padded, GROUP * i, terms[i]) for i in range(len(terms))]
    while len(terms) > 1:
        sums = [unsigned(len(terms[0]) + 1) for _ in range(len(terms) // 2)]
        parts += [_add_and_keep(clk, terms[2 * i], terms[2 * i + 1], sums[i]) for i in range(len(sums))]
        terms = sums
    parts.append(_widen(terms[0], total))
    return parts
