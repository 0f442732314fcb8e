"""bit_count against Python's count."""
import random

import pytest
from myhdl import ResetSignal

from rtl.bit_count import bit_count, count_latency
from rtl.stream import bit, unsigned
from tb.block_bench import run
from tb.block_parts import Table


@pytest.mark.parametrize("width", [1, 2, 4, 8, 32])
def test_it_counts_the_bits_that_are_set(width):
    rng, late = random.Random(width), count_latency(width)
    values = [0, (1 << width) - 1, *(rng.getrandbits(width) for _ in range(100))]
    valid = [rng.random() < 0.7 for _ in values]
    table = Table([{"bits": value, "valid": int(there)} for value, there in zip(values, valid)] + [{"valid": 0}] + [{}] * late)
    trace = run(bit_count, lambda: dict(clk=bit(), rst=ResetSignal(0, active=1, isasync=False), bits=unsigned(width), valid=bit(),
                                        total=unsigned(6), counted=bit()), ("total", "counted"), (table,), table.over)
    assert trace["counted"][late:late + len(values)] == valid
    assert [total for total, there in zip(trace["total"], trace["counted"]) if there] == [
        value.bit_count() for value, there in zip(values, valid) if there]
