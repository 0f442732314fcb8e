"""How a step of a graph becomes tiles: full width, ranges of fired rows outside, ranges of output chunks inside.

A tile's partial sums are on chip together, tile height * tile width * n <= acc_depth. Of all heights that fit, the one with the
least estimated cycles is taken.
"""

from dataclasses import dataclass

import numpy as np

from cascadefire.compiler.map_layout import band_words, memory_shape, most_rows
from cascadefire.compiler.tiling import MAX_CHUNKS, ceil_power, span
from cascadefire.cspa.prune import chunk_total
from cascadefire.errors import InputError
from cascadefire.graph import VECTOR_WIDTH

PASS_CYCLES = 60        # what a pass costs beside its beats: settings, pipelines, drain
HEADER_BYTES, PARAMETER_BYTES = 92, 8
JOB_WORDS = 65535       # words that one job of the memory port reads: the chunks of a channel
DENSITY = 0.5           # events over positions, where nothing is known


@dataclass(frozen=True)
class GraphTile:
    """`fired_h` fired rows from `fired_y0`, which read `tile_h` convolution rows from `out_y0`, of each the first `tile_w` columns.

    pad_y, pad_x: positions of the first window above and left of the tile.  first_chunk, chunks: output chunks.
    """

    fired_y0: int
    fired_h: int
    out_y0: int
    tile_h: int
    tile_w: int
    pad_y: int
    pad_x: int
    first_chunk: int
    chunks: int


@dataclass(frozen=True)
class Workload:
    """What the estimate needs to know of a term.

    chunks: of all its rows, which are the beats of one output position where every input is an event.
    weight_bytes: of its counts and chunks.  density: of its source.
    """

    chunks: int
    weight_bytes: int
    density: float


@dataclass(frozen=True)
class StepTiling:
    """rows: fired rows of a tile (the last may have fewer).  tiles: tuple of GraphTile, in order.  cycles: estimated."""

    rows: int
    tiles: tuple
    cycles: float


def pooling(step):
    """Return (k, stride, pad) of a step's max pooling; (1, 1, 0) without."""
    return tuple(step.pool[:3]) if step.pool else (1, 1, 0)


def rows_read(step, term, start, size, height):
    """Return (first, last + 1) source rows that convolution rows `start` .. `start + size - 1` read; at least one row.

        start * stride - pad .. (start + size - 1) * stride - pad + kh - 1,  within 0 .. height - 1

    start, size: integers or arrays.  height: of the source map.
    """
    if term.kind == "fc":
        return np.zeros_like(start), np.full_like(start, height)
    first = np.clip(start * term.stride - term.pad, 0, height - 1)
    stop = np.clip((start + size - 1) * term.stride - term.pad + term.kernel[0], first + 1, height)
    return first, stop


