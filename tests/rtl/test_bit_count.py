"""bit_count against Python's count."""
import random

import pytest

from rtl.bit_count import bit_count, count_latency
from rtl.stream import bit, unsigned
from tb.block_bench import run
from tb.block_parts import Table


@pytest.mark.parametrize("width", [1, 2, 4, 8, 32])
def test_it_counts_the_bits_that_are_set(width):
    rng, late = random.Random(width), count_latency(width)
    values = [0, (1 << width) - 1, *(rng.getrandbits(width) for _ in range(100))]
    table = Table([{"bits": value} for value in values] + [{}] * late)
    trace = run(bit_count, lambda: dict(clk=bit(), bits=unsigned(width), total=unsigned(6)), ("total",), (table,), table.over)
    assert trace["total"][late:late + len(values)] == [value.bit_count() for value in values]
