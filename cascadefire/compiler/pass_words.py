"""The words of a pass: header, kernel positions, live mask, parameters of the outputs (docs/accelerator.md, Passes)."""

from dataclasses import dataclass

import numpy as np

from cascadefire.compiler.compact_limits import normalised
from cascadefire.compiler.encode import field, pair
from cascadefire.compiler.executable import PassRecord
from cascadefire.compiler.graph_tiling import GraphTile, pooling
from cascadefire.compiler.map_layout import MapLayout
from cascadefire.compiler.tiling import rows_read
from cascadefire.errors import InputError
from cascadefire.graph import VECTOR_WIDTH
from rtl.pass_settings import ADDRESS_BITS, BYTE_ADDRESS_BITS, HEADER_WORDS, MAGIC

END, VECTOR, FLATTEN, EMIT_ZEROS, RELU, DIAGONAL, SIGNED, PROGRESSIVE = (1 << bit for bit in range(8))
SAME_PARAMETERS, LIVE_MASK = 1 << 20, 1 << 21
MASK_WORD = 32          # channels of a word of the live mask


@dataclass(frozen=True)
class WeightPlace:
    """Where a weight image is: word addresses of its counts and chunks, words of the counts."""

    counts: int
    chunks: int
    count_words: int


@dataclass(frozen=True, eq=False)
class PassPlan:
    """A pass before it has addresses.

    record: PassRecord.  tile: GraphTile.  channels: (first, number) of the source's channels read.  lag, progressive: when to read.
    live: bool, which of these channels keep a row in the tile's chunks; None: no mask.  same: it fires with the parameters of the
    firing pass before it.
    """

    record: PassRecord
    tile: GraphTile
    channels: tuple
    lag: int
    progressive: bool
    live: np.ndarray | None
    same: bool


