"""Words of band counts, in the midst of the events that they tell of: which there are, and when each is asked for."""

import operator

import numpy as np

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.curve import Curve


def count_places(config, one, live, counts):
    """Return (bands before each memory word of counts, bands of these with events that are looked at before it is asked for).

    A word is asked for where a band's count is not in the word of the live band before it, once the fetch has looked at the band
    BANDS_AHEAD before it and taken the word COUNTS_AHEAD before.  Types: int64 [words] each.
    one: Pass.  live: bool [channels].  counts: events of each band, [channels, bands].
    """
    read, cost = np.flatnonzero(live), np.where(live, one.bands, 1)
    bands = ((np.cumsum(cost) - cost)[read][:, None] + np.arange(one.bands)).reshape(-1)
    words = (one.event_counts + (read * one.band_step)[:, None] + np.arange(one.bands)) // config.port_bytes
    places = bands[np.diff(words.reshape(-1), prepend=-1) != 0]
    some = np.zeros(int(cost.sum()) + 1, np.int64)      # with events, up to and with each band
    some[bands + 1] = counts[read].reshape(-1) > 0
    free = np.maximum(places - at.BANDS_AHEAD, -1)
    free[at.COUNTS_AHEAD:] = np.maximum(free[at.COUNTS_AHEAD:], places[:-at.COUNTS_AHEAD])
    return places, np.cumsum(some)[free + 1]


class BandCounts:
    """count_fetch of a pass that waits for no writer (`rtl/count_fetch.py`).

    port: Port.  pieces: Curve of the bands with events that unpack takes.  work: PassWork.  begin: cycle of the first word.
    item: the piece that unpack takes before the next word is asked for; beyond all of them when there is no more word.
    """

    def __init__(self, port, pieces, work, begin):
        self.port, self.pieces, self.number, self.time, self.place = port, pieces, 0, begin - 1, -1
        base = pieces.total - at.PIECES_AHEAD - 1
        self.words = [*zip(work.count_places, (base + behind for behind in work.looked_before)), (0, np.inf)]
        self.item = self.words[0][1]

    def ask(self):
        """Ask for all words of which it is known when unpack takes what they wait for."""
        pieces, words = self.pieces, self.words
        while self.item < pieces.total:
            place, self.place = self.place, words[self.number][0]
            self.time = max(self.time + self.place - place, pieces.at(self.item) + at.OPENED_TO_COUNT + at.BAND_TO_ASKED)
            self.port.ask(self.time, 1)         # what comes later and was asked for before gives way
            self.number += 1
            self.item = words[self.number][1]


def looks(port, work):
    """Return a function (cycle, number) -> cycle in which `number` more bands of a pass have been looked at.

    One a cycle, if its count is there: counts are asked for some bands ahead.  port: Port.  work: PassWork.
    """
    turn = port.turn + at.BAND_TO_ASKED
    ahead = min(at.BANDS_AHEAD, at.COUNTS_AHEAD * work.scan_end // max(1, len(work.count_places)))
    if turn <= ahead:
        return operator.add
    seen = Curve()

    def scan_on(time, number):
        while number > 0:
            n, place = min(number, ahead), seen.total - ahead
            first, time = max(time + 1, seen.at(place) + turn), max(time + n, seen.at(place + n - 1) + turn)
            seen.add(n, first, time)
            number -= n
        return time

    return scan_on


def opened(port, pieces, piece, number, time, scan_on):
    """Return (when the first of a channel's bands with events is looked at, when the last one is).

    A band waits for a place among the PIECES_AHEAD that unpack has not taken.  pieces: Curve of those that it takes.  piece: the one
    that it takes before the first.  number: of these bands, from 1.  time: from when the first may be looked at.  scan_on: see `looks`.
    """
    begin = max(time, pieces.at(piece) + at.OPENED_TO_COUNT)
    if number == 1:
        return begin, begin
    turns, rest = divmod(number - 1, at.PIECES_AHEAD)
    turn = at.COUNT_TO_EVENT + port.answer + at.OPENED_TO_COUNT
    rest = max(begin + rest, pieces.at(piece + rest) + at.OPENED_TO_COUNT)
    return begin, max(scan_on(begin, number - 1), rest + turns * turn)
