"""event_queue against a list: order, latency, back-pressure of any pattern, and a queue held full."""
import pytest

from rtl.event_queue import event_queue
from rtl.stream import Stream, bit
from tb.block_bench import reset, run
from tb.block_parts import Sink, Source, Table
from tb.pauses import MODES

OUTPUTS = ("src_ready", "dst_valid", "dst_data", "nearly_full")


def queue(depth, source, sink, count, margin=1, linger=20, limit=20_000):
    def arguments():
        return dict(clk=bit(), rst=reset(), src=Stream(8), dst=Stream(8), depth=depth, nearly_full=bit(), margin=margin)

    trace = run(event_queue, arguments, OUTPUTS, (source, sink), lambda: len(sink.words) == count, linger, limit)
    trace.check_stream("dst")
    return trace


def levels(trace):
    """Words in the queue at the start of each cycle."""
    put, got = set(trace.when("src")), set(trace.when("dst"))
    level, result = 0, []
    for t in range(len(trace)):
        result.append(level)
        level += (t in put) - (t in got)
    return result


@pytest.mark.parametrize("idle", MODES)
@pytest.mark.parametrize("stall", MODES)
@pytest.mark.parametrize("depth", [2, 4, 8])
def test_words_come_out_once_and_in_order(depth, idle, stall):
    words = [(7 * n + 3) % 256 for n in range(200)]
    sink = Sink("dst", stall, seed=2)
    queue(depth, Source("src", words, idle), sink, len(words))
    assert sink.words == words


def test_a_word_is_there_the_cycle_after_it_came_in_and_both_sides_move_at_once():
    trace = queue(4, Source("src", range(100)), Sink("dst"), 0, linger=101)
    assert trace.when("src") == list(range(100))
    assert trace.when("dst") == list(range(1, 101))


@pytest.mark.parametrize("depth", [2, 4, 8])
def test_a_queue_held_full_for_a_thousand_cycles_loses_nothing(depth):
    sink = Sink("dst", lambda cycle: cycle < 1000)
    trace = queue(depth, Source("src", range(50)), sink, 50)
    assert len([t for t in trace.when("src") if t < 1000]) == depth
    assert not any(trace["src_ready"][depth:1000])
    assert sink.words == list(range(50))


@pytest.mark.parametrize("margin", [1, 2, 4])
def test_nearly_full_says_that_fewer_than_margin_places_are_left(margin):
    trace = queue(4, Source("src", range(200), "sometimes", 5), Sink("dst", "burst", 6), 200, margin)
    assert trace["nearly_full"] == [4 - level < margin for level in levels(trace)]


def test_reset_empties_it():
    def arguments():
        return dict(clk=bit(), rst=reset(), src=Stream(8), dst=Stream(8), depth=4, nearly_full=bit(), margin=1)

    table = Table([{}] * 20 + [{"rst": 1}, {"rst": 0}] + [{}] * 8)
    trace = run(event_queue, arguments, OUTPUTS, (table, Source("src", range(3))), table.over)
    assert trace["dst_valid"][1:21] == [1] * 20
    assert not any(trace["dst_valid"][21:])


@pytest.mark.parametrize("depth", [0, 1, 3, 6])
def test_a_depth_that_is_not_a_power_of_two_is_refused(depth):
    with pytest.raises(ValueError, match=f"^depth must be a power of two from 2, not {depth}$"):
        event_queue(bit(), reset(), Stream(8), Stream(8), depth)
