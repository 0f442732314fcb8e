"""The pass schedule: configuration, front, swap and fire, put together for one image.

The model follows the core's registers event by event. Against the hardware it is exact, cycle for cycle and beat for beat, on the
shipped networks at 4 x 8 in all modes; of 221 random small networks with forced tilings all were exact but one, on a core of two
slots, that was 0.6 % early. It does not model pauses of the ports, nor fire waiting for room in the event banks, which a compiled
program never makes it do. Stalls by cause are estimates.
"""

from dataclasses import dataclass

import numpy as np

from cascadefire.compiler.encode import HEADER_WORDS, REPLAY
from cascadefire.compiler.tiling import pooling
from cascadefire.cycles import front, tokens
from cascadefire.cycles import latencies as at
from cascadefire.cycles.loader import Loader, Port
from cascadefire.errors import InputError

CAUSES = ("beat", "configuration", "no_weight", "no_buffer", "drain", "no_event")


@dataclass(frozen=True, eq=False)
class Prediction:
    """Cycles of one image.

    layer_cycles: int64 [layers]; layer l ends when the first pass of layer l + 1 enters the front, the last
    layer with the last token out.
    beats: int64 [layers], over all PEs.  requests: int64 [layers].
    stalls: per layer, cause -> PE cycles, an estimate; with `beat` they add up to layer cycles * PEs.
    """

    layer_cycles: np.ndarray
    beats: np.ndarray
    requests: np.ndarray
    stalls: list[dict[str, int]]

    @property
    def total(self) -> int:
        """Cycles from the image's first program word to its last token out."""
        return int(self.layer_cycles.sum())


class Schedule:
    """When the passes of a program start, fire and are done; pass p starts in cycle starts[p]."""

    def __init__(self, config):
        self.levels, self.lanes = at.tree_levels(config.pes), config.fire_lanes
        self.starts, self.free = [], []     # when each pass starts, and when fire has done with it
        self.words_end = 0          # the last program word taken
        self.ready = 0              # the pass read last may start

    def configure(self, one) -> None:
        """Read the words of the next pass: header and offsets, then parameters once fire no longer needs their half."""
        index = len(self.starts)
        first = max(self.words_end + 1, self.starts[-1] + at.START_TO_HEADER if index else 1)
        last = first + HEADER_WORDS + (0 if one.drain else one.kernel_positions) - 1
        self.ready, self.words_end = last + at.WORD_TO_READY, last
        parameters = 0 if one.drain else 2 * one.channels
        if parameters:
            # The pass before last used the same half; it is in fire, if at all, while these words come.
            busy = self.free[index - 2] if index >= 2 else 0
            self.words_end = max(last + 1, busy) + parameters - 1

    def start(self, front_done: int) -> dict[str, int]:
        """Start the next pass once the one before has left the front; return the cycles waited, by cause."""
        index = len(self.starts)
        fire = self.free[index - 2] if index >= 2 else 0
        self.starts.append(max(front_done, self.ready, fire))
        return {"no_buffer": max(0, fire - max(front_done, self.ready)), "configuration": max(0, self.ready - front_done)}

    def fire(self, one, window: int) -> None:
        """Fire `one`, the pass before the one started last; window: positions of a pooling window."""
        reads = -(-one.channels // self.lanes) * one.fired_h * one.fired_w * window
        done = self.starts[-1] + at.START_TO_READ + reads - 1 + at.READ_TO_DONE + self.levels
        self.free.append(done + at.DONE_TO_FREE)

    def at_bank_head(self, producer: np.ndarray, read: np.ndarray) -> np.ndarray:
        """Return the cycle in which a token is at the head of an empty bank, for tokens of fired passes."""
        starts = np.array(self.starts + [0])[producer + 1]
        return starts + at.START_TO_READ + read + at.READ_TO_PUSH + self.levels + at.PUSH_TO_HEAD


def predict(program, activations, latency: int = 20) -> Prediction:
    """Predict the cycles of one image.

    program: Program.  activations: list of integer arrays [C, H, W]: the image, then every layer's outputs
    (`cascadefire.reference.run`).  latency: cycles of the memory port, >= 0.
    Errors: InputError when the activations do not match the layers, or the latency is negative.
    """
    network, config = program.network, program.config
    shapes = [tuple(network.input_shape)] + [tuple(layer.out_shape) for layer in network.layers]
    if len(activations) != len(shapes) or any(np.shape(a) != shape for a, shape in zip(activations, shapes)):
        raise InputError(f"the activations of {network.name} must have the shapes {', '.join(map(str, shapes))}.")
    if latency < 0:
        raise InputError(f"the memory latency must be at least 0, not {latency}.")
    layers = len(network.layers)
    beats, requests, ends = np.zeros(layers, np.int64), np.zeros(layers, np.int64), np.zeros(layers, np.int64)
    stalls = [dict.fromkeys(CAUSES, 0) for _ in range(layers)]
    schedule, loader = Schedule(config), Loader(config, Port(config.weight_bytes, latency))
    source = tokens.from_outside(program, activations[0])
    done, rewound, last = 0, False, None
    for index, one in enumerate(program.passes):
        schedule.configure(one)
        waits = schedule.start(done)
        if last is not None:
            layer = network.layers[last.layer]
            schedule.fire(last, pooling(layer)[0] ** 2)
            if last.layer != one.layer:
                ends[last.layer] = schedule.starts[-1]
                source = tokens.from_fire(program, last.layer, activations[last.layer + 1])
        heads = [0] * len(source.valid) if one.external else schedule.at_bank_head(source.producer, source.read).tolist()
        start = schedule.starts[-1]
        if one.drain:
            ends[-1] = _drain(start, heads) + at.DRAIN_OUT
            break
        events, image = tokens.located(program, index, source), program.weights[one.weights_id]
        chunks = image.counts.sum(axis=1, dtype=np.int64)[events.asked].tolist()
        times = front.run(config, loader, start, rewound, heads, events, image.counts.shape[1], chunks)
        done, last, rewound = times.done, one, bool(one.words[0] & REPLAY)
        beats[one.layer] += events.beats.sum()
        requests[one.layer] += len(chunks)
        for cause, cycles in waits.items():
            stalls[one.layer][cause] += cycles * config.pes
        stalls[one.layer]["no_weight"] += times.no_weight * config.pes
        stalls[one.layer]["drain"] += (done - times.finished) * config.pes
    cycles = np.diff(ends, prepend=0)
    return Prediction(cycles, beats, requests, _complete(stalls, beats, cycles * config.pes))


def _drain(start: int, heads: list[int]) -> int:
    """Return the cycle in which a drain pass takes its last token."""
    taken = start + at.START_TO_TAKE - at.DRAIN_STEP
    for head in heads:
        taken = max(taken + at.DRAIN_STEP, head)
    return taken


def _complete(stalls, beats, totals) -> list[dict[str, int]]:
    """Fill in the beats and, as no_event, what is left; the other causes give way where the estimate is too much."""
    for causes, own, total in zip(stalls, beats.tolist(), totals.tolist()):
        causes["beat"] = own
        left = total - own
        for cause in ("configuration", "no_weight", "no_buffer", "drain"):
            causes[cause] = min(causes[cause], left)
            left -= causes[cause]
        causes["no_event"] = left
    return stalls
