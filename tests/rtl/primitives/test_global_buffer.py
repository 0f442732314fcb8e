"""global_buffer: what comes in goes out in the same cycle, whatever the family."""
import numpy as np
import pytest

from rtl.primitives.global_buffer import global_buffer
from rtl.stream import bit
from tb.block_bench import run
from tb.block_parts import Table


@pytest.mark.parametrize("family", ["ecp5", "generic", "up5k"])
def test_out_is_the_source_in_every_cycle(family):
    print("seed 4")
    rng = np.random.default_rng(4)
    table = Table([{"source": int(rng.integers(2))} for _ in range(100)])
    trace = run(global_buffer, lambda: dict(source=bit(), out=bit(), family=family), ("out",), (table,), table.over)
    assert list(trace["out"]) == list(trace["source"]) and len(set(trace["out"])) == 2
