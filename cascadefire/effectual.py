"""The work that no machine of this kind can avoid: events, effectual beats and compulsory bytes, counted from real activations."""

from dataclasses import dataclass

import numpy as np

from cascadefire.compiler import modes
from cascadefire.compiler.tiling import pooling
from cascadefire.cspa.prune import chunk_total
from cascadefire.errors import InputError

EVENT_BYTES = 3         # value, y and x: one byte each; the channel is told by the order


@dataclass(frozen=True, eq=False)
class Work:
    """One layer's work for N images.

    events: int64 [N], activations that are events in channels of which any row is kept.
    beats: int64 [N], sum over events, over the kernel positions whose output is read, of the row's chunk count.
    rows_met: int64 [N], different rows that meet an event.
    weight_bytes: int64 [N], compressed weights and counts (one byte a row) of the rows met, once.
    events_out: int64 [N], events that the layer fires.
    dense_beats: beats of one image when every activation is an event and every row full.
    """

    events: np.ndarray
    beats: np.ndarray
    rows_met: np.ndarray
    weight_bytes: np.ndarray
    events_out: np.ndarray
    dense_beats: int

    @property
    def compulsory_bytes(self) -> np.ndarray:
        """Weights and counts of the rows met, input events and output events, each once; int64 [N]."""
        return self.weight_bytes + EVENT_BYTES * (self.events + self.events_out)

    @property
    def saving(self) -> float:
        """Dense over effectual beats, over all images; infinite when there are no beats."""
        beats = int(self.beats.sum())
        return self.dense_beats * len(self.beats) / beats if beats else float("inf")

    def ideal_cycles(self, pes: int) -> np.ndarray:
        """Return beats / P, float64 [N]."""
        return self.beats / pes

    def memory_cycles(self, port_bytes: int) -> np.ndarray:
        """Return compulsory bytes / port bytes a cycle, float64 [N]."""
        return self.compulsory_bytes / port_bytes

    def roofline_cycles(self, pes: int, port_bytes: int) -> np.ndarray:
        """Return the larger of ideal and memory cycles, float64 [N]."""
        return np.maximum(self.ideal_cycles(pes), self.memory_cycles(port_bytes))


def network_work(network, activations, lanes: int, mode: str = "both") -> list[Work]:
    """Return the Work of each layer of a network.

    activations: list of integer arrays [N, ...]: the images, then each layer's outputs (`cascadefire.reference.run`).
    lanes: C of the array.  mode: what counts as event and as count, see `cascadefire.compiler.modes`; both is the effectual work.
    Errors: InputError when the activations do not match the layers.
    """
    if len(activations) != len(network.layers) + 1:
        raise InputError(f"{network.name} needs {len(network.layers) + 1} activations, its images and every layer's outputs, "
                         f"not {len(activations)}.")
    followers = list(network.layers[1:]) + [None]
    return [layer_work(layer, activations[index], activations[index + 1], lanes, mode, followers[index])
            for index, layer in enumerate(network.layers)]


def layer_work(layer, inputs, outputs, lanes: int, mode: str = "both", follower=None) -> Work:
    """Return the Work of a layer.

        beats = sum over (c, ky, kx) of count[c, ky, kx] * events of c at (oy * stride + ky - pad, ox * stride + kx - pad)
                over the outputs (oy, ox) that are in range and, with pooling, in a window

    layer: a Layer.  inputs: integers [N, C, H, W].  outputs: integers [N, K, H, W], after pooling.
    lanes: C of the array.  mode: dense, csp, mnf or both.  follower: the next Layer, or None after the last.
    Errors: InputError for another mode, or arrays of other shapes.
    """
    modes.check(mode)
    for name, array, shape in (("inputs", inputs, layer.in_shape), ("outputs", outputs, layer.out_shape)):
        if np.ndim(array) != 4 or np.shape(array)[1:] != tuple(shape) or len(array) != len(inputs):
            raise InputError(f"the {name} of {layer.name} must have the shape (N, {', '.join(map(str, shape))}), not {np.shape(array)}.")
    counts = modes.weights(layer, lanes, mode).counts
    if layer.kind == "conv":
        counts = counts.reshape(layer.in_shape[0], *layer.kernel)
    else:
        counts = counts.reshape(layer.in_shape)
    kept = counts.reshape(layer.in_shape[0], -1).any(axis=1)
    events = _events(inputs, ~kept, mode)
    hits = _hits(layer, events)
    bytes_of_row = (counts > 0) * (counts * lanes) + 1
    met = hits > 0
    everywhere = _hits(layer, np.ones((1, *layer.in_shape), bool))
    return Work(
        events=_total(events), beats=_total(hits * counts), rows_met=_total(met), weight_bytes=_total(met * bytes_of_row),
        events_out=_total(_events(outputs, modes.dead_channels(layer, follower, mode), mode)),
        dense_beats=int(everywhere.sum()) * chunk_total(layer.channels, lanes))


def _total(array: np.ndarray) -> np.ndarray:
    """Return the sum per image, int64 [N]."""
    return array.sum(axis=tuple(range(1, array.ndim)), dtype=np.int64)


def _events(values, dead: np.ndarray, mode: str) -> np.ndarray:
    """Return which activations of a map are events, bool [N, C, H, W]; dead: bool [C]."""
    events = np.asarray(values) != 0 if modes.skips_zeros(mode) else np.ones(np.shape(values), bool)
    return events & ~dead[:, None, None]


def _hits(layer, events: np.ndarray) -> np.ndarray:
    """Return how many events each row meets: int64 [N, C, kh, kw] for a convolution, [N, C, H, W] for a fully connected layer."""
    if layer.kind == "fc":
        return events.astype(np.int64)
    hits = np.zeros((len(events), layer.in_shape[0], *layer.kernel), np.int64)
    pool = pooling(layer)
    used = [used_outputs(pool, conv, fired) for conv, fired in zip(layer.conv_shape[1:], layer.out_shape[1:])]
    for ky in range(layer.kernel[0]):
        ys = _inside(used[0] * layer.stride + ky - layer.pad, layer.in_shape[1])
        for kx in range(layer.kernel[1]):
            xs = _inside(used[1] * layer.stride + kx - layer.pad, layer.in_shape[2])
            hits[:, :, ky, kx] = np.count_nonzero(events[:, :, ys][:, :, :, xs], axis=(2, 3))
    return hits


def _inside(positions: np.ndarray, size: int) -> np.ndarray:
    return positions[(positions >= 0) & (positions < size)]


def used_outputs(pool: tuple[int, int, int], size: int, fired: int) -> np.ndarray:
    """Return the convolution outputs along one axis that any of `fired` pooling windows reads, ascending.

    pool: (k, stride, pad).  size: convolution outputs along this axis.
    """
    k, stride, pad = pool
    read = np.add.outer(np.arange(fired) * stride - pad, np.arange(k)).ravel()
    return np.unique(_inside(read, size))
