"""One of several words, as a tree of two-way choices: half the logic of a choice by comparisons."""
from myhdl import always_comb, block

from rtl.stream import unsigned


@block
def _either(low, high, second, word):
    """word = high if second else low; combinational."""

    @always_comb
    def choose():
        word.next = low
        if second:
            word.next = high

    return choose


@block
def _same(source, word):
    """word = source; combinational."""

    @always_comb
    def pass_on():
        word.next = source

    return pass_on


@block
def word_mux(words, number, word):
    """word = words[number]; combinational.  words: list of signals of one width, a power of two of them.  number: as wide as it takes."""
    parts, level = [], 0
    while len(words) > 1:
        chosen = [unsigned(len(word)) for _ in range(len(words) // 2)]
        parts += [_either(words[2 * i], words[2 * i + 1], number(level), chosen[i]) for i in range(len(chosen))]
        words, level = chosen, level + 1
    parts.append(_same(words[0], word))
    return parts
