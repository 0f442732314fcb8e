"""From trained floats to the integers of `cascadefire.network`, and the bound on their partial sums.

Weights are symmetric int8 per output channel, activations uint8 after ReLU; a pixel of value v stands for v / 255, so that
zeros stay zeros. Only calibration images decide the activation scales.
"""

from dataclasses import dataclass

import numpy as np

from cascadefire import reference
from cascadefire.cspa.format import pack
from cascadefire.cspa.prune import mask
from cascadefire.errors import InputError, finite
from cascadefire.network import MULTIPLIER_MIN, SHIFT_MAX, Layer, Network

WEIGHT_MAX = 127
PIXEL_SCALE = 1 / 255
SCALE_RANGE = 1 << 12  # channels weaker than the strongest by more keep this ratio, so that their biases fit 32 bits
ACCUMULATOR_BITS = 24  # shipped networks stay within it, so that they run on the standard core
BATCH = 64  # calibration images at a time, only for memory
CALIBRATION_QUANTILE = 0.9999  # outputs above it saturate: one outlier must not cost all others a bit


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """A trained layer; the fields are those of `cascadefire.network.Layer`, except for its floats.

    weights: floats [K, ...], flattened channel, ky, kx (conv) or channel, y, x (fc).  bias: floats [K].
    counts: chunk counts of the pruning, integers [rows]; weights outside are dropped.
    """

    name: str
    kind: str
    channels: int
    kernel: tuple
    stride: int
    pad: int
    pool: tuple | None
    activation: str
    weights: np.ndarray
    bias: np.ndarray
    counts: np.ndarray


def quantise_weights(weights, input_signed=False, bits=ACCUMULATOR_BITS):
    """Round weights to int8, each output channel on its own scale.

        scale[k] = max |w[k]| / 127,      q = round(w / scale)

    A channel whose sums could leave the accumulator gets a coarser scale until `sum_range` fits (derived); a channel weaker
    than the layer's largest weight / 4096 is scaled as if it reached that.

    weights: floats [K, rows].  input_signed: activations are int8, not uint8.  bits: width of the accumulator, 16..40.
    Returns int8 [K, rows], -127..127, and scale, float64 [K].
    Errors: InputError when a weight is NaN or infinite.
    """
    weights = finite("weights", weights)
    peak = np.abs(weights).max(axis=1)
    peak = np.maximum(peak, peak.max() / SCALE_RANGE if peak.max() else 1.0)
    scale = peak / WEIGHT_MAX
    limit = (1 << (bits - 1)) - 1
    while True:
        integers = np.rint(weights / scale[:, None]).astype(np.int8)
        low, high = sum_range(integers, input_signed)
        excess = np.maximum(high, -low) / limit
        if excess.max() <= 1:
            return integers, scale
        scale = np.where(excess > 1, scale * excess * 1.001, scale)


def multiplier_and_shift(factor):
    """Write positive factors as integers.

        factor ~ multiplier / 2**shift,      32768 <= multiplier <= 65535,  1 <= shift <= 47;  relative error <= 2**-16

    factor: floats [K], about 2**-32 .. 2**15.
    Returns uint16 [K] and uint8 [K].
    Errors: InputError when a factor is not finite, not positive or outside what the shift can reach.
    """
    factor = finite("requantisation factors", factor)
    fraction, exponent = np.frexp(factor)
    multiplier = np.rint(fraction * 2 * MULTIPLIER_MIN).astype(np.int64)
    carry = multiplier == 2 * MULTIPLIER_MIN
    multiplier[carry] = MULTIPLIER_MIN
    shift = 16 - (exponent + carry)
    if np.any(factor <= 0) or shift.min() < 1 or shift.max() > SHIFT_MAX:
        raise InputError(f"requantisation factors must be from 2**-32 to 2**15, not {factor.min():g} to {factor.max():g}")
    return multiplier.astype(np.uint16), shift.astype(np.uint8)


