"""Random numbers of a synthetic network: CSP-A structured weights at an exact density, and activations at an exact density.

Every draw has its own generator, seeded by the seed and the name of what is drawn: a layer has the same weights alone and in its network.
"""

import zlib

import numpy as np

from cascadefire.cspa.format import CompressedLayer
from cascadefire.cspa.prune import chunk_total, kept_weights
from cascadefire.errors import InputError

# How much the chunk counts of a layer's rows vary: alpha + beta of the beta-binomial. 2 (intra-class correlation 1/3) is the median
# over the layers of the shipped networks, which were trained with the CSP-A regulariser.
CONCENTRATION = 2.0
WEIGHT_SPREAD = 32.0    # standard deviation of the normal that weights are drawn from, before they are kept off zero
VALUE_SPREAD = 64.0     # the same of activations


def generator(seed, name):
    """Return the random generator of `name` under `seed`."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def chunk_counts(rows, channels, chunk, kept, rng):
    """Draw the chunk count of each row so that the layer keeps a given number of weights.

        counts[r] ~ Binomial(n, p[r]),   p[r] ~ Beta(2 m, 2 (1 - m)),   m = kept / (channels * rows)

    The beta-binomial gives what trained CSP-A layers have: many rows that keep nothing, and long cascades at any density. Counts of random
    rows then move by one until the sum fits.

    rows, channels: of the weight matrix.  chunk: C.  kept: weights to keep, 0 .. channels * rows.
    Returns int64 [rows] whose `kept_weights` is the nearest to `kept` that whole chunks allow.
    """
    n, short = chunk_total(channels, chunk), channels % chunk
    share = kept / (channels * rows)
    counts = np.full(rows, round(share) * n, np.int64)
    if 0 < share < 1:
        counts = rng.binomial(n, rng.beta(share * CONCENTRATION, (1 - share) * CONCENTRATION, rows)).astype(np.int64)
    free, limit = np.arange(rows), n
    if short:  # rows that keep the short last chunk decide the remainder; the others stop one before it
        full = np.arange(rows + 1)
        whole = np.clip(np.rint((kept - short * full) / chunk), full * (n - 1), rows * (n - 1))
        error = np.abs(kept - short * full - chunk * whole)
        best = np.flatnonzero(error == error.min())
        full = int(best[np.abs(best - np.count_nonzero(counts == n)).argmin()])
        order = np.argsort(counts + rng.random(rows))
        free, limit = order[:rows - full], n - 1
        counts[order[rows - full:]] = n
    total = round((kept - short * (rows - len(free))) / chunk) - (rows - len(free)) * (n - 1 if short else n)
    counts[free] = np.minimum(counts[free], limit)
    while (missing := total - int(counts[free].sum())) != 0:
        movable = free[counts[free] < limit] if missing > 0 else free[counts[free] > 0]
        if not len(movable):
            break
        counts[rng.permutation(movable)[:abs(missing)]] += np.sign(missing)
    return counts


def weights(rows, channels, chunk, kept, rng, spread=WEIGHT_SPREAD, limit=(1 << 23) - 1, signed=False):
    """Draw the weights of a layer; no weight in a kept chunk is zero.

        w = sign(g) * (1 + floor(|g|)),  g normal;   channels whose sums could pass `limit` are scaled down

    rows, channels, chunk, kept: as in `chunk_counts`.  spread: deviation of g.  limit: largest partial sum, whatever the activations.
    signed: activations are -128..127, not 0..255.
    Returns a CompressedLayer.
    Errors: InputError when not even weights of 1 stay within the limit.
    """
    counts = chunk_counts(rows, channels, chunk, kept, rng)
    drawn = rng.standard_normal((int(counts.sum()), chunk), np.float32) * np.float32(spread)
    values = np.clip(np.trunc(drawn) + np.copysign(np.float32(1), drawn), -127, 127).astype(np.int8)
    position = np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
    n = chunk_total(channels, chunk)
    if channels % chunk:
        values[position == n - 1, channels % chunk:] = 0
    order = np.argsort(position, kind="stable")
    least, most = (-128, 127) if signed else (0, 255)
    while True:
        ordered, sizes = values[order].astype(np.int64), np.bincount(position, minlength=n)
        starts = (np.cumsum(sizes) - sizes)[sizes > 0]
        if not len(starts):
            break
        up, down = (np.add.reduceat(part(ordered, 0), starts) for part in (np.maximum, np.minimum))
        excess = np.zeros((n, chunk))
        excess[sizes > 0] = np.maximum(up * most + down * least, -(up * least + down * most)) / limit
        if excess.max() <= 1:
            break
        if np.abs(values).max() <= 1:
            raise InputError(f"the sums of {rows} rows cannot be kept within {limit}, even with weights of 1 and -1")
        scale = np.maximum(excess * 1.02, 1)[position]
        values = np.where(values == 0, 0, np.sign(values) * np.maximum(np.abs(values) / scale, 1)).astype(np.int8)
    assert kept_weights(counts, channels, chunk) == np.count_nonzero(values)
    return CompressedLayer(counts, values, channels, chunk)


def diagonal(channels, kernel, density, rng):
    """Draw the weights of a depthwise layer, int8 [channels, kh, kw], of which the given share is not zero."""
    drawn = rng.standard_normal(channels * kernel[0] * kernel[1]) * WEIGHT_SPREAD
    values = np.clip(np.trunc(drawn) + np.copysign(1, drawn), -127, 127).astype(np.int8)
    values[rng.permutation(values.size)[round(density * values.size):]] = 0
    return values.reshape(channels, *kernel)


def activations(shape, density, signed, rng):
    """Draw a feature map, int16 [C, H, W], of which exactly the given share (rounded to whole values) is not zero.

    density: share, or one for each channel (channels of equal density are drawn together).
    signed: -127..127, not 0..255; magnitudes are those of a normal, as after a ReLU or a normalisation.
    """
    drawn = rng.standard_normal(shape) * (VALUE_SPREAD / 2 if signed else VALUE_SPREAD)
    magnitude = np.minimum(1 + np.floor(np.abs(drawn)), 127 if signed else 255)
    values = (np.where(drawn < 0, -magnitude, magnitude) if signed else magnitude).astype(np.int16)
    density = np.broadcast_to(np.asarray(density, float), shape[:1])
    for share in np.unique(density):
        group = values[density == share]
        flat = group.reshape(-1)
        flat[rng.permutation(flat.size)[round(share * flat.size):]] = 0
        values[density == share] = group
    return values
