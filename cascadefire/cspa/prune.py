"""The CSP-A pruning rule: which leading chunks of output channels each row of a layer's weights keeps.

Source: CSP (ISCA 2022); the formulas were read in the first author's public code (Rudedaisy/CascadePruning), not in the
paper's text.
"""

import numpy as np

from cascadefire.errors import InputError, finite

BISECTIONS = 60


def chunk_total(channels, chunk):
    """Return n = ceil(channels / chunk), the number of chunks of a row (the last one may be short)."""
    return -(-channels // chunk)


def check_whole(name, value):
    """Raise InputError unless `value`, called `name`, is a whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"{name} must be a whole number from 1, not {value!r}")


def matrix(weights, chunk):
    """Return float weights as a float64 matrix [K, rows], checked; the border of this module.

    weights: floats [K, ...], flattened channel, ky, kx (conv) or input feature (fc).  chunk: output channels per chunk, >= 1.
    Errors: InputError for a bad chunk, an empty or one-dimensional array, and values that are not finite.
    """
    check_whole("chunk", chunk)
    weights = finite("weights", weights)
    if weights.ndim < 2 or weights.size == 0:
        raise InputError(f"weights must have an output axis and at least one input axis, not the shape {weights.shape}")
    return weights.reshape(len(weights), -1)


def scores(weights, chunk):
    """Score every chunk of every row by what is lost if the cascade stops there.

        score[k, r] = mean(|W[k*C:, r]|) * (n - k) / T,      T = n (n + 1) / 2

    weights: floats [K, ...].  chunk: C >= 1.
    Returns float64 [n, rows].
    """
    magnitude = np.abs(matrix(weights, chunk))
    channels, n = len(magnitude), chunk_total(len(magnitude), chunk)
    sums = np.add.reduceat(magnitude, np.arange(0, channels, chunk), axis=0)
    suffix = np.cumsum(sums[::-1], axis=0)[::-1]
    k = np.arange(n)[:, None]
    return suffix / (channels - k * chunk) * (n - k) / (n * (n + 1) / 2)


def keep_counts(weights, chunk, threshold_factor=0.75):
    """Prune by CSP-A: return how many leading chunks each row keeps.

        cutoff = q * std(W) / T;   chunk k of row r survives iff score[j, r] > cutoff for every j <= k

    The closure over j matters only for a short last chunk: with equal chunks the score never rises with k (derived).
    The deviation is the population one (divided by the number of weights, with the pruned ones).

    weights: floats [K, ...].  chunk: C >= 1.  threshold_factor: q >= 0; 0.75 in the first author's code (1.0 for an AlexNet).
    Returns int64 [rows], each 0..n.
    Errors: InputError as in `matrix`, and for a negative or infinite q.
    """
    if not 0 <= threshold_factor < np.inf:
        raise InputError(f"threshold_factor must be a finite number from 0, not {threshold_factor}")
    return _cut(scores(weights, chunk), float(np.std(weights)), threshold_factor)


def _cut(score, deviation, threshold_factor):
    n = len(score)
    alive = score > threshold_factor * deviation / (n * (n + 1) / 2)
    return np.logical_and.accumulate(alive, axis=0).sum(axis=0)


def mask(counts, channels, chunk):
    """Return the mask that chunk counts stand for:  mask[k, r] = k // C < counts[r].

    counts: integers [rows].  channels: K.  chunk: C.
    Returns bool [K, rows].
    """
    return (np.arange(channels) // chunk)[:, None] < np.asarray(counts)[None, :]


def kept_weights(counts, channels, chunk):
    """Return the weights in kept chunks, padding lanes of a short last chunk not counted:  sum of min(C counts[r], K)."""
    return int(np.minimum(np.asarray(counts, np.int64) * chunk, channels).sum())


def factor_for_density(weights, chunk, density):
    """Find by bisection the smallest threshold factor that keeps at most a given share of the weights.

    weights: floats [K, ...].  chunk: C >= 1.  density: kept / all weights, 0..1.
    Returns q >= 0, to be given to `keep_counts`; 0 if the weights are that sparse already.
    Errors: InputError as in `matrix`, and for a density outside 0..1.
    """
    if not 0 <= density <= 1:
        raise InputError(f"density must be from 0 to 1, not {density}")
    score, deviation = scores(weights, chunk), float(np.std(weights))
    channels, rows = len(weights), score.shape[1]
    n = len(score)

    def fits(factor):
        return kept_weights(_cut(score, deviation, factor), channels, chunk) <= density * channels * rows

    if fits(0.0):
        return 0.0
    if deviation == 0:
        raise InputError("weights that are all equal cannot be pruned to a density, since their deviation is 0")
    low, high = 0.0, 2 * float(score.max()) * n * (n + 1) / 2 / deviation
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
