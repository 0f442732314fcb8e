"""mac against numbers, its simulation text in every family, and the device's cells, cycle for cycle."""
from pathlib import Path

import numpy as np
import pytest

from rtl.config import FAMILIES
from rtl.primitives import mac as module
from rtl.primitives.mac import mac
from rtl.stream import bit, signed, unsigned
from tb.block_bench import run
from tb.block_parts import Table
from tests.rtl.primitives.cells import use_models, yosys_model

MODELS = Path(module.__file__).parent / "models"
A, B, WIDTH = 8, 9, 24


def rows(seed, plain=False):
    """Random operands with every extreme, pauses, holds and clears; zero_late is zero a cycle late."""
    print("seed", seed)
    rng, late, made = np.random.default_rng(seed), 0, []
    for _ in range(1500):
        zero = int(rng.random() < 0.1)
        made.append({"a": int(rng.choice([-127, 127, -1, 0, int(rng.integers(-128, 128))])),
                     "b": int(rng.choice([0, 511, 256, int(rng.integers(0, 512))] if plain else
                                         [-128, 255, 0, int(rng.integers(-128, 256))])),
                     "addend": int(rng.choice([-(1 << 22), (1 << 22) - 1, int(rng.integers(-9999, 9999))])),
                     "hold": int(rng.random() < 0.3), "enable": int(rng.random() < 0.8), "zero": zero, "zero_late": late})
        late = zero
    return made


def arguments(family, plain=False):
    return lambda: dict(clk=bit(), enable=bit(), a=signed(A), b=unsigned(B) if plain else signed(B), addend=signed(WIDTH), hold=bit(),
                        zero=bit(), zero_late=bit(),
                        total=signed(WIDTH), family=family)


@pytest.mark.parametrize("plain", [False, True], ids=["signed", "unsigned"])
@pytest.mark.parametrize("family", FAMILIES)
def test_totals_are_sums_held_sums_or_zero(family, plain):
    table = Table(rows(3, plain))
    trace = run(mac, arguments(family, plain), ("total",), (table,), table.over, linger=1)
    operands, product, total = (0, 0), 0, 0
    for enable, a, b, addend, hold, zero, late, seen in zip(*(trace[name] for name in (
            "enable", "a", "b", "addend", "hold", "zero", "zero_late", "total"))):
        assert seen == total
        total = 0 if zero or late else total if hold or not enable else addend + product
        if enable:
            operands, product = (a, b), operands[0] * operands[1]


@pytest.mark.parametrize("plain", [False, True], ids=["signed", "unsigned"])
@pytest.mark.parametrize("family, cell", [("up5k", "SB_MAC16"), ("ecp5", "MULT18X18D")])
def test_the_device_text_is_the_model_in_every_cycle(monkeypatch, tmp_path, family, cell, plain):
    pytest.importorskip("pyosys")
    use_models(monkeypatch, yosys_model(tmp_path, "ice40/cells_sim.v",
                                        cell) if family == "up5k" else MODELS / "mult18x18d.v")
    table = Table(rows(4, plain))
    run(mac, arguments(family, plain), ("total",), (table,), table.over, linger=1)


def test_operands_that_are_too_wide_are_refused():
    with pytest.raises(ValueError, match="operands on up5k must have at most 16 bits"):
        mac(bit(), bit(), signed(17), signed(8), signed(24), bit(), bit(), bit(), signed(24), "up5k")
