"""The sum of the bytes of a word, a level of the adder tree a cycle."""
from myhdl import always_comb, block

from rtl.stream import unsigned
from rtl.sum_tree import add_pairs


@block
def _byte(word, part, low):
    """part = the byte of word from bit `low` on; combinational."""
    high = low + 8

    @always_comb
    def slice_word():
        part.next = word[high:low]

    return slice_word


@block
def _add(a, b, total):
    """total = a + b; combinational."""

    @always_comb
    def add():
        total.next = a + b

    return add


@block
def byte_sum(clk, go, word, total):
    """total = sum of the bytes of word.

    word: a power of two of bytes from 2.  total: 8 bits and one for each level of the tree.  go: bit, the tree moves on.
    Latency of one cycle with `go` less than the levels: 0 for 2 bytes, 2 for 8 bytes; a word a cycle. No reset.
    """
    terms = [unsigned(8) for _ in range(len(word) // 8)]
    parts = [_byte(word, terms[i], 8 * i) for i in range(len(terms))]
    while len(terms) > 2:
        sums = [unsigned(len(terms[0]) + 1) for _ in range(len(terms) // 2)]
        parts.append(add_pairs(clk, go, terms, sums))
        terms = sums
    parts.append(_add(terms[0], terms[1], total))
    return parts
