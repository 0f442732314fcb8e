"""The front over all passes: events from memory to the PEs, channel by channel.

Every channel's times follow from those of the channels before it by maxima and sums: what comes later in the pipeline holds up
what comes earlier by a queue's length of items, which a Curve looks up.
"""

from dataclasses import dataclass

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.band_counts import BandCounts, looks, opened
from cascadefire.graph_cycles.curve import Curve
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
        port, weights, pes, flat = self.port, self.weights, self.config.pes, one.flatten
        answer, free = port.answer, weights.free
        pieces, words, dispatch, beats = self.pieces, self.words, self.dispatch, self.beats
        asked, unpacked, dispatched = self.asked, self.unpacked, max(self.dispatched, start)
        over = freed = free[-1] if free else 0.0
        ends, turn = [start] * pes, 0       # when each PE is idle; whose turn it is
        begun = start + at.START_TO_UNPACK
        to_request, to_dispatch = (at.UNPACK_TO_REQUEST, at.UNPACK_TO_DISPATCH) if not flat else (
            at.UNPACK_TO_REQUEST + at.TO_FLATTEN, at.UNPACK_TO_DISPATCH + at.TO_FLATTEN)
        scanned, scan_at = max(take + at.TAKE_TO_COUNT, gate[0]) + answer, 0       # the first count is there
        gate, begin, slow = gate[1], scanned, port.turn > at.EVENTS_AHEAD
        no_weight, bands_left = 0.0, sum(work.pieces)
        scan_on, held = looks(port, work), 0 if gate else at.PIECES_AHEAD
        fetch, counted, index = None, None, 0
        if not gate:
            counted = BandCounts(port, pieces, work, scanned - answer)
            counted.ask()       # before counts of weights
        elif not port.crowded:
            fetch = ProgressiveFetch(self, work, one.channels - 1, gate, scanned, scan_on)
        weights.begin(one, take, start)
        weights.ahead_of_chunks = fetch
        for (scan, n_pieces, n_words, groups, located, trail, load, loads, ahead, walk, count_words, chunks, channel,
             new_counts) in zip(
                work.scan, work.pieces, work.words, work.groups, work.located, work.trail, work.beats, work.loads, work.ahead,
                work.walk, work.count_words, work.chunks, work.channel, work.event_counts):
            if counted and counted.item < pieces.total:
                counted.ask()
            # From now on neither events nor chunks are asked for earlier than this.
            port.known = min(asked, max(weights.asked, weights.walked + at.WALK_TO_JOB))
            if watch:
                watch()
            if fetch:
                first_asked = fetch.of(index)
                scanned, scan_at = fetch.scanned, fetch.scan_at
            else:
                # Fetch: bands are looked at one a cycle, as far ahead as pieces and words have room.
                scanned, scan_at = scan_on(scanned, scan - scan_at), scan
                if gate:
                    scanned = max(scanned, gate(channel) + answer)
                    if new_counts:
                        port.ask(scanned - answer, new_counts)
                if n_pieces:
                    begin, scanned = opened(port, pieces, pieces.total - at.PIECES_AHEAD, n_pieces, scanned, scan_on)
                    scan_at = scan + n_pieces - 1
                word = words.total
                if n_words:
                    asked = port.ask(max(asked + 1, begin + at.COUNT_TO_EVENT, words.at(word - at.EVENTS_AHEAD) + 1), 1)
                first_asked = asked
            # Unpack, and the request for the channel's weights, which go before its other words.
            place = dispatch.total
            taken = self._room(place - at.BETWEEN, max(unpacked + 1, first_asked + answer, begun))
            request = self._room(place - at.ASKED_AHEAD, taken + at.TAKEN_TO_LEFT) + to_request - at.TAKEN_TO_LEFT
            loaded = weights.bring(request, walk, count_words, chunks)
            if fetch:
                asked, index = fetch.rest(index), index + 1
            elif n_words > 1:
                asked = max(port.ask(asked + 1, n_words - 1), scanned + at.COUNT_TO_EVENT,
                            words.at(word + n_words - 1 - at.EVENTS_AHEAD))
                if n_words > at.EVENTS_AHEAD:
                    asked = max(asked, first_asked + (n_words - 1) // at.EVENTS_AHEAD * port.turn + (n_words - 1) % at.EVENTS_AHEAD)
            # Dispatch and PEs.
            soonest = max(dispatched + 1, taken + to_dispatch, beats.at(place - ahead))
            no_weight += max(0.0, loaded - max(soonest, over))
            first = max(soonest, loaded)
            here = first + at.DISPATCH_TO_BEAT
            supplied = max(taken + groups - 1, asked + answer)
            if slow and n_words > at.EVENTS_AHEAD:
                supplied = max(supplied, self._refilled(first, n_words, groups))
            # Where the PEs take a channel's words slowly enough, it does not matter how its first words came.
            if located < 2 * at.BETWEEN or load * (located - ahead) < pes * located * located:
                supplied = self._supplied(place, located, groups, taken, supplied)
            if flat:
                here = max(ends[turn], here)
                beats.add(1, here, here)
                ends[turn] = here + load
                if load:
                    over = max(over, here + load)
                turn = turn + 1 if turn + 1 < pes else 0
                dispatched = first
            else:
                if loads:
                    ends = [max(end, here) + own for end, own in zip(ends, loads)]
                    here = max(min(over, here + load), here)
                    share = max(ends) - here
                else:
                    here, share = max(over, here), load / pes
                dispatched = max(first + located - 1, supplied + to_dispatch)
                over = max(here + share, dispatched + at.DISPATCH_TO_BEAT + share / located)
                beats.add(located, here, over)
                dispatched = max(dispatched, beats.at(place + located - 1 - ahead))
            dispatch.add(located, first, dispatched)
            freed = max(freed + 1, over if load else first + 1)     # slots are freed in order, one a cycle
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
                asked = max(asked, words.at(words.total - 1 - at.EVENTS_AHEAD))
                if fetch:
                    fetch.asked = max(asked, fetch.asked)
            if n_pieces:
                pieces.add(n_pieces, taken, unpacked)
                bands_left -= n_pieces
                if following and bands_left <= held:        # the fetch has looked at all
                    looked = scanned + work.scan_end - scan_at
                    if gate:
                        looked = max(looked, gate(one.channels - 1) + answer)
                    weights.follow(max(ready, looked + at.FETCH_FREE), following)
                    following = None
        if fetch:
            scanned, asked = fetch.end(), fetch.asked
        else:
            scanned = scan_on(scanned, work.scan_end - scan_at)
            if gate:
                scanned = max(scanned, gate(one.channels - 1) + answer)
        if counted:
            counted.ask()
        weights.end(start)
        self.asked, self.unpacked, self.dispatched = asked, unpacked, dispatched
        ended = max(scanned + at.SCAN_TO_LAST, unpacked, begun) + at.OVER
        if work.beats and not flat:
            over += 0.5 * work.beats[-1] / max(1.0, work.located[-1]) * (1 - 1 / pes)       # the PEs do not end together
        return FrontTimes(max(over + at.BEAT_TO_DONE, ended), scanned + at.FETCH_FREE, max(ended, dispatched), no_weight)

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
