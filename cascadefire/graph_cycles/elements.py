"""The PEs over one pass: when each channel's beats begin and end."""

from cascadefire.graph_cycles import latencies as at


class Elements:
    """PEs that get a pass's events from the dispatch, from cycle `start` on.

    number: of the PEs.  beats: Curve of the events that PEs take, over all passes.  over: when the last beat so far ends.
    """

    def __init__(self, number, beats, start, over):
        self.number, self.beats, self.over = number, beats, over
        self._ends, self._turn = [start] * number, 0       # when each PE is idle; whose turn it is

    def event(self, first, load):
        """Give the next PE, in turn, the event that is dispatched in cycle `first` and takes `load` beats."""
        ends, turn = self._ends, self._turn
        here = max(ends[turn], first + at.DISPATCH_TO_BEAT)
        self.beats.add(1, here, here)
        ends[turn] = here + load
        if load:
            self.over = max(self.over, here + load)
        self._turn = turn + 1 if turn + 1 < self.number else 0

    def channel(self, first, last, located, load, loads):
        """Give the PEs the `located` events of a channel, dispatched from cycle `first` to `last`, none of them waiting for room.

        load: beats, over all PEs.  loads: of each PE, or none where they share evenly.
        """
        here = first + at.DISPATCH_TO_BEAT
        if loads:
            self._ends = [max(end, here) + own for end, own in zip(self._ends, loads)]
            here = max(min(self.over, here + load), here)
            share = max(self._ends) - here
        else:
            here, share = max(self.over, here), load / self.number
        self.over = max(here + share, last + at.DISPATCH_TO_BEAT + share / located)
        self.beats.add(located, here, self.over)
