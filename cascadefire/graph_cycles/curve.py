"""When the items of a stream pass a place."""

from math import ceil


class Curve:
    """Times of the items of one stream, kept as runs of items that pass evenly from one time to another.

    Look-ups should ask for later and later items: they begin where the last one ended.
    """

    def __init__(self):
        self._runs = []         # (first item, item after the last one, cycle of the first, cycles from item to item)
        self.total, self._at, self._run = 0, 0, (0, 0, 0.0, 0.0)        # looked up last

    def add(self, number, first, last):
        """Append `number` items that pass from cycle `first` to cycle `last`."""
        start = self.total
        self.total = stop = start + number
        self._runs.append((start, stop, first, (last - first) / (number - 1) if number > 1 else 0.0))

    def delay(self, cycles):
        """Let the last run pass later by so many cycles."""
        start, stop, first, step = self._runs[-1]
        self._runs[-1] = (start, stop, first + cycles, step)
        self._run = self._runs[self._at]

    def at(self, item):
        """Return the cycle in which an item passes; 0 for one before the first, the time of the last for one to come."""
        start, stop, first, step = self._run
        if start <= item < stop:
            return first + step * (item - start)
        runs, at = self._runs, self._at
        if item < 0 or not runs:
            return 0
        if item >= self.total:
            start, stop, first, step = runs[-1]
            return first + step * (stop - 1 - start)
        stop = runs[at][1]
        while item >= stop:
            at += 1
            stop = runs[at][1]
        while item < runs[at][0]:
            at -= 1
        self._at, self._run = at, runs[at]
        start, stop, first, step = self._run
        return first + step * (item - start)

    def first_later(self, item, number, time, pace):
        """Return the smallest n < number for which item + n passes after time + n * pace, or number if there is none."""
        runs, n = self._runs, 0
        self.at(item)
        index = self._at if item < self.total else len(runs) - 1
        while n < number and index < len(runs):
            start, stop, first, step = runs[index]
            late = first + step * (item + n - start) - time - n * pace
            if late > 0:
                return n
            last = min(number, ceil(stop - item)) - 1
            if step > pace and late + (step - pace) * (last - n) > 0:
                return n + int(-late / (step - pace)) + 1
            n, index = last + 1, index + 1
        return number
