"""row_count against Python's bit count."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.pe import event_bits
from rtl.row_count import LATENCY, count_bits, row_count
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Table


@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 7, 11])
def test_rows_are_counted_and_events_come_through_as_they_were(kernel):
    config = CoreConfig(kernel=kernel)
    width, rng = event_bits(config), np.random.default_rng(18)
    print("seed 18")
    events = [(1 << width) - 1, 0] + [int.from_bytes(rng.bytes(30), "little") % (1 << width) for _ in range(80)]
    table = Table([{"bundle": event, "bundle_valid": int(rng.random() < 0.7)} for event in events] + [{"bundle_valid": 0}] * (LATENCY + 1))

    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, bundle=unsigned(width), bundle_valid=bit(),
                    counted=unsigned(width + count_bits(config)), counted_valid=bit())

    trace = run(row_count, arguments, ("counted", "counted_valid"), (table,), table.over)
    assert trace["counted_valid"][LATENCY:] == trace["bundle_valid"][:-LATENCY]
    rows = (1 << kernel * kernel) - 1
    assert [counted for counted, there in zip(trace["counted"], trace["counted_valid"]) if there] == [
        b | (b & rows).bit_count() << width for b, there in zip(trace["bundle"], trace["bundle_valid"]) if there]
