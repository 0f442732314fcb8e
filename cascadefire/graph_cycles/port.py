"""The shared memory port: which cycles it takes a read request in, and when writes are done with the others."""

from math import ceil

from cascadefire.graph_cycles import latencies as at

FREE, USED = 0, 1
GROW = 1 << 16
ONES = bytes([USED]) * GROW


class Port:
    """One request a cycle, at most 64 open; each cycle belongs to the read that asked for it first in the model's order.

    The model asks in the order of the port's priorities, as far as it knows: program, weights, events, channel by channel.
    Writes only get what reads leave, so they are never in the way.
    answer: cycles from request to word.  turn: from request until a reader's place is free again.  open: until the port's place is.
    """

    def __init__(self, latency):
        self.answer, self.turn, self.open = latency + at.ANSWER, latency + at.TURN, latency + at.OPEN
        self.used = bytearray(GROW)
        self.known = 0          # up to this cycle all reads have been asked for

    def ask(self, time, words):
        """Return when the last of `words` words is asked for, the first not before `time`."""
        time, used, crowded = ceil(time), self.used, self.open > at.PLACES
        if time + 2 * words + GROW > len(used):
            self._grow(time + 2 * words)
        while True:
            begin = used.find(FREE, time)
            if begin < 0:
                self._grow(len(used) + GROW)
                continue
            number = words
            if crowded:
                since = max(0, begin + 1 - self.open)
                number = min(words, at.PLACES - used.count(USED, since, begin))
                if number <= 0:
                    time = used.find(USED, since) + self.open
                    continue
            end = used.find(USED, begin, begin + number)
            if end < 0:
                end = begin + number
            used[begin:end] = ONES[:end - begin]
            words -= end - begin
            if not words:
                return end - 1
            time = end

    def while_reading(self, begin, words, result):
        """Return result() as it is when `words` words are asked for from cycle `begin` on, which are not asked for afterwards."""
        begin = end = ceil(begin)
        while self.spare(begin, end) <= words + self.open:
            end += GROW
            self._grow(end)
        before = self.used[begin:end]
        if words:
            self.ask(begin, words)
        value = result()
        self.used[begin:end] = before
        return value

    def program(self, begin, cycle, words):
        """Give the program `words` requests, one every `cycle` cycles from `begin` on."""
        begin = ceil(begin)
        self._grow(begin + ceil(words * cycle) + GROW)
        if words and cycle == int(cycle):
            step = int(cycle)
            self.used[begin:begin + words * step:step] = ONES[:1] * words
        else:
            for number in range(words):
                self.used[begin + int(number * cycle)] = USED

    def spare(self, begin, end):
        """Return how many cycles from `begin` until before `end` no read has."""
        return self.used.count(FREE, begin, end)

    def written(self, start, words):
        """Return when `words` have been written, if writes begin at `start` and get what reads leave."""
        begin, left, used = ceil(start), words, self.used
        time = begin
        while left > 0:
            end = time + left
            if end > len(used):
                self._grow(end + GROW)
            left -= used.count(FREE, time, end)
            time = end
        if self.open > at.PLACES:
            spare = self.open - at.PLACES
            for _ in range(8):
                later = begin + (words + used.count(USED, begin, time)) * self.open / at.PLACES - spare
                if later <= time:
                    break
                time = ceil(later)
        return time

    def _grow(self, size):
        if size > len(self.used):
            self.used += bytes(max(size - len(self.used), len(self.used)))
