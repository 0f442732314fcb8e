"""The golden model of graphs: what the accelerator must compute for one image, in exact integers.

Products are taken in float32, which is exact as long as no partial sum reaches 2**24; rows of weights are split until that is
proven.
"""

import numpy as np

from cascadefire.errors import InputError
from cascadefire.graph import check_values

EXACT = 1 << 24         # whole numbers up to here are exact in float32
WORKSPACE = 1 << 24     # input values gathered at a time, 64 MB


def run(graph, inputs):
    """Return all feature maps for one image: map name -> int16 [C, H, W].

    graph: Graph.  inputs: name of an input map -> integers of its shape and range.
    Errors: InputError when the inputs do not fit the graph.
    """
    return run_steps(graph, inputs)[0]


def run_steps(graph, inputs):
    """Return all feature maps, and each step's own outputs.

        y = clamp((((max over pool window of (sum of terms)) + bias) * multiplier + 2**(shift - 1)) >> shift)

    graph: Graph.  inputs: name of an input map -> integers of its shape and range.
    Returns two dictionaries: map name -> int16 [C, H, W], step name -> int16 [K, H, W]. Channels that no step writes are 0.
    Errors: InputError when the inputs do not fit the graph.
    """
    if set(inputs) != set(graph.inputs):
        raise InputError(f"graph {graph.name} takes the inputs {', '.join(graph.inputs)}, not {', '.join(inputs) or 'none'}")
    maps = {name: np.zeros(one.shape, np.int16) for name, one in graph.maps.items()}
    maps |= {name: check_values(graph.maps[name], values) for name, values in inputs.items()}
    outputs = {}
    for step in graph.steps:
        fired = fire(step, pool(step, sums(step, maps)))
        outputs[step.name] = fired
        maps[step.output][step.first:step.first + step.channels] = fired
    return maps, outputs


def sums(step, maps):
    """Return the sum of a step's terms before pooling, int64 [K, OH, OW].

    maps: map name -> integers [C, H, W].
    """
    total = np.zeros((step.channels, *step.conv_shape), np.int64)
    for term in step.terms:
        source = maps[term.source]
        if term.kind == "fc":
            total += _fully_connected(term, source)[:, None, None]
        else:
            _KINDS[term.kind](step, term, source[term.first:term.first + term.channels], total)
    return total


def pool(step, values):
    """Return the maximum of each pooling window, int64 [K, H, W]; what lies outside the map never wins."""
    if not step.pool:
        return values
    kernel, stride, pad, (height, width) = step.pool
    lowest = np.iinfo(np.int64).min
    best = np.full((len(values), height, width), lowest)
    for dy in range(kernel):
        for dx in range(kernel):
            to_y, from_y = _overlap(height, values.shape[1], stride, dy - pad)
            to_x, from_x = _overlap(width, values.shape[2], stride, dx - pad)
            np.maximum(best[:, to_y, to_x], values[:, from_y, from_x], out=best[:, to_y, to_x])
    return best


def fire(step, values):
    """Return requantised outputs, int16 [K, H, W]; halves round up, towards plus infinity.

        y = clamp((((sum + bias) * multiplier) + 2**(shift - 1)) >> shift),      relu: 0..255, none: -128..127
    """
    bias, multiplier, shift = (np.asarray(array, np.int64)[:, None, None] for array in (step.bias, step.multiplier, step.shift))
    y = ((values + bias) * multiplier + (np.int64(1) << (shift - 1))) >> shift
    return np.clip(y, *((0, 255) if step.activation == "relu" else (-128, 127))).astype(np.int16)


def _overlap(outputs, size, stride, shift):
    """Return slices of outputs and of positions `o * stride + shift`, as far as these are within 0 .. size - 1."""
    low = max(0, -(shift // stride))
    high = max(low, min(outputs, (size - 1 - shift) // stride + 1))
    start = low * stride + shift
    return slice(low, high), slice(start, start + (high - low) * stride, stride) if high > low else slice(0, 0)


def _exact_parts(dense, peak):
    """Return ranges of rows such that no product with values up to `peak` can leave what float32 holds exactly."""
    ranges = [(0, dense.shape[1])]
    while True:
        sizes = [np.abs(dense[:, low:high]).sum(axis=1, dtype=np.int64).max(initial=0) * peak for low, high in ranges]
        if max(sizes) < EXACT:
            return ranges
        ranges = [part for (low, high), size in zip(ranges, sizes)
                  for part in ([(low, high)] if size < EXACT else [(low, (low + high) // 2), ((low + high) // 2, high)])]


def _convolution(step, term, source, total):
    """Add a convolution to `total`, a band of output rows at a time: gathered inputs would fill the memory."""
    (kh, kw), (height, width) = term.kernel, step.conv_shape
    dense = term.weights.unpack().astype(np.int16)
    parts = _exact_parts(dense, int(np.abs(source).max(initial=0)))
    dense, source = dense.astype(np.float32), source.astype(np.float32)
    band = max(1, WORKSPACE // (term.channels * kh * kw * width))
    for top in range(0, height, band):
        rows = min(band, height - top)
        gathered = np.zeros((term.channels, kh, kw, rows, width), np.float32)
        for ky in range(kh):
            for kx in range(kw):
                to_y, from_y = _overlap(rows, source.shape[1], term.stride, top * term.stride + ky - term.pad)
                to_x, from_x = _overlap(width, source.shape[2], term.stride, kx - term.pad)
                gathered[:, ky, kx, to_y, to_x] = source[:, from_y, from_x]
        gathered = gathered.reshape(term.channels * kh * kw, rows * width)
        for low, high in parts:
            total[:, top:top + rows] += (dense[:, low:high] @ gathered[low:high]).astype(np.int64).reshape(-1, rows, width)


def _diagonal(step, term, source, total):
    """Add a diagonal term to `total`, a kernel position at a time."""
    source = source.astype(np.int32)
    for ky in range(term.kernel[0]):
        for kx in range(term.kernel[1]):
            to_y, from_y = _overlap(step.conv_shape[0], source.shape[1], term.stride, ky - term.pad)
            to_x, from_x = _overlap(step.conv_shape[1], source.shape[2], term.stride, kx - term.pad)
            total[:, to_y, to_x] += source[:, from_y, from_x] * term.weights[:, ky, kx].astype(np.int32)[:, None, None]


def _fully_connected(term, source):
    """Return the sums of an fc term, int64 [K], chunk by chunk of the compressed weights, which may be too many to unpack."""
    weights, x = term.weights, source.reshape(-1).astype(np.float64)
    starts, result = np.cumsum(weights.counts) - weights.counts, np.zeros((weights.total, weights.chunk), np.int64)
    for chunk in range(weights.total):
        rows = np.flatnonzero((weights.counts > chunk) & (x != 0))
        result[chunk] = x[rows] @ weights.values[starts[rows] + chunk].astype(np.float64)
    return result.reshape(-1)[:weights.channels]


_KINDS = {"conv": _convolution, "diagonal": _diagonal}
