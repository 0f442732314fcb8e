"""The front over all passes: events from memory to the PEs, channel by channel.

Every channel's times follow from those of the channels before it by maxima and sums: what comes later in the pipeline holds up
what comes earlier by a queue's length of items, which a Curve looks up.
"""

from dataclasses import dataclass

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.curve import Curve
from cascadefire.graph_cycles.elements import Elements
from cascadefire.graph_cycles.event_fetch import OrderedFetch
from cascadefire.graph_cycles.progressive import ProgressiveFetch
from cascadefire.graph_cycles.weights import Weights


@dataclass(frozen=True)
class FrontTimes:
    """done: cycle from which a pass may leave the front.  fetched: from which the next pass may be fetched.

    over: its events are all with the PEs.  no_weight: cycles in which only weights were missing, about.
    """

    done: float
    fetched: float
    over: float
    no_weight: float


class Front:
    """State of the front between passes; port: Port."""

    def __init__(self, config, port):
        self.config, self.port, self.weights = config, port, Weights(config, port)
        self.pieces, self.words, self.dispatch, self.beats = Curve(), Curve(), Curve(), Curve()
        self.asked = self.unpacked = self.dispatched = 0.0      # last event word asked for, last word taken, last dispatch

    def run(self, one, work, take, start, gate, watch=None, ready=None, following=None) -> FrontTimes:
        """Run a pass that was taken by the fetch in cycle `take` and starts in cycle `start`.

        one: Pass.  work: PassWork.  gate: (cycle from which anything may be asked for, None or function channel -> cycle from which
        its counts may).  watch: None, or called for every channel, when all reads before its chunks are known.
        ready: cycle from which the following Pass may be taken.
        """
        port, weights, flat = self.port, self.weights, one.flatten
        pieces, words, dispatch, free = self.pieces, self.words, self.dispatch, weights.free
        answer, unpacked, dispatched = port.answer, self.unpacked, max(self.dispatched, start)
        freed = free[-1] if free else 0.0
        pes = Elements(self.config.pes, self.beats, start, freed)
        begun = start + at.START_TO_UNPACK
        to_request, to_dispatch = (at.UNPACK_TO_REQUEST, at.UNPACK_TO_DISPATCH) if not flat else (
            at.UNPACK_TO_REQUEST + at.TO_FLATTEN, at.UNPACK_TO_DISPATCH + at.TO_FLATTEN)
        no_weight, bands_left, held = 0.0, sum(work.pieces), 0 if gate[1] else at.PIECES_AHEAD
        fetch = self._fetch(one, work, max(take + at.TAKE_TO_COUNT, gate[0]), gate[1])
        slow, asked = port.turn > at.EVENTS_AHEAD, fetch.asked
        weights.begin(one, take, start)
        weights.ahead_of_chunks = fetch if isinstance(fetch, ProgressiveFetch) else None
        for index, (n_pieces, n_words, groups, located, trail, load, loads, ahead, walk, count_words, chunks) in enumerate(zip(
                work.pieces, work.words, work.groups, work.located, work.trail, work.beats, work.loads, work.ahead, work.walk,
                work.count_words, work.chunks)):
            fetch.count()
            # From now on neither events nor chunks are asked for earlier than this.
            port.known = min(asked, max(weights.asked, weights.walked + at.WALK_TO_JOB))
            if watch:
                watch()
            first_asked = fetch.of(index)
            looked = fetch.scanned + work.scan_end - fetch.scan_at      # at all bands
            # Unpack, and the request for the channel's weights, which go before its other words.
            place = dispatch.total
            taken = self._room(place - at.BETWEEN, max(unpacked + 1, first_asked + answer, begun))
            request = self._room(place - at.ASKED_AHEAD, taken + at.TAKEN_TO_LEFT) + to_request - at.TAKEN_TO_LEFT
            loaded = weights.bring(request, walk, count_words, chunks)
            asked = fetch.rest(index)
            # Dispatch and PEs.
            soonest = max(dispatched + 1, taken + to_dispatch, self.beats.at(place - ahead))
            no_weight += max(0.0, loaded - max(soonest, pes.over))
            first = max(soonest, loaded)
            supplied = max(taken + groups - 1, asked + answer)
            if slow and n_words > at.EVENTS_AHEAD:
                supplied = max(supplied, self._refilled(first, n_words, groups))
            # Where the PEs take a channel's words slowly enough, it does not matter how its first words came.
            if located < 2 * at.BETWEEN or load * (located - ahead) < pes.number * located * located:
                supplied = self._supplied(place, located, groups, taken, supplied)
            if flat:
                dispatched = first
                pes.event(first, load)
            else:
                dispatched = max(first + located - 1, supplied + to_dispatch)
                pes.channel(first, dispatched, located, load, loads)
                dispatched = max(dispatched, self.beats.at(place + located - 1 - ahead))
            dispatch.add(located, first, dispatched)
            freed = max(freed + 1, pes.over if load else first + 1)     # slots are freed in order, one a cycle
            if free:
                free[-1] = max(free[-1], first + at.OPENED_TO_FREED)
            free.append(freed)
            unpacked = self._unpacked(place + located - 1 - at.BETWEEN, supplied - trail) + trail
            if n_words:
                early = int(at.BETWEEN * n_words / groups)
                if n_words > early and first > taken + early:       # the others stand still until the channel's weights are here
                    words.add(early, taken, taken + early - 1)
                    words.add(n_words - early, first + at.RESUME, unpacked)
                else:
                    words.add(n_words, taken, unpacked)
                asked = fetch.taken(asked)
            if n_pieces:
                pieces.add(n_pieces, taken, unpacked)
                bands_left -= n_pieces
                if following and bands_left <= held:        # the fetch has looked at all
                    if gate[1]:
                        looked = max(looked, gate[1](one.channels - 1) + answer)
                    weights.follow(max(ready, looked + at.FETCH_FREE), following)
                    following = None
        scanned = fetch.end()
        weights.end(start)
        self.asked, self.unpacked, self.dispatched = fetch.asked, unpacked, dispatched
        ended = max(scanned + at.SCAN_TO_LAST, unpacked, begun) + at.OVER
        over = pes.over
        if work.beats and not flat:
            over += 0.5 * work.beats[-1] / max(1.0, work.located[-1]) * (1 - 1 / pes.number)        # the PEs do not end together
        return FrontTimes(max(over + at.BEAT_TO_DONE, ended), scanned + at.FETCH_FREE, max(ended, dispatched), no_weight)

    def _fetch(self, one, work, begin, gate):
        """Return the fetch of a pass whose first count may be asked for in cycle `begin`."""
        if gate and not self.port.crowded:
            return ProgressiveFetch(self, work, one.channels - 1, gate, begin + self.port.answer)
        return OrderedFetch(self, work, one.channels - 1, gate, begin)

    def _refilled(self, first, words, groups):
        """Return when unpack takes a channel's last memory word, most of them waiting for the dispatch to begin in cycle `first`.

        A word is asked for when the one EVENTS_AHEAD before it is taken: words that stood still together come together later.
        words: of the channel, more than EVENTS_AHEAD.  groups: event words of these.
        """
        ahead, turn, resumed = at.EVENTS_AHEAD, self.port.turn, first + at.RESUME
        begun = resumed - at.BETWEEN * words / groups       # when word 0 would be taken, were it in the run that then goes on

        def taken(turns, place):
            """When word turns * ahead + place is taken: a turn after the one that its place in the reader was for."""
            if begun + place >= resumed:
                return begun + place + turns * turn
            return begun + ahead + place + (turns - 1) * turn

        turns, rest = divmod(words - 1, ahead)
        return max(taken(turns, rest), taken(turns - 1, ahead - 1) + rest + 1)

    def _supplied(self, place, located, groups, taken, supplied):
        """Return when unpack takes the last word of a channel, which stands still where the dispatch waits for another's weights.

        place, located: of the channel, in the dispatch.  groups: its words.  taken, supplied: cycles of its first and last one,
        but for that.
        """
        last, each = min(int(located), at.BETWEEN - at.RESUME) - 1, groups / located
        pace = (supplied - taken) / max(1, groups - 1) * each
        curve, full, resume = self.dispatch, place - at.BETWEEN, place - at.BETWEEN + at.RESUME
        if last < 1 or curve.at(full + last) + at.TAKEN_TO_ROOM <= taken + last * pace:
            return supplied
        time, number = taken, 0
        while number < last:
            step = each if time > taken + number * pace else max(each, pace)
            begin = time + step - at.TAKEN_TO_ROOM
            word = number + 1 + curve.first_later(full + number + 1, last - number, begin, step)
            if word > last:
                break
            # It stands still; from when it goes on as many find room as were on their way to the look-ahead.
            time = max(curve.at(resume + word) + at.TAKEN_TO_ROOM, taken + word * pace) + (at.RESUME - 1) * each
            number = word + at.RESUME - 1
        return max(supplied, time + groups - 1 - number * each)

    def _room(self, place, time, before=at.RESUME):
        """Return when an event word that is there from `time` on goes on: after the dispatch has taken word `place`.

        While a word stands still those on their way arrive, and the look-ahead has room again only when as many are gone.
        before: words that must be gone before the one that goes on with it, of RESUME; the others go on one a cycle.
        """
        taken = self.dispatch.at
        if taken(place) + at.TAKEN_TO_ROOM <= time:
            return time
        return max(time, taken(place + before) + at.TAKEN_TO_ROOM + (at.RESUME - before))

    def _unpacked(self, place, time):
        """Return the same for a word anywhere in one of the runs that go on together: half a run later."""
        return self._room(place, time, at.RESUME / 2)
