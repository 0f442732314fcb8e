"""Fire and the event writer: when passes have fired, and what is in memory."""

from cascadefire.graph_cycles import latencies as at


class Fired:
    """A pass that has entered fire.

    one: Pass.  work: FireWork.  start: cycle.  times: (handed to the drain, in memory) of its groups, as far as they are sure.
    """

    def __init__(self, one, work, start):
        self.one, self.work, self.start, self.times = one, work, start, []


class Writer:
    """The passes fired so far; fire and writing of the last ones may still go on."""

    def __init__(self, config, port):
        self.config, self.port = config, port
        self.head = at.FIRE_TO_READ + at.READ_TO_OUTPUT + (config.pes - 1).bit_length()
        self.passes = []

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
            done = max(done, self._times(len(self.passes) - 1, group)[0] + left)
        return done + at.OUTPUT_TO_DONE

    def _begin(self, index):
        """Return when the first output of a pass is there: fire does not read before the last band of the pass before is handed over."""
        start = self.passes[index].start + self.head
        if not index:
            return start
        before = self.passes[index - 1]
        return max(start, self._times(index - 1, len(before.work.words) - 1)[0] + at.HAND_TO_GO + self.head - at.FIRE_TO_READ)

    def _end(self, index):
        """Return FireWork.ends as it is for a pass."""
        work = self.passes[index].work
        waiting = self._drained(index - 1) > self._begin(index) + work.first[0]
        return work.ends[waiting]

    def finished(self):
        """Return when everything fired is in memory."""
        return self._whole(len(self.passes) - 1)

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
        lanes, known = self.config.fire_lanes, {}

        def when(channel):
            # -1: channels of passes before, which are in memory once all of those are, and the next one is being written.
            group = max(-1, min(groups - 1, (self._reach(one, channel) - first) // lanes))
            if group not in known:
                known[group] = at.WRITTEN_TO_COUNT + (self._times(needed, group)[1] if group >= 0 else
                                                      max(self._whole(needed - 1), self.passes[needed].start))
            return known[group]

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
        if index < 0:
            return 0.0
        work = self.passes[index].work
        handed, done = self._times(index, len(work.words) - 1)
        return handed + work.drain[-1] if work.last[-1] <= at.WRITES_AHEAD else done - at.HAND_TO_WRITE

    def _whole(self, index):
        """Return when a pass is in memory."""
        return self._times(index, len(self.passes[index].work.words) - 1)[1] if index >= 0 else 0.0

    def _times(self, index, group):
        """Return (handed to the drain, in memory) of a group of channels of a pass, as far as the port's reads are known now."""
        one, port = self.passes[index], self.port
        work, sure = one.work, one.times
        if group < len(sure):
            return sure[group]
        horizon = port.known
        if sure:
            handed, done = sure[-1]
        else:
            handed, done = self._begin(index), self._whole(index - 1)
        left = done - at.HAND_TO_WRITE      # the drain is free
        for number in range(len(sure), group + 1):
            # All bands of the group but the last one must be out of the drain before that is handed over.
            handed, last = max(handed + work.first[number], left), work.last[number]
            rest = work.words[number] - last
            out = port.written(handed, rest) if rest else handed
            handed = max(handed + work.others[number], out)
            left = max(port.written(max(out, handed), last), handed + work.drain[number])
            done = left + at.HAND_TO_WRITE
            if done <= horizon and len(sure) == number:
                sure.append((handed, done))
        return handed, done
