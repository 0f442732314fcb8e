"""The four ways to compile one network for the same hardware: with and without each of the two kinds of skipping.

    mode   activations     chunk counts
    dense  zeros, too      all full
    csp    zeros, too      as pruned
    mnf    events only     all full
    both   events only     as pruned
"""

import numpy as np

from cascadefire.cspa.format import CompressedLayer, pack
from cascadefire.cspa.prune import chunk_total
from cascadefire.errors import InputError

MODES = ("dense", "csp", "mnf", "both")


def check(mode: str) -> None:
    """Raise InputError unless `mode` is one of MODES."""
    if mode not in MODES:
        raise InputError(f"the mode must be one of {', '.join(MODES)}, not {mode}.")


def skips_zeros(mode: str) -> bool:
    """Whether only activations that are not zero are events."""
    return mode in ("mnf", "both")


def skips_chunks(mode: str) -> bool:
    """Whether rows keep the chunk counts of pruning."""
    return mode in ("csp", "both")


def weights(layer, lanes: int, mode: str) -> CompressedLayer:
    """Return the layer's weights at the array's chunk width, with full counts in the modes dense and mnf.

    layer: a Layer.  lanes: C of the array.
    Errors: InputError when neither the layer's chunk width nor the lanes are a multiple of the other.
    """
    if skips_chunks(mode):
        return layer.weights if layer.weights.chunk == lanes else layer.weights.regroup(lanes)
    dense = layer.weights.unpack()
    return pack(dense, lanes, np.full(dense.shape[1], chunk_total(len(dense), lanes)))


def dead_channels(layer, follower, mode: str) -> np.ndarray:
    """Return which output channels of a layer no row of the next layer keeps.

        dead[k] = all counts of the next layer's rows (k, ...) are 0

    follower: the next Layer, or None after the last one, whose channels are never dead.
    Returns bool [K]; all False in the modes dense and mnf, whose counts are all full.
    """
    if follower is None or not skips_chunks(mode):
        return np.zeros(layer.channels, bool)
    return ~follower.weights.counts.reshape(layer.channels, -1).any(axis=1)
