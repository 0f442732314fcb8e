"""chosen_sum against integers, and its carry chain of an ECP5 with a model of the cell."""
from pathlib import Path

import numpy as np
import pytest

import rtl.primitives
from rtl.primitives.chosen_sum import chosen_sum
from rtl.stream import bit, signed
from tb.block_bench import run
from tb.block_parts import Table
from tests.rtl.primitives.cells import use_models

CCU2C = Path(rtl.primitives.__file__).parent / "models" / "ccu2c.v"


def play(bits, term_bits, family):
    rng = np.random.default_rng(bits)
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    rows, total, totals = [], 0, [0]
    while len(rows) < 800:
        row = {"adding": int(rng.random() < .8), "own": int(rng.integers(2)),
               "other": int(rng.choice([low, high, -1, 0, rng.integers(low, high)])),
               "term": int(rng.choice([-1, 0, 1, rng.integers(-(1 << term_bits - 1), 1 << term_bits - 1)]))}
        after = (total if row["own"] else row["other"]) + row["term"]
        if not row["adding"] or low <= after <= high:
            total = after if row["adding"] else total
            rows.append(row)
            totals.append(total)
    table = Table(rows)

    def arguments():
        return dict(clk=bit(), adding=bit(), own=bit(), other=signed(bits), term=signed(term_bits), total=signed(bits), family=family)

    trace = run(chosen_sum, arguments, ("total",), (table,), table.over)
    assert trace["total"][:len(rows)] == totals[:len(rows)]


@pytest.mark.parametrize("family", ["generic", "ecp5"])
def test_sums_of_either_number_are_exact(family):
    play(24, 17, family)


@pytest.mark.parametrize("bits, term_bits", [(22, 17), (17, 17), (24, 9)])
def test_the_cells_of_an_ecp5_are_the_model_in_every_cycle(monkeypatch, bits, term_bits):
    use_models(monkeypatch, CCU2C)
    play(bits, term_bits, "ecp5")
