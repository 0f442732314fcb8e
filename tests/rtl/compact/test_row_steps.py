"""row_steps with the table filled in Python: every kernel row with chunks, in order, with its sum's address, and slots freed."""
import numpy as np
import pytest

from rtl.compact.event_place import PlacedEvent
from rtl.compact.pass_header import Settings
from rtl.compact.row_steps import row_steps
from rtl.compact.sizes import ADDRESS_BITS, side_bits, slot_bits
from rtl.config import COUNT_BITS, EVENT_BITS, CoreConfig
from rtl.stream import bit, signed, unsigned, wrapping
from tb.block_bench import reset, run
from tb.block_parts import Sink, Source
from tb.pauses import Gate

CONFIG = CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True, acc_depth=512, kernel=3)
SIDE, SLOTS = side_bits(CONFIG), slot_bits(CONFIG)
FIELDS = ("row_count", "row_chunk", "row_sum", "row_value")
OUTPUTS = ("placed_ready", "freed", *FIELDS, "row_valid", "empty")


class Table:
    """Enters a pass, then writes (place in the table, entry) of slot after slot where there is room, and counts those filled."""

    def __init__(self, settings, slots, pause):
        self.begin, self.gate = [{**settings, "enter": 1}, {"enter": 0}], Gate(pause, 11)
        self.todo = [(number % (1 << SLOTS), entries) for number, entries in enumerate(slots)]
        self.filled, self.freed, self.adds = 0, 0, 0
        self.writes = []

    def step(self, seen):
        self.filled += self.adds - seen.get("freed", 0)
        self.freed += seen.get("freed", 0)
        assert self.filled >= 0
        self.adds, inputs = 0, {"write": 0}
        if self.begin:
            return {**inputs, **self.begin.pop(0), "filled": 0}
        if not self.writes and self.todo and self.filled < 1 << SLOTS:
            slot, entries = self.todo.pop(0)
            self.writes = [(slot << 2 * SIDE | place, entry) for place, entry in entries]
        if self.writes and not self.gate.closed():
            address, entry = self.writes.pop(0)
            inputs.update(write=1, entry_address=address, entry=entry)
            self.adds = int(not self.writes)
        return {**inputs, "filled": self.filled}


def walk(settings, slots, events, want, table="never", source="never", sink="never"):
    part, taken = Table({f"settings_{name}": value for name, value in settings.items()}, slots, table), Sink("row", sink, 12, FIELDS)
    gate = Gate(source, 13)
    feed = Source("placed", events, lambda cycle: cycle < 4 or gate.closed())

    def done():
        return feed.sent == len(events) and len(taken.words) >= len(want) and part.freed >= len(slots)

    trace = run(row_steps, lambda: dict(
        clk=bit(), rst=reset(), config=CONFIG, enter=bit(), settings=Settings(CONFIG), placed=PlacedEvent(CONFIG),
        filled=unsigned(SLOTS + 1), freed=bit(), write=bit(), entry_address=unsigned(SLOTS + 2 * SIDE),
        entry=unsigned(1 + COUNT_BITS + ADDRESS_BITS), row_count=unsigned(COUNT_BITS), row_chunk=unsigned(ADDRESS_BITS),
        row_sum=wrapping(CONFIG.acc_address_bits), row_value=signed(EVENT_BITS), row_valid=bit(), row_ready=bit(), empty=bit()),
        OUTPUTS, (part, feed, taken), done, linger=20, limit=30_000)
    trace.check_stream("row", *FIELDS)
    assert taken.words == want and part.freed == len(slots) and trace["empty"][-1]
    return trace


def entry_of(rng, empty):
    return 0 if rng.random() < empty else int(rng.integers(1, 256)), int(rng.integers(1 << ADDRESS_BITS))


def packed(entry):
    return (entry[0] != 0) << COUNT_BITS + ADDRESS_BITS | entry[0] << ADDRESS_BITS | entry[1]


@pytest.mark.parametrize("kernel, log2, empty", [((3, 3), 0, 0.3), ((3, 2), 1, 0.0), ((3, 3), 1, 0.9), ((1, 1), 0, 0.5), ((2, 3), 2, 0.1)])
@pytest.mark.parametrize("table, source, sink", [("never", "never", "never"), ("sometimes", "never", "burst"),
                                                 ("burst", "sometimes", "sometimes")])
def test_rows_of_each_event_from_its_channels_slot(kernel, log2, empty, table, source, sink):
    """Channels without events are passed over as well."""
    print("seed 29")
    rng, stride = np.random.default_rng(29), 1 << log2
    steps = dict(stride_y=int(rng.integers(60)), stride_x=int(rng.integers(1, 9)))
    slots, events, want = [], [], []
    for channel in range(14):
        entries = {(y, x): entry_of(rng, empty) for y, x in np.ndindex(*kernel)}
        slots.append([(y << SIDE | x, packed(entry)) for (y, x), entry in entries.items()])
        for _ in range(int(rng.integers(0, 9)) if channel % 5 else 0):
            value, at = int(rng.integers(-256, 256)), int(rng.integers(CONFIG.acc_depth))
            (top, bottom), (left, right) = (sorted(rng.integers(side, size=2).tolist()) for side in kernel)
            events.append({"placed_value": value, "placed_sum": at, "placed_top": top, "placed_left": left, "placed_ends": 0,
                           "placed_more_rows": (bottom - top) // stride, "placed_more_columns": (right - left) // stride})
            for i, y in enumerate(range(top, bottom + 1, stride)):
                for j, x in enumerate(range(left, right + 1, stride)):
                    if entries[y, x][0]:
                        there = (at - i * steps["stride_y"] - j * steps["stride_x"]) % CONFIG.acc_depth
                        want.append((*entries[y, x], there, value))
        events.append({"placed_ends": 1})
    walk(dict(stride_log2=log2, flatten=0, **steps), slots, events, want, table, source, sink)


@pytest.mark.parametrize("table, source, sink", [("never", "never", "never"), ("sometimes", "burst", "sometimes"),
                                                 ("never", "sometimes", "burst")])
def test_with_flatten_each_event_has_a_slot_of_its_own(table, source, sink):
    print("seed 30")
    rng = np.random.default_rng(30)
    slots, events, want = [], [], []
    for _ in range(80):
        entry, value = entry_of(rng, 0.2), int(rng.integers(-256, 256))
        slots.append([(0, packed(entry))])
        events.append(dict.fromkeys(("placed_sum", "placed_top", "placed_more_rows", "placed_left", "placed_more_columns",
                                     "placed_ends"), 0) | {"placed_value": value})
        if entry[0]:
            want.append((*entry, 0, value))
    walk(dict(stride_log2=0, flatten=1, stride_y=0, stride_x=0), slots, events, want, table, source, sink)


def test_a_row_a_cycle():
    """Where every row has chunks, and from one event to the next too."""
    entries = [(y << SIDE | x, packed((1 + y, x))) for y, x in np.ndindex(3, 3)]
    event = {"placed_value": 1, "placed_sum": 9, "placed_top": 0, "placed_more_rows": 2, "placed_left": 0, "placed_more_columns": 2,
             "placed_ends": 0}
    want = [(1 + y, x, (9 - 3 * y - x) % CONFIG.acc_depth, 1) for _ in range(10) for y, x in np.ndindex(3, 3)]
    times = walk(dict(stride_log2=0, flatten=0, stride_y=3, stride_x=1), [entries], [event] * 10 + [{"placed_ends": 1}], want).when("row")
    assert times[-1] - times[0] == len(want) - 1
