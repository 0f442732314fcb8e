"""Compilation: a network, a core and a mode become passes and weight images."""

import numpy as np

from cascadefire.compiler import encode, modes
from cascadefire.compiler.program import DRAIN, Pass, Program, WeightImage
from cascadefire.compiler.sizing import bank_tokens
from cascadefire.compiler.tiling import Tile, ceil_power, tile
from cascadefire.errors import InputError
from cascadefire.quantise import accumulator_bits
from rtl.config import FIRE_MARGIN, CoreConfig

MAX_IDS = 1 << 16       # a request names its weights, and its channel or row, in sixteen bits each


def compile(network, config: CoreConfig, mode: str = "both") -> Program:
    """Compile a network for a core.

    network: a Network.  config: the core, for example from `core_config`.  mode: dense, csp, mnf or both.
    Returns a Program; the order of its passes is layers, spatial tiles, chunk ranges, then the drain pass.
    Errors: InputError, one sentence with the nearest setting that would do, when the network does not fit the core.
    """
    modes.check(mode)
    check_core(network, config)
    passes, images, repeats = [], [], 1
    for index, layer in enumerate(network.layers):
        tiling = tile(layer, config)
        weights = modes.weights(layer, config.lanes, mode)
        follower = network.layers[index + 1] if index + 1 < len(network.layers) else None
        dead = modes.dead_channels(layer, follower, mode)
        numbers = {}
        for step, one in enumerate(tiling.tiles):
            if one.first_chunk not in numbers:
                numbers[one.first_chunk] = len(images)
                images.append(weight_image(layer, weights, one, config.weight_bytes))
            flags = 0 if modes.skips_zeros(mode) else encode.EMIT_ZEROS
            if index:
                flags |= encode.SOURCE_BANKS | encode.REPLAY * (step < len(tiling.tiles) - 1)
            number = numbers[one.first_chunk]
            words = encode.layer_pass(layer, one, flags, repeats, number, config.lanes, dead)
            passes.append(_record(layer, index, one, number, config.lanes, words))
        repeats = tiling.spatial
    channels, height, width = network.layers[-1].out_shape
    passes.append(Pass(DRAIN, encode.drain_pass(channels, repeats), False, 0, channels, 0, 0, 0, 0, 0, 0, height, width, 0, 0))
    if len(images) > MAX_IDS:
        raise InputError(f"{network.name} needs {len(images)} weight images, but a request can name {MAX_IDS}: use a larger acc_depth.")
    return Program(config, network, mode, tuple(passes), tuple(images))


def _record(layer, index: int, one: Tile, number: int, lanes: int, words: tuple[int, ...]) -> Pass:
    """Return the Pass of one tile of the layer at `index`."""
    first = one.first_chunk * lanes
    return Pass(
        layer=index, words=words, external=index == 0, first_channel=first,
        channels=min(layer.channels - first, one.chunks * lanes), out_y0=one.y.start, out_x0=one.x.start,
        tile_h=one.y.size, tile_w=one.x.size, fired_y0=one.y.fired_start, fired_x0=one.x.fired_start,
        fired_h=one.y.fired, fired_w=one.x.fired, weights_id=number, kernel_positions=layer.kernel[0] * layer.kernel[1])


def check_core(network, config: CoreConfig) -> None:
    """Raise InputError, with the nearest setting that would do, unless a core can hold a network's sums, tokens and kernels."""
    for layer in network.layers:
        if max(layer.kernel) > config.kernel:
            raise InputError(f"{layer.name}: its kernel side {max(layer.kernel)} is more than the core's {config.kernel}: "
                             f"set kernel to {max(layer.kernel)}.")
        bits = accumulator_bits(layer)
        if bits > config.acc_bits:
            raise InputError(f"{layer.name}: its partial sums need {bits} bits, but the core has {config.acc_bits}: "
                             f"set acc_bits to {bits}.")
        side = max(*layer.in_shape[1:], *layer.out_shape[1:])
        if side > 1 << config.coord_bits:
            raise InputError(f"{layer.name}: a map of side {side} is more than coordinates of {config.coord_bits} bits hold: "
                             f"set coord_bits to {(side - 1).bit_length()}.")
        if layer.kind == "fc" and layer.rows > MAX_IDS:
            raise InputError(f"{layer.name}: a request can name {MAX_IDS} rows, but it has {layer.rows}.")
    tokens = bank_tokens(network, config)
    if tokens >= config.bank_capacity:      # fire stops for all banks when one is at its capacity
        raise InputError(f"{network.name} may put {tokens} tokens into an event bank, but the core's hold {config.bank_capacity - 1}: "
                         f"set queue_depth to {ceil_power(tokens + FIRE_MARGIN + 1)}.")


def weight_image(layer, weights, one: Tile, weight_bytes: int) -> WeightImage:
    """Return the part of a layer's weights that one range of chunks needs.

        count = clamp(count of the row - first chunk, 0, chunks)

    weights: CompressedLayer at the array's lanes.  one: the tile.  weight_bytes: W.
    """
    counts = np.clip(weights.counts - one.first_chunk, 0, one.chunks)
    ends = np.cumsum(weights.counts)
    chunk = np.arange(len(weights.values)) - np.repeat(ends - weights.counts, weights.counts)
    kept = weights.values[(chunk >= one.first_chunk) & (chunk < one.first_chunk + one.chunks)]
    table = counts.reshape(-1, layer.kernel[0] * layer.kernel[1])
    start = np.concatenate([[0], np.cumsum(table.sum(axis=1))]) * (weights.chunk // weight_bytes)
    words = np.ascontiguousarray(kept).view(np.uint8).reshape(-1, weight_bytes)
    return WeightImage(table.astype(np.uint8), words, start.astype(np.int64))
