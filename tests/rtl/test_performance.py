"""performance against sums over the trace; beats and stalls together are all PE-cycles."""
import numpy as np
import pytest

from rtl.activity import CAUSES
from rtl.config import CoreConfig
from rtl.performance import COUNTERS, Counters, performance
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Table

LATE = 2        # registers between the inputs and the counters
PULSES = {"passes_done": "passes", "read_answered": "words_read", "write_accepted": "words_written"}


def count(rows, pes):
    table = Table(rows)

    def arguments():
        return dict(clk=bit(), rst=reset(), config=CoreConfig(pes=pes), clear=bit(), running=bit(), pe_state=unsigned(3 * pes),
                    passes_done=bit(), read_answered=bit(), write_accepted=bit(), event_taken=unsigned(4), counters=Counters())

    return run(performance, arguments, ("counters",), (table,), table.over)


@pytest.mark.parametrize("pes", [1, 3, 8])
def test_counts_are_sums_over_running_cycles_since_clear(pes):
    rng = np.random.default_rng(310 + pes)
    rows = [{"clear": int(rng.random() < 0.02), "running": int(rng.random() < 0.8), "pe_state": int(rng.integers(1 << 3 * pes)),
             "event_taken": int(rng.integers(16)), **{name: int(rng.integers(2)) for name in PULSES}} for _ in range(300)]
    trace = count(rows + [{"running": 0, "clear": 0}] * (1 + LATE), pes)
    held = dict.fromkeys(COUNTERS, 0)
    for t, row in enumerate(rows + [{}]):
        assert {name: trace["counters_" + name][t + LATE] for name in COUNTERS} == held
        stalls = sum(value for name, value in held.items() if name.startswith("stall"))
        assert stalls + held["beats"] == held["cycles"] * pes
        if row.get("clear"):
            held = dict.fromkeys(COUNTERS, 0)
        elif row.get("running"):
            held["cycles"] += 1
            held["events"] += row["event_taken"]
            for pulse, name in PULSES.items():
                held[name] += row[pulse]
            for pe in range(pes):
                cause = CAUSES[row["pe_state"] >> 3 * pe & 7]
                held["beats" if cause == "beat" else "stall_" + cause] += 1


def test_reset_clears():
    trace = count([{"running": 1, "passes_done": 1, "event_taken": 5, "pe_state": 0o77}] * 4 + [{"rst": 1}, {"rst": 0, "running": 0}], 2)
    assert trace["counters_cycles"][4] == 4 - LATE and not any(trace["counters_" + name][-1] for name in COUNTERS)
