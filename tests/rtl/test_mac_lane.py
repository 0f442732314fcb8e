"""mac_lane: products of every extreme, and the accumulator bound met exactly."""
import itertools

import pytest

from tests.rtl.summing import HIGH, IDLE, LOW, beat, play, read_out, sums_at_end

VALUES = (-256, -255, -128, -1, 0, 1, 127, 128, 254, 255)
WEIGHTS = (-128, -127, -1, 0, 1, 126, 127)


def test_extreme_operands_are_added_exactly():
    pairs = list(itertools.product(VALUES, WEIGHTS))
    want = [0] * 16
    rows = []
    for number, (value, weight) in enumerate(pairs):
        address = number % 16
        if LOW <= want[address] + value * weight <= HIGH:
            want[address] += value * weight
            rows.append(beat(address, value, weight))
    assert len(rows) > 60 and sums_at_end(play(rows + read_out(0))) == want


TO_HIGH = [(255, 127), (255, 1), (127, 1)]
TO_LOW = [(255, -128), (128, -1)]
TO_LOW_SIGNED = [(-256, 127), (-256, 1)]


@pytest.mark.parametrize("distance", range(1, 8))
@pytest.mark.parametrize("steps, bound", [(TO_HIGH, HIGH), (TO_LOW, LOW), (TO_LOW_SIGNED, LOW)])
def test_the_accumulator_bound_is_met_exactly(steps, bound, distance):
    """At every distance of the beats, so through memory and through each forwarding path."""
    rows = []
    for step in steps:
        rows += [beat(3, *step)] + [IDLE] * (distance - 1)
    assert sums_at_end(play(rows + read_out(0))) == [bound if a == 3 else 0 for a in range(16)]


@pytest.mark.parametrize("steps, more", [(TO_HIGH, 1), (TO_LOW, -1)])
def test_one_more_than_the_bound_stops_the_simulation(steps, more):
    rows = [beat(3, *step) for step in steps] + [beat(3, more, 1)]
    with pytest.raises(ValueError, match="intbv value 32768|intbv value -32769"):
        play(rows + read_out(0), verilog=False)


def test_the_bound_can_be_met_and_left_again():
    """Up to the bound, down to the other one and back, in steps of extreme products."""
    steps = TO_HIGH + [(-v, w) for v, w in TO_HIGH] + TO_LOW + [(-128, -1)] + [(255, 127), (255, 1)]
    assert sums_at_end(play([beat(0, *step) for step in steps] + read_out(0)))[0] == sum(v * w for v, w in steps)
