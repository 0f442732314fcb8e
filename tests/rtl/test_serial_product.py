"""serial_product against Python's own product."""
import numpy as np
import pytest

from rtl.serial_product import serial_product
from rtl.stream import bit, unsigned
from tb.block_bench import run
from tb.block_parts import Table


@pytest.mark.parametrize("a_bits, b_bits, bits", [(11, 4, 10), (5, 3, 12), (4, 4, 8), (10, 1, 10)])
def test_the_product_is_there_in_time_and_stays(a_bits, b_bits, bits):
    print("seed 17")
    rng = np.random.default_rng(17)
    pairs = [((1 << a_bits) - 1, (1 << b_bits) - 1), (0, 0)] + [(int(rng.integers(1 << a_bits)), int(rng.integers(1 << b_bits)))
                                                                  for _ in range(20)]
    rows = [row for a, b in pairs for row in [{"restart": 1, "a": a, "b": b}, {"restart": 0, "a": 0, "b": 1}] + [{}] * (b_bits + 3)]
    table = Table(rows)
    trace = run(serial_product, lambda: dict(clk=bit(), restart=bit(), a=unsigned(a_bits), b=unsigned(b_bits), product=unsigned(bits)),
                ("product",), (table,), table.over)
    starts = [t for t, restart in enumerate(trace["restart"]) if restart]
    for t, (a, b) in zip(starts, pairs, strict=True):
        assert trace["product"][t + b_bits + 1:t + b_bits + 5] == [a * b % (1 << bits)] * 4
