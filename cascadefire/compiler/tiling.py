"""How a layer becomes tiles: ranges of output chunks first, then of output rows, then of output columns.

A tile's partial sums are on chip together: height * width * chunks <= acc_depth. Tiles are whole in outputs after pooling,
so overlapping pooling windows recompute the rows they share, and outputs that no window reads are in no tile.
"""

from dataclasses import dataclass

import numpy as np

from cascadefire.cspa.prune import chunk_total
from cascadefire.errors import InputError
from rtl.config import CoreConfig

MAX_CHUNKS = 255        # a chunk count is one byte


@dataclass(frozen=True)
class Span:
    """A range of outputs along one axis: `fired` outputs after pooling from `fired_start`, which read `size` convolution
    outputs from `start`; `pad` positions of the first pooling window lie before `start`."""

    fired_start: int
    fired: int
    start: int
    size: int
    pad: int


@dataclass(frozen=True)
class Tile:
    """One pass's share of a layer: `chunks` chunks from `first_chunk`, rows `y`, columns `x`."""

    first_chunk: int
    chunks: int
    y: Span
    x: Span


@dataclass(frozen=True)
class Tiling:
    """A layer's tiles in the order of their passes: spatial tiles outside, chunk ranges inside.

    tiles: tuple of Tile.  spatial: spatial tiles, which is how often the layer's channels come in the event banks.
    chunks: chunks of the widest tile.
    """

    tiles: tuple[Tile, ...]
    spatial: int
    chunks: int


def pooling(layer) -> tuple[int, int, int]:
    """Return (k, stride, pad) of a layer's max pooling; (1, 1, 0) without."""
    return tuple(layer.pool) if layer.pool else (1, 1, 0)


def span(fired_start: int, fired: int, pool: tuple[int, int, int], size: int) -> Span:
    """Return the convolution outputs that a range of pooling windows reads.

        start = max(0, fired_start * stride - pad)        stop = min(size, (fired_start + fired - 1) * stride - pad + k)

    pool: (k, stride, pad).  size: convolution outputs along this axis.
    """
    k, stride, pad = pool
    first = fired_start * stride - pad
    start = max(0, first)
    stop = min(size, first + (fired - 1) * stride + k)
    return Span(fired_start, fired, start, stop - start, start - first)


def rows_read(term, start, size, height):
    """Return (first, last + 1) source rows that convolution rows `start` .. `start + size - 1` read; at least one row.

        start * stride - pad .. (start + size - 1) * stride - pad + kh - 1,  within 0 .. height - 1

    start, size: integers or arrays.  height: of the source map.
    """
    if term.kind == "fc":
        return np.zeros_like(start), np.full_like(start, height)
    # Not np.clip, which is several times slower where start and size are integers.
    first = np.minimum(np.maximum(start * term.stride - term.pad, 0), height - 1)
    stop = np.minimum(np.maximum((start + size - 1) * term.stride - term.pad + term.kernel[0], first + 1), height)
    return first, stop


def _cut(total: int, limit: int) -> list[tuple[int, int]]:
    """Cut `total` into the fewest even ranges (start, size) of at most `limit`."""
    size = -(-total // -(-total // limit))
    return [(start, min(size, total - start)) for start in range(0, total, size)]


def _longest(total: int, pool: tuple[int, int, int], size: int, room: int) -> int:
    """Return the most pooled outputs along an axis whose convolution outputs fit `room`; 0 when not even one does."""
    k, stride, _ = pool
    if span(0, total, pool, size).size <= room:
        return total
    return max(0, min(total, (room - k) // stride + 1)) if room >= k else 0


def least_depth(layer) -> int:
    """Return the words of one output row after pooling at one chunk: what acc_depth should hold at least."""
    pool = pooling(layer)
    height, width = layer.conv_shape[1:]
    whole = span(0, layer.out_shape[2], pool, width).size
    if pool[2]:     # one padding serves both axes, so a padded pooling allows no spatial tile but the whole
        return whole * span(0, layer.out_shape[1], pool, height).size
    return whole * min(pool[0], height)


def _widest(layer, config: CoreConfig) -> int:
    """Return the most chunks a tile may have: two channels in the weight ring, and room for its parameters.

    A channel stays in the ring until the next one begins, so with less than two the core would wait for ever.
    """
    positions = layer.kernel[0] * layer.kernel[1]
    if 2 * positions > config.weight_depth:
        raise InputError(f"{layer.name}: two channels have {2 * positions} chunks, but the weight ring holds {config.weight_depth}: "
                         f"set weight_depth to at least {ceil_power(2 * positions)}.")
    if config.param_depth < config.fire_groups:
        raise InputError(f"one chunk has {config.fire_groups} groups of {config.fire_lanes} output channels, but the core holds the "
                         f"parameters of {config.param_depth}: set param_depth to at least {config.fire_groups}.")
    return min(MAX_CHUNKS, config.param_depth // config.fire_groups, config.weight_depth // (2 * positions))


def ceil_power(value: int) -> int:
    """Return the least power of two that is not less than `value`."""
    return 1 << max(0, value - 1).bit_length()


def tile(layer, config: CoreConfig) -> Tiling:
    """Cut a layer into tiles that fit a core.

    layer: a Layer.  config: the core; acc_depth and weight_depth bound a tile.
    Errors: InputError when one pooling window, or two channels' chunks, do not fit, or pooling windows leave gaps.
    """
    pool = pooling(layer)
    (height, width), (fired_h, fired_w) = layer.conv_shape[1:], layer.out_shape[1:]
    if pool[1] > pool[0]:
        raise InputError(f"{layer.name}: the pooling stride must be at most its kernel {pool[0]}, not {pool[1]}: "
                         "the core clears only the partial sums that a window reads.")
    total, widest, depth = chunk_total(layer.channels, config.lanes), _widest(layer, config), config.acc_depth
    rows, columns = span(0, fired_h, pool, height), span(0, fired_w, pool, width)
    area = rows.size * columns.size
    if area <= depth:
        chunks = min(widest, depth // area)
        ys, xs = [(0, fired_h)], [(0, fired_w)]
    else:
        chunks = 1
        most_rows = _longest(fired_h, pool, height, depth // columns.size)
        most_columns = fired_w
        if most_rows == 0:
            most_rows, most_columns = 1, _longest(fired_w, pool, width, depth // min(pool[0], height))
        if most_columns == 0:
            raise InputError(f"{layer.name}: a {pool[0]} x {pool[0]} pooling window does not fit {depth} partial sums: "
                             f"set acc_depth to at least {ceil_power(least_depth(layer))}.")
        ys, xs = _cut(fired_h, most_rows), _cut(fired_w, most_columns)
    tiles = []
    for y_start, y_size in ys:
        for x_start, x_size in xs:
            y, x = span(y_start, y_size, pool, height), span(x_start, x_size, pool, width)
            if y.pad != x.pad:      # a pass has one padding for both axes
                raise InputError(f"{layer.name}: a padded pooling cannot be cut into spatial tiles: "
                                 f"set acc_depth to at least {ceil_power(area)}.")
            tiles += [Tile(first, size, y, x) for first, size in _cut(total, min(chunks, total))]
    return Tiling(tuple(tiles), len(ys) * len(xs), max(one.chunks for one in tiles))
