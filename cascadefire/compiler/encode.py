"""The words of a pass: eleven of header, one per kernel position, two per output channel."""

import numpy as np

from cascadefire.compiler.tiling import Tile, pooling
from cascadefire.errors import InputError

HEADER_WORDS = 11
SOURCE_BANKS, DRAIN, REPLAY, FLATTEN, EMIT_ZEROS, RELU = (1 << bit for bit in range(6))


def field(name: str, value: int, bits: int, signed: bool = False) -> int:
    """Return a value as an unsigned field, two's complement when signed.

    Errors: InputError when it does not fit.
    """
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= value <= high:
        raise InputError(f"{name} must be from {low} to {high} to fit a program word, not {value}.")
    return int(value) & ((1 << bits) - 1)


def pair(high_name: str, high: int, low_name: str, low: int, signed: bool = False) -> int:
    """Return two 16-bit fields as one word: high half, low half."""
    return field(high_name, high, 16, signed) << 16 | field(low_name, low, 16, signed)


def layer_pass(layer, tile: Tile, flags: int, repeats: int, weights_id: int, lanes: int, dead: np.ndarray) -> tuple[int, ...]:
    """Return the words of a pass that computes one tile of a layer.

    layer: a Layer.  tile: its share.  flags: SOURCE_BANKS, REPLAY and EMIT_ZEROS as they apply; the rest is set here.
    repeats: how often the source holds the layer's input channels.  weights_id: its WeightImage.
    lanes: C.  dead: bool [K of the layer].
    Errors: InputError, naming the layer, when a value does not fit its word.
    """
    flat = layer.kind == "fc"
    (kh, kw), log = layer.kernel, layer.stride.bit_length() - 1
    channels = range(tile.first_chunk * lanes, min(layer.channels, (tile.first_chunk + tile.chunks) * lanes))
    pool_kernel, pool_stride, _ = pooling(layer)
    flags |= FLATTEN * flat | RELU * (layer.activation == "relu")
    in_channels, in_height, in_width = layer.in_shape
    stride_y, stride_x = tile.x.size * tile.chunks, tile.chunks
    try:
        head = [
            flags | field("the kernel height", kh, 4) << 8 | field("the kernel width", kw, 4) << 12 | log << 16,
            pair("the input channels", in_channels, "the repeats", repeats),
            pair("the y offset", layer.pad - tile.y.start * layer.stride,
                 "the x offset", layer.pad - tile.x.start * layer.stride, signed=True),
            pair("the tile height", tile.y.size, "the tile width", tile.x.size),
            pair("the address stride of y", stride_y, "the address stride of x", stride_x),
            pair("the chunks", tile.chunks, "the weights' number", weights_id),
            field("the output channels", len(channels), 16),
            field("the pool kernel", pool_kernel, 4) | field("the pool stride", pool_stride, 4) << 4
            | field("the pool padding", tile.y.pad, 4) << 8,
            pair("the fired height", tile.y.fired, "the fired width", tile.x.fired),
            pair("the first fired y", tile.y.fired_start, "the first fired x", tile.x.fired_start),
            pair("the flat channel size", in_height * in_width, "the flat width", in_width) if flat else 0,
        ]
        offsets = [field("an accumulator offset", (ky >> log) * stride_y + (kx >> log) * stride_x, 32)
                   for ky in range(kh) for kx in range(kw)]
        parameters = [word for k in channels for word in (
            field("a bias", int(layer.bias[k]), 32, signed=True),
            field("a multiplier", int(layer.multiplier[k]), 16) | field("a shift", int(layer.shift[k]), 6) << 16
            | int(dead[k]) << 22)]
    except InputError as error:
        raise InputError(f"{layer.name}: {error}") from None
    return tuple(head + offsets + parameters)


def drain_pass(channels: int, repeats: int) -> tuple[int, ...]:
    """Return the words of the pass that sends the banks' tokens out: `channels` channel ends, `repeats` times."""
    words = [0] * HEADER_WORDS
    words[0] = SOURCE_BANKS | DRAIN
    words[1] = pair("the input channels", channels, "the repeats", repeats)
    return tuple(words)
