"""The fetch of events, channel by channel: when bands are looked at and event words asked for."""

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.band_counts import BandCounts, looks, opened


class EventFetch:
    """What count_fetch and event_fetch have done in a pass (`rtl/count_fetch.py`, `rtl/event_fetch.py`).

    front: Front.  work: PassWork.  scanned: cycle in which the first band is looked at.
    asked: when the last event word is asked for.  scanned: when band number scan_at is looked at.
    """

    def __init__(self, front, work, scanned):
        self.port, self.pieces, self.words = front.port, front.pieces, front.words
        self.asked, self.scanned, self.scan_at, self.scan_on = front.asked, scanned, 0, looks(front.port, work)

    def places(self, asked, word, first, number):
        """Return when the last of a channel's words is asked for, `asked` but for what it waits for: its band, and a place in the reader.

        word: number of the last one among all.  first: when the channel's first one is asked for.  number: of the channel's words.
        """
        asked = max(asked, self.scanned + at.COUNT_TO_EVENT, self.words.at(word - at.EVENTS_AHEAD))
        if number > at.EVENTS_AHEAD:
            turns, rest = divmod(number - 1, at.EVENTS_AHEAD)
            asked = max(asked, first + turns * self.port.turn + rest)
        return asked

    def taken(self, asked):
        """Return when the last word of a channel is asked for, `asked` as far as known before unpack took them all."""
        asked = max(asked, self.words.at(self.words.total - 1 - at.EVENTS_AHEAD))
        self.asked = max(self.asked, asked)
        return asked


class OrderedFetch(EventFetch):
    """The fetch of a pass that waits for no writer, or for one that leaves the port no choice: each channel after the one before.

    begin: cycle from which counts may be asked for.  gate: None, or function channel -> cycle from which its counts may.
    last: the pass's last channel.
    """

    def __init__(self, front, work, last, gate, begin):
        super().__init__(front, work, begin + front.port.answer)
        self.gate, self.last, self.scan_end = gate, last, work.scan_end
        self.first, self.begin = self.asked, self.scanned       # of the channel that last had words, or opened a band
        self.channels = list(zip(work.scan, work.pieces, work.words, work.channel, work.event_counts))
        self.counted = None if gate else BandCounts(self.port, self.pieces, work, begin)
        self.count()

    def count(self):
        """Ask for the band counts of which it is known when unpack takes what they wait for."""
        if self.counted and self.counted.item < self.pieces.total:
            self.counted.ask()

    def of(self, index):
        """Return when the first event word of channel `index` of those that have events is asked for."""
        scan, pieces, words, channel, counts = self.channels[index]
        self.scanned, self.scan_at = self.scan_on(self.scanned, scan - self.scan_at), scan
        if self.gate:
            self.scanned = max(self.scanned, self.gate(channel) + self.port.answer)
            if counts:
                self.port.ask(self.scanned - self.port.answer, counts)
        if pieces:
            piece = self.pieces.total - at.PIECES_AHEAD
            self.begin, self.scanned = opened(self.port, self.pieces, piece, pieces, self.scanned, self.scan_on)
            self.scan_at = scan + pieces - 1
        if words:
            time = max(self.asked + 1, self.begin + at.COUNT_TO_EVENT, self.words.at(self.words.total - at.EVENTS_AHEAD) + 1)
            self.asked = self.port.ask(time, 1)
        self.first = self.asked
        return self.first

    def rest(self, index):
        """Ask for what comes behind the chunks of channel `index`; return when its last event word is asked for."""
        words = self.channels[index][2]
        if words > 1:
            asked = self.port.ask(self.asked + 1, words - 1)
            self.asked = self.places(asked, self.words.total + words - 1, self.first, words)
        return self.asked

    def end(self):
        """Return when the last band is looked at."""
        self.count()
        scanned = self.scan_on(self.scanned, self.scan_end - self.scan_at)
        return max(scanned, self.gate(self.last) + self.port.answer) if self.gate else scanned
