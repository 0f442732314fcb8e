"""word_mux against indexing."""
import random

import pytest
from myhdl import block

from rtl.stream import unsigned
from rtl.word_mux import word_mux
from tb.block_bench import run
from tb.block_parts import Table


@block
def two(a, b, number, word):
    u_word = word_mux([a, b], number, word)
    return u_word


@block
def eight(a, b, c, d, e, f, g, h, number, word):
    u_word = word_mux([a, b, c, d, e, f, g, h], number, word)
    return u_word


@pytest.mark.parametrize("factory, names", [(two, "ab"), (eight, "abcdefgh")])
def test_it_gives_the_word_of_that_number(factory, names):
    rng = random.Random(len(names))
    rows = [{**{name: rng.getrandbits(8) for name in names}, "number": rng.randrange(len(names))} for _ in range(60)]
    table = Table(rows)

    def arguments():
        return {**{name: unsigned(8) for name in names}, "number": unsigned((len(names) - 1).bit_length()), "word": unsigned(8)}

    trace = run(factory, arguments, ("word",), (table,), table.over)
    assert trace["word"] == [row[names[row["number"]]] for row in rows]
