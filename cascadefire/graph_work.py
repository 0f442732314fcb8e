"""The work of a graph's steps that no machine of this kind can avoid: events, effectual beats and compulsory bytes."""

from dataclasses import dataclass

import numpy as np

from cascadefire.compiler import modes
from cascadefire.compiler.graph_tiling import folded
from cascadefire.cspa.prune import chunk_total
from cascadefire.errors import InputError

EVENT_BYTES = 2         # value and position inside the band; band and channel are told by the place in memory


@dataclass(frozen=True)
class StepWork:
    """One step's work for one image.

    events: input activations that are events in channels of which any row is kept, summed over the terms.
    beats: sum over terms and events, over the kernel positions whose output is computed, of the row's chunk count.
    rows_met: different rows that meet an event, in channels of which any row is kept.
    weight_bytes: their counts (a byte each) and chunks (C bytes each; one for a diagonal row, whose chunk has one weight), once.
    events_in: different events that any term reads.  events_out: events that the step fires.
    weights, kept: weights of the step's terms, and those in kept chunks.  inputs, nonzero: activations that the terms read.
    """

    events: int
    beats: int
    rows_met: int
    weight_bytes: int
    events_in: int
    events_out: int
    weights: int
    kept: int
    inputs: int
    nonzero: int

    @property
    def compulsory_bytes(self) -> int:
        """Weights and counts of the rows met, input events and output events, each once."""
        return self.weight_bytes + EVENT_BYTES * (self.events_in + self.events_out)

    def ideal_cycles(self, pes: int) -> float:
        """Return beats / P."""
        return self.beats / pes

    def memory_cycles(self, port_bytes: int) -> float:
        """Return compulsory bytes / port bytes a cycle."""
        return self.compulsory_bytes / port_bytes

    def roofline_cycles(self, pes: int, port_bytes: int) -> float:
        """Return the larger of ideal and memory cycles."""
        return max(self.ideal_cycles(pes), self.memory_cycles(port_bytes))


def graph_work(graph, maps: dict, lanes: int, mode: str = "both") -> list[StepWork]:
    """Return the StepWork of each step of a graph.

        beats = sum over terms, (c, ky, kx) of count[c, ky, kx] * events of c at (oy * stride + ky - pad, ox * stride + kx - pad)
                over the outputs (oy, ox) that a pooling window reads; for fc over rows of count[row] where row is an event

    graph: a Graph.  maps: name -> integers [C, H, W], one image (`cascadefire.graph_reference.run`).
    lanes: C of the array.  mode: what counts as event and as count, see `cascadefire.compiler.modes`; both is the effectual work.
    Errors: InputError for another mode, a map that is missing or has another shape, or weights that do not fit the lanes.
    """
    modes.check(mode)
    for name, one in graph.maps.items():
        if name not in maps or np.shape(maps[name]) != tuple(one.shape):
            shape = f"not {np.shape(maps[name])}" if name in maps else "but it is missing"
            raise InputError(f"the map {name} must have the shape {tuple(one.shape)}, {shape}.")
    events = {name: _events(maps[name], mode) for name in graph.maps}
    counts = {id(term): term_counts(term, step.channels, lanes, mode) for step in graph.steps for term in step.terms}
    live = live_channels(graph, counts, mode)
    return [_step_work(graph, step, maps, events, counts, live, lanes) for step in graph.steps]


