"""step_delay: words come out in order, a number of steps later, at any pace."""
import numpy as np
import pytest

from rtl.compact.step_delay import step_delay
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Table


@pytest.mark.parametrize("family, bits", [("generic", 7), ("up5k", 7), ("ice40", 7), ("ice40", 20)])
@pytest.mark.parametrize("steps", [2, 4, 11])
def test_a_word_comes_out_its_steps_later(steps, family, bits):
    print("seed 3")
    rng = np.random.default_rng(3)
    table = Table([{"data": int(rng.integers(1 << bits)), "go": int(rng.random() < 0.7)} for _ in range(300)])
    trace = run(step_delay, lambda: dict(clk=bit(), rst=reset(), go=bit(), data=unsigned(bits), late=unsigned(bits),
                                         steps=steps, family=family), ("late",), (table,), table.over, linger=1)
    given = []
    for go, data, late in zip(trace["go"], trace["data"], trace["late"]):
        if len(given) >= steps:
            assert late == given[-steps]
        given += [data] if go else []
