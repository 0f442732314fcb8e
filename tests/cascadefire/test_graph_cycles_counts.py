"""Words of band counts in the accelerator's cycle model: which there are, and when they are asked for."""

from types import SimpleNamespace

import numpy as np
import pytest

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.band_counts import BandCounts, count_places, looks
from cascadefire.graph_cycles.curve import Curve
from cascadefire.graph_cycles.port import USED, Port

CONFIG = SimpleNamespace(port_bytes=8)


def places_of(step, bands, live, counts):
    one = SimpleNamespace(event_counts=3, band_step=step, bands=bands, channels=len(live))
    return count_places(CONFIG, one, np.array(live, bool), np.broadcast_to(counts, (len(live), bands)))


@pytest.mark.parametrize("step, bands, live, places", [
    (1, 1, [0, 1, 0, 0, 0, 1, 0, 0, 1], [1, 5]),        # bytes 3 .. 11 of words of eight
    (9, 2, [1, 1, 0, 1], [0, 2, 5]),                # bytes 3 4, 12 13, 30 31: a channel's two are in one word
    (5, 5, [1, 1, 1], [0, 5, 13]),                  # bytes 3 .. 17
    (8, 7, [0, 1, 1], [1, 6, 13])])                 # bytes 11 .. 17 and 19 .. 25, the first of which is in the word before
def test_a_word_of_event_counts_is_asked_for_where_the_band_before_is_in_another_one(step, bands, live, places):
    assert places_of(step, bands, live, 1)[0].tolist() == places


def test_a_word_waits_for_the_band_so_many_before_it():
    counts = np.arange(200)[:, None] % 2        # every second band has events
    places, looked = places_of(1, 1, [1] * 200, counts)
    assert places.tolist() == [0, *range(5, 200, 8)]
    assert looked.tolist() == [max(0, place - at.BANDS_AHEAD + 1) // 2 for place in places]
    places, looked = places_of(8, 1, [1] * 200, counts)         # a word each: so many words are ahead
    assert looked.tolist() == [max(0, place - at.COUNTS_AHEAD + 1) // 2 for place in places]


def test_words_are_asked_for_a_band_a_cycle_and_as_unpack_opens_bands():
    port, pieces = Port(latency=20), Curve()
    pieces.add(5, 10, 50)       # of passes before
    work = SimpleNamespace(count_places=[0, 8, 70, 100], looked_before=[0, 0, 7, 30])
    counts = BandCounts(port, pieces, work, 100)
    port.ask(106, 10)
    counts.ask()
    asked = [100, 116, 170]     # the second one is due in cycle 108, when others have been given theirs
    assert [cycle for cycle in range(90, 300) if port.used[cycle] == USED] == [100, *range(106, 117), 170]
    pieces.add(20, 400, 590)
    counts.ask()
    # The band with events number 29 is looked at when the one sixteen before it is opened.
    opened = 400 + 10 * (29 - at.PIECES_AHEAD)
    assert port.used[opened + at.OPENED_TO_COUNT + at.BAND_TO_ASKED] == USED and port.used.count(USED) == 10 + len(asked) + 1
    counts.ask()
    assert port.used.count(USED) == 10 + len(asked) + 1


def test_counts_are_asked_for_some_bands_ahead():
    slow, work = Port(latency=100), SimpleNamespace(scan_end=300, count_places=[0] * 40)
    scan_on, turn = looks(slow, work), slow.turn + at.BAND_TO_ASKED
    assert scan_on(1000, at.BANDS_AHEAD) == 1000 + at.BANDS_AHEAD
    assert scan_on(1000 + at.BANDS_AHEAD, 1) == 1001 + turn
    near = looks(Port(latency=20), work)
    assert near(0, 200) == 200
