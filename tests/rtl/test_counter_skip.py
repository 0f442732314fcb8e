"""counter_skip against the list of beats that its rows ask for."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.counter_skip import Beat, Row, counter_skip
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Source
from tb.pauses import MODES

CONFIG = CoreConfig(acc_depth=64, weight_depth=32)
OUTPUTS = ("row_ready", "beat", "slot", "event_done")
FIELDS = ("beat_weight", "beat_sum", "beat_value", "slot", "event_done")


def arguments():
    return dict(clk=bit(), rst=reset(), row=Row(CONFIG), row_valid=bit(), row_ready=bit(), beat=Beat(CONFIG),
                slot=unsigned(CONFIG.slot_bits), event_done=bit())


def row(rng, count):
    return {"row_count": count, "row_weight": int(rng.integers(32)), "row_sum": int(rng.integers(64)),
            "row_value": int(rng.choice([-256, 255, *range(-5, 6)])), "row_slot": int(rng.integers(8)), "row_last": int(rng.integers(2))}


def beats(rows):
    """What the counter must issue; addresses wrap."""
    return [((r["row_weight"] + j) % 32, (r["row_sum"] + j) % 64, r["row_value"], r["row_slot"],
             r["row_last"] and j == r["row_count"] - 1) for r in rows for j in range(r["row_count"])]


def count(rows, pause="never"):
    source = Source("row", rows, pause)
    return run(counter_skip, arguments, OUTPUTS, (source,), lambda: source.sent == len(rows), linger=260)


def issued(trace):
    columns = [trace[name] for name in FIELDS]
    return [tuple(column[t] for column in columns) for t, valid in enumerate(trace["beat_valid"]) if valid]


@pytest.mark.parametrize("pause", MODES)
def test_every_row_gives_its_beats(pause):
    rng = np.random.default_rng(11)
    rows = [row(rng, int(n)) for n in rng.choice([1, 1, 1, 2, 3, 7, 32], 150)]
    trace = count(rows, pause)
    assert issued(trace) == beats(rows)
    assert not any(done and not valid for done, valid in zip(trace["event_done"], trace["beat_valid"]))


@pytest.mark.parametrize("counts", [[1] * 20, [255, 1, 255, 1, 1], [2, 1, 3, 1]])
def test_there_is_no_bubble_between_rows(counts):
    rng = np.random.default_rng(12)
    rows = [row(rng, n) for n in counts]
    trace = count(rows)
    assert trace["beat_valid"] == [0] + [1] * sum(counts) + [0] * (len(trace) - 1 - sum(counts))
    assert issued(trace) == beats(rows)
    assert trace.when("row") == [0, *np.cumsum(counts[:-1])]


def test_the_event_is_done_with_the_last_beat_of_its_last_row_only():
    rng = np.random.default_rng(13)
    rows = [{**row(rng, 3), "row_last": last} for last in (0, 0, 1)]
    assert count(rows)["event_done"][:10] == [0] * 9 + [1]