def quantise(name, title, input_shape, layers, chunk, calibration, meta=None, bits=ACCUMULATOR_BITS):
    """Quantise a trained network, layer by layer, with the integers of the layers before.

        bias = round(b / (s_in s_w)),    multiplier / 2**shift = s_in s_w / s_out,
        s_out = quantile of the calibration outputs / 255 (relu) or largest magnitude / 127 (none)

    name, title, meta: of the Network.  input_shape: (C, H, W).  layers: list of FloatLayer.  chunk: C of the pruning.
    calibration: uint8 [N, C, H, W], training images only.  bits: no layer needs a wider accumulator, 16..40.
    Returns a Network.
    Errors: InputError when a float is NaN or infinite, a bias leaves 32 bits, or shapes, counts or images do not fit.
    """
    x, scale, shape, signed, done = np.asarray(calibration), PIXEL_SCALE, tuple(input_shape), False, []
    if x.dtype != np.uint8 or x.shape[1:] != shape or not len(x):
        raise InputError(f"calibration images must be uint8 of the shape (N, {', '.join(map(str, shape))}), N from 1, "
                         f"not {x.dtype} of the shape {x.shape}")
    if not 16 <= bits <= 40:
        raise InputError(f"bits must be from 16 to 40, not {bits}")
    for source in layers:
        integers, weight_scale = quantise_weights(_kept(source, chunk), signed, bits)
        unit = scale * weight_scale
        bias = np.rint(finite(f"the bias of {source.name}", source.bias) / unit)
        if np.abs(bias).max() >= 1 << 31:
            raise InputError(f"a bias of {source.name} does not fit 32 bits")
        geometry = (source.name, source.kind, source.channels, source.kernel, source.stride, source.pad, source.pool,
                    source.activation, shape, pack(integers, chunk, source.counts), bias.astype(np.int32))
        # The output scale is known only from this layer's own sums, which need a layer: a neutral one first.
        ones = np.ones(source.channels, np.uint8)
        neutral = Layer(*geometry, ones.astype(np.uint16) * MULTIPLIER_MIN, ones, signed)
        sums = np.concatenate([reference.pool_max(reference.accumulate(neutral, x[start:start + BATCH]), source.pool)
                               for start in range(0, len(x), BATCH)])
        scale = _output_scale((sums + neutral.bias[:, None, None]) * unit[:, None, None], source.activation)
        done.append(Layer(*geometry, *multiplier_and_shift(unit / scale), signed))
        x, shape, signed = reference.requantise(done[-1], sums), done[-1].out_shape, source.activation == "none"
    return Network(name, title, tuple(input_shape), chunk, done, meta=meta or {})


def _kept(source, chunk):
    """Return the float weights [K, rows] of a FloatLayer, checked, with zeros where its counts prune."""
    weights, counts = finite(f"the weights of {source.name}", source.weights), np.asarray(source.counts)
    if weights.ndim < 2 or len(weights) != source.channels or counts.shape != (weights[0].size,):
        raise InputError(f"the weights of {source.name} must have {source.channels} channels and one count per row, "
                         f"not the shape {weights.shape} and {counts.size} counts")
    return weights.reshape(source.channels, -1) * mask(counts, source.channels, chunk)


def _output_scale(values, activation):
    if activation == "none":
        return max(float(np.abs(values).max()), np.finfo(np.float32).tiny) / 127
    positive = values[values > 0]
    return float(np.quantile(positive, CALIBRATION_QUANTILE)) / 255 if positive.size else 1.0


def sum_range(weights, input_signed):
    """Return the least and the greatest partial sum of each output channel, whatever the activations.

        low[k] = sum over rows of min(w x),   high[k] = sum of max(w x),   x from 0..255 (input_signed: -128..127)

    Every sum of any subset of the products, in any order and split over any PEs, is between the two (derived).

    weights: int8 [K, rows].
    Returns two int64 [K], low <= 0 <= high.
    """
    weights = weights.astype(np.int64)
    least, most = (-128, 127) if input_signed else (0, 255)
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    return positive * least + negative * most, positive * most + negative * least


def accumulator_bits(layer):
    """Return the narrowest signed width that holds every possible partial sum of a layer, by `sum_range`.

    The bias is not included: it is added after the accumulator.

    layer: Layer.
    Returns bits, from 1.
    """
    low, high = sum_range(layer.weights.unpack(), layer.input_signed)
    return 1 + max(int(high.max()).bit_length(), int(-low.min() - 1).bit_length() if low.min() < 0 else 0)