def word_count(step, plan):
    """Return the 32-bit words of a pass."""
    kernel = (1, 1) if plan.record.folded else step.terms[plan.record.term].kernel
    mask = 0 if plan.live is None else -(-len(plan.live) // MASK_WORD)
    return HEADER_WORDS + kernel[0] * kernel[1] + mask + 2 * plan.record.channels * (plan.record.fires and not plan.same)


def parameters(step, record, dead):
    """Return bias and (multiplier, shift, dead) of each channel that a pass fires, uint32 [2 * channels].

    step: Step.  record: PassRecord of a pass that fires.  dead: bool [K of the step].
    """
    part = slice(record.first_channel, record.first_channel + record.channels)
    multiplier, shift, mask = (array[part].astype(np.uint32) for array in (*normalised(step.multiplier, step.shift), dead))
    scale = multiplier | shift << 16 | mask << 22
    return np.stack([step.bias[part].view(np.uint32), scale], axis=1).reshape(-1)


def pass_words(step, plan, source: MapLayout, output: MapLayout, graph, weights: WeightPlace, dead, emit_zeros, end):
    """Return the words of a pass as unsigned whole numbers.

    step: Step.  plan: PassPlan.  source, output: layouts of the maps read and written.  graph: for the maps' kinds.
    weights: WeightPlace.  dead: bool [K of the step].  emit_zeros: every output of a live channel is an event.  end: the last pass.
    Errors: InputError, naming the step, when a value does not fit its field.
    """
    try:
        return _words(step, plan, source, output, graph, weights, dead, emit_zeros, end)
    except InputError as error:
        raise InputError(f"{step.name}: {error}") from None


def _words(step, plan, source, output, graph, weights, dead, emit_zeros, end):
    record, tile, term = plan.record, plan.tile, step.terms[plan.record.term]
    flat, vector = term.kind == "fc", graph.maps[step.output].vector
    (kh, kw), log, sides = term.kernel, term.stride.bit_length() - 1, (tile.tile_h, tile.tile_w)
    stride_y, stride_x = tile.tile_w * tile.chunks, tile.chunks
    if record.folded:       # a 1 x 1 kernel over the map, all of whose outputs are at one address
        (kh, kw), log, sides, (stride_y, stride_x) = (1, 1), 0, (source.height, source.width), (0, 0)
    first_row, stop_row = (int(row) for row in rows_read(term, tile.out_y0, tile.tile_h, source.height))
    band = first_row // source.rows
    bands = (-(-stop_row // source.rows) - band) * source.strips
    place = plan.channels[0] * source.bands + band * source.strips
    flags = END * end | VECTOR * vector | FLATTEN * flat | EMIT_ZEROS * emit_zeros | RELU * (step.activation == "relu")
    flags |= DIAGONAL * (term.kind == "diagonal") | SIGNED * graph.maps[term.source].signed | PROGRESSIVE * plan.progressive
    flags |= SAME_PARAMETERS * plan.same | LIVE_MASK * (plan.live is not None)
    fired = (step.first + record.first_channel) // VECTOR_WIDTH if vector else (
        (step.first + record.first_channel) * output.bands + tile.fired_y0 // output.rows * output.strips)
    kernel, stride, _ = pooling(step)
    head = [
        flags | field("the kernel height", kh, 4) << 8 | field("the kernel width", kw, 4) << 12 | log << 16 | plan.lag << 18
        | MAGIC << 24,
        pair("the input channels", plan.channels[1], "the bands read", bands),
        pair("the slot words of the source", source.slot_words, "the bands of the source", source.bands),
        field("the address of the events", source.events + place * source.slot_words, ADDRESS_BITS),
        field("the address of the events' counts", source.counts + place, BYTE_ADDRESS_BITS),
        _bands("the source", source) | field("the first row", band * source.rows, 16) << 16,
        field("the words of a source channel", source.bands * source.slot_words, ADDRESS_BITS),
        pair("the y offset", term.pad - tile.out_y0 * term.stride, "the x offset", term.pad, signed=True),
        pair("the tile height", sides[0], "the tile width", sides[1]),
        pair("the address stride of y", stride_y, "the address stride of x", stride_x),
        field("the address of the weight counts", weights.counts, ADDRESS_BITS),
        field("the address of the weight chunks", weights.chunks, ADDRESS_BITS),
        pair("the words of the weight counts", weights.count_words, "the first chunk",
             0 if term.kind == "diagonal" else tile.first_chunk),
        pair("the output channels", record.channels * record.fires, "the first of them", record.first_channel),
        field("the pool kernel", kernel, 4) | field("the pool stride", stride, 4) << 4
        | field("the pool padding", tile.pad_x, 4) << 8 | field("the pool padding", tile.pad_y, 4) << 12,
        pair("the fired height", tile.fired_h, "the fired width", step.fired_shape[1]),
        pair("the slot words of the output", output.slot_words, "the bands of the output", output.bands),
        field("the address of the outputs", output.events + fired * output.slot_words, ADDRESS_BITS),
        field("the address of the outputs' counts", output.counts + fired, BYTE_ADDRESS_BITS),
        field("the words of an output channel", output.bands * output.slot_words, ADDRESS_BITS),
        _bands("the output", output),
        pair("the flat channel size", source.height * source.width, "the flat width", source.width) if flat else 0,
    ]
    offsets = [field("an accumulator offset", (ky >> log) * stride_y + (kx >> log) * stride_x, 32)
               for ky in range(kh) for kx in range(kw)]
    parts = [np.array(head + offsets, np.uint32)]
    if plan.live is not None:
        padded = np.zeros(-(-len(plan.live) // MASK_WORD) * MASK_WORD, bool)
        padded[:len(plan.live)] = plan.live
        parts.append(np.packbits(padded, bitorder="little").view("<u4"))
    if record.fires and not plan.same:
        parts.append(parameters(step, record, dead))
    return np.concatenate(parts)


def _bands(name, layout):
    """Return R, s and the strips of a map in one word's low half."""
    return (field(f"the rows of a band of {name}", layout.rows, 8) | field(f"the bits of x of {name}", layout.x_bits, 4) << 8
            | field(f"the strips of {name}", layout.strips, 4) << 12)
