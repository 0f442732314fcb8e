"""The front over all passes: events from memory to the PEs, channel by channel.

Every channel's times follow from those of the channels before it by maxima and sums: what comes later in the pipeline holds up
what comes earlier by a queue's length of items, which a Curve looks up.
"""

from dataclasses import dataclass

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.curve import Curve
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
        # (place, cycle) of every channel's first word in the dispatch, and how many of them unpack has met.
        self.opened, self.met = [], 0
        self.asked = self.unpacked = self.dispatched = 0.0      # last event word asked for, last word taken, last dispatch

    def run(self, one, work, take, start, gate, watch=None, ready=None, following=None) -> FrontTimes:
        """Run a pass that was taken by the fetch in cycle `take` and starts in cycle `start`.

        one: Pass.  work: PassWork.  gate: (cycle from which anything may be asked for, None or function channel -> cycle from which
        its counts may).  watch: None, or called for every channel, when all reads before its chunks are known.
        ready: cycle from which the following Pass may be taken.
        """
        port, weights, pes, flat = self.port, self.weights, self.config.pes, one.flatten
        answer, free = port.answer, weights.free
        opened, pieces, words, dispatch, beats = self.opened, self.pieces, self.words, self.dispatch, self.beats
        asked, unpacked, dispatched = self.asked, self.unpacked, max(self.dispatched, start)
        over = freed = free[-1] if free else 0.0
        ends, turn = [start] * pes, 0       # when each PE is idle; whose turn it is
        begun = start + at.START_TO_UNPACK
        to_request, to_dispatch = (at.UNPACK_TO_REQUEST, at.UNPACK_TO_DISPATCH) if not flat else (
            at.UNPACK_TO_REQUEST + at.TO_FLATTEN, at.UNPACK_TO_DISPATCH + at.TO_FLATTEN)
        scanned, scan_at = max(take + at.TAKE_TO_COUNT, gate[0]) + answer, 0       # the first count is there
        gate = gate[1]
        no_weight, bands_left = 0.0, sum(work.pieces)
        band_cycles = max(1.0, port.turn / at.COUNTS_AHEAD * work.event_count_words / max(1, work.scan_end))
        weights.begin(one, take, start)
        for (scan, n_pieces, n_words, groups, located, trail, load, loads, ahead, walk, count_words, chunks, channel,
             new_counts) in zip(
                work.scan, work.pieces, work.words, work.groups, work.located, work.trail, work.beats, work.loads, work.ahead,
                work.walk, work.count_words, work.chunks, work.channel, work.event_counts):
            # From now on neither events nor chunks are asked for earlier than this.
            port.known = min(asked, max(weights.asked, weights.walked + at.WALK_TO_JOB))
            if watch:
                watch()
            # Fetch: bands are looked at one a cycle, as far ahead as pieces and words have room.
            scanned, scan_at = scanned + (scan - scan_at) * band_cycles, scan
            if gate:
                scanned = max(scanned, gate(channel) + answer)
            weights.owed += new_counts      # counts of bands go before chunks, and long before events
            if n_pieces:
                scanned = max(scanned, pieces.at(pieces.total - at.PIECES_AHEAD) + 1)
            if n_words:
                word = words.total
                asked = port.ask(max(asked + 1, scanned + at.COUNT_TO_EVENT, words.at(word - at.EVENTS_AHEAD) + 1), 1)
            # Unpack, and the request for the channel's weights, which go before its other words.
            place = dispatch.total
            taken = self._room(place - at.BETWEEN, max(unpacked + 1, asked + answer, begun))
            request = self._room(place - at.ASKED_AHEAD, taken + to_request)
            loaded = weights.bring(request, walk, count_words, chunks)
            if n_words > 1:
                first_asked = asked
                asked = max(port.ask(asked + 1, n_words - 1), scanned + n_pieces - 1 + at.COUNT_TO_EVENT,
                            words.at(word + n_words - 1 - at.EVENTS_AHEAD))
                if n_words > at.EVENTS_AHEAD:
                    asked = max(asked, first_asked + (n_words - 1) // at.EVENTS_AHEAD * port.turn + (n_words - 1) % at.EVENTS_AHEAD)
            # Dispatch and PEs.
            soonest = max(dispatched + 1, taken + to_dispatch, beats.at(place - ahead))
            no_weight += max(0.0, loaded - max(soonest, over))
            first = max(soonest, loaded)
            here = first + at.DISPATCH_TO_BEAT
            supplied = self._supplied(place, located, groups, taken, max(taken + groups - 1, asked + answer))
            opened.append((place, first))
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
            free.append(freed)
            unpacked = self._room(place + located - 1 - at.BETWEEN, supplied - trail) + trail
            if n_words:
                words.add(n_words, taken, unpacked)
                asked = max(asked, words.at(words.total - 1 - at.EVENTS_AHEAD))
            if n_pieces:        # the last one of them has been looked at by now
                pieces.add(n_pieces, taken, unpacked)
                scanned, scan_at = scanned + (n_pieces - 1) * band_cycles, scan + n_pieces - 1
                bands_left -= n_pieces
                if not bands_left and following:
                    weights.follow(max(ready, scanned + (work.scan_end - scan_at) * band_cycles + at.FETCH_FREE), following)
            scanned = max(scanned, pieces.at(pieces.total - 1 - at.PIECES_AHEAD))
        scanned += (work.scan_end - scan_at) * band_cycles
        if gate:
            scanned = max(scanned, gate(one.channels - 1) + answer)
        weights.end(start)
        self.asked, self.unpacked, self.dispatched = asked, unpacked, dispatched
        ended = max(scanned + at.SCAN_TO_LAST, unpacked, begun) + at.OVER
        if work.beats and not flat:
            over += 0.5 * work.beats[-1] / max(1.0, work.located[-1]) * (1 - 1 / pes)       # the PEs do not end together
        return FrontTimes(max(over + at.BEAT_TO_DONE, ended), scanned + at.FETCH_FREE, max(ended, dispatched), no_weight)

    def _supplied(self, place, located, groups, taken, supplied):
        """Return when unpack takes the last word of a channel, which stands still while the dispatch waits for another's weights.

        place, located: of the channel, in the dispatch.  groups: its words.  taken, supplied: cycles of its first and last one,
        but for that.
        """
        opened = self.opened
        while self.met < len(opened) and opened[self.met][0] + at.BETWEEN < place + located:
            first, dispatched = opened[self.met]
            self.met += 1
            before = first + at.BETWEEN - place
            if before > 0 and taken + before * (supplied - taken) / max(1, groups - 1) < dispatched:
                supplied = max(supplied, dispatched + at.RESUME + groups - 1 - before)
        return supplied

    def _room(self, place, time):
        """Return when an event word that is there from `time` on goes on: after the dispatch has taken word `place`.

        Words that have come to wait go on only once the dispatch has taken RESUME more, as fast as there are: where the dispatch
        is slow they then stand still again. A word is anywhere in such a run, so half of that time is what it waits.
        """
        taken = self.dispatch.at(place)
        if taken <= time:
            return time
        return max(taken + at.RESUME, (taken + self.dispatch.at(place + at.RESUME)) / 2)
