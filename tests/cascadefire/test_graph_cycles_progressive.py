"""What a pass that reads what fire still writes asks for, and in which order, in the accelerator's cycle model."""

from types import SimpleNamespace

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.curve import Curve
from cascadefire.graph_cycles.port import USED, Port
from cascadefire.graph_cycles.progressive import ProgressiveFetch


def fetch_of(port, gates, words=(1, 1, 1), scan=(0, 3, 6)):
    """A ProgressiveFetch of channels with a band of so many words each, whose counts may be asked for from cycle `gates` on."""
    number, curve = len(words), Curve()
    work = SimpleNamespace(scan=list(scan), channel=list(range(number)), event_counts=[1] * number, pieces=[1] * number,
                           words=list(words), scan_end=10, count_places=[0] * number)
    front = SimpleNamespace(port=port, pieces=curve, words=curve, asked=0)
    return ProgressiveFetch(front, work, number - 1, lambda channel: gates[channel], port.answer)


def test_counts_are_asked_for_a_band_a_cycle_and_one_more_for_a_word():
    port = Port(latency=20)
    fetch = fetch_of(port, [100, 100, 300])
    assert fetch.of(0) == 100 + port.answer + at.COUNT_TO_EVENT
    assert fetch.of(1) == fetch.of(0) + 3 + 1
    assert fetch.of(2) == 300 + port.answer + at.COUNT_TO_EVENT


def test_events_of_later_channels_go_before_chunks_that_come_later():
    port = Port(latency=20)
    fetch = fetch_of(port, [100, 100, 300])
    first = fetch.of(0)
    fetch.before(first + 2)
    assert len(fetch.events) == 1
    fetch.before(first + 10)
    assert len(fetch.events) == 2 and port.used[first + 4] == USED
    port.ask(first + 5, 20)
    fetch.before(first + 25)
    assert len(fetch.events) == 2       # the third one's counts may not be asked for yet


def test_counts_of_channels_in_memory_go_into_the_midst_of_chunks():
    """Chunks are asked for from cycle 210 on; counts come by then, of a channel that is in memory before."""
    port = Port(latency=20)
    fetch = fetch_of(port, [100, 200, 214])
    fetch.of(0)
    fetch.within(210, 230)
    assert port.used[200] == USED and len(fetch.counted) == 1 + 3 + 1      # and those behind
    late = fetch_of(Port(latency=20), [100, 200, 210 + at.WRITTEN_TO_COUNT])
    late.of(0)
    late.within(210, 230)
    assert len(late.counted) == 1 + 2
