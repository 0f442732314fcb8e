"""The memory port and the writer in the accelerator's cycle model: who has which cycle, and when outputs are in memory."""

from types import SimpleNamespace

import numpy as np
import pytest

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.port import USED, Port
from cascadefire.graph_cycles.work import fire_work
from cascadefire.graph_cycles.writer import Writer

CONFIG = SimpleNamespace(pes=4, fire_lanes=4)


def test_words_of_the_program_are_not_lost_where_reads_have_their_cycles():
    port = Port(latency=20)
    port.ask(10, 5)
    port.program(8, 2, 4)       # 8, 10, 12, 14: three of them behind the reads
    assert [cycle for cycle in range(30) if port.used[cycle] == USED] == [8, *range(10, 18)]


def test_writes_keep_reads_waiting_where_places_are_few():
    port = Port(latency=100)
    port.known = 0
    assert port.written(10, 200) == 10 + 3 * port.open + 8
    assert port.ask(20, 1) == 20        # a read has the cycle of a write
    assert port.ask(10 + at.PLACES, 1) == 10 + port.open
    assert port.written(10, 200) == 10 + 3 * port.open + 10     # which come later


@pytest.mark.parametrize("seed", range(5))
def test_no_more_requests_than_places_are_open(seed):
    rng, port = np.random.default_rng(seed), Port(latency=100)
    for time in np.cumsum(rng.integers(0, 60, 60)):
        port.known = int(time)
        port.ask(int(time), int(rng.integers(1, 40)))
        port.written(0, 20 * int(rng.integers(1, 40)))
    taken = np.cumsum(np.frombuffer(port.used, np.uint8)[:20000] > 0)
    assert (taken[port.open:] - taken[:-port.open]).max() <= at.PLACES


def test_what_is_read_for_an_estimate_is_not_read_afterwards():
    port = Port(latency=20)
    port.ask(10, 5)
    assert port.while_reading(8.5, 20, lambda: port.written(8, 3)) == 36      # 8 is free, 9 .. 33 are read
    assert port.written(8, 3) == 16 and port.used.count(USED) == 5


def test_the_drain_is_done_with_few_words_before_the_port_is():
    port = Port(latency=20)
    port.ask(0, 1000)

    def drained(last):
        writer = writer_of(port, [last])
        return writer._drained(0) - writer._times(0, 0).handed

    assert drained(at.WRITES_AHEAD) == 34
    assert drained(at.WRITES_AHEAD + 1) > 500


def writer_of(port, words, outputs=16, drain=34):
    """A Writer of a pass of groups of one band each, which has entered fire in cycle 0.  words: of each group."""
    writer, groups = Writer(CONFIG, port), len(words)
    each = dict(first=outputs, others=0, drain=drain, outputs=outputs)
    work = SimpleNamespace(words=words, last=words, **{name: [value] * groups for name, value in each.items()})
    work.offered = lambda group: [n * (drain - at.BETWEEN_BANDS) // words[group] for n in range(words[group])]
    writer.fire(SimpleNamespace(), work, 0)
    return writer


def test_a_drain_that_stood_still_has_channels_left():
    """Until cycle 200 the port is busy: of 14 words eight have a place, the ninth is read when the first one has gone."""
    port = Port(latency=20)
    port.ask(0, 200)
    group = writer_of(port, [14])._times(0, 0)
    begin = group.handed + at.HAND_TO_WRITE - at.READ_TO_WRITE      # of the drain's cycles
    ninth = 8 * 32 // 14
    assert group.left == group.handed + 34 + 201 - (begin + ninth)
    assert group.done == group.left + at.DRAIN_TO_WRITTEN - 2       # the last of its 32 cycles has no word
    few = writer_of(port, [4])._times(0, 0)
    assert few.left == few.handed + 34 and few.done == 203


@pytest.mark.parametrize("seed", range(30))
def test_writes_get_what_reads_leave_word_by_word(seed):
    rng, port = np.random.default_rng(seed), Port(latency=20)
    for time in np.cumsum(rng.integers(1, 60, 30)):
        port.ask(int(time), int(rng.integers(1, 40)))
    cycles, begin = np.flatnonzero(rng.random(120) < rng.choice([0.2, 0.6, 1])).tolist(), 60
    expected, stall = [*range(20, 20 + at.WRITES_AHEAD)], 0
    for cycle in cycles:
        late = expected[-at.WRITES_AHEAD] + 1 - (begin - at.READ_TO_WRITE + cycle + stall)
        stall += max(0, late)
        time = max(begin + cycle + stall, expected[-1] + 1)
        while port.used[time]:
            time += 1
        expected.append(time)
    assert port.written_each(cycles, begin, expected[at.WRITES_AHEAD - 1], None) == (expected, stall)


def test_what_is_written_later_than_a_read_is_looked_at_again():
    port = Port(latency=20)
    writer = writer_of(port, [14, 14, 14])
    first, second = writer._times(0, 0), writer._times(0, 1)
    port.ask(first.done + 1, 100)
    assert writer._times(0, 0) is first and writer._times(0, 1).done > second.done + 50
    again = writer._times(0, 1)
    port.ask(again.done + 1, 1)
    assert writer._times(0, 1) is again


def test_a_vector_is_collected_an_event_a_cycle():
    """Outputs of four lanes: two cycles at least, one more for the one that ends a band."""
    live = np.zeros((1, 2, 128), bool)
    live[0, 0, :7] = live[0, 1, :3] = True
    events = SimpleNamespace(layout=None, live=live, counts=live.sum(axis=2))
    config = SimpleNamespace(fire_lanes=4, port_events=4, port_bytes=8, pes=4)
    one = SimpleNamespace(fired=136, pool=1, vector=True, out_band=0)
    work = fire_work(config, one, events)
    assert work.first == [4 + 3 + 30 * 2 + 1] and work.lanes == [[(1, 1)]] and work.offered(0) == [0, 1]


def test_fire_makes_a_gap_some_outputs_after_it_stood_still():
    """The drain takes 60 cycles a group of 49 outputs: the second one waits for it, so the third one's last outputs come late."""
    writer = writer_of(Port(latency=20), [50] * 5, outputs=49, drain=60)
    handed = [writer._times(0, group).handed for group in range(5)]
    assert np.diff(handed).tolist() == [60, 49 + writer.gap] * 2
    fast = writer_of(Port(latency=20), [30] * 5, outputs=49, drain=40)
    assert np.diff([fast._times(0, group).handed for group in range(5)]).tolist() == [49] * 4
    small = writer_of(Port(latency=20), [50] * 4, outputs=9, drain=60)     # enough outputs wait for two groups
    assert np.diff([small._times(0, group).handed for group in range(4)]).tolist() == [60] * 3
