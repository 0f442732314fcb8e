"""flat_row against the formula: rows in order, rows above, channels passed over, several passes, pauses, and its time."""
import random

import pytest

from rtl.config import EVENT_BITS, CoreConfig
from rtl.flat_row import LATENCY, ROW_BITS, flat_row, place_bits
from rtl.stream import Stream, bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Sink, Source, Table

CONFIG = CoreConfig(coord_bits=5)


def packed(value, channel, y, x):
    return value | (x | (y | channel << CONFIG.coord_bits) << CONFIG.coord_bits) << EVENT_BITS


def rows_of(size, width, events, pauses=("never", "never"), seed=1):
    """Check the rows of a pass; return the cycles in which they were there, counted from the first event's."""
    source = Source("events", [packed(*event) for event in events], pauses[0], seed)
    sink = Sink("rows", pauses[1], seed + 1)

    def arguments():
        return dict(clk=bit(), rst=reset(), config=CONFIG, start=bit(), flat_size=unsigned(16), flat_width=unsigned(16),
                    events=Stream(place_bits(CONFIG)), rows=Stream(EVENT_BITS + ROW_BITS), idle=bit())

    lead = Table([{"start": 1, "flat_size": 3, "flat_width": 3}, {"flat_size": size, "flat_width": width, "start": 0}])
    trace = run(flat_row, arguments, ("events_ready", "rows_valid", "rows_data", "idle"), (lead, source, sink),
                lambda: len(sink.words) == len(events), 3, 60_000)
    assert sink.words == [value | (c * size + y * width + x) % (1 << ROW_BITS) << EVENT_BITS for value, c, y, x in events]
    valid = trace["rows_valid"]
    assert trace["idle"][-1]
    return [t - trace["events_valid"].index(1) for t in range(len(valid)) if valid[t]]


@pytest.mark.parametrize("pauses", [("never", "never"), ("sometimes", "never"), ("never", "burst"), ("burst", "sometimes")])
@pytest.mark.parametrize("size, width", [(49, 7), (65535, 65535), (1, 1), (784, 28)])
def test_rows_are_those_of_the_formula(size, width, pauses):
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng = random.Random(seed)
    channels = sorted(rng.randrange(12) for _ in range(60))
    rows_of(size, width, [(rng.randrange(1 << EVENT_BITS), c, rng.randrange(15), rng.randrange(17)) for c in channels], pauses, seed)


def test_an_event_of_the_same_row_takes_a_cycle_and_each_step_two():
    events = [(1, 0, 0, x) for x in range(7)] + [(1, 0, 1, 0), (1, 2, 1, 0), (1, 2, 0, 5)]
    times = rows_of(49, 7, events)
    assert times[0] == LATENCY
    assert [late - early for early, late in zip(times, times[1:])] == [1] * 6 + [3, 7, 3]
