"""What a network's work is, counted from its activations and chunk counts alone: the yardstick for what the core measured.

    effectual beats = sum over events, over kernel positions whose output is in range, of the row's chunk count

An output is in range when a pooling window reads it. Nothing here looks at a compiled program, except `recomputed`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BATCH = 64


@dataclass(frozen=True, eq=False)
class Work:
    """One layer's work for N images, in one mode; int64 [N] each.

    events: input events. nonzero: inputs that are not zero. beats: effectual beats.
    computed: beats with what overlapping tiles compute again. compulsory: bytes of the counts and chunks of the rows that meet an event.
    """

    events: np.ndarray
    nonzero: np.ndarray
    beats: np.ndarray
    computed: np.ndarray
    compulsory: np.ndarray


def counts_of(layer, lanes: int, mode: str) -> np.ndarray:
    """Chunk counts of the layer's rows on an array of `lanes` lanes: as pruned in csp and both, else full. int64 [rows]."""
    if mode in ("csp", "both"):
        return layer.weights.regroup(lanes).counts
    return np.full(layer.rows, -(-layer.channels // lanes), np.int64)


def work(layer, lanes: int, mode: str, inputs: np.ndarray, first: bool, passes=()) -> Work:
    """Count a layer's work.

    inputs: integers [N, C, H, W], what reaches the layer. first: whether they come from outside (a channel without a kept row
    then still brings its events; between layers the core drops it). passes: the layer's compiled passes, for overlapping tiles.
    """
    counts, images = counts_of(layer, lanes, mode), len(inputs)
    alive = np.ones(inputs.shape[1], bool) if first else counts.reshape(inputs.shape[1], -1).any(axis=1)
    nonzero = np.count_nonzero(inputs.reshape(images, -1), axis=1)
    if mode in ("dense", "csp"):        # every activation is an event, so the images are alike
        mask = np.broadcast_to(alive[None, :, None, None], (1, *inputs.shape[1:]))
    else:
        mask = (inputs != 0) & alive[None, :, None, None]
    columns = [_batch(layer, lanes, counts, mask[start:start + BATCH], passes) for start in range(0, len(mask), BATCH)]
    events, beats, computed, compulsory = (np.broadcast_to(np.concatenate(column), images) for column in zip(*columns))
    return Work(events, nonzero, beats, computed, compulsory)


def _batch(layer, lanes: int, counts: np.ndarray, mask: np.ndarray, passes) -> tuple:
    events = mask.reshape(len(mask), -1).sum(axis=1, dtype=np.int64)
    if layer.kind == "fc":
        hits = again = mask.reshape(len(mask), -1).astype(np.int64)
    else:
        once = [_reach(layer, axis, _read(layer, axis)) for axis in (0, 1)]
        hits = again = _hits(mask, *once)
        if passes:
            tiled = [_reach(layer, axis, _covered(layer, axis, passes)) for axis in (0, 1)]
            if any((one != other).any() for one, other in zip(once, tiled)):
                again = _hits(mask, *tiled)
    return events, hits @ counts, again @ counts, (hits > 0) @ (1 + counts * lanes)


def _hits(mask: np.ndarray, reach_y: np.ndarray, reach_x: np.ndarray) -> np.ndarray:
    """Outputs that the events of each row (channel, ky, kx) reach, int64 [N, rows]; exact, since below 2**24."""
    columns = mask.astype(np.float32) @ reach_x.T.astype(np.float32)
    return np.rint(reach_y.astype(np.float32) @ columns).astype(np.int64).reshape(len(mask), -1)


def _reach(layer, axis: int, weight: np.ndarray) -> np.ndarray:
    """[kernel side, input side]: weight of the output o that input i reaches through kernel position k, o stride = i + pad - k."""
    reach = np.zeros((layer.kernel[axis], layer.in_shape[1 + axis]), np.int64)
    for position in range(layer.kernel[axis]):
        for output, share in enumerate(weight):
            place = output * layer.stride + position - layer.pad
            if 0 <= place < reach.shape[1]:
                reach[position, place] = share
    return reach


def _read(layer, axis: int) -> np.ndarray:
    """Which convolution outputs along an axis a pooling window reads, 0 or 1."""
    size, pooled = layer.conv_shape[1 + axis], layer.out_shape[1 + axis]
    kernel, stride, pad = layer.pool or (1, 1, 0)
    read = np.zeros(size, np.int64)
    for output in range(pooled):
        read[max(0, output * stride - pad):output * stride - pad + kernel] = 1
    return read


def _covered(layer, axis: int, passes) -> np.ndarray:
    """How many tiles compute each convolution output along an axis."""
    spans = {(one.out_y0, one.tile_h) if axis == 0 else (one.out_x0, one.tile_w) for one in passes}
    covered = np.zeros(layer.conv_shape[1 + axis], np.int64)
    for start, size in spans:
        covered[start:start + size] += 1
    return covered
