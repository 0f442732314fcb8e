"""fire_value against the integer reference, extremes of every operand and pauses included."""
from types import SimpleNamespace

import numpy as np
import pytest

from cascadefire import reference
from rtl.compact.fire_value import LATENCY, fire_value
from rtl.config import CoreConfig
from rtl.stream import bit, signed, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Script

CONFIG = CoreConfig(pes=1, lanes=8, fire_lanes=1, weight_bytes=8, compact=True)


def expected(total, bias, multiplier, shift, relu):
    layer = SimpleNamespace(bias=[bias], multiplier=[multiplier], shift=[shift], activation="relu" if relu else "none")
    return int(reference.requantise(layer, np.array([[[total]]], np.int64)).item())


def cases(seed):
    rng, half = np.random.default_rng(seed), 1 << CONFIG.acc_bits - 1
    extremes = [-half, half - 1, -1, 0, 1]
    for total in extremes:
        for bias in (-2 * half, 2 * half - 1, 0):
            for multiplier in (0, 1, 32767, 32768, 65535):
                for shift in (13, 14, 16, 20, 21, 28, 29, 31, 36, 37, 43, 44):
                    yield total, bias, multiplier, shift
    for _ in range(600):
        shift = int(rng.integers(13, 45))
        total = int(rng.integers(-300, 300)) << max(0, shift - 16)
        yield max(-half, min(half - 1, total)), int(rng.integers(-99, 99)), int(rng.integers(1 << 15, 1 << 16)), shift


@pytest.mark.parametrize("relu", [0, 1])
def test_values_are_the_references_at_any_pace(relu):
    """bias comes with the sum, multiplier and shift a step later, as fire_params gives them."""
    print("seed 1")
    rng, todo, got = np.random.default_rng(1), list(cases(1)), []

    def script():
        steps = [*todo, *[(0, 0, 0, 13)] * (LATENCY + 1)]
        for number, (total, bias, *_) in enumerate(steps):
            multiplier, shift = steps[number - 1][2:] if number else (0, 13)
            inputs = dict(go=1, sum_=total, bias=bias, multiplier=multiplier, shift=shift, dead=number & 1, relu=relu)
            while rng.random() < 0.2:
                yield {**inputs, "go": 0}
            seen = yield inputs
            got.append((seen["value"], seen["is_dead"]))

    def arguments():
        return dict(clk=bit(), rst=reset(), config=CONFIG, go=bit(), sum_=signed(CONFIG.acc_bits), bias=signed(CONFIG.acc_bits + 1),
                    multiplier=unsigned(16),
                    shift=unsigned(6), dead=bit(), relu=bit(), scaling=None, value=signed(9), is_dead=bit())

    part = Script(script())
    run(fire_value, arguments, ("value", "is_dead"), (part,), part.over)
    want = [(expected(*one, relu), (number + 1) & 1) for number, one in enumerate(todo)]
    for one, mine, right in zip(todo, got[LATENCY:], want):
        assert mine == right, one
