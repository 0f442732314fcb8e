"""accumulation_buffer with one lane: hazards, halves, fire's reads and clears, the sweep."""
import itertools

import numpy as np
import pytest

from tests.rtl.summing import BUSY, FIRE_LATENCY, IDLE, beat, play, read_out, sums_at_end

DEPTH = 16


def added(rows):
    """The sums that a list of beats leaves."""
    sums = [0] * DEPTH
    for row in rows:
        if row["beat_valid"]:
            sums[row["beat_sum"]] += row["beat_value"] * row["weight"]
    return sums


@pytest.mark.parametrize("between", ["idle", "other addresses"])
@pytest.mark.parametrize("distance", range(1, 9))
def test_beats_at_one_address_at_this_distance_all_count(distance, between):
    rows = []
    for number in range(12):
        rows.append(beat(5, number + 1, 3))
        rows += [IDLE if between == "idle" else beat(8 + (number + gap) % 5, 7, -2) for gap in range(distance - 1)]
    assert sums_at_end(play(rows + read_out(0))) == added(rows)


def test_every_pattern_of_seven_cycles_of_idle_and_two_addresses():
    """So every mixture of forwarding distances; small numbers that tell the beats apart modulo the patterns before."""
    rng = np.random.default_rng(31)
    patterns = list(itertools.product((None, 4, 9), repeat=7))
    rows = [IDLE if a is None else beat(a, int(rng.integers(-9, 10)), int(rng.integers(-9, 10))) for p in patterns for a in p]
    assert sums_at_end(play(rows + read_out(0))) == added(rows)


def test_one_address_repeated_a_thousand_times():
    rows = [beat(15, 1 if n % 3 else -1, 50) for n in range(1000)]
    assert sums_at_end(play(rows + read_out(0))) == added(rows)


def test_busy_lasts_until_the_last_sum_is_written():
    rows = [IDLE, beat(1, 2, 3), IDLE, beat(2, 2, 3)] + [IDLE] * 12
    trace = play(rows)
    assert trace["busy"][:len(rows)] == [0] + [1] * (3 + BUSY) + [0] * (len(rows) - 4 - BUSY)


@pytest.mark.parametrize("seed", range(3))
def test_fire_reads_and_clears_one_half_while_beats_go_to_the_other(seed):
    """Passes in turn: the sums of each are read in random order, cleared a cycle later, while the next one adds."""
    rng = np.random.default_rng(seed)
    rows, reads, last = [], [], [0] * DEPTH
    for number in range(8):
        length = int(rng.integers(30, 80))
        beats = [beat(int(rng.integers(DEPTH if number % 2 else 4)), int(rng.integers(-128, 256)), int(rng.integers(-20, 21)))
                 if rng.random() < 0.8 else dict(IDLE) for _ in range(length)] + [dict(IDLE) for _ in range(BUSY + 1)]
        for row in beats:
            row.update(half=number % 2, fire_clear=0, fire_read=0)
        for slot, address in enumerate(rng.permutation(DEPTH).tolist()):
            reads.append((len(rows) + slot, last[address]))
            beats[slot].update(fire_read=1, fire_read_address=address)
            beats[slot + 1].update(fire_clear=1, fire_clear_address=address)
        rows += beats
        last = added(beats)
    trace = play(rows)
    assert not any(trace["busy"][t - 1] for t in range(1, len(rows)) if rows[t]["half"] != rows[t - 1]["half"])
    assert [trace["fire_sum"][t + FIRE_LATENCY] for t, _ in reads] == [value for _, value in reads]


def test_a_sweep_clears_both_halves():
    fill = [beat(a, a + 1, 1) for a in range(DEPTH)]
    gap = [IDLE] * (BUSY + 1)
    rows = fill + gap + [{**beat(a, 99, 1), "half": 1} for a in range(DEPTH)] + gap
    rows += [{"fire_sweep": 1}] + [{"fire_clear": 1, "fire_clear_address": a} for a in range(DEPTH)] + [{"fire_sweep": 0, "fire_clear": 0}]
    read = [{"fire_read": 1, "fire_read_address": a} for a in range(DEPTH)]
    rows += read + [{}] * 3 + [{"half": 0}] + read
    trace = play(rows)
    assert not any(trace["fire_sum"][-2 * DEPTH - 4:-DEPTH - 4]) and not any(trace["fire_sum"][-DEPTH:])


def test_reset_forgets_the_beats_in_flight():
    rows = [beat(3, 5, 5), beat(4, 5, 5), {**IDLE, "rst": 1}, {"rst": 0}]
    assert not any(sums_at_end(play(rows + read_out(0))))
