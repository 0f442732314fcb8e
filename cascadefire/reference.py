"""The golden model: what the hardware must compute, in exact integers.

Float64 matrix products are exact here: every partial sum is a whole number far below 2**53, whatever the order of adding.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cascadefire.errors import InputError
from cascadefire.network import check_images, output_side

WORKSPACE = 1 << 23  # input values gathered at a time, 64 MB


def run(network, images, batch=64):
    """Run images through a network.

    network: Network.  images: uint8 (int8 for a signed input) [N, C, H, W], or [N, H, W] for one channel.
    batch: images at a time, only for memory.
    Returns a dictionary of layer name -> int16 [N, K, H, W], each layer's outputs after pooling and requantisation.
    Errors: InputError when the images do not fit the network.
    """
    images = check_images(network, images)
    if batch < 1:
        raise InputError(f"batch must be a whole number from 1, not {batch}")
    outputs = {layer.name: np.empty((len(images), *layer.out_shape), np.int16) for layer in network.layers}
    for start in range(0, len(images), batch):
        x = images[start:start + batch]
        for layer in network.layers:
            x = requantise(layer, pool_max(accumulate(layer, x), layer.pool))
            outputs[layer.name][start:start + batch] = x
    return outputs


def predict(network, images):
    """Return the class of each image, int64 [N]: the channel of the last layer's largest output, the first of equals."""
    last = network.layers[-1]
    return run(network, images)[last.name].reshape(len(images), int(np.prod(last.out_shape))).argmax(axis=1)


def accumulate(layer, x):
    """Return the partial sums before bias and pooling, int64 [N, K, OH, OW].

        acc[k, y, x] = sum over c, ky, kx of  W[k, c, ky, kx] * x[c, y*stride + ky - pad, x*stride + kx - pad]

    layer: Layer.  x: integers [N, C, H, W].
    """
    weights = layer.weights.unpack().astype(np.float64).T
    x = np.asarray(x, np.float64)
    if layer.kind == "fc":
        return (x.reshape(len(x), -1) @ weights).astype(np.int64)[:, :, None, None]
    channels, height, width = layer.conv_shape
    pad, stride = layer.pad, layer.stride
    windows = sliding_window_view(np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))), layer.kernel, axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)
    sums = np.empty((len(x), height, width, channels), np.int64)
    band = max(1, WORKSPACE // (layer.rows * width * len(x)))  # output rows at a time: large maps would fill the memory
    for top in range(0, height, band):
        part = windows[:, top:top + band]
        sums[:, top:top + band] = (part.reshape(-1, layer.rows) @ weights).reshape(*part.shape[:3], channels)
    return sums.transpose(0, 3, 1, 2)


def pool_max(sums, pool):
    """Return the maximum of each pooling window; padding never wins.

    sums: int64 [N, K, OH, OW].  pool: None (sums are returned as they are) or (kernel, stride, pad).
    """
    if pool is None:
        return sums
    kernel, stride, pad = pool
    padded = np.pad(sums, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=np.iinfo(np.int64).min)
    height, width = (output_side(side, *pool) for side in sums.shape[2:])
    best = np.full((*sums.shape[:2], height, width), np.iinfo(np.int64).min)
    for top in range(kernel):
        for left in range(kernel):
            np.maximum(best, padded[:, :, top:top + height * stride:stride, left:left + width * stride:stride], out=best)
    return best


def requantise(layer, sums):
    """Scale pooled sums to the next layer's integers; halves round up, towards plus infinity.

        y = clamp((((sum + bias) * multiplier) + 2**(shift - 1)) >> shift),      relu: 0..255, none: -128..127

    layer: Layer (bias, multiplier, shift, activation).  sums: int64 [N, K, H, W].
    Returns int16 [N, K, H, W].
    """
    bias, multiplier, shift = (np.asarray(array, np.int64)[:, None, None]
                               for array in (layer.bias, layer.multiplier, layer.shift))
    y = ((sums + bias) * multiplier + (np.int64(1) << (shift - 1))) >> shift
    return np.clip(y, *((0, 255) if layer.activation == "relu" else (-128, 127))).astype(np.int16)
