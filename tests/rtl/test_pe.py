"""pe: random events against numpy, in both halves, with fire reading and clearing the other one."""
import numpy as np
import pytest

from rtl.accumulation_buffer import FirePort
from rtl.config import EVENT_BITS, CoreConfig
from rtl.pe import PeStatus, event_bits, pe
from rtl.row_walker import RowTable
from rtl.stream import bit, signed, unsigned
from rtl.weight_buffer import RingPort
from tb.block_bench import reset, run
from tb.block_parts import Script, Source, Table
from tb.pauses import Gate

CONFIG = CoreConfig(lanes=4, fire_lanes=2, weight_bytes=4, kernel=2, acc_bits=20, acc_depth=16, weight_depth=16, slots=8)
SLOT_AT = event_bits(CONFIG) - CONFIG.slot_bits
OUTPUTS = ("bundle_ready", "fire_sums", "status")


def arguments():
    return dict(clk=bit(), rst=reset(), config=CONFIG, bundle=unsigned(event_bits(CONFIG)), bundle_valid=bit(), bundle_ready=bit(),
                table=RowTable(CONFIG), ring=RingPort(CONFIG), half=bit(), fire=FirePort(CONFIG),
                fire_sums=[signed(CONFIG.acc_bits) for _ in range(4)], status=PeStatus(CONFIG))


class Case:
    """Random weights and row tables, and what events do with them."""

    def __init__(self, seed, counts=(1, 1, 2, 5)):
        self.rng = np.random.default_rng(seed)
        self.chunks = self.rng.choice([-128, 127, *range(-9, 10)], (16, 4))
        self.rows = {(s, p): (int(self.rng.choice(counts)), int(self.rng.integers(16)), int(self.rng.integers(16)))
                     for s in range(8) for p in range(4)}
        self.sums = np.zeros((16, 4), int)
        self.beats = 0

    def memories(self):
        """Table rows that write ring and row tables."""
        c = CONFIG
        rows = [{"ring_write": 1, "ring_address": a, "ring_data": int.from_bytes(chunk.astype(np.int8).tobytes(), "little")}
                for a, chunk in enumerate(self.chunks)]
        rows += [{"ring_write": 0, "table_write": 1, "table_address": slot << c.position_bits | position,
                  "table_entry": (count << c.ring_bits | weight) << c.acc_address_bits | offset}
                 for (slot, position), (count, weight, offset) in self.rows.items()]
        return rows + [{"table_write": 0}]

    def event(self, value=None):
        """A random event, packed; its products are added to `sums`."""
        rows, slot, at = int(self.rng.integers(1, 16)), int(self.rng.integers(8)), int(self.rng.integers(16))
        value = int(self.rng.choice([-128, 255, *range(-9, 10)])) if value is None else value
        for p in range(4):
            if rows >> p & 1:
                count, weight, offset = self.rows[slot, p]
                for j in range(count):
                    self.sums[(at - offset + j) % 16] += value * self.chunks[(weight + j) % 16]
                    self.beats += 1
        packed = slot << CONFIG.acc_address_bits | at
        return {"bundle": (packed << EVENT_BITS | value % 512) << CONFIG.positions | rows}


def passes(case, counts, pause, got, want):
    """Passes of so many events, in alternating halves; each reads and clears the sums of the one before while it adds."""
    for row in case.memories():
        yield row
    gate = Gate(pause, 3)
    for number, count in enumerate(counts):
        want.append(case.sums.tolist())
        case.sums[:] = 0
        got.append([])
        source, seen, t, quiet = Source("bundle", [case.event() for _ in range(count)], lambda cycle: gate.closed()), {}, 0, 0
        while t < 20 or quiet < 2:
            inputs = {"half": number % 2, "fire_read": t < 16, "fire_read_address": t % 16, "fire_clear": 1 <= t <= 16,
                      "fire_clear_address": (t - 1) % 16}
            seen = yield {**inputs, **source.step(seen)}
            if 3 <= t < 19:
                got[-1].append([seen[f"fire_sums_{lane}"] for lane in range(4)])
            idle = source.held is None and not seen["status_holding"] and not seen["status_busy"]
            quiet, t = quiet + 1 if idle and source.sent == count else 0, t + 1


@pytest.mark.parametrize("pause, counts", [("never", (1, 1, 2, 5)), ("sometimes", (1,)), ("burst", (1, 2, 3)), ("never", (1,)),
                                           ("fixed", (9, 16))])
def test_sums_of_every_pass_are_those_of_numpy(pause, counts):
    case, got, want = Case(71, counts), [], []
    script = Script(passes(case, [40, 1, 0, 60, 25, 0, 0], pause, got, want))
    trace = run(pe, arguments, OUTPUTS, (script,), script.over, linger=4, limit=6000)
    assert got == want
    assert sum(trace["status_beating"]) == case.beats
    assert np.abs(want).max() > 1000 and not np.any(want[-1])


def test_no_bubble_while_events_wait():
    case = Case(72, (1, 2))
    source = Source("bundle", [case.event() for _ in range(60)], lambda cycle: cycle < 60)
    table = Table(case.memories())
    trace = run(pe, arguments, OUTPUTS, (table, source), lambda: source.sent == 60, linger=60)
    beating = trace["status_beating"]
    first = beating.index(1)
    assert beating[first:first + case.beats] == [1] * case.beats and sum(beating) == case.beats


def test_status_tells_when_events_are_held_and_never_claims_a_newer_slot():
    """While an event's first beat is issued, and before it, the claim may still be the slot of the one before; never a newer one."""
    case = Case(73)
    events = [case.event() for _ in range(40)]
    source = Source("bundle", events, lambda cycle: cycle < 60)
    trace = run(pe, arguments, OUTPUTS, (Table(case.memories()), source), lambda: source.sent == 40, linger=100)
    beats_of = [sum(case.rows[e["bundle"] >> SLOT_AT, p][0] for p in range(4) if e["bundle"] >> p & 1) for e in events]
    ends = np.cumsum(beats_of)
    taken, beats = 0, 0
    arrivals = set(trace.when("bundle"))
    for t in range(len(trace)):
        finished = int(np.searchsorted(ends, beats, side="right"))      # events whose beats were all issued before cycle t
        assert trace["status_holding"][t] == (taken > finished)
        if taken > finished:
            begun = beats > (ends[finished - 1] if finished else 0)
            slots = {events[n]["bundle"] >> SLOT_AT for n in range(finished if begun or not finished else finished - 1, finished + 1)}
            assert trace["status_claim"][t] in slots
        beats += trace["status_beating"][t]
        taken += t in arrivals
    assert finished == 40 and not trace["status_busy"][-1]
