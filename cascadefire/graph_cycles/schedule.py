"""The schedule of passes: program, fetch, front, swap, fire and writing, put together for one image."""

import numpy as np

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.front import Front
from cascadefire.graph_cycles.port import Port
from cascadefire.graph_cycles.program import read_passes
from cascadefire.graph_cycles.stream import ProgramWords
from cascadefire.graph_cycles.work import fire_work, pass_work
from cascadefire.graph_cycles.writer import Writer


class Schedule:
    """When the passes are read, fetched, started, fired and written, once `run`.

    executable: Executable.  events: map name -> MapEvents.  latency: of the memory.
    passes: list of Pass.  starts: int64 [passes + 1], when each enters the front, and the end.  works, times: PassWork and
    FrontTimes of each.  waits: (cycles for its words, for fire) before each start.
    """

    def __init__(self, executable, events, latency):
        self.executable, self.events, self.config = executable, events, executable.config
        self.passes = read_passes(executable)
        self.port = Port(latency)
        self.front = Front(self.config, self.port)
        self.program = ProgramWords(self.config, self.port, executable.length)
        self.writer = Writer(self.config, self.port)
        self.starts, self.works, self.times, self.waits = np.zeros(0, np.int64), [], [], []
        # Parameters of the next pass that fire keeps waiting; its end, as far as it is known; when words before them are read.
        self._late, self._free, self._begin = 0, 0.0, 0.0
        # Halves of the parameter memories: of the pass read last, of the one in front, of the one in fire.
        self._half = self._front_half = self._fire_half = False

    def run(self):
        """Go through all passes."""
        starts, done = [], 0.0
        self.program.start()
        begin, one = at.LAUNCH + self.port.answer, self.passes[0]
        self.program.announce(begin, one.words + one.parameters)
        last = self.program.read(begin, one.sections)
        take, work = last + at.WORD_TO_READY, self._work(0)
        parameters = self._parameters(last, one, take, work)
        for index, (one, following) in enumerate(zip(self.passes, [*self.passes[1:], None])):
            start = self._start(index, done, take, work)
            starts.append(start)
            ready = None
            if following:
                self._announce(start, parameters, following)
                last = self.program.read(max(start + 1, parameters + at.SECTION_TO_SECTION), following.sections)
                ready = last + at.WORD_TO_READY
            watch = self._watch if self._late or self.port.crowded else None
            self.front.weights.interrupt = self._late_parameters if self._late and not self.port.crowded else None
            times = self.front.run(one, work, take, start, self._gate(one), watch, ready, following)
            done = times.done
            self.works.append(work)
            self.times.append(times)
            self._front_half = self._half
            if following:
                take, work = max(ready, times.fetched), self._work(index + 1)
                parameters = self._parameters(last, following, take, work)
        self.writer.fire(one, self._fire_work(index), max(done, self.writer.free()))
        starts.append(self.writer.finished() + self.port.answer + at.WRITTEN_TO_END)
        self.starts = np.rint(starts).astype(np.int64)

    def _parameters(self, last, one, take, work):
        """Return when a pass's parameters are read, 0 where it has none.

        last: cycle of its last word before them.  take: cycle in which it is taken.  work: PassWork.
        """
        if not one.parameters:
            return 0.0
        begin, self._half = last + at.SECTION_TO_SECTION, not self._half
        if self._half == self._fire_half:
            begin = max(begin, self._fire_free(one, take, work))
        if self._late:
            self._announce_late(begin)
        return self.program.read(begin, (one.parameters,))

    def _start(self, index, done, take, work):
        """Return when pass `index` enters the front, which sends the one before it, `done` then, to fire."""
        ready, free = max(done, take + 1), 0.0
        fires = index and self.passes[index - 1].fired
        if fires:
            free = self._fire_free(self.passes[index], take, work)
        start = max(ready, free)
        self.waits.append((max(0.0, take + 1 - done), max(0.0, free - ready)))
        if fires:
            self._fire_half = self._front_half
            self.writer.fire(self.passes[index - 1], self._fire_work(index - 1), start)
        return start

    def _fire_free(self, one, take, work):
        """Return when fire is done with what it has before a pass that is taken in cycle `take` starts.  one: Pass.  work: PassWork."""
        first, channels = self.writer.gate(one)
        if channels:        # what it waits for is in fire
            return self.writer.free()
        # Its first events come before it starts, and before what fire writes.
        first = max(take + at.TAKE_TO_COUNT, first) + self.port.answer + at.COUNT_TO_EVENT
        return self.port.while_reading(first, min(at.EVENTS_AHEAD, sum(work.words)), self.writer.free)

    def _announce(self, start, parameters, following):
        """Tell the port what is read of the program while a pass is in front, but for parameters that wait for the end of fire.

        start: of the pass.  parameters: cycle in which its own are read.  following: the next Pass.
        """
        self._begin, self._free = max(start, parameters), self.writer.free()
        if following.parameters and self._half != self._fire_half and self._free > start:     # they go to the half that fire uses
            self._late = following.parameters
        self.program.announce(self._begin, following.words + following.parameters - self._late)

    def _announce_late(self, begin):
        """Tell the port that the parameters that fire kept waiting are read from cycle `begin` on."""
        self.program.announce(begin, self._late)
        self._late = 0

    def _gate(self, one):
        """Return `Writer.gate` of a pass in front.  Where nothing is read before fire is done, its end is sure at once."""
        gate = self.writer.gate(one)
        if self._late and gate[0] > self._free:
            self._announce_late(max(self._begin, self._free))
            gate = self.writer.gate(one)
        return gate

    def _watch(self):
        """More reads are known: writes go on up to there, and the end of fire, for which parameters wait, may be sure."""
        if self.port.crowded:
            self.writer.go_on()
        self._late_parameters(self.port.known)

    def _late_parameters(self, known):
        """Return when fire ends, for which parameters wait, or None; if that is not later than `known`, they come from then on.

        known: cycle up to which all reads that are more urgent than writes have been asked for.
        """
        if self._late and known >= self._free:
            self._free = self.writer.free()
            if known >= self._free:
                self._announce_late(max(self._begin, self._free))
        return self._free if self._late else None

    def _work(self, index):
        record = self.executable.passes[index]
        source = self.executable.graph.steps[record.step].terms[record.term].source
        return pass_work(self.config, self.passes[index], self.events[source], self.executable.memory)

    def _fire_work(self, index):
        output = self.executable.graph.steps[self.executable.passes[index].step].output
        return fire_work(self.config, self.passes[index], self.events[output])
