"""row_walker against a loop over the set bits of each event's rows."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.counter_skip import Row
from rtl.row_walker import Event, RowTable, row_walker
from rtl.stream import bit
from tb.block_bench import reset, run
from tb.block_parts import Sink, Source, Table
from tb.pauses import Gate

CONFIG = CoreConfig(kernel=3, acc_depth=64, weight_depth=32, slots=4)
POSITIONS, SLOTS = 9, 4
FIELDS = ("row_count", "row_weight", "row_sum", "row_value", "row_slot", "row_last")
OUTPUTS = ("event_ready", "row_valid", *FIELDS)


def arguments():
    return dict(clk=bit(), rst=reset(), config=CONFIG, event=Event(CONFIG), event_valid=bit(), event_ready=bit(),
                table=RowTable(CONFIG), row=Row(CONFIG), row_valid=bit(), row_ready=bit())


def table_of(rng):
    """Random entries (count, weight, offset) for each slot and position, with every field at both of its extremes."""
    return {(slot, position): (int(rng.choice([1, 255, *rng.integers(1, 256, 3)])), int(rng.integers(32)), int(rng.integers(64)))
            for slot in range(SLOTS) for position in range(POSITIONS)}


def writes(entries):
    rows = [{"table_write": 1, "table_address": slot << CONFIG.position_bits | position,
             "table_entry": (count << CONFIG.ring_bits | weight) << CONFIG.acc_address_bits | offset}
            for (slot, position), (count, weight, offset) in entries.items()]
    return rows + [{"table_write": 0}]


def expected(entries, events):
    """Row by row, lowest position first; the start of the sums wraps."""
    rows = []
    for e in events:
        listed = [p for p in range(POSITIONS) if e["event_rows"] >> p & 1]
        for p in listed:
            count, weight, offset = entries[e["event_slot"], p]
            rows.append((count, weight, (e["event_sum"] - offset) % 64, e["event_value"], e["event_slot"], p == listed[-1]))
    return rows


def random_events(rng, number, rows=None):
    events = [{"event_rows": int(rng.integers(1, 512)) if rows is None else int(rows(rng)), "event_value": int(rng.integers(-256, 256)),
               "event_sum": int(rng.integers(64)), "event_slot": int(rng.integers(SLOTS))} for _ in range(number)]
    return [{**event, "event_number": event["event_rows"].bit_count()} for event in events]


def walk(entries, events, idle="never", stall="never"):
    table = Table(writes(entries))
    gate = Gate(idle, 4)
    source = Source("event", events, lambda cycle: not table.over() or gate.closed())
    sink = Sink("row", stall, 5, FIELDS)
    want = expected(entries, events)
    trace = run(row_walker, arguments, OUTPUTS, (table, source, sink), lambda: len(sink.words) >= len(want), linger=20)
    trace.check_stream("row", *FIELDS)
    return trace, sink.words, want


@pytest.mark.parametrize("idle, stall", [("never", "never"), ("sometimes", "burst"), ("burst", "sometimes"), ("never", "fixed"),
                                         ("fixed", "never")])
def test_every_set_bit_becomes_one_row_in_order(idle, stall):
    rng = np.random.default_rng(21)
    _, rows, want = walk(table_of(rng), random_events(rng, 120), idle, stall)
    assert rows == want


@pytest.mark.parametrize("rows", [lambda rng: 1 << rng.integers(POSITIONS), lambda rng: 511, lambda rng: rng.choice([1, 256, 511, 257])],
                         ids=["one bit", "all bits", "mixed"])
def test_one_row_a_cycle_and_no_bubble_between_events(rows):
    rng = np.random.default_rng(22)
    trace, got, want = walk(table_of(rng), random_events(rng, 40, rows))
    assert got == want
    moved = trace.when("row")
    assert moved == list(range(moved[0], moved[0] + len(want)))
    assert moved[0] - trace.when("event")[0] == 6, "the latency that the block states"
