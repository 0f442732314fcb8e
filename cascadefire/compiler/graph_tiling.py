"""How a step of a graph becomes tiles: full width, ranges of output chunks outside, ranges of fired rows inside.

A tile's partial sums are on chip together, tile height * tile width * n <= acc_depth. Of all heights that fit, those are taken
with which the whole graph has the least estimated cycles.
"""

import math
from dataclasses import dataclass

import numpy as np

from cascadefire.compiler.compact_estimate import CompactEstimate
from cascadefire.compiler.compact_limits import pooling_room
from cascadefire.compiler.graph_estimate import NOTHING, Costs, StepEstimate, joined
from cascadefire.compiler.map_layout import memory_shape, most_rows
from cascadefire.compiler.tiling import MAX_CHUNKS, ceil_power, span
from cascadefire.cspa.prune import chunk_total
from cascadefire.errors import InputError
from cascadefire.graph import VECTOR_WIDTH

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


@dataclass(frozen=True, eq=False)
class StepTiling:
    """rows: fired rows of a tile (the last may have fewer).  tiles: tuple of GraphTile, in order.  costs: estimated."""

    rows: int
    tiles: tuple
    costs: Costs


def pooling(step):
    """Return (k, stride, pad) of a step's max pooling; (1, 1, 0) without."""
    return tuple(step.pool[:3]) if step.pool else (1, 1, 0)


def folded(graph, step, term):
    """Return whether a term adds up whole channels, each with one weight: the average over a map.

    Its passes have one row a channel, and accumulate every event of it at one address.
    """
    if term.kind != "diagonal" or tuple(step.conv_shape) != (1, 1) or step.pool or term.pad:
        return False
    sides = tuple(graph.maps[term.source].shape[1:])
    return tuple(term.kernel) == sides and bool((term.weights == term.weights[:, :1, :1]).all())


def listed_kernel(graph, step, term):
    """Return (kh, kw) of the rows that a channel has in the passes of a term: its kernel, or (1, 1) where it is folded."""
    return (1, 1) if folded(graph, step, term) else tuple(term.kernel)


def widest(graph, step, config):
    """Return the most chunks of a tile: one byte, two channels in the weight ring, and room for its parameters.

    Tiles of a vector begin at multiples of 128 channels.
    Errors: InputError with the setting that would do, when not even the narrowest tile fits.
    """
    vector, most = graph.maps[step.output].vector, MAX_CHUNKS
    least = min(chunk_total(step.channels, config.lanes), VECTOR_WIDTH // config.lanes) if vector else 1
    for term in step.terms:
        positions = math.prod(listed_kernel(graph, step, term))
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
    if limit >= total:
        return [(0, total)]
    units, most = -(-total // unit), max(1, limit // unit)
    size = -(-units // -(-units // most)) * unit
    return [(first, min(size, total - first)) for first in range(0, total, size)]


def step_tilings(graph, step, work, config, out_density=DENSITY):
    """Return all tilings of a step that fit a core: for each height of the tiles, the fewest ranges of chunks.

    graph: Graph.  step: one of its steps.  work: a Workload for each term.  config: CoreConfig.
    out_density: of the step's outputs.
    Returns a list of StepTiling; chunk ranges outside, so that spatial tiles share weights and parameters, spatial tiles inside.
    Errors: InputError with the setting that would do, when the smallest tile does not fit.
    """
    total = chunk_total(step.channels, config.lanes)
    vector, shapes = graph.maps[step.output].vector, {term.source: memory_shape(graph.maps[term.source]) for term in step.terms}
    unit, limit = (VECTOR_WIDTH // config.lanes if vector else 1), widest(graph, step, config)
    width, found = tile_width(step), []
    estimate = (CompactEstimate if config.compact else StepEstimate)(step, shapes, work, config, width, out_density)
    pad_x = span(0, step.fired_shape[1], pooling(step), step.conv_shape[1]).pad
    height = step.fired_shape[0]
    for rows in range(1, height + 1):
        if rows % most_rows(*step.fired_shape) and rows != -(-height // -(-height // rows)):
            continue        # fewer rows cut it into as many tiles, which are more even
        spans = _spans(step, rows)
        area = max(one.size * width + pooling_room(config, one.pad, pad_x, width) for one in spans)
        most = min(limit, config.acc_depth // area)
        if most >= total:
            most = total
        elif most < unit:
            continue
        ranges = cut_chunks(total, most, unit)
        tiles = tuple(GraphTile(one.fired_start, one.fired, one.start, one.size, width, one.pad, pad_x, first, size)
                      for first, size in ranges for one in spans)
        found.append(StepTiling(rows, tiles, estimate.costs(spans, ranges, rows)))
    if not found:
        need = ceil_power(least_depth(step, vector, config.lanes))
        raise InputError(f"{step.name}: its smallest tile does not fit {config.acc_depth} partial sums: "
                         f"set acc_depth to at least {need}.")
    return found


def cheapest(steps):
    """Return one tiling of each step, so that the estimated cycles of all together are least, and these cycles.

        cycles = sum over steps of (cycles of the first tile behind the last one of the step before + cycles of the other tiles)

    steps: for each step the list of its StepTilings.
    """
    cycles, chosen = joined([NOTHING], [one.costs for one in steps[0]])[0], []
    for number, tilings in enumerate(steps):
        if number:
            behind = cycles[:, None] + joined([one.costs for one in steps[number - 1]], [one.costs for one in tilings])
            chosen.append(behind.argmin(axis=0))
            cycles = behind.min(axis=0)
        cycles = cycles + [one.costs.inside for one in tilings]
    cycles = cycles + joined([one.costs for one in steps[-1]], [NOTHING])[:, 0]
    best = [int(cycles.argmin())]
    for before in reversed(chosen):
        best.insert(0, int(before[best[0]]))
    return [tilings[index] for tilings, index in zip(steps, best)], float(cycles.min())
