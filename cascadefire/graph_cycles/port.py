"""The shared memory port: which cycles it takes a read request in, and when writes are done with the others."""

from bisect import bisect_left
from math import ceil, inf

from cascadefire.graph_cycles import latencies as at

FREE, USED, WRITE = 0, 1, 2
GROW = 1 << 16
ONES, TWOS = bytes([USED]) * GROW, bytes([WRITE]) * GROW
AS_WRITES = bytes([FREE]) + bytes([WRITE]) * 255        # a table: writes in the cycles of any requests
LIMIT = 8               # times a place is taken and free again, from what is known on


def _run_end(used, begin, end, kinds):
    """Return the first cycle from `begin` on that is of none of `kinds`, or `end`."""
    run = used[begin:end]
    return begin + len(run) - len(run.lstrip(kinds))


class Port:
    """One request a cycle, at most 64 open; each cycle belongs to the read that asked for it first in the model's order.

    The model asks in the order of the port's priorities, as far as it knows: program, weights, events, channel by channel.
    Writes only get what reads leave. Where a place is free again only after more cycles than there are places (`crowded`), they
    keep reads waiting, too: there they have cycles of their own, up to `limit`; reads that come later in the model's order take
    these.
    answer: cycles from request to word.  turn: from request until a reader's place is free again.  open: until the port's place is.
    known: up to this cycle all reads have been asked for.  marked: up to this one writes have cycles.
    earliest: cycle from which reads have asked since whoever set it to infinity.
    """

    def __init__(self, latency):
        self.answer, self.turn, self.open = latency + at.ANSWER, latency + at.TURN, latency + at.OPEN
        self.crowded = self.open > at.PLACES
        self.used = bytearray(GROW)
        self.known = self.marked = 0
        self.earliest = inf

    def ask(self, time, words):
        """Return when the last of `words` words is asked for, the first not before `time`."""
        time, used = ceil(time), self.used
        if time < self.earliest:
            self.earliest = time
        if time + 2 * words + GROW > len(used):
            self._grow(time + 2 * words)
        if self.crowded:
            return self._ask_crowded(time, words)
        while True:
            begin = used.find(FREE, time)
            if begin < 0:
                self._grow(len(used) + GROW)
                continue
            if words == 1:
                used[begin] = USED
                return begin
            end = used.find(USED, begin, begin + words)
            if end < 0:
                end = begin + words
            used[begin:end] = ONES[:end - begin]
            words -= end - begin
            if not words:
                return end - 1
            time = end

    def _ask_crowded(self, time, words):
        used = self.used
        while True:
            kind = used[time]
            if kind == USED:
                time += 1
                continue
            number = words
            if kind == FREE:
                number, later = self._places(time)
                if not number:
                    time = later
                    continue
            end = _run_end(used, time, time + min(words, number), bytes([kind]))
            used[time:end] = ONES[:end - time]
            if kind == FREE:
                self._make_room(time)
            words -= end - time
            if not words:
                return end - 1
            time = end

    def _places(self, begin):
        """Return (requests that find a place from cycle `begin` on, one a cycle, 0), or (0, the next cycle to try)."""
        used, since, until = self.used, max(0, begin + 1 - self.open), begin + self.open
        number = at.PLACES - self._taken(since, begin)
        if number <= 0:
            return 0, _run_end(used, since, begin, b"\0") + self.open
        # Reads that come later have been asked for before: those within one place's time of this cycle, and of half of it before.
        later = at.PLACES - used.count(USED, begin, until)
        if later <= 0:
            return 0, used.find(USED, begin) + 1
        half = max(0, begin - self.open // 2)
        middle = at.PLACES - self._taken(half, begin) - used.count(USED, begin, half + self.open)
        if middle <= 0:
            return 0, max(begin, _run_end(used, half, begin, b"\0") + self.open // 2) + 1
        return min(later, middle, number + _run_end(used, since, begin, b"\1\2") - since), 0

    def _taken(self, begin, end):
        """Return how many cycles from `begin` until before `end` anybody has."""
        return end - begin - self.used.count(FREE, begin, end)

    def _make_room(self, begin):
        """Take back writes for which there are no places since reads came from cycle `begin` on."""
        used, until = self.used, begin + self.open
        surplus = self._taken(begin, until) - at.PLACES
        while surplus > 0:
            write = used.rfind(WRITE, begin, until)
            if write < 0:
                break
            used[write] = FREE
            surplus -= 1

    def while_reading(self, begin, words, result):
        """Return result() as it is when `words` words are asked for from cycle `begin` on, which are not asked for afterwards."""
        begin = end = ceil(begin)
        while self.spare(begin, end) <= words + self.open:
            end += GROW
            self._grow(end)
        before, marked = self.used[begin:end], self.marked
        if words:
            self.ask(begin, words)
        value = result()
        self.used[begin:end], self.marked, self.earliest = before, marked, min(begin, self.earliest)
        return value

    def program(self, begin, cycle, words):
        """Give the program `words` requests, one every `cycle` cycles from `begin` on."""
        begin, used = ceil(begin), self.used
        self.earliest = min(self.earliest, begin)
        self._grow(begin + ceil(words * cycle) + GROW)
        for number in range(words):
            time = begin + int(number * cycle)
            used[time if used[time] == FREE else used.find(FREE, time)] = USED

    def free(self, begin, end):
        """Whether nobody has a cycle from `begin` until before `end`."""
        self._grow(end)
        return self.used.count(FREE, begin, end) == end - begin

    def spare(self, begin, end):
        """Return how many cycles from `begin` until before `end` no read has."""
        return end - begin - self.used.count(USED, begin, end)

    def written(self, start, words):
        """Return when `words` have been written, if writes begin at `start` and get what reads leave."""
        begin, left, used = ceil(start), words, self.used
        if self.crowded:
            return self._write(begin, words)
        time = begin
        while left > 0:
            time = used.find(FREE, time)
            if time < 0 or time + left > len(used):
                time = len(used) if time < 0 else time
                self._grow(time + left + GROW)
            end = time + left
            left -= used.count(FREE, time, end)
            time = end
        return time

    def written_each(self, cycles, begin, last, sent):
        """Return (cycles in which words are written, cycles that the drain stands still), if writes get what reads leave.

        The drain reads a word when the one WRITES_AHEAD before it has gone to the port, and that takes it READ_TO_WRITE later.
        cycles: in which the drain reads each word, if it never stands still.  begin: when one read in cycle 0 may be written.
        last, sent: cycles in which the word before them was written, and those before it, None: long ago.
        The cycles returned begin with WRITES_AHEAD of those before.
        """
        ahead, used, number, stall, n = at.WRITES_AHEAD, self.used, len(cycles), 0, 0
        written = list(sent or range(last - ahead + 1, last + 1))
        self._grow(max(begin, last) + cycles[-1] + GROW)
        while n < number:
            ready = begin + cycles[n] + stall
            late = written[n] + 1 + at.READ_TO_WRITE - ready
            if late > 0:
                stall, ready = stall + late, ready + late
            last = ready if ready > last else last + 1
            if used[last]:
                last = used.find(FREE, last)
                if last < 0:
                    last = len(used)
                    self._grow(last + GROW)
            written.append(last)
            n += 1
            if used[last + 1] or n == number:
                continue
            # All go on as they are read, or one a cycle, until a read has a cycle.
            until = used.find(USED, last + 1, last + number)
            until = last + number if until < 0 else until
            if last == ready:
                more = bisect_left(cycles, until - begin - stall, n)
                written += [begin + stall + cycle for cycle in cycles[n:more]]
            else:
                more = min(number, n + until - last - 1)
                if cycles[more - 1] - cycles[n - 1] > more - n:
                    continue
                written += range(last + 1, last + 1 + more - n)
                for word in range(n, min(more, n + ahead + 1)):
                    stall = max(stall, written[word] + 1 + at.READ_TO_WRITE - begin - cycles[word])
            n, last = more, written[-1]
        return written, stall

    @property
    def limit(self):
        """The cycle up to which writes have cycles of their own, where the port is crowded; what comes later is estimated."""
        return self.known + LIMIT * self.open

    def _write(self, begin, words):
        """Return when `words` have been written: in the cycles that writes have from `begin` on, then in new ones."""
        limit = ceil(self.limit)
        self._grow(max(limit, begin) + GROW)
        used, time = self.used, begin
        while words > 0 and time < self.marked:
            time = used.find(WRITE, time, self.marked)
            if time < 0:
                time = self.marked
                break
            end = min(time + words, self.marked)
            words -= used.count(WRITE, time, end)
            time = end
        while words > 0 and time < limit:
            if (words >= at.PLACES and time >= self.open and not used.count(USED, time, time + 2 * self.open)
                    and self._taken(time - self.open, time) == at.PLACES):
                # Each place is free again when as many cycles have passed as it takes: all goes on as before.
                used[time:time + self.open] = used[time - self.open:time].translate(AS_WRITES)
                time, words = time + self.open, words - at.PLACES
                continue
            if used[time]:
                time += 1
                continue
            number, later = self._places(time)
            if not number:
                time = later
                continue
            end = _run_end(used, time, time + min(words, number), b"\0")
            used[time:end] = TWOS[:end - time]
            words -= end - time
            time = end
        if begin < limit:
            self.marked = max(time, self.marked)
        end, later = time, time + words * self.open / at.PLACES
        while words > 0 and later > end:
            end = ceil(later)
            later = time + (words + used.count(USED, time, end)) * self.open / at.PLACES
        return end

    def _grow(self, size):
        if size > len(self.used):
            self.used += bytes(max(size - len(self.used), len(self.used)))
