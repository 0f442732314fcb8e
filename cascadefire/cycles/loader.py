"""Memory port and weight loader: when a requested channel's counts and chunks are all in the PEs."""

from cascadefire.cycles import latencies as at


class Port:
    """One memory port of W bytes a cycle, L cycles away; requests are served in order, each its counts, then its words.

        cursor = max(cursor, t W) + positions        counts from ceil(cursor / W) + L on, word k from k + 1 cycles later
    """

    def __init__(self, width: int, latency: int):
        self.width, self.latency, self.cursor = width, latency, 0

    def request(self, time: int, positions: int, words: int) -> int:
        """Return the cycle from which the counts of a request accepted in cycle `time` are available."""
        self.cursor = max(self.cursor, time * self.width) + positions
        ready = -(-self.cursor // self.width) + self.latency
        self.cursor += words * self.width
        return ready


class Loader:
    """Slots and weight ring of the core over a whole program; channels are numbered in the order of their requests.

    released: cycle from which each channel's slot and chunks may be used again. It is known late, so `load` calls `release`,
    which appends to it up to the channel that is asked for, only when a channel has to wait for it.
    """

    def __init__(self, config, port: Port):
        self.port, self.slots, self.depth, self.columns = port, config.slots, config.weight_depth, config.words_per_chunk
        self.sent = self.counts_end = self.words_end = self.loaded = 0      # last request, count, word, channel so far
        self.released = []
        self.ends = []      # chunks of all channels up to this one
        self.base = 0       # channels whose chunks are out of the ring

    def load(self, time: int, positions: int, chunks: int, release) -> int:
        """Return the cycle from which the router may begin the next channel, requested in cycle `time` or later."""
        number = len(self.ends)
        self.sent = max(time, self.sent + 1)
        ready = self.port.request(self.sent, positions, chunks * self.columns)
        free = self._released(number - self.slots, release) if number >= self.slots else 0
        self.counts_end = max(ready, self.counts_end + 1, free) + positions - 1
        self.ends.append((self.ends[-1] if self.ends else 0) + chunks)
        if chunks:
            self.words_end = max(ready, self.words_end) + chunks * self.columns
            self._wait_for_room(self.ends[-1], release)
        self.loaded = max(self.counts_end + at.LISTED, self.words_end + at.TAKEN, self.loaded) + at.LOADED
        return self.loaded

    def _released(self, number: int, release) -> int:
        if number >= len(self.released):
            release(number)
        return self.released[number]

    def _wait_for_room(self, end: int, release) -> None:
        """Put the last word off until the ring has room for it: chunks up to `end`, less those released, fit the depth."""
        out = self.ends[self.base - 1] if self.base else 0
        while end - out > self.depth:
            late = (end - out - self.depth) * self.columns
            self.words_end = max(self.words_end, self._released(self.base, release) + late - 1)
            out = self.ends[self.base]
            self.base += 1
