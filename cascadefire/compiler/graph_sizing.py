"""A core for a graph, and the check that a core can run one."""

import math

import numpy as np

from cascadefire.compiler import modes
from cascadefire.compiler.compact_limits import check_compact
from cascadefire.compiler.graph_estimate import Workload
from cascadefire.compiler.graph_tiling import (DENSITY, cheapest, folded, least_depth, listed_kernel, step_tilings,
                                               tile_width)
from cascadefire.compiler.map_layout import memory_shape
from cascadefire.compiler.pass_words import MASK_WORD
from cascadefire.compiler.tiling import MAX_CHUNKS, ceil_power
from cascadefire.cspa.prune import chunk_total
from cascadefire.errors import InputError
from cascadefire.graph import VECTOR_WIDTH
from cascadefire.graph_work import term_counts
from rtl.config import CoreConfig

ACC_BITS, ACC_DEPTH, WEIGHT_DEPTH, COORD_BITS, PARAM_DEPTH = 24, 4096, 512, 8, 64
MIN_MASK_WORDS, MAX_MASK_WORDS = 2, 128
MAX_ACC_DEPTH, MAX_WEIGHT_DEPTH, MAX_PARAMS = 32768, 65536, 4096
TOLERANCE = 1.02        # more cycles than this, estimated, are not worth a smaller weight ring


def accelerator_config(graph, pes, lanes, **overrides):
    """Return a core of `pes` PEs of `lanes` lanes whose memories suit a graph in every mode.

        kernel       largest kernel side of the graph
        acc_bits     max(24, the proven bound of the partial sums of any step)
        acc_depth    4096; less when every step is one tile in less, more when one fired row at one chunk needs it
        weight_depth the least from 512 on that costs at most 2 % more estimated cycles than the largest
        param_depth  64, or the groups of fire_lanes output channels of any tile
        mask_words   the most input channels of any term / 32, 2 .. 128
        fire_lanes = lanes        weight_bytes = min(lanes, 8)          compact: 1 and lanes

    overrides: fields of CoreConfig to set otherwise; the fields after them in this list are sized to match.
    Errors: InputError for a field out of its range, or a graph that no core of this array holds.
    """
    unknown = set(overrides) - set(CoreConfig.__dataclass_fields__)
    if unknown:
        raise InputError(f"a core has no setting called {sorted(unknown)[0]}.")
    compact = overrides.get("compact") is True
    fields = {
        "kernel": max(side for step in graph.steps for term in step.terms for side in listed_kernel(graph, step, term)),
        "acc_bits": max(ACC_BITS, *(step_bits(graph, step) for step in graph.steps)) if "acc_bits" not in overrides else 0,
        "weight_depth": MAX_WEIGHT_DEPTH,
        "param_depth": MAX_PARAMS,
        "fire_lanes": 1 if compact else lanes,
        "weight_bytes": min(lanes, 8) if isinstance(lanes, int) and not compact else lanes,
        "mask_words": _mask_words(graph),
        "coord_bits": max(COORD_BITS, (_largest_side(graph) - 1).bit_length()),
    } | overrides
    try:
        config = CoreConfig(pes=pes, lanes=lanes, **({"acc_depth": ACC_DEPTH} | fields))
        if "acc_depth" not in overrides:
            config = config.replace(acc_depth=_acc_depth(graph, lanes))
        if "weight_depth" not in overrides:
            config = config.replace(weight_depth=_weight_depth(graph, config))
        if "param_depth" not in overrides:
            chunks = max(tile.chunks for one in tilings(graph, config, "both") for tile in one.tiles)
            config = config.replace(param_depth=max(PARAM_DEPTH, ceil_power(chunks * config.fire_groups)))
    except InputError:
        raise
    except ValueError as error:
        raise InputError(str(error)) from None
    check_core(graph, config, bits=False)
    return config


def tilings(graph, config, mode, densities=None):
    """Return the StepTiling of each step, chosen together for the least estimated cycles.

    densities: as of `map_densities`.
    """
    return cheapest(all_tilings(graph, config, mode, densities))[0]


