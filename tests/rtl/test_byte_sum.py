"""byte_sum against the sum in Python, with and without pauses."""
import numpy as np
import pytest

from rtl.byte_sum import byte_sum
from rtl.stream import bit, unsigned
from tb.block_bench import run
from tb.block_parts import Table


@pytest.mark.parametrize("pauses", [False, True])
@pytest.mark.parametrize("width", [2, 4, 8, 16])
def test_it_adds_all_bytes(width, pauses):
    rng, levels = np.random.default_rng(width), width.bit_length() - 1
    values = [[255] * width, [0] * width, *rng.integers(0, 256, (60, width)).tolist()]
    go = [not pauses or bool(rng.integers(2)) for _ in values]
    table = Table({"word": int.from_bytes(bytes(v), "little"), "go": g} for v, g in zip(values, go))

    def arguments():
        return dict(clk=bit(), go=bit(), word=unsigned(8 * width), total=unsigned(8 + levels))

    trace = run(byte_sum, arguments, ("total",), (table,), table.over)
    pipe = []
    for t, value in enumerate(values):
        held = [value, *reversed(pipe)][levels - 1] if len(pipe) >= levels - 1 else None
        if held is not None:
            assert trace["total"][t] == sum(held)
        if go[t]:
            pipe.append(value)
