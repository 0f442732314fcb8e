"""multiplier: products of every extreme, whichever family; what it gives Yosys for ECP5 is tested on the netlist."""
import itertools

import pytest

from rtl.config import FAMILIES
from rtl.primitives.multiplier import LATENCY, multiplier
from rtl.stream import bit, signed
from tb.block_bench import run
from tb.block_parts import Table

VALUES = (-256, -255, -128, -1, 0, 1, 127, 128, 254, 255)
WEIGHTS = (-128, -127, -1, 0, 1, 126, 127)


@pytest.mark.parametrize("family", FAMILIES)
def test_products_of_extreme_operands_are_exact_and_three_cycles_late(family):
    pairs = list(itertools.product(VALUES, WEIGHTS))
    table = Table([{"a": a, "b": b} for a, b in pairs] + [{}] * LATENCY)
    trace = run(multiplier, lambda: dict(clk=bit(), a=signed(9), b=signed(8), p=signed(17), family=family), ("p",), (table,), table.over)
    assert trace["p"][LATENCY:] == [a * b for a, b in pairs]


def test_operands_that_no_multiplier_of_an_ecp5_takes_are_refused():
    with pytest.raises(ValueError, match="operands must have at most 18 bits, not 19 and 8"):
        multiplier(bit(), signed(19), signed(8), signed(27), "ecp5")
