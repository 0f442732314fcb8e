"""Fire and the event writer: when passes have fired, and what is in memory."""

from math import ceil, inf
from typing import NamedTuple

from cascadefire.graph_cycles import latencies as at


class GroupTimes(NamedTuple):
    """When a group's last band is handed to the drain, in memory (done), out of the drain (left), as far as is known.

    due: outputs that fire still gives before it makes a gap, since it has stood still; 0: it makes none.
    sent: cycles in which the port took the last words, None where nothing waited for it.
    """

    handed: float
    done: int
    left: float
    due: int
    sent: list | None


class Fired:
    """A pass that has entered fire.

    one: Pass.  work: FireWork.  start: cycle.  times: GroupTimes of its groups, as far as they are known.
    """

    def __init__(self, one, work, start):
        self.one, self.work, self.start, self.times = one, work, start, []


class Writer:
    """The passes fired so far; fire and writing of the last ones may still go on."""

    def __init__(self, config, port):
        self.config, self.port = config, port
        read_to_output = at.READ_TO_OUTPUT + (config.pes - 1).bit_length()
        self.head, way = at.FIRE_TO_READ + read_to_output, read_to_output + at.GO_TO_READ
        # When fire has stood still: outputs that wait for the drain, and cycles without one after these.
        self.waiting, self.gap = at.OUTPUTS_LEFT + 1 + way, way - at.OUTPUTS_LEFT
        self.passes, self._sure = [], 0      # the first so many passes have sure times only

    def fire(self, one, work, start):
        """A pass enters fire in cycle `start`.  one: Pass.  work: FireWork."""
        self.passes.append(Fired(one, work, start))

    def free(self):
        """Return when fire has done with the last pass, as far as the port's reads are known now."""
        if not self.passes:
            return 0.0
        one = self.passes[-1]
        done, (group, left) = self._begin(len(self.passes) - 1) + one.work.reads, self._end(len(self.passes) - 1)
        if group >= 0:
            done = max(done, self._times(len(self.passes) - 1, group).handed + left)
        return done + at.OUTPUT_TO_DONE

    def _begin(self, index):
        """Return when the first output of a pass is there; fire reads once the last band of the pass before is handed over."""
        start = self.passes[index].start + self.head
        if not index:
            return start
        return max(start, self._last(index - 1).handed + at.HAND_TO_GO + self.head - at.FIRE_TO_READ)

    def _end(self, index):
        """Return FireWork.ends as it is for a pass."""
        work = self.passes[index].work
        waiting = self._drained(index - 1) > self._begin(index) + work.first[0]
        return work.ends[waiting]

    def finished(self):
        """Return when everything fired is in memory."""
        return self._whole(len(self.passes) - 1)

    def go_on(self):
        """Let writes take places of a crowded port, up to where it is looked at."""
        port, passes = self.port, self.passes
        if port.marked > port.known + 2 * port.open:
            return
        while self._sure < len(passes) and len(passes[self._sure].times) == len(passes[self._sure].work.words):
            self._sure += 1
        for index in range(self._sure, len(passes)):
            for group in range(len(passes[index].times), len(passes[index].work.words)):
                if self._times(index, group).done > port.limit:
                    return

    def gate(self, one):
        """Return (cycle, None) or (0, function channel -> cycle) from which a pass may ask for event counts.

        one: the Pass; all firing passes before it are known.
        """
        needed = len(self.passes) - 1 - one.lag
        if needed < 0:
            return 0.0, None
        if not one.progressive:
            return self._whole(needed) + at.WRITTEN_TO_COUNT, None
        groups, first = len(self.passes[needed].work.words), self.passes[needed].one.out_first
        lanes = self.config.fire_lanes

        def when(channel):
            # -1: channels of passes before, which are in memory once all of those are, and the next one is being written.
            group = max(-1, min(groups - 1, (self._reach(one, channel) - first) // lanes))
            done = self._times(needed, group).done if group >= 0 else max(self._whole(needed - 1), self.passes[needed].start)
            return done + at.WRITTEN_TO_COUNT

        return 0.0, when

    def _reach(self, one, channel):
        """Return the last channel that must be in memory before the counts of a channel may be asked for.

        A memory word of counts may hold those of as many later channels as bytes follow the first that is asked for in it.
        """
        width = self.config.port_bytes
        byte = (one.event_counts + channel * one.band_step) % width
        if one.bands < one.band_step:
            return channel + width - 1 - (byte if byte + one.bands <= width else 0)
        last = one.event_counts + (channel + 1) * one.bands - 1
        opened = max(one.event_counts, last - last % width)     # the first byte of the channel's last word
        return (opened - one.event_counts) // one.bands + width - 1 - opened % width

    def _drained(self, index):
        """Return when the drain has done with a pass; a few words may then still wait for the port."""
        return self._last(index).left if index >= 0 else 0.0

    def _whole(self, index):
        """Return when a pass is in memory."""
        return self._last(index).done if index >= 0 else 0.0

    def _last(self, index):
        return self._times(index, len(self.passes[index].work.words) - 1)

    def _times(self, index, group):
        """Return GroupTimes of a group of channels of a pass, as far as the port's reads are known now."""
        if self.port.earliest < inf:
            self._forget()
        one, port = self.passes[index], self.port
        work, known = one.work, one.times
        if group < len(known):
            return known[group]
        if known:
            times = known[-1]
        elif index:
            times = self._last(index - 1)._replace(handed=self._begin(index), due=0)
        else:
            times = GroupTimes(self._begin(index), 0, 0.0, 0, None)
        handed, done, left, due, sent = times
        for number in range(len(known), group + 1):
            collected, last = handed + work.first[number], work.last[number]
            if due:
                gap, due = due < work.outputs[number], max(0, due - work.outputs[number])
                collected += self.gap * gap
            handed = max(collected, left)
            if not due and handed - collected > at.OUTPUTS_LEFT:
                due = self.waiting
            # All bands of the group but the last one must be out of the drain before that is handed over.
            rest = work.words[number] - last
            if rest:
                written = port.written(max(handed + at.HAND_TO_WRITE, done + 1), rest)
                handed = max(handed + work.others[number], written - at.HAND_TO_WRITE)
                done, sent = written - 1, None
            else:
                handed += work.others[number]
            done, left, sent = self._drain(work, number, handed, done, sent)
            times = GroupTimes(handed, done, left, due, sent)
            if len(known) == number and (not port.crowded or times.done <= port.known):
                known.append(times)
        return times

    def _forget(self):
        """Forget what was not written yet when reads got cycles since the last look."""
        earliest, self.port.earliest = self.port.earliest, inf
        for one in reversed(() if self.port.crowded else self.passes):
            while one.times and one.times[-1].done >= earliest:
                one.times.pop()
            if one.times:
                break

    def _drain(self, work, number, handed, done, sent):
        """Return (done, left, sent) of a group whose last band is handed to the drain in cycle `handed`; done, sent: of the one before.

        Where the port is crowded its places are not known so well that words could be followed one by one.
        """
        port, drain, words = self.port, work.drain[number], work.last[number]
        begin, last, left = ceil(handed) + at.HAND_TO_WRITE, ceil(handed) + drain + at.DRAIN_TO_WRITTEN, handed + drain
        if done < begin and not port.crowded and port.free(begin, last + 1):
            return last, left, None
        if not port.crowded:
            sent, stall = port.written_each(work.offered(number), begin, done, sent)
            return sent[-1], left + stall, sent[-at.WRITES_AHEAD:]
        ahead = at.WRITES_AHEAD
        if number:      # words of the group before may still wait for the port
            ahead -= min(ahead, work.last[number - 1], max(0, done + 1 - begin))
        written = port.written(max(begin, done + 1), words) - at.HAND_TO_WRITE
        if words > ahead:        # the drain stands still with the first word that has no place
            left = max(left, written - at.WRITES_AHEAD, written - words + drain * (1 - ahead / words))
        return ceil(max(written, left)) + at.DRAIN_TO_WRITTEN, left, None