def term_counts(term, outputs: int, lanes: int, mode: str) -> np.ndarray:
    """Return a term's chunk counts at the array's lanes, int64 [channels, kh, kw], or [channels, H*W] for fc.

    term: a Term.  outputs: K, the step's output channels.  A row of a diagonal term has one chunk, in every mode.
    """
    if term.kind == "diagonal":
        return np.ones((term.channels, *term.kernel), np.int64)
    weights = term.weights
    shape = (term.channels, *term.kernel) if term.kind == "conv" else (term.channels, -1)
    if not modes.skips_chunks(mode):
        return np.full(weights.rows, chunk_total(outputs, lanes), np.int64).reshape(shape)
    if lanes % weights.chunk and weights.chunk % lanes:
        raise InputError(f"chunks of {weights.chunk} channels cannot be regrouped to {lanes} lanes: "
                         "one must be a multiple of the other.")
    return np.minimum(-(-weights.counts * weights.chunk // lanes), chunk_total(outputs, lanes)).reshape(shape)


def live_channels(graph, counts: dict, mode: str) -> dict:
    """Return for each map which channels become events: bool [C]; dead are those of which no term keeps a row.

    counts: id of a term -> its counts.  Channels of outputs are never dead, nor is any where the mode keeps all chunks.
    """
    live = {name: np.full(one.shape[0], name in graph.outputs or not modes.skips_chunks(mode))
            for name, one in graph.maps.items()}
    for step in graph.steps:
        for term in step.terms:
            live[term.source][_channels(graph, term)] |= _kept(counts[id(term)])
    return live


def _channels(graph, term) -> slice:
    """Return the channels of the source map that a term reads."""
    return slice(0, graph.maps[term.source].shape[0]) if term.kind == "fc" else slice(term.first, term.first + term.channels)


def _kept(counts: np.ndarray) -> np.ndarray:
    return counts.reshape(len(counts), -1).any(axis=1)


def _events(values, mode: str) -> np.ndarray:
    return np.asarray(values) != 0 if modes.skips_zeros(mode) else np.ones(np.shape(values), bool)


def _step_work(graph, step, maps: dict, events: dict, counts: dict, live: dict, lanes: int) -> StepWork:
    total = dict.fromkeys(
        ("events", "beats", "rows_met", "weight_bytes", "events_in", "weights", "kept", "inputs", "nonzero"), 0)
    read = {term.source: np.zeros(graph.maps[term.source].shape[0], bool) for term in step.terms}
    for term in step.terms:
        count, channels = counts[id(term)], _channels(graph, term)
        source, values, kept = events[term.source][channels], np.asarray(maps[term.source])[channels], _kept(count)
        hits = source.reshape(count.shape).astype(np.int64) if term.kind == "fc" else _hits(term, step, source)
        met = (hits > 0) & kept.reshape(-1, *[1] * (hits.ndim - 1))
        read[term.source][channels] |= kept
        total["events"] += int(np.count_nonzero(source, axis=(1, 2))[kept].sum())
        total["beats"] += int((hits * count).sum())
        if term.kind == "diagonal":
            # One weight a row is all that has to come, and one for a channel that is averaged as a whole.
            rows = int((met.any(axis=(1, 2)) if folded(graph, step, term) else met).sum())
            total["rows_met"] += rows
            total["weight_bytes"] += 2 * rows
        else:
            total["rows_met"] += int(met.sum())
            total["weight_bytes"] += int(met.sum()) + lanes * int(count[met].sum())
        total["inputs"] += values.size
        total["nonzero"] += int(np.count_nonzero(values))
        if term.kind == "diagonal":
            total["weights"] += count.size
            total["kept"] += count.size
        else:
            total["weights"] += term.weights.channels * term.weights.rows
            total["kept"] += int(term.weights.kept)
    for name, channels in read.items():
        total["events_in"] += int(np.count_nonzero(events[name], axis=(1, 2))[channels].sum())
    fired = slice(step.first, step.first + step.channels)
    out = np.count_nonzero(events[step.output][fired], axis=(1, 2))[live[step.output][fired]]
    return StepWork(events_out=int(out.sum()), **total)


def _hits(term, step, events: np.ndarray) -> np.ndarray:
    """Return how many events each row meets, int64 [channels, kh, kw]; events: bool [channels, H, W]."""
    hits = np.zeros((term.channels, *term.kernel), np.int64)
    rows, columns = (_computed(step, axis) for axis in (0, 1))
    for ky in range(term.kernel[0]):
        ys = _reads(rows, term.stride, ky - term.pad, events.shape[1])
        for kx in range(term.kernel[1]):
            xs = _reads(columns, term.stride, kx - term.pad, events.shape[2])
            hits[:, ky, kx] = np.count_nonzero(events[:, ys, xs], axis=(1, 2))
    return hits


def _computed(step, axis: int) -> int:
    """Return how many convolution outputs along an axis, from the first on, a pooling window reads."""
    size = step.conv_shape[axis]
    if step.pool is None:
        return size
    kernel, stride, pad = step.pool[:3]
    return min(size, (step.fired_shape[axis] - 1) * stride - pad + kernel)


def _reads(outputs: int, stride: int, offset: int, size: int) -> slice:
    """Return the positions o * stride + offset, for o in 0 .. outputs - 1, that are inside 0 .. size - 1."""
    first = offset if offset >= 0 else offset % stride
    return slice(first, max(first, min(size, (outputs - 1) * stride + offset + 1)), stride)
