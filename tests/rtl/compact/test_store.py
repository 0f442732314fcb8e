"""store against a list: a read is a cycle late and stays, in every family's text, of words with and without a sign."""
import numpy as np
import pytest

from rtl.compact.store import store
from rtl.stream import bit, signed, unsigned
from tb.block_bench import run
from tb.block_parts import Table


@pytest.mark.parametrize("depth, width, word, family", [(256, 40, unsigned, "generic"), (256, 9, signed, "ecp5"),
                                                        (32, 33, unsigned, "gowin"), (4, 6, unsigned, "up5k"),
                                                        (512, 16, signed, "ice40"), (8, 22, unsigned, "ice40"),
                                                        (16, 6, signed, "ice40")])
def test_what_was_written_is_read_a_cycle_later_and_stays(depth, width, word, family):
    print("seed 11")
    rng, bits = np.random.default_rng(11), (depth - 1).bit_length()

    def draw():
        value = int.from_bytes(rng.bytes(8), "little") % (1 << width)
        return value - (1 << width - 1) if word is signed else value

    rows = [{"write": 1, "write_address": at, "write_data": draw(), "read": 0} for at in range(depth)]
    for _ in range(4 * depth):
        write, at, look = int(rng.random() < 0.5), int(rng.integers(depth)), int(rng.integers(depth))
        # What is being written may not be read.
        rows.append({"write": write, "write_address": at, "write_data": draw(), "read": int(rng.random() < 0.6),
                     "read_address": (look + 1) % depth if write and look == at else look})
    table = Table(rows)
    trace = run(store, lambda: dict(clk=bit(), write=bit(), write_address=unsigned(bits), write_data=word(width), read=bit(),
                                    read_address=unsigned(bits), read_data=word(width), depth=depth, family=family),
                ("read_data",), (table,), table.over, linger=1)
    words, shown = [0] * depth, None
    for t, (write, at, data, read, look, seen) in enumerate(zip(*(trace[name] for name in (
            "write", "write_address", "write_data", "read", "read_address", "read_data")))):
        assert shown is None or seen == shown, t
        if read:
            shown = words[look]
        if write:
            words[at] = data
