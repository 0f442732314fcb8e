"""The cycle model's answer: cycles, beats, words and stalls of every pass."""

from dataclasses import dataclass

import numpy as np

from cascadefire.errors import InputError
from cascadefire.graph import check_values
from cascadefire.graph_cycles.map_events import MapEvents, live_values
from cascadefire.graph_cycles.schedule import Schedule

CAUSES = ("beat", "configuration", "no_event", "no_weight", "no_buffer", "drain")


@dataclass(frozen=True, eq=False)
class Prediction:
    """Cycles of one image.

    step_cycles: int64 [steps], from the start of a step's first pass (at first: the start) to the next step's (at last: the end).
    pass_starts: int64 [passes], cycles until each enters the front.  pass_cycles: int64 [passes], to the next one's start, the
    first one's from 0 on.
    beats, reads, writes: int64 [passes], over all PEs; memory words that belong to a pass, whenever they cross the port.
    stalls: int64 [passes, 6], PE cycles by CAUSES, estimates; with the beats they add up to pass cycles * PEs.
    """

    step_cycles: np.ndarray
    pass_starts: np.ndarray
    pass_cycles: np.ndarray
    beats: np.ndarray
    reads: np.ndarray
    writes: np.ndarray
    stalls: np.ndarray

    @property
    def total(self) -> int:
        """Cycles from the start to the last event in memory."""
        return int(self.step_cycles.sum())


def predict(executable, maps, latency=20) -> Prediction:
    """Predict the cycles of one image.

    executable: Executable.  maps: map name -> integers [C, H, W], inputs and all that follows from them
    (`cascadefire.graph_reference.run`).  latency: of the memory, in cycles, >= 1.
    Errors: InputError when a map is missing or has another shape, or the latency is less than 1.
    """
    graph = executable.graph
    for name in graph.maps:
        if name not in maps:
            raise InputError(f"the map {name} is missing.")
    if latency < 1:
        raise InputError(f"the memory latency must be at least 1, not {latency}.")
    events = {name: MapEvents(executable.maps[name], live_values(executable, name, check_values(one, maps[name])))
              for name, one in graph.maps.items()}
    schedule = Schedule(executable, events, latency)
    schedule.run()
    return _prediction(executable, schedule)


def _prediction(executable, schedule):
    starts, works, times, program = schedule.starts, schedule.works, schedule.times, schedule.program
    steps = np.array([record.step for record in executable.passes])
    pes, columns = executable.config.pes, executable.config.words_per_chunk
    bounds = starts[np.append(np.searchsorted(steps, np.arange(len(executable.graph.steps))), len(steps))]
    bounds[0] = 0
    cycles = np.diff(starts)
    cycles[0] += starts[0]
    beats = np.array([work.total_beats for work in works])
    reads = [sum(work.words) + sum(work.chunks) * columns + len(work.count_places) + one.count_words
             + (one.words + one.parameters) / program.ratio for work, one in zip(works, schedule.passes)]
    fired = iter(schedule.writer.passes)
    writes = [sum(next(fired).work.words) if one.fired else 0 for one in schedule.passes]
    # A pass is in front until the next one's start, so what that waits for is its own; and the first one has all before it.
    waits = np.array([*schedule.waits[1:], (0.0, 0.0)])
    waits[0] += schedule.waits[0]
    stalls = np.array([(0, configuration, 0, time.no_weight, no_buffer, time.done - time.over)
                       for time, (configuration, no_buffer) in zip(times, waits)])
    return Prediction(np.diff(bounds), starts[:-1], cycles, beats, np.rint(reads).astype(np.int64), np.array(writes),
                      _complete(stalls * pes, beats, cycles * pes))


def _complete(stalls, beats, totals):
    """Fill in the beats and, as no_event, what is left; the other causes give way where the estimate is too much."""
    result = np.rint(stalls).astype(np.int64)
    result[:, 0], left = beats, totals - beats
    for cause in ("configuration", "no_weight", "no_buffer", "drain"):
        column = CAUSES.index(cause)
        result[:, column] = np.clip(result[:, column], 0, np.maximum(left, 0))
        left = left - result[:, column]
    result[:, CAUSES.index("no_event")] = left
    return result
