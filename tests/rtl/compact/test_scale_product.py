"""scale_product: exact products of extremes and random operands, with its own multipliers and with those of lanes."""
import numpy as np
import pytest

from rtl.compact.scale_product import LATENCY, Scaling, scale_product
from rtl.config import CoreConfig
from rtl.stream import bit, signed, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Script

CONFIG = CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True)


class Lanes:
    """Two multiply-adds: total(t + 3) = addend(t + 2) + a(t) * b(t), in steps."""

    def __init__(self):
        self.products = {"low": [0] * 2, "high": [0] * 2}
        self.totals = {"low": 0, "high": 0}

    def step(self, seen):
        for name, addend in (("low", "nothing"), ("high", "addend")):
            self.products[name].append(seen["scaling_" + name] * seen["scaling_factor"])
            self.totals[name] = self.products[name].pop(0) + seen["scaling_" + addend]

    def inputs(self):
        return {f"scaling_{name}_total": total for name, total in self.totals.items()}


def operands(seed, bits, least):
    """(biased, multiplier) of all extremes, then random ones."""
    rng, half = np.random.default_rng(seed), 1 << bits - 1
    firsts = [-half, half - 1, -1, 0, 1, (1 << 15) - 1, 1 << 15, -(1 << 15), -(1 << 15) - 1]
    yield from ((a, m) for a in firsts for m in (0, 1, 32767, 32768, 32769, 65535) if m >= least)
    for _ in range(500):
        a = int(rng.integers(-half, half)) >> int(rng.integers(bits))
        yield a, int(rng.integers(least, 1 << 16))


@pytest.mark.parametrize("family, bits, lent", [("generic", 26, False), ("ecp5", 31, False), ("up5k", 22, False),
                                                ("up5k", 26, True)])
def test_products_are_exact_and_four_steps_late(family, bits, lent):
    """Lanes that are lent multiply by 32768 and more only."""
    print("seed 13")
    rng, todo, lanes, got = np.random.default_rng(13), list(operands(13, bits, 32768 if lent else 0)), Lanes(), []

    def script():
        for biased, multiplier in [*todo, *[(0, 32768)] * LATENCY]:
            inputs = {"biased": biased, "multiplier": multiplier, **(lanes.inputs() if lent else {})}
            while rng.random() < 0.25:
                yield {**inputs, "go": 0}
            seen = yield {**inputs, "go": 1}
            got.append(seen["product"])
            if lent:
                lanes.step(seen)

    part = Script(script())
    outputs = "product", *(("scaling_low", "scaling_high", "scaling_factor", "scaling_addend", "scaling_nothing") if lent else ())
    run(scale_product, lambda: dict(clk=bit(), rst=reset(), config=CONFIG.replace(family=family), go=bit(), biased=signed(bits),
                                    multiplier=unsigned(16), scaling=Scaling() if lent else None, product=signed(bits + 17)),
        outputs, (part,), part.over)
    for one, product in zip(todo, got[LATENCY:], strict=True):
        assert product == one[0] * one[1], one
