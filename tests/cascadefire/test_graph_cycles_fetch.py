"""When a pass that waits for no writer asks for its events, in the accelerator's cycle model."""

from types import SimpleNamespace

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.curve import Curve
from cascadefire.graph_cycles.event_fetch import OrderedFetch
from cascadefire.graph_cycles.port import Port


def fetch_of(port, words=(1, 1), scan=(0, 3), gate=None, taken=None):
    """An OrderedFetch of channels with one band each, whose counts may be asked for from cycle 50 on.  taken: Curve of words."""
    number = len(words)
    work = SimpleNamespace(scan=list(scan), channel=list(range(number)), event_counts=[0] * number, pieces=[1] * number,
                           words=list(words), scan_end=10, count_places=[0], looked_before=[0])
    return OrderedFetch(SimpleNamespace(port=port, pieces=Curve(), words=taken or Curve(), asked=0), work, number - 1, gate, 50)


def test_bands_are_looked_at_one_a_cycle_from_the_first_count_on():
    port = Port(latency=20)
    fetch = fetch_of(port)
    assert fetch.of(0) == 50 + port.answer + at.COUNT_TO_EVENT
    assert fetch.rest(0) == fetch.of(1) - 3 == 50 + port.answer + at.COUNT_TO_EVENT
    assert fetch.end() == 50 + port.answer + 10


def test_words_behind_the_first_are_asked_for_one_a_cycle():
    fetch = fetch_of(Port(latency=20), words=(5, 1))
    first = fetch.of(0)
    assert fetch.rest(0) == first + 4 and fetch.of(1) == first + 5


def test_a_channel_waits_for_its_writer():
    port = Port(latency=20)
    fetch = fetch_of(port, gate=lambda channel: (50, 700)[channel])
    fetch.of(0)
    assert fetch.of(1) == 700 + port.answer + at.COUNT_TO_EVENT
    assert fetch.end() == 700 + port.answer + 7


def test_a_word_waits_for_a_place_in_the_reader():
    """All its places are taken; unpack takes the first of their words in cycle 900."""
    taken = Curve()
    taken.add(at.EVENTS_AHEAD, 900, 900 + at.EVENTS_AHEAD - 1)
    fetch = fetch_of(Port(latency=20), words=(2, 1), taken=taken)
    assert fetch.of(0) == 901
    assert fetch.rest(0) == 902
    taken.add(2, 2000, 2500)
    assert fetch.taken(902) == 902      # what it waits for was taken before
