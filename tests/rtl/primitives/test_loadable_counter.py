"""loadable_counter against numbers, inferred and as iCE40 cells, cycle for cycle."""
import numpy as np
import pytest

from rtl.primitives.loadable_counter import loadable_counter
from rtl.stream import bit, unsigned, wrapping
from tb.block_bench import run
from tb.block_parts import Table
from tests.rtl.primitives.cells import use_models, yosys_model


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("family", ["generic", "up5k"])
def test_counts_are_right(monkeypatch, tmp_path, family, down):
    if family == "up5k":
        pytest.importorskip("pyosys")
        use_models(monkeypatch, *(yosys_model(tmp_path, "ice40/cells_sim.v", cell) for cell in ("SB_LUT4", "SB_CARRY")))
    print("seed 3")
    rng, count = np.random.default_rng(3), 0
    table = Table([{"load": int(rng.random() < 0.1), "step": int(rng.random() < 0.8), "start": int(rng.integers(64))}
                   for _ in range(600)])
    trace = run(loadable_counter, lambda: dict(clk=bit(), load=bit(), start=unsigned(6), step=bit(), count=wrapping(6),
                                               down=down, family=family), ("count",), (table,), table.over, linger=1)
    for load, step, start, seen in zip(*(trace[name] for name in ("load", "step", "start", "count"))):
        assert seen == count
        count = start if load else (count + (-1 if down else 1) * step) % 64