def all_tilings(graph, config, mode, densities=None):
    """Return for each step the list of its StepTilings, see `tilings`."""
    density = map_densities(graph, mode, densities)
    return [step_tilings(graph, step, [workload(graph, step, term, config.lanes, mode, density) for term in step.terms], config,
                                  density[step.output]) for step in graph.steps]


def map_densities(graph, mode, densities=None):
    """Return map name -> expected events over positions, 0..1; 1 in the modes dense and csp, where every position is an event.

    densities: map name -> what is expected; where it says nothing, what was measured when the graph was made (Graph.meta, steps:
    the share of a step's inputs and outputs that is not 0, on the data it was calibrated with), else 0.5.
    """
    if not modes.skips_zeros(mode):
        return dict.fromkeys(graph.maps, 1.0)
    measured, steps = {}, graph.meta.get("steps", {})
    for step in graph.steps:
        facts, source = steps.get(step.name, {}), graph.maps[step.terms[0].source]
        if "input" in facts:
            measured.setdefault(source.name, []).append((1, facts["input"]))
    for name in graph.maps:
        writers = [(step.channels, steps[step.name]["output"]) for step in graph.writers(name)
                   if "output" in steps.get(step.name, {})]
        measured[name] = writers or measured.get(name, [(1, DENSITY)])
    expected = {name: sum(weight * share for weight, share in found) / sum(weight for weight, _ in found)
                for name, found in measured.items()} | dict(densities or {})
    return {name: min(1.0, max(0.0, float(expected[name]))) for name in graph.maps}


def workload(graph, step, term, lanes, mode, density):
    """Return the Workload of a term of a step at an array's lanes, or raise InputError that names the step.

    density: map name -> events over positions.
    """
    try:
        counts = term_counts(term, step.channels, lanes, mode)
    except InputError as error:
        raise InputError(f"{step.name}: {error}") from None
    fold = folded(graph, step, term)
    if fold:
        counts = counts[:, :1, :1]
    shares = channel_shares(graph, term) if modes.skips_zeros(mode) else None
    return Workload(counts if counts.ndim == 3 else counts.reshape(-1, 1, 1), density[term.source], fold, shares)


def channel_shares(graph, term):
    """Return how much denser than their mean the channels that a term reads were when the graph was made, or None.

    Graph.meta, steps: "channels", the share of each of a step's outputs that was not 0. For fc, whose rows are not channels, None.
    """
    channels, steps = np.full(graph.maps[term.source].shape[0], np.nan), graph.meta.get("steps", {})
    for step in graph.writers(term.source):
        found = steps.get(step.name, {}).get("channels")
        if found is not None and len(found) == step.channels:
            channels[step.first:step.first + step.channels] = found
    mine = channels[term.first:term.first + term.channels]
    if term.kind == "fc" or np.isnan(mine).any() or not mine.any():
        return None
    return mine / channels[~np.isnan(channels)].mean()


def step_bits(graph, step):
    """Return the narrowest signed width that holds every possible partial sum of a step.

        low[k] = sum over terms and rows of min(w x),   high[k] = sum of max(w x),   x from 0..255 (signed maps: -128..127)

    Every sum of any subset of the products, in any order and split over any PEs, is between the two.
    """
    low, high = np.zeros(step.channels, np.int64), np.zeros(step.channels, np.int64)
    for term in step.terms:
        least, most = (-128, 127) if graph.maps[term.source].signed else (0, 255)
        positive, negative = _signed_sums(term)
        low += positive * least + negative * most
        high += positive * most + negative * least
    return 1 + max(int(high.max()).bit_length(), int(-low.min() - 1).bit_length() if low.min() < 0 else 0)


