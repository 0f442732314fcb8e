"""From a graph to a memory image with a program: the accelerator's compiler (docs/accelerator.md)."""

import numpy as np

from cascadefire.compiler import map_layout, modes, weight_images
from cascadefire.compiler.compact_limits import check_words
from cascadefire.compiler.executable import Executable, PassRecord
from cascadefire.compiler.graph_sizing import accelerator_config, check_core, map_densities, tilings
from cascadefire.compiler.graph_tiling import folded
from cascadefire.compiler.pass_words import MASK_WORD, PassPlan, WeightPlace, parameters, pass_words, word_count
from cascadefire.compiler.tiling import rows_read
from cascadefire.errors import InputError
from rtl.pass_settings import ADDRESS_BITS

__all__ = ["accelerator_config", "assemble"]

MAX_LAG = 3
MAX_INDEX = 1 << 16     # a request names its channel or row in sixteen bits


def assemble(graph, config, mode="both", densities=None):
    """Compile a graph for an accelerator.

    graph: Graph.  config: CoreConfig, for example from `accelerator_config`.  mode: dense, csp, mnf or both.
    densities: map name -> expected events over positions, 0..1, to choose tiles and bands by, see `graph_sizing.map_densities`.
    Returns an Executable; the order of its passes is steps, chunk ranges, spatial tiles, terms.
    Errors: InputError, one sentence with the nearest setting that would do, when the graph does not fit the core.
    """
    modes.check(mode)
    check_core(graph, config)
    cut = tilings(graph, config, mode, densities)
    rows = _band_rows(graph, config, mode, densities, cut)
    dead = {step.name: dead_channels(graph, step, mode) for step in graph.steps}
    plans = _plan(graph, config, mode, cut, dead)
    word, program = -(-4 * sum(word_count(graph.steps[one.record.step], one) for one in plans) // config.port_bytes), 0
    images, weights, word = _weights(graph, config, mode, plans, word)
    maps = {}
    for name, one in graph.maps.items():
        maps[name], word = map_layout.place(map_layout.memory_shape(one), rows[name], word, config.port_bytes)
    check_words(graph, config, word)
    if word > 1 << ADDRESS_BITS:
        raise InputError(f"{graph.name} needs {word} memory words of {config.port_bytes} bytes, but addresses have "
                         f"{ADDRESS_BITS} bits: use a larger weight_bytes.")
    memory = np.zeros(word * config.port_bytes, np.uint8)
    for address, image in images:
        memory[address * config.port_bytes:address * config.port_bytes + len(image)] = image
    words = np.concatenate([pass_words(
        step, one, maps[step.terms[one.record.term].source], maps[step.output], graph, place, dead[step.name],
        not modes.skips_zeros(mode), index == len(plans) - 1)
        for index, (one, place) in enumerate(zip(plans, weights)) for step in [graph.steps[one.record.step]]])
    memory[:4 * len(words)] = words.astype("<u4").view(np.uint8)
    return Executable(config, graph, mode, memory, program, len(words), tuple(one.record for one in plans), maps)


def dead_channels(graph, step, mode):
    """Return which output channels of a step no term keeps a chunk of, bool [K]; such channels never become events.

        dead[k] = the counts of all rows of channel first + k are 0 in every term that reads it, and none of these is diagonal

    Outputs of the graph are never dead; neither is any channel in the modes dense and mnf, whose counts are all full.
    """
    dead = np.zeros(step.channels, bool)
    if step.output in graph.outputs or not modes.skips_chunks(mode):
        return dead
    alive = np.zeros(graph.maps[step.output].shape[0], bool)
    for _, term in graph.readers(step.output):
        kept = True
        if term.kind != "diagonal":
            kept = term.weights.counts.reshape(term.channels, -1).any(axis=1)
        alive[term.first:term.first + term.channels] |= kept
    return ~alive[step.first:step.first + step.channels]


def _band_rows(graph, config, mode, densities, cut):
    """Return map name -> R."""
    rows, density = {}, map_densities(graph, mode, densities)
    for name, one in graph.maps.items():
        rows[name] = 1
        if one.vector:
            continue
        shape, reads = map_layout.memory_shape(one), []
        tiles = [tiling.rows for step, tiling in zip(graph.steps, cut) if step.output == name and tiling.rows < step.fired_shape[0]]
        for step, tiling in zip(graph.steps, cut):
            for term in step.terms:
                if term.source == name:
                    start = np.array([tile.out_y0 for tile in tiling.tiles])
                    size = np.array([tile.tile_h for tile in tiling.tiles])
                    share = 1 / len({tile.first_chunk for tile in tiling.tiles}) if term.kind == "diagonal" else 1
                    reads.append((*rows_read(term, start, size, shape[1]), term.channels * share))
        rows[name] = map_layout.choose_rows(shape, tiles, reads, density[name], config)
    return rows


def _plan(graph, config, mode, cut, dead):
    """Return the PassPlans in order.  dead: step name -> its dead channels."""
    plans, writes, fired, before = [], {name: [] for name in graph.maps}, 0, np.zeros(0, np.uint32)
    written = {name: -1 for name in graph.maps}     # the last step that wrote a map: terms of older maps come first
    for number, (step, tiling) in enumerate(zip(graph.steps, cut)):
        order = sorted(range(len(step.terms)), key=lambda index: written[step.terms[index].source])
        for tile in tiling.tiles:
            first = tile.first_chunk * config.lanes
            channels = min(step.channels - first, tile.chunks * config.lanes)
            for index in order:
                fires = index == order[-1]
                record = PassRecord(number, index, fires, first, channels if fires else 0, tile.fired_y0, tile.fired_h,
                                    step.fired_shape[1], tile.out_y0, tile.tile_h, tile.tile_w, tile.first_chunk, tile.chunks,
                                    folded(graph, step, step.terms[index]))
                fires_with = parameters(step, record, dead[step.name]) if fires else before
                plans.append(_plan_pass(graph, config, mode, step, record, tile, channels, writes, fired,
                                        fires and np.array_equal(fires_with, before)))
                before = fires_with
            writes[step.output].append((fired, step, first, channels, tile.fired_y0, tile.fired_h))
            fired += 1
        written[step.output] = number
    return plans


def _plan_pass(graph, config, mode, step, record, tile, channels, writes, before, same):
    """Return the PassPlan of one term of one tile: the channels it reads, and how early it may.

    writes: map name -> (firing pass, step, first channel, channels, first row, rows) of the firing passes so far; `before` of them.
    same: it fires with the parameters of the last of them.
    """
    term = step.terms[record.term]
    source = graph.maps[term.source]
    read = (term.first + record.first_channel, channels) if term.kind == "diagonal" else (term.first, term.channels)
    if source.vector:
        low, high = 0, 1
    else:
        low, high = rows_read(term, tile.out_y0, tile.tile_h, source.shape[1])
    last = [one for one in writes[term.source]
            if one[1].first + one[2] < read[0] + read[1] and read[0] < one[1].first + one[2] + one[3]
            and one[4] < high and low < one[4] + one[5]][-1:]
    lag = min(MAX_LAG, before - 1 - last[0][0]) if last else MAX_LAG
    progressive = bool(last) and lag == 0 and not source.vector and read[0] == 0 and last[0][1].first == 0
    live = None
    if term.kind != "diagonal" and not source.vector and term.channels <= MASK_WORD * config.mask_words:
        live = weight_images.live_channels(term, config.lanes, mode, tile.first_chunk)
        live = None if live.all() else live
    return PassPlan(record, tile, (0, 1) if source.vector else read, lag, progressive, live, bool(same))


def _weights(graph, config, mode, plans, word):
    """Return the weight images as (word address, bytes), the WeightPlace of each pass, and the first word after them."""
    images, places, packed, result = [], {}, {}, []
    for plan in plans:
        record, step = plan.record, graph.steps[plan.record.step]
        key = (record.step, record.term, record.first_chunk)
        if key not in places:
            if key[:2] not in packed:
                # They are large: only one step's are kept.
                packed = {other: one for other, one in packed.items() if other[0] == record.step}
                packed[key[:2]] = _term_weights(step, step.terms[record.term], config.lanes, mode)
            counts, chunks = _image(step.terms[record.term], packed[key[:2]], plan, config)
            place = WeightPlace(word, word + len(counts) // config.port_bytes, len(counts) // config.port_bytes)
            images += [(place.counts, counts), (place.chunks, chunks)]
            places[key], word = place, place.chunks + len(chunks) // config.port_bytes
        result.append(places[key])
    return images, result, word


def _term_weights(step, term, lanes, mode):
    """Return a term's weights as the array takes them, or raise InputError that names the step."""
    if term.kind == "diagonal":
        return term.weights
    rows = term.weights.rows if term.kind == "fc" else term.channels
    if rows > MAX_INDEX:
        raise InputError(f"{step.name}: a request can name {MAX_INDEX} channels or rows, but it has {rows}.")
    try:
        return weight_images.term_weights(term, lanes, mode)
    except InputError as error:
        raise InputError(f"{step.name}: {error}.") from None


def _image(term, weights, plan, config):
    """Return (counts, chunks) of the weight image of a pass."""
    first, channels = plan.record.first_channel, plan.channels[1]
    if term.kind == "diagonal":
        weights = weights[:, :1, :1] if plan.record.folded else weights
        return weight_images.diagonal_image(weights[first:first + channels], config.lanes, config.port_bytes)
    positions = term.kernel[0] * term.kernel[1]
    return weight_images.matrix_image(weights, positions, plan.tile.first_chunk, plan.tile.chunks, config.port_bytes)
