"""flat_row against the formula: rows in order, rows above, channels passed over, several passes, and its time."""
import random

import pytest

from rtl.flat_row import LATENCY, flat_row
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run


class Passes:
    """Gives the events of each pass, holds each until its row is found and `hold` more cycles."""

    def __init__(self, passes, hold=0):
        self.todo = []
        for size, events in passes:
            self.todo += [("start", size, None)] + [("event", size, event) for event in events]
        self.hold, self.left, self.current, self.rows, self.times, self.cycle, self.began = hold, hold, None, [], [], -1, 0
        self.taken = False

    def step(self, seen):
        self.cycle += 1
        inputs = {"start": 0, "taken": 0}
        if self.taken:
            self.current, self.taken = None, False
            inputs["valid"] = 0
        if self.current is None:
            if not self.todo:
                return {**inputs, "valid": 0}
            kind, (size, width), event = self.todo.pop(0)
            if kind == "start":
                return {**inputs, "start": 1, "valid": 0, "flat_size": size, "flat_width": width}
            self.current, self.left, self.began = event, self.hold, self.cycle
            return {**inputs, "valid": 1, **dict(zip(("channel", "y0", "high", "x0", "low"), event))}
        if seen["found"]:
            if self.left:
                self.left -= 1
            else:
                self.rows.append(seen["row"])
                self.times.append(self.cycle - self.began)
                self.taken = True
                inputs["taken"] = 1
        return inputs


def rows_of(passes, hold=0):
    driver = Passes(passes, hold)

    def arguments():
        return dict(clk=bit(), rst=reset(), start=bit(), flat_size=unsigned(16), flat_width=unsigned(16), valid=bit(), taken=bit(),
                    channel=unsigned(16), y0=unsigned(8), high=unsigned(8), x0=unsigned(8), low=unsigned(8), found=bit(), row=unsigned(16))

    run(flat_row, arguments, ("found", "row"), (driver,), lambda: not driver.todo and driver.current is None, 3, 60_000)
    expected = [(c * size + (y0 + high) * width + x0 + low) % 65536
                for (size, width), events in passes for c, y0, high, x0, low in events]
    assert driver.rows == expected
    return driver.times


@pytest.mark.parametrize("hold", [0, 3])
def test_rows_are_those_of_the_formula(hold):
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng, passes = random.Random(seed), []
    for size in ((49, 7), (65535, 65535), (1, 1), (784, 28)):
        channels = sorted(rng.randrange(12) for _ in range(40))
        passes.append((size, [(c, rng.randrange(6), rng.randrange(9), rng.randrange(8), rng.randrange(9)) for c in channels]))
    rows_of(passes, hold)


def test_events_of_one_row_take_its_latency_and_each_step_two_cycles():
    times = rows_of([((49, 7), [(0, 0, 0, 0, x) for x in range(7)] + [(0, 0, 1, 0, 0), (2, 0, 1, 0, 0), (2, 0, 0, 0, 5)])])
    steady = times[0]
    assert steady <= LATENCY
    assert times == [steady] * 7 + [steady + 2, steady + 6, steady + 2]
