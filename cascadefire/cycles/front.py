"""One pass in front: source, router and PEs, event by event.

Each event's times follow from those before it by maxima and sums; only the choice of a PE needs them one after the other.
"""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate

from cascadefire.cycles import latencies as at


@dataclass(frozen=True)
class FrontTimes:
    """done: cycle from which a pass may leave the front.  finished: its events are all with the PEs.

    no_weight: cycles in which the router waited for weights only.
    """

    done: int
    finished: int
    no_weight: int


class Pe:
    """One PE's queue, row walker and counter; times are absolute cycles."""

    def __init__(self, start: int):
        self.room = [start] * at.ROOM                   # when the last events leave the queue, oldest first
        self.counter = [start - 99] * at.ROWS_AHEAD     # when the last rows came to the counter, oldest first
        self.last_pick = start                          # when the last row was looked up
        self.end = start - at.LAST_BEAT_TO_IDLE         # the last beat
        self.channel = -1                               # of the last event

    def give(self, time: int, counts: list[int]) -> int:
        """Take an event in cycle `time`, with the counts of its rows; return when its first row comes to the counter."""
        walk = max(time + at.QUEUED, self.last_pick)
        del self.room[0]
        self.room.append(walk + 1)
        pick = max(walk + at.FIRST_PICK, self.counter[0] + 1)
        first = max(pick + at.PICK_TO_ROW, self.end)
        rows = list(accumulate(counts, initial=first))
        self.end = rows.pop()
        recent = self.counter + rows
        self.last_pick = max(pick + len(rows) - 1, recent[-1 - at.ROWS_AHEAD] + 1)
        self.counter = recent[-at.ROWS_AHEAD:]
        return first


class Slots:
    """Which channel of a pass the router has begun, and when each is no longer needed."""

    def __init__(self, loader, pes: list[Pe], start: int):
        self.loader, self.pes, self.freed = loader, pes, start
        self.before = len(loader.released)      # channels of earlier passes, all released
        self.opened, self.left, self.let_go = [], [], []

    def release(self, last: int, finished: int | None = None) -> None:
        """Note when the channels up to `last` are released, in the loader's numbers; finished: the end of the events, if known."""
        released, pes = self.loader.released, self.pes
        for channel in range(len(released) - self.before, last + 1 - self.before):
            over = self.opened[channel + 1] + 1 if channel + 1 < len(self.opened) else finished
            held = [pe.end + at.HOLD_ENDS for pe in pes if pe.channel == channel]
            self.freed = max(over, self.left[channel] + 1, self.let_go[channel], self.freed, *held) + at.FREED
            released.append(max(self.freed, released[-1] if released else 0) + at.RELEASED)


def run(config, loader, start: int, rewound: bool, heads: list[int], events, positions: int, chunks: list[int]) -> FrontTimes:
    """Run one pass through the front.

    loader: Loader.  start: cycle of the pass's start.  rewound: its tokens come again from the banks.
    heads: the cycle from which each token is at the head of its stream (0: always).  events: Events.
    positions: counts per request.  chunks: chunks of each request.
    """
    hit, request = events.hit.tolist(), events.request.tolist()
    ends, counts = accumulate(events.rows.tolist(), initial=0), events.counts.tolist()
    pes = [Pe(start) for _ in range(config.pes)]
    slots = Slots(loader, pes, start)
    taken = start + (at.REWIND_TO_HEAD if rewound else at.START_TO_TAKE) - 1
    queued, accepted = [], []       # cycles in which events entered the look-ahead queue, and left it
    free, over, turn, number, no_weight = start, start, 0, 0, 0
    row = next(ends)
    for head, meets in zip(heads, hit):
        taken = max(taken + 1, head)
        while True:                 # the source stops while the queue, as it can see it, is crowded
            waiting = bisect_left(queued, taken) - at.CROWDED
            if waiting < 0 or accepted[waiting] < taken:
                break
            taken = accepted[waiting] + 1
        if not meets:
            continue
        queued.append(taken + at.TAKE_TO_EVENT - 1)
        channel, before, row = request[number], row, next(ends)
        number += 1
        when = max(free, taken + at.TAKE_TO_EVENT)
        if channel == len(slots.opened):
            loaded = loader.load(taken + at.TAKE_TO_EVENT, positions, chunks[channel], slots.release)
            no_weight += max(0, loaded - when)
            when = max(when, loaded)
            slots.opened.append(when)
            slots.left.append(when)
            slots.let_go.append(when)
        accepted.append(when)
        free = over = when + 1
        if row == before:           # no row with chunks: dropped
            continue
        when += at.ROUTE
        soonest = min(pe.room[0] for pe in pes)
        when = max(when, soonest)
        while pes[turn].room[0] > when:
            turn = (turn + 1) % len(pes)
        pe = pes[turn]
        turn = (turn + 1) % len(pes)
        idle = pe.end + at.HOLD_ENDS
        first = pe.give(when, counts[before:row])
        if pe.channel >= 0 and pe.channel != channel:
            slots.let_go[pe.channel] = max(slots.let_go[pe.channel], idle if when >= idle else first + at.CLAIM_MOVES)
        pe.channel = channel
        slots.left[channel], free, over = when, when, when + 1
    finished = max(taken + at.TAKE_TO_FINISHED, over)
    slots.release(len(loader.ends) - 1, finished)
    return FrontTimes(max([finished] + [pe.end + at.LAST_BEAT_TO_IDLE for pe in pes]), finished, no_weight)
