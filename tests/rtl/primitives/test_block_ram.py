"""block_ram and two_port_ram against lists, and the ECP5's cells against a model of the DP16KD, cycle for cycle."""
from pathlib import Path

import numpy as np
import pytest

import rtl.primitives
from rtl.primitives.block_ram import block_ram, latency
from rtl.primitives.two_port_ram import two_port_ram
from rtl.stream import bit, unsigned, wrapping
from tb.block_bench import run
from tb.block_parts import Table
from tests.rtl.primitives.cells import use_models

DP16KD = Path(rtl.primitives.__file__).parent / "models" / "dp16kd.v"


def play(depth, family):
    rng = np.random.default_rng(depth)
    places = [0, 1, depth - 1, *(int(a) for a in rng.integers(0, depth, 20))]
    table = Table([{"write": 1, "address": at, "write_data": int(rng.integers(256))} for at in places] + [
        {"write": int(rng.random() < .4), "address": int(rng.choice(places)), "write_data": int(rng.integers(256))} for _ in range(600)])

    def arguments():
        return dict(clk=bit(), write=bit(), address=unsigned((depth - 1).bit_length()), write_data=unsigned(8),
                    read_data=unsigned(8), depth=depth, family=family)

    return run(block_ram, arguments, ("read_data",), (table,), table.over, linger=3)


@pytest.mark.parametrize("family, depth", [("generic", 16), ("ice40", 1000), ("ecp5", 64), ("ecp5", 16384)])
def test_a_read_gives_the_word_after_the_latency(family, depth):
    trace = play(depth, family)
    words, array, expected = {}, 0, [0] * latency(family)
    for write, at, data in zip(trace["write"], trace["address"], trace["write_data"]):
        if write:
            words[at] = data
        else:
            array = words.get(at, 0)
        expected.append(array)
    assert trace["read_data"] == expected[:len(trace)]


@pytest.mark.parametrize("depth", [16, 2048, 3000, 6144, 8192, 14000, 16384])
def test_the_cells_of_an_ecp5_are_the_model_in_every_cycle(monkeypatch, depth):
    use_models(monkeypatch, DP16KD)
    play(depth, "ecp5")


def test_a_memory_too_deep_for_an_ecp5_is_refused():
    with pytest.raises(ValueError, match="at most 16384 words, not 16385"):
        block_ram(bit(), bit(), unsigned(15), unsigned(8), unsigned(8), 16385, "ecp5")


@pytest.mark.parametrize("family", ["generic", "ecp5"])
def test_two_ports_work_side_by_side(family):
    rng = np.random.default_rng(8)
    rows = []
    for _ in range(500):
        write_at, read_at = (int(a) for a in rng.choice(64, 2, replace=False))
        rows.append({"write": int(rng.integers(2)), "write_address": write_at, "read_address": read_at,
                     "write_data": int(rng.integers(256))})
    table = Table(rows)

    def arguments():
        return dict(clk=bit(), write=bit(), write_address=wrapping(6), write_data=unsigned(8), read_address=wrapping(6),
                    read_data=unsigned(8), depth=64, family=family)

    trace = run(two_port_ram, arguments, ("read_data",), (table,), table.over, linger=2)
    words, expected = [0] * 64, [0] * latency(family)
    for row in rows:
        expected.append(words[row["read_address"]])
        if row["write"]:
            words[row["write_address"]] = row["write_data"]
    assert trace["read_data"][:len(rows)] == expected[:len(rows)]