def _signed_sums(term):
    """Return the sums of a term's positive and of its negative weights for each output channel, int64 [K] each."""
    if term.kind == "diagonal":
        flat = term.weights.reshape(term.channels, -1).astype(np.int64)
        return np.maximum(flat, 0).sum(axis=1), np.minimum(flat, 0).sum(axis=1)
    weights = term.weights
    starts = np.cumsum(weights.counts) - weights.counts
    positive, total = np.zeros((2, weights.total, weights.chunk), np.int64)
    for chunk in range(weights.total):
        values = weights.values[starts[weights.counts > chunk] + chunk]
        total[chunk] = values.sum(axis=0, dtype=np.int64)
        positive[chunk] = np.maximum(values, 0).sum(axis=0, dtype=np.int64)
    positive, total = positive.reshape(-1)[:weights.channels], total.reshape(-1)[:weights.channels]
    return positive, total - positive


def check_core(graph, config, bits=True):
    """Raise InputError, with the nearest setting that would do, unless a core can hold a graph's kernels, sums and coordinates.

    bits: whether to prove the partial sums, which takes a while for large graphs.
    """
    if not 2 <= config.port_bytes <= 16:
        raise InputError(f"a memory word must have 2 to 16 bytes, not {config.port_bytes}: set weight_bytes to "
                         f"{2 if config.port_bytes < 2 else 16}.")
    if config.compact:
        check_compact(graph, config)
    for step in graph.steps:
        side = max(max(listed_kernel(graph, step, term)) for term in step.terms)
        if side > config.kernel:
            raise InputError(f"{step.name}: its kernel side {side} is more than the core's {config.kernel}: set kernel to {side}.")
        need = step_bits(graph, step) if bits else 0
        if need > config.acc_bits:
            raise InputError(f"{step.name}: its partial sums need {need} bits, but the core has {config.acc_bits}: "
                             f"set acc_bits to {need}.")
    side = _largest_side(graph, vectors=not config.compact)
    if side > 1 << config.coord_bits:
        raise InputError(f"{graph.name}: a map of side {side} is more than coordinates of {config.coord_bits} bits hold: "
                         f"set coord_bits to {(side - 1).bit_length()}.")


def _largest_side(graph, vectors=True):
    """Return the largest side of a map or a convolution; vectors: also of vector maps, which a compact core's wider places hold anyway."""
    sides = [side for one in graph.maps.values() if vectors or not one.vector for side in memory_shape(one)[1:]]
    return max(sides + [side for step in graph.steps for side in step.conv_shape])


def _mask_words(graph):
    """Return the words of the live masks; the mask of a term of more channels than they hold is left out."""
    channels = max(1 if graph.maps[term.source].vector else term.channels for step in graph.steps for term in step.terms)
    return min(MAX_MASK_WORDS, max(MIN_MASK_WORDS, ceil_power(-(-channels // MASK_WORD))))


def _acc_depth(graph, lanes):
    whole, least = 16, 16
    for step in graph.steps:
        vector = graph.maps[step.output].vector
        area = least_depth(step, False, lanes) if step.fired_shape[0] == 1 else step.conv_shape[0] * tile_width(step)
        whole = max(whole, area * min(MAX_CHUNKS, chunk_total(step.channels, lanes)))
        least = max(least, least_depth(step, vector, lanes))
    return min(MAX_ACC_DEPTH, max(min(ACC_DEPTH, ceil_power(whole)), ceil_power(least)))


def _weight_depth(graph, config):
    """Return the least depth of the weight ring that costs next to no cycles (estimated in the mode both)."""
    least = max(2 * math.prod(listed_kernel(graph, step, term)) * (
        min(chunk_total(step.channels, config.lanes), VECTOR_WIDTH // config.lanes) if graph.maps[step.output].vector else 1)
        for step in graph.steps for term in step.terms)
    best = cheapest(all_tilings(graph, config, "both"))[1]
    depth = max(WEIGHT_DEPTH, ceil_power(least))
    while depth < MAX_WEIGHT_DEPTH:
        if cheapest(all_tilings(graph, config.replace(weight_depth=depth), "both"))[1] <= TOLERANCE * best:
            break
        depth *= 2
    return depth
