"""lane_products: each lane's weight times the value, three enabled cycles later, in every family."""
import numpy as np
import pytest

from rtl.config import EVENT_BITS, WEIGHT_BITS, CoreConfig
from rtl.lane_products import lane_products
from rtl.stream import bit, signed
from tb.block_bench import run
from tb.block_parts import Table

LATENCY = 3


@pytest.mark.parametrize("lanes, family", [(1, "generic"), (4, "generic"), (8, "gowin"), (4, "ecp5")])
def test_products_are_three_enabled_cycles_late(lanes, family):
    print("seed 12")
    rng, config = np.random.default_rng(12), CoreConfig(family=family)
    extremes = np.array([-128, 127, -1, 0])
    rows = []
    for number in range(900):
        weights = rng.choice(extremes, lanes) if number % 3 == 0 else rng.integers(-128, 128, lanes)
        value = int(rng.choice([-256, 255, 0, -1])) if number % 4 == 0 else int(rng.integers(-256, 256))
        rows.append({"enable": int(rng.random() < 0.7), "value": value,
                     **{f"weights_{i}": int(weight) for i, weight in enumerate(weights)}})
    table = Table(rows)
    trace = run(lane_products, lambda: dict(clk=bit(), config=config, weights=[signed(WEIGHT_BITS) for _ in range(lanes)],
                                            value=signed(EVENT_BITS), enable=bit(),
                                            products=[signed(WEIGHT_BITS + EVENT_BITS) for _ in range(lanes)]),
                ("products",), (table,), table.over)
    columns, taken = {name: trace[name] for name in trace.names}, []
    for t in range(len(trace)):
        if len(taken) >= LATENCY:
            weights, value = taken[-LATENCY]
            assert [columns[f"products_{i}"][t] for i in range(lanes)] == [weight * value for weight in weights], t
        if columns["enable"][t]:
            taken.append(([columns[f"weights_{i}"][t] for i in range(lanes)], columns["value"][t]))
    assert len(taken) > 500
