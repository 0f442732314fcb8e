"""weight_buffer: chunks come out lane by lane, two cycles after their address."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.stream import bit, signed, wrapping
from rtl.weight_buffer import RingPort, weight_buffer
from tb.block_bench import run
from tb.block_parts import Table


@pytest.mark.parametrize("weight_bytes", [1, 4, 8])
def test_chunks_written_column_by_column_come_out_lane_by_lane(weight_bytes):
    config = CoreConfig(lanes=8, fire_lanes=8, weight_bytes=weight_bytes, weight_depth=8)
    columns, depth = config.words_per_chunk, 8
    rng = np.random.default_rng(weight_bytes)
    chunks = rng.choice([-128, 127, -1, 0, *range(-100, 100, 7)], (depth, 8)).astype(np.int8)

    def word(chunk, column):
        return int.from_bytes(chunks[chunk, column * weight_bytes:(column + 1) * weight_bytes].tobytes(), "little")

    rows = [{"ring_write": 1 << c, "ring_address": a, "ring_data": word(a, c)} for a in range(depth) for c in range(columns)]
    rows = [rows[i] for i in rng.permutation(len(rows))]
    addresses = rng.integers(0, depth, 60).tolist()
    table = Table(rows + [{"ring_write": 0, "address": a} for a in addresses] + [{}, {}])

    def arguments():
        return dict(clk=bit(), config=config, ring=RingPort(config), address=wrapping(3), weights=[signed(8) for _ in range(8)])

    trace = run(weight_buffer, arguments, ("weights",), (table,), table.over)
    got = np.array([trace[f"weights_{lane}"] for lane in range(8)]).T[len(rows) + 2:]
    np.testing.assert_array_equal(got, chunks[addresses])
