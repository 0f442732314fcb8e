"""The fetch of a pass that reads what fire still writes: counts of bands and event words, in the order in which they are asked for."""

from math import ceil

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.band_counts import opened
from cascadefire.graph_cycles.event_fetch import EventFetch
from cascadefire.graph_cycles.port import FREE, USED


class ProgressiveFetch(EventFetch):
    """count_fetch and event_fetch over a progressive pass.

    Counts of a channel are asked for once the writer is far enough, and that depends on all reads before: so what is asked for before
    a channel's chunks is, even if it belongs to later channels.
    last: the pass's last channel.  gate: function channel -> cycle from which its counts may be asked for.
    scanned: cycle in which the first band is looked at.
    """

    def __init__(self, front, work, last, gate, scanned):
        super().__init__(front, work, scanned)
        self.gate = gate
        self.piece, self.word = front.pieces.total, front.words.total
        behind = len(work.count_places) - sum(work.event_counts)
        self.walk = [*zip(work.scan, work.channel, work.event_counts), (work.scan_end, last, behind)]
        self.fetch = list(zip(work.scan, work.pieces, work.words))
        self.counted = [scanned - front.port.answer]        # begin, then when each channel's counts are asked for
        self.soonest = self.opened = 0      # the next channel's are not asked for, and may not be, before these cycles
        self.events = []            # when each channel's first event word is asked for
        self.last = []              # when its last one is, as far as that is known
        self.left = 0               # words of the last of them that are still to be asked for

    def count(self):
        """Nothing: counts are asked for with what is asked for after them."""

    def of(self, index):
        """Return when the first event word of channel `index` of those that have events is asked for."""
        while len(self.events) <= index:
            self._count_to(len(self.events))
            self._events()
        return self.events[index]

    def end(self):
        """Return when the last band is looked at."""
        self._count_to(len(self.fetch))
        return max(self.scan_on(self.scanned, self.walk[-1][0] - self.scan_at), self.counted[-1] + self.port.answer)

    def before(self, time):
        """Ask for what is asked for before cycle `time`."""
        time = ceil(time)
        while True:
            number = len(self.events)
            if len(self.counted) - 1 > number:
                if self.left:
                    if not self._more(number - 1, time):
                        return
                    continue
                if number >= len(self.fetch) or not self._room(*self.fetch[number][1:]):
                    return
                begin = ceil(max(self.asked + 1, self._looked(number) + at.COUNT_TO_EVENT))
                if begin >= time or not 0 <= self.port.used.find(FREE, begin) < time:
                    return
                self._events()
                self._more(number, time)
            elif self._counts_by(time):
                self._count()
            else:
                return

    def within(self, begin, end):
        """Ask for the counts that are asked for before cycle `end`, of channels that are in memory before cycle `begin`."""
        limit = begin + at.WRITTEN_TO_COUNT
        while self.opened < limit and self._counts_by(end) and self.opened < limit:
            self._count()

    def _counts_by(self, time):
        """Whether the next channel's counts are asked for before cycle `time`."""
        # Reads that come only make it later.
        return len(self.counted) <= len(self.walk) and self.soonest < time and self._when() < time

    def _when(self):
        """Return when the next channel's counts are asked for, as far as reads are known now: a band a cycle, one more a word."""
        number = len(self.counted) - 1
        scan, channel, words = self.walk[number]
        walked = self.counted[-1] + scan - (self.walk[number - 1][0] if number else 0) + words
        self.opened = self.gate(channel)
        self.soonest = max(walked, self.opened)
        return self.soonest

    def _count(self):
        words, time = self.walk[len(self.counted) - 1][2], self.soonest
        if words:
            self.port.ask(time, words)
        self.counted.append(time)
        self.soonest = 0            # it is written no earlier than this one, so `opened` stays

    def _count_to(self, number):
        """Ask for the counts of channel `number` and of all before."""
        while len(self.counted) - 1 <= number:
            self._when()
            self._count()

    def _looked(self, number):
        """Return when the first band of the next channel is looked at."""
        return max(self.scan_on(self.scanned, self.fetch[number][0] - self.scan_at), self.counted[number + 1] + self.port.answer)

    def _room(self, pieces, words):
        """Whether it is known when unpack takes what the next channel's bands and words wait for."""
        return (words <= self.port.answer and self.piece + pieces - at.PIECES_AHEAD <= self.pieces.total
                and self.word + words - at.EVENTS_AHEAD <= self.words.total)

    def _events(self):
        number, port = len(self.events), self.port
        scan, pieces, words = self.fetch[number]
        begin, self.scan_at = self._looked(number), scan
        if pieces:
            begin, self.scanned = opened(port, self.pieces, self.piece - at.PIECES_AHEAD, pieces, begin, self.scan_on)
            self.scan_at = scan + pieces - 1
            self.piece += pieces
        else:
            self.scanned = begin
        first = self.asked
        if words:
            time = ceil(max(self.asked + 1, begin + at.COUNT_TO_EVENT, self.words.at(self.word - at.EVENTS_AHEAD) + 1))
            while self._counts_by(port.used.find(FREE, time) + 1):
                self._count()
            first = port.ask(time, 1)
            self.word, self.left = self.word + words, words - 1
        self.asked = first
        self.events.append(first)
        self.last.append(self.asked)

    def _more(self, index, time):
        """Ask for the words of channel `index`, the last one, that get cycles before `time`; return whether these are all."""
        while self.left:
            slot = self.port.used.find(FREE, ceil(self.asked + 1))
            if not 0 <= slot < time:
                return False
            until = self.port.used.find(USED, slot, time)
            number = min(self.left, (time if until < 0 else until) - slot)
            self.asked = self.port.ask(slot, number)
            self.left -= number
        self._bound(index)
        return True

    def rest(self, index):
        """Ask for what comes behind the chunks of channel `index`; return when its last event word is asked for."""
        if self.left and index == len(self.events) - 1:
            self.asked, self.left = self.port.ask(self.asked + 1, self.left), 0
            self._bound(index)
        return self.last[index]

    def _bound(self, index):
        """The words of channel `index`, the last one, wait for its bands and for places in the reader."""
        self.asked = self.last[index] = self.places(self.asked, self.word - 1, self.events[index], self.fetch[index][2])
