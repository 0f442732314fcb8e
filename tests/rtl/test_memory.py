"""memory against a list."""
import numpy as np
import pytest

from rtl.memory import memory
from rtl.stream import bit, signed, unsigned, wrapping
from tb.block_bench import run
from tb.block_parts import Table


@pytest.mark.parametrize("shape, depth", [(unsigned, 8), (signed, 32)])
def test_a_read_gives_two_cycles_later_what_earlier_cycles_wrote(shape, depth):
    """Reads of the address being written are included: they return the word before."""
    rng = np.random.default_rng(depth)
    low = -(1 << 11) if shape is signed else 0
    values = rng.choice([low, low + (1 << 12) - 1, *rng.integers(low, low + (1 << 12), 20)], 600)
    table = Table({"write": int(rng.integers(2)), "write_address": int(rng.integers(depth)), "write_data": int(v),
                   "read_address": int(rng.integers(depth))} for v in values)

    def arguments():
        return dict(clk=bit(), write=bit(), write_address=wrapping((depth - 1).bit_length()), write_data=shape(12),
                    read_address=wrapping((depth - 1).bit_length()), read_data=shape(12), depth=depth)

    trace = run(memory, arguments, ("read_data",), (table,), table.over)
    words, expected = [0] * depth, []
    for write, at, data, read in zip(*(trace[n] for n in ("write", "write_address", "write_data", "read_address"))):
        expected.append(words[read])
        if write:
            words[at] = data
    assert trace["read_data"][2:] == expected[:-2]


def test_without_a_read_the_last_word_read_stays():
    rng = np.random.default_rng(3)
    table = Table({"write": int(rng.integers(2)), "write_address": int(rng.integers(8)), "write_data": int(rng.integers(256)),
                   "read_address": int(rng.integers(8)), "read": int(rng.random() < 0.4)} for _ in range(400))

    def arguments():
        return dict(clk=bit(), write=bit(), write_address=wrapping(3), write_data=unsigned(8), read_address=wrapping(3),
                    read_data=unsigned(8), depth=8, read=bit())

    trace = run(memory, arguments, ("read_data",), (table,), table.over)
    words, last, expected = [0] * 8, 0, []
    for row in table.rows:
        last = words[row["read_address"]] if row["read"] else last
        expected.append(last)
        if row["write"]:
            words[row["write_address"]] = row["write_data"]
    assert trace["read_data"][2:] == expected[:-2]
