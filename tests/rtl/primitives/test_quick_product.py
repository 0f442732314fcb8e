"""quick_product against numbers, inferred and as the device's cell, cycle for cycle."""
import numpy as np
import pytest

from rtl.primitives.quick_product import quick_product
from rtl.stream import bit, unsigned
from tb.block_bench import run
from tb.block_parts import Table
from tests.rtl.primitives.cells import use_models, yosys_model


@pytest.mark.parametrize("width", [8, 18])
@pytest.mark.parametrize("cell", [False, True], ids=["inferred", "SB_MAC16"])
def test_products_are_kept_until_the_next_enable(monkeypatch, tmp_path, cell, width):
    if cell:
        pytest.importorskip("pyosys")
        use_models(monkeypatch, yosys_model(tmp_path, "ice40/cells_sim.v", "SB_MAC16"))
    print("seed 2")
    rng, product = np.random.default_rng(2), 0
    table = Table([{"a": int(rng.choice([0, 511, rng.integers(512)])), "b": int(rng.choice([0, 255, rng.integers(256)])),
                    "enable": int(rng.random() < 0.7)} for _ in range(400)])
    trace = run(quick_product, lambda: dict(clk=bit(), enable=bit(), a=unsigned(9), b=unsigned(8), product=unsigned(width),
                                            cell=cell), ("product",), (table,), table.over, linger=1)
    for enable, a, b, seen in zip(*(trace[name] for name in ("enable", "a", "b", "product"))):
        assert seen == product
        product = a * b % (1 << width) if enable else product
