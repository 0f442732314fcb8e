"""weight_buffer: chunks come out lane by lane, two cycles after their address; their words are gathered first."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.stream import bit, signed, unsigned, wrapping
from rtl.weight_buffer import RingPort, chunk_gather, weight_buffer
from tb.block_bench import run
from tb.block_parts import Table


def test_chunks_come_out_lane_by_lane():
    config = CoreConfig(lanes=8, fire_lanes=8, weight_depth=8)
    depth = 8
    rng = np.random.default_rng(1)
    chunks = rng.choice([-128, 127, -1, 0, *range(-100, 100, 7)], (depth, 8)).astype(np.int8)
    rows = [{"ring_write": 1, "ring_address": a, "ring_data": int.from_bytes(chunks[a].tobytes(), "little")} 
            for a in rng.permutation(depth).tolist()]
    addresses = rng.integers(0, depth, 60).tolist()
    table = Table(rows + [{"ring_write": 0, "address": a} for a in addresses] + [{}, {}])

    def arguments():
        return dict(clk=bit(), config=config, ring=RingPort(config), address=wrapping(3),
                    weights=[signed(8) for _ in range(8)])

    trace = run(weight_buffer, arguments, ("weights",), (table,), table.over)
    got = np.array([trace[f"weights_{lane}"] for lane in range(8)]).T[len(rows) + 2:]
    np.testing.assert_array_equal(got, chunks[addresses])


@pytest.mark.parametrize("weight_bytes", [1, 4, 8])
def test_a_chunk_is_there_the_cycle_after_its_last_word(weight_bytes):
    config = CoreConfig(lanes=8, fire_lanes=8, weight_bytes=weight_bytes)
    columns, bits = config.words_per_chunk, 8 * weight_bytes
    rng = np.random.default_rng(weight_bytes)
    rows, column = [], 0
    while len(rows) < 300:
        take = int(rng.integers(2))
        rows.append({"take": take, "column": column, "word": int(rng.integers(1 << 62)) & ((1 << bits) - 1)})
        column = (column + take) % columns
    table = Table(rows)

    def arguments():
        return dict(clk=bit(), config=config, take=bit(), column=wrapping(3), word=unsigned(bits), data=unsigned(64))

    trace = run(chunk_gather, arguments, ("data",), (table,), table.over)
    words = [0] * columns
    for cycle, row in enumerate(rows[:-1]):
        if row["take"]:
            words[row["column"]] = row["word"]
            if row["column"] == columns - 1:
                assert trace["data"][cycle + 1] == sum(word << bits * place for place, word in enumerate(words))
