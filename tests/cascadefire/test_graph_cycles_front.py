"""The front in the accelerator's cycle model: what fetch, unpack and dispatch of a pass wait for."""

from itertools import accumulate
from types import SimpleNamespace

import pytest

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.front import Front
from cascadefire.graph_cycles.port import USED, Port

CONFIG = SimpleNamespace(port_bytes=8, port_events=4, event_lanes=4, pes=4, slots=4, weight_depth=64, words_per_chunk=4)


def work_of_channels(*channels, count_places=(), looked_before=()):
    """A pass of channels of 60 event words in a band and a chunk, but for what each of `channels` says."""
    usual = dict(pieces=1, words=60, groups=60, located=40, trail=0, beats=2000, loads=None, ahead=4, walk=1, count_words=1, chunks=1,
                 event_counts=0)
    channels = [usual | {"channel": number} | one for number, one in enumerate(channels)]
    ends = [*accumulate(one["pieces"] for one in channels)]
    return SimpleNamespace(**{name: [one[name] for one in channels] for name in channels[0]}, scan=[0, *ends[:-1]], scan_end=ends[-1],
                           count_places=list(count_places), looked_before=list(looked_before))


def work_of_one_channel(count_places=(), looked_before=(), **changes):
    """Such a pass of one channel."""
    return work_of_channels(changes, count_places=count_places, looked_before=looked_before)


def front_of_one_channel(**changes):
    """A front that has run such a pass."""
    front = Front(CONFIG, Port(latency=20))
    front.run(SimpleNamespace(flatten=False, kernel=(1, 1), count_words=1, channels=1), work_of_one_channel(**changes), 0, 20, (0.0, None))
    return front


@pytest.mark.parametrize("latency", [20, 100])
def test_the_next_pass_is_taken_when_counts_of_the_last_channel_may_be_asked_for(latency):
    """Of two channels the second one has no events; its counts are in memory in cycle 900."""
    front, taken = Front(CONFIG, Port(latency=latency)), []
    front.weights.follow = lambda take, following: taken.append(take)
    work, one = work_of_one_channel(), SimpleNamespace(flatten=False, kernel=(1, 1), count_words=1, channels=2)
    times = front.run(one, work, 0, 20, (0.0, lambda channel: 900 * channel), None, 0, one)
    assert taken == [900 + latency + at.ANSWER + at.FETCH_FREE] and times.fetched == taken[0]


def test_unpack_still_takes_the_words_behind_the_tile_when_the_last_one_before_them_has_a_place():
    slow = front_of_one_channel()
    assert slow.unpacked > 100      # the dispatch holds it up
    assert front_of_one_channel(trail=20).unpacked == slow.unpacked + 20


def test_a_channel_is_over_when_the_last_pe_is():
    even, uneven = (front_of_one_channel(loads=loads).weights.free[-1] for loads in ([500] * 4, [540, 480, 480, 500]))
    assert uneven == even + 40


def test_a_slot_is_kept_until_the_next_channel_is_opened():
    """The first channel's beats are over long before the dispatch begins the second one, whose weights come late."""
    front, one = Front(CONFIG, Port(latency=20)), SimpleNamespace(flatten=False, kernel=(1, 1), count_words=1, channels=2)
    work = work_of_channels(*[dict(words=4, groups=4, located=4, beats=4, chunks=chunks) for chunks in (0, 1)])
    front.port.ask(50, 500)
    front.run(one, work, 0, 20, (0.0, None))
    opened = front.dispatch.at(4)       # its first word
    assert front.dispatch.at(3) < 100 and opened > 550 and front.weights.free[0] == opened + at.OPENED_TO_FREED


def test_counts_of_bands_are_asked_for_in_the_midst_of_events():
    """160 bands of a word each, eight counts a word: eight words of counts at first, the others as bands are looked at."""
    places = [*range(0, 160, 8)]
    looked = [max(0, place - at.BANDS_AHEAD + 1) for place in places]
    front = front_of_one_channel(pieces=160, words=160, groups=160, located=160, beats=640, count_places=places, looked_before=looked)
    port, begin = front.port, at.TAKE_TO_COUNT
    assert all(port.used[begin + place] == USED for place in places[:8])
    plain = front_of_one_channel(pieces=160, words=160, groups=160, located=160, beats=640)
    # One has the cycle of the first event, so that the chunk comes a cycle later; the others are not in its way.
    assert front.weights.begun == [plain.weights.begun[0] + 1]
    assert port.used.count(USED) == plain.port.used.count(USED) + len(places)


def test_a_progressive_pass_asks_for_counts_when_it_may_where_places_are_few():
    front, one = Front(CONFIG, Port(latency=100)), SimpleNamespace(flatten=False, kernel=(1, 1), count_words=1, channels=1)
    front.run(one, work_of_one_channel(event_counts=3), 0, 20, (0.0, lambda channel: 300))
    assert [cycle for cycle in range(200, 350) if front.port.used[cycle] == USED] == [300, 301, 302]


def test_the_fetch_is_some_bands_ahead_of_unpack_within_a_channel_too():
    """Bands of a word each: after PIECES_AHEAD of them the fetch waits for unpack to open one, a way to memory and back later."""
    few, many = (front_of_one_channel(words=n, groups=n, located=n, pieces=n, beats=4 * n)
                 for n in (at.PIECES_AHEAD, 3 * at.PIECES_AHEAD))
    turn = at.COUNT_TO_EVENT + 20 + at.ANSWER + at.OPENED_TO_COUNT
    assert many.asked - few.asked == 2 * turn


def test_words_that_stood_still_together_come_together_later():
    """A slow memory: of 165 words 64 are here and 36 in the look-ahead when the dispatch begins; the others come in two turns."""
    front = Front(CONFIG, Port(latency=100))
    resumed, words = 500 + at.RESUME, at.BETWEEN + 2 * at.EVENTS_AHEAD + 1
    assert front._refilled(500, words, words) == resumed + 2 * front.port.turn
    assert front._refilled(500, at.EVENTS_AHEAD + 10, at.EVENTS_AHEAD + 10) == resumed + at.EVENTS_AHEAD + 9 - at.BETWEEN
