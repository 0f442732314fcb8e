"""Weights on their way: the walk to a channel's counts, its slot, its chunks from memory into the ring."""

from math import ceil

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.curve import Curve


class Weights:
    """weight_fetch and weight_loader over a whole program; channels are numbered in the order of their requests.

    free: cycle in which each channel's last beat is over, appended by the front.
    interrupt: None, or function: cycle up to which reads are known -> cycle from which the program may ask for more, or None.
    ahead_of_chunks: None, or the pass's ProgressiveFetch.
    """

    def __init__(self, config, port):
        self.port, self.slots, self.depth, self.columns = port, config.slots, config.weight_depth, config.words_per_chunk
        self.free, self.interrupt, self.ahead_of_chunks = [], None, None
        self.counts, self.words = Curve(), Curve()      # words of weight counts used; words of chunks asked for
        self.walked = self.listed = self.asked = self.came = self.loaded = 0.0
        self.begun = []         # when the first word of each channel's chunks is asked for
        self.ends = []          # chunks up to and with each channel
        self.base = 0           # channels whose chunks are out of the ring
        self.left = 0           # words of counts of the pass before that are still to be dropped
        self.following = None   # (when the next pass is taken, words of its counts that there is room for) until they may be asked for
        self.ahead = 0          # words of counts of the next pass that have been asked for

    def begin(self, one, take, start):
        """A pass begins: its counts are asked for, as far as there is room, when the fetch takes it, and before all events."""
        self.positions, self.total = one.kernel[0] * one.kernel[1], one.count_words
        self.walked = max(self.walked, start + at.START_TO_WALK + self.left)
        self.first, self.used = self.counts.total, 0
        self.counts_ready = take + at.TAKE_TO_WEIGHT_COUNT + self.port.answer
        self.limit, self.counts_asked = self.total, min(at.COUNTS_AHEAD, self.total)
        if self.counts_asked > self.ahead:
            self.port.ask(max(take + at.TAKE_TO_WEIGHT_COUNT, self.asked + 1), self.counts_asked - self.ahead)

    def follow(self, take, following):
        """The next pass is taken in cycle `take`: its counts are asked for once this pass's are, as far as there is room."""
        self.following = take, min(at.COUNTS_AHEAD, following.count_words)
        if take <= self.walked:
            self._ask_counts(take + at.TAKE_TO_WEIGHT_COUNT)

    def _ask_counts(self, time):
        """Ask for as many words of counts as have been used, from cycle `time` on."""
        if self.following and self.following[0] <= time:
            self.limit += self.following[1]
            self.following = None
        number = min(self.used + at.COUNTS_AHEAD, self.limit) - self.counts_asked
        if number > 0:
            self.port.ask(time, number)
            self.counts_asked += number

    def end(self, start):
        """The pass is over, which began in cycle `start`: what is left of its counts is dropped when the next one begins."""
        self.left, self.following = self.total - self.used, None
        self.ahead = max(0, self.counts_asked - self.total)
        if self.left:
            self.counts.add(self.left, start, start)

    def bring(self, request, walk, count_words, chunks):
        """Return the cycle from which a channel may be dispatched, asked for in cycle `request`.

        walk: cycles until its last count.  count_words: memory words of counts used up to it.  chunks: of it.
        """
        self._walk(request, walk, count_words)
        end = (self.ends[-1] if self.ends else 0) + chunks
        self.ends.append(end)
        ready = self.listed + at.LISTED_TO_LOADED
        if chunks:
            ready = max(ready, self._fetch(chunks * self.columns, end) + at.WORD_TO_LOADED)
        self.loaded = max(self.loaded + 1, ready)
        return self.loaded

    def _walk(self, request, walk, count_words):
        free, positions = self.free, self.positions
        walked, index = max(self.walked, request), len(free)
        if len(self.begun) >= at.JOBS_AHEAD:
            walked = max(walked, self.begun[-at.JOBS_AHEAD])
        if count_words > self.used:
            place = count_words - 1 - at.COUNTS_AHEAD
            walked = max(walked, self.counts_ready + count_words - walk)
            if place >= 0:
                walked = max(walked, self.counts.at(self.first + place) + self.port.turn + 1 - walk)
        walked += walk
        listed = self.listed
        if index >= self.slots:
            listed = max(listed, free[index - self.slots] + at.RELEASE)
        listed = max(listed + positions, walked + at.WALK_TO_LISTED)
        # Few counts fit between walk and list: a walk for which there is no slot stands still.
        if positions >= at.COUNTS_BEFORE:
            walked = max(walked, listed - at.COUNTS_BEFORE)
        elif index >= self.slots + at.COUNTS_BEFORE:
            walked = max(walked, free[index - self.slots - at.COUNTS_BEFORE] + at.RELEASE)
        new = count_words - self.used
        if new > 0:
            self.counts.add(new, walked - new + 1, walked)
            self.used = count_words
            self._ask_counts(walked - new + at.USED_TO_ASKED)
        self.walked, self.listed = walked, listed

    def _until_interrupt(self, begin, last, words):
        """Return how many of `words`, from cycle `begin` on, are asked for before the program's; `last`: of the one before."""
        time = self.interrupt(last)
        if time is None:
            self.interrupt = None
            return words
        return min(words, max(1, ceil(time) - ceil(begin) + 1))

    def _fetch(self, left, end):
        """Ask for `left` words, with which `end` chunks have come; return when the last one comes into the ring."""
        port, words, number = self.port, self.words, left
        last = max(self.asked + 1, self.walked + at.WALK_TO_JOB) - 1
        self.begun.append(last + 1)
        while left:         # as many as the reader has places for, then as places get free
            n = left if left < at.WEIGHTS_AHEAD or port.turn < at.WEIGHTS_AHEAD else at.WEIGHTS_AHEAD
            place = words.total - at.WEIGHTS_AHEAD
            begin = max(last + 1, words.at(place) + port.turn)
            if self.ahead_of_chunks:
                self.ahead_of_chunks.before(begin)
                self.ahead_of_chunks.within(begin, begin + n)
            if self.interrupt:
                n = self._until_interrupt(begin, last, n)
            last = max(port.ask(begin, n), words.at(place + n - 1) + port.turn)
            words.add(n, begin, last)
            left -= n
        self.asked = last
        came = max(self.came + number, last + port.answer)
        out = self.ends[self.base - 1] if self.base else 0
        stalled = end - out > self.depth
        while end - out > self.depth:
            came = max(came, self.free[self.base] + at.RELEASE + (end - out - self.depth) * self.columns)
            out = self.ends[self.base]
            self.base += 1
        if stalled:
            words.delay(came - port.answer - last)
        self.came = came
        return came
