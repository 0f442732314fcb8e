"""The bias and the scale that give the outputs of one step a wanted density, chosen from its integer sums."""

import numpy as np

from cascadefire import graph_reference
from cascadefire.graph import Step
from cascadefire.quantise import multiplier_and_shift

QUANTILE = 0.999        # sums above this quantile of their channel saturate
VARIETY = 1.0           # spread of the channels' densities around their layer's, in logits: channels of real networks differ
FEW = 8                 # positions below which a channel says too little about its own scale
LEAST, MOST = -40.0, 40.0


def neutral(name, label, terms, channels, conv_shape, activation, output, first=0, pool=None):
    """Return a Step with bias 0 and scale 1, to be completed by `dataclasses.replace`; the arguments are those of Step."""
    zeros, ones = np.zeros(channels, np.int32), np.ones(channels, np.uint16)
    return Step(name, label, tuple(terms), channels, tuple(conv_shape), zeros, ones << 15, (ones * 15).astype(np.uint8), activation,
                output, first, pool)


def pooled_sums(step, maps):
    """Return what bias and scale are applied to, int64 [K, H, W].

    step: Step.  maps: name -> integers [C, H, W], those that the step reads.
    """
    return graph_reference.pool(step, graph_reference.sums(step, maps))


def centre(sums):
    """Return bias, multiplier and shift of signed outputs: each channel's mean to 0 and its 99.9 % quantile to 127.

    A channel with few positions takes no mean off and shares the scale of its layer.

    sums: int64 [K, H, W], pooled.
    """
    flat = sums.reshape(len(sums), -1)
    few = flat.shape[1] < FEW
    mean = np.zeros(len(flat), np.int64) if few else np.rint(flat.mean(axis=1)).astype(np.int64)
    distance = np.abs(flat - mean[:, None])
    peak = np.quantile(distance.reshape(1, -1) if few else distance, QUANTILE, axis=1)
    peak = np.broadcast_to(np.maximum(peak, 1), len(flat))
    return (-mean).astype(np.int32), *multiplier_and_shift(127 / peak)


def threshold(sums, target, rng, factor=None):
    """Return bias, multiplier and shift of ReLU outputs of which a given share is not zero.

        output > 0  iff  sum > t[k];     t[k]: quantile of channel k's sums, such that the share over all channels is the target

    Channels differ: the share of channel k is logistic(logit(q) + g[k]), g normal, and q is found by bisection. The 99.9 % quantile of a
    channel becomes 255. The share is met to within the values that are tied at a threshold.

    sums: int64 [K, H, W], pooled.  target: share, 0..1, or one for each channel.  rng: numpy Generator.
    factor: None, or a given scale for all channels (then t is never negative: a pooling may drop small values, and adds nothing).
    """
    flat = sums.reshape(len(sums), -1)
    target = np.broadcast_to(np.asarray(target, float), len(flat))
    limit = np.empty(len(flat), np.int64)
    for share in np.unique(target):
        chosen = np.flatnonzero(target == share)
        limit[chosen] = _limits(flat[chosen], share, rng)
    if factor is not None:
        limit, factor = np.maximum(limit, 0), np.full(len(flat), float(factor))
    else:
        peak = np.quantile(flat, QUANTILE, axis=1, method="higher")
        span = np.maximum(peak - limit, np.maximum((flat.max(axis=1) - limit) / 8, 1))
        if flat.shape[1] < FEW:
            span = np.maximum(span, _scale(flat))
        factor = 254.5 / span
    multiplier, shift = multiplier_and_shift(factor)
    # The least sum that rounds to 1: exact, so that "above the threshold" and "not zero" are the same.
    least = -(-(np.int64(1) << (shift.astype(np.int64) - 1)) // multiplier.astype(np.int64))
    return (least - 1 - limit).astype(np.int32), multiplier, shift


def _scale(flat):
    """Return a range of values for channels that have only few: the layer's."""
    return max(int(np.quantile(np.abs(flat), QUANTILE)), 256)


def _limits(flat, share, rng):
    """Return thresholds int64 [K] so that the given share of `flat` [K, S] is above its channel's."""
    channels, size = flat.shape
    ascending = np.sort(flat, axis=1)
    last = np.full((channels, size), size - 1)  # where the run of equal values ends
    if size > 1:
        ends = np.where(ascending[:, 1:] != ascending[:, :-1], np.arange(size - 1), size - 1)
        last[:, :-1] = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    shift, room, every = rng.normal(0, VARIETY, channels), rng.random(channels), np.arange(channels)

    def positives(logit):
        wanted = np.floor(size / (1 + np.exp(-(logit + shift))) + 0.5).astype(np.int64)
        at = np.maximum(size - 1 - wanted, 0)
        return wanted, np.where(wanted == size, size, size - 1 - last[every, at])

    goal, low, high = round(share * flat.size), LEAST, MOST
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if positives(middle)[1].sum() <= goal else (low, middle)
    logit = min((low, high), key=lambda at: abs(int(positives(at)[1].sum()) - goal))
    wanted = positives(logit)[0]
    spread = _scale(flat) if size < FEW else np.maximum((ascending[:, -1] - ascending[:, 0]) / 8, 8)
    below = ascending[:, 0] - 1 - np.floor(room * spread).astype(np.int64)
    return np.where(wanted == size, below, ascending[every, np.maximum(size - 1 - wanted, 0)])