def widest(step, vector, config):
    """Return the most chunks of a tile: one byte, two channels in the weight ring, and room for its parameters.

    vector: the output map is a vector, whose tiles begin at multiples of 128 channels.
    Errors: InputError with the setting that would do, when not even the narrowest tile fits.
    """
    least = min(chunk_total(step.channels, config.lanes), VECTOR_WIDTH // config.lanes) if vector else 1
    most = MAX_CHUNKS
    for term in step.terms:
        positions = term.kernel[0] * term.kernel[1]
        need = 2 * positions * (1 if term.kind == "diagonal" else least)
        if need > config.weight_depth:
            raise InputError(f"{step.name}: two channels have {need} chunks, but the weight ring holds {config.weight_depth}: "
                             f"set weight_depth to at least {ceil_power(need)}.")
        if term.kind != "diagonal":
            most = min(most, config.weight_depth // (2 * positions), JOB_WORDS // (positions * config.words_per_chunk))
    groups = config.lanes // config.fire_lanes
    if config.param_depth < least * groups:
        raise InputError(f"{step.name}: a tile has {least * groups} groups of {config.fire_lanes} output channels, but the core "
                         f"holds the parameters of {config.param_depth}: set param_depth to at least {ceil_power(least * groups)}.")
    return min(most, config.param_depth // groups)


def _spans(step, rows):
    """Return the Spans of a step's spatial tiles of `rows` fired rows."""
    total = step.fired_shape[0]
    return [span(start, min(rows, total - start), pooling(step), step.conv_shape[0]) for start in range(0, total, rows)]


def tile_width(step):
    """Return the convolution columns that the pooling windows read."""
    return span(0, step.fired_shape[1], pooling(step), step.conv_shape[1]).size


def least_depth(step, vector, lanes):
    """Return the partial sums of the smallest tile of a step: one fired row (vector: 128 outputs)."""
    chunks = min(chunk_total(step.channels, lanes), VECTOR_WIDTH // lanes) if vector else 1
    return max(one.size for one in _spans(step, 1)) * tile_width(step) * chunks


def cut_chunks(total, limit, unit):
    """Cut `total` chunks into the fewest even ranges (first, size) of at most `limit`, each beginning at a multiple of `unit`."""
    units, most = -(-total // unit), max(1, limit // unit)
    size = -(-units // -(-units // most)) * unit
    return [(first, min(size, total - first)) for first in range(0, total, size)]


def tile_step(graph, step, work, config, out_density=DENSITY):
    """Cut a step into tiles that fit a core, with the least estimated cycles.

        cycles = max(beats / P + 60 passes, bytes through the memory port / W)

    graph: Graph.  step: one of its steps.  work: a Workload for each term.  config: CoreConfig.
    out_density: of the step's outputs.
    Returns a StepTiling; spatial tiles outside, chunk ranges inside.
    Errors: InputError with the setting that would do, when the smallest tile does not fit.
    """
    total = chunk_total(step.channels, config.lanes)
    vector, maps = graph.maps[step.output].vector, {term.source: memory_shape(graph.maps[term.source]) for term in step.terms}
    unit, limit = (VECTOR_WIDTH // config.lanes if vector else 1), widest(step, vector, config)
    width, height, best = tile_width(step), step.fired_shape[0], None
    for rows in range(1, height + 1):
        spans = _spans(step, rows)
        area = max(one.size for one in spans) * width
        most = min(limit, config.acc_depth // area)
        if most >= total:
            most = total
        elif most < unit:
            continue
        ranges = cut_chunks(total, most, unit)
        cycles = _estimate(step, maps, work, config, spans, width, len(ranges), out_density, rows)
        if best is None or (cycles, len(spans) * len(ranges)) < best[0]:
            best = ((cycles, len(spans) * len(ranges)), rows, spans, ranges)
    if best is None:
        need = ceil_power(least_depth(step, vector, config.lanes))
        raise InputError(f"{step.name}: its smallest tile does not fit {config.acc_depth} partial sums: "
                         f"set acc_depth to at least {need}.")
    (cycles, _), rows, spans, ranges = best
    pad_x = span(0, step.fired_shape[1], pooling(step), step.conv_shape[1]).pad
    tiles = tuple(GraphTile(one.fired_start, one.fired, one.start, one.size, width, one.pad, pad_x, first, size)
                  for one in spans for first, size in ranges)
    return StepTiling(rows, tiles, cycles)


def _estimate(step, maps, work, config, spans, width, filters, out_density, rows):
    """Return the estimated cycles of a tiling: `spans` spatial tiles of `filters` chunk ranges each."""
    start, size = np.array([one.start for one in spans]), np.array([one.size for one in spans])
    passes = len(spans) * filters * len(step.terms)
    computed, beats, port = int(size.sum()) * width, 0.0, passes * HEADER_BYTES + len(spans) * step.channels * PARAMETER_BYTES
    for term, load in zip(step.terms, work):
        beats += load.density * load.chunks * (1 if term.kind == "fc" else computed)
        channels, height, source_width = maps[term.source]
        channels = channels if term.kind == "fc" else term.channels
        times = 1 if term.kind == "diagonal" else filters
        first, stop = rows_read(step, term, start, size, height)
        port += times * channels * (int((stop - first).sum()) * (2 * source_width * load.density + 1) + len(spans))
        port += len(spans) * load.weight_bytes
    channels, fired_h, fired_w = step.channels, *step.fired_shape
    band = max(divisor for divisor in range(1, most_rows(fired_h, fired_w) + 1)
               if rows % divisor == 0 or rows >= fired_h)
    words = channels * -(-fired_h // band) * (1 + band_words(band * fired_w, out_density, config.port_events))
    return max(beats / config.pes + passes * PASS_CYCLES, port / config.port_bytes + words)
