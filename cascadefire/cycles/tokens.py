"""The tokens that each layer's passes read, and the events they become: what is the same for the hardware at any speed."""

from dataclasses import dataclass

import numpy as np

from cascadefire.compiler import tokens as words
from cascadefire.compiler.encode import EMIT_ZEROS, HEADER_WORDS
from cascadefire.compiler.tiling import pooling


@dataclass(frozen=True, eq=False)
class Tokens:
    """A layer's input tokens in the order the source reads them, int64 [tokens] each.

    channel, y, x: where.  valid: bool, carries an event.
    producer: index of the pass that fires it, -1 from outside.  read: fire's read after which it is complete, from 0.
    """

    channel: np.ndarray
    y: np.ndarray
    x: np.ndarray
    valid: np.ndarray
    producer: np.ndarray
    read: np.ndarray


@dataclass(frozen=True, eq=False)
class Events:
    """What becomes of the tokens in one pass.

    hit: bool [tokens], meets an output of the tile.  The others are per hit:
    request: int64, index of its weight request within the pass.  rows: int64, kernel rows with chunks; beats: int64.
    counts: the chunk counts of all rows, one hit after another, ky-major.
    asked: int64 [requests], channel or row of each request, in order.
    """

    hit: np.ndarray
    request: np.ndarray
    rows: np.ndarray
    beats: np.ndarray
    counts: np.ndarray
    asked: np.ndarray


def from_outside(program, image) -> Tokens:
    """Return the tokens of an external pass."""
    _, y, x, valid, eoc = words.unpack(program.input_tokens(image), program.config.coord_bits)
    nobody = np.full(len(y), -1)
    return Tokens(np.cumsum(eoc) - eoc, y, x, valid, nobody, nobody)


def from_fire(program, layer: int, outputs) -> Tokens:
    """Return the tokens that a layer's passes push into the event banks.

    Fire reads group by group of fire_lanes channels, window after window; a channel's end is on the last window's token.
    outputs: integers [K, H, W] of the layer.
    """
    k = pooling(program.network.layers[layer])[0]
    lanes, parts = program.config.fire_lanes, []
    for index in program.layer_passes(layer):
        one = program.passes[index]
        block = np.asarray(outputs)[one.first_channel:one.first_channel + one.channels,
                                    one.fired_y0:one.fired_y0 + one.fired_h, one.fired_x0:one.fired_x0 + one.fired_w]
        dead = np.array(one.words[HEADER_WORDS + one.kernel_positions + 1::2], np.int64) >> 22 & 1
        fires = (block != 0) | bool(one.words[0] & EMIT_ZEROS)
        fires &= dead[:, None, None] == 0
        pushed = fires.copy()
        pushed[:, -1, -1] = True
        channel, y, x = np.nonzero(pushed)
        window = (channel // lanes * one.fired_h + y) * one.fired_w + x
        parts.append((channel + one.first_channel, y + one.fired_y0, x + one.fired_x0, fires[pushed],
                      np.full(len(channel), index), (window + 1) * k * k - 1))
    return Tokens(*(np.concatenate(column) for column in zip(*parts)))


def located(program, index: int, tokens: Tokens) -> Events:
    """Return the events of a pass: which tokens meet an output of its tile, and the rows and beats they need.

    index: the pass within the program.  tokens: its layer's input.
    """
    one = program.passes[index]
    layer, image = program.network.layers[one.layer], program.weights[one.weights_id]
    if layer.kind == "fc":
        hit = tokens.valid
        row = (tokens.channel * layer.in_shape[1] + tokens.y) * layer.in_shape[2] + tokens.x
        asked = row[hit]
        counts = image.counts[asked]
        request = np.arange(len(asked))
        met = counts > 0
    else:
        hits_y = _hits(tokens.y + layer.pad - one.out_y0 * layer.stride, layer.kernel[0], layer.stride, one.tile_h)
        hits_x = _hits(tokens.x + layer.pad - one.out_x0 * layer.stride, layer.kernel[1], layer.stride, one.tile_w)
        hit = tokens.valid & hits_y.any(axis=1) & hits_x.any(axis=1)
        channel, producer = tokens.channel[hit], tokens.producer[hit]
        first = np.ones(len(channel), bool)     # channels come again with each spatial tile of the layer before
        tile = _tile_of(program, producer)
        first[1:] = (channel[1:] != channel[:-1]) | (tile[1:] != tile[:-1])
        request, asked = np.cumsum(first) - 1, channel[first]
        counts = image.counts[channel]
        met = (hits_y[hit][:, :, None] & hits_x[hit][:, None, :]).reshape(counts.shape) & (counts > 0)
    return Events(hit, request, met.sum(axis=1), (counts * met).sum(axis=1, dtype=np.int64), counts[met], asked)


def _hits(position: np.ndarray, kernel: int, stride: int, size: int) -> np.ndarray:
    """Return, for each position' (with the pass's offset), which kernel rows hit an output of the tile; bool [tokens, kernel]."""
    distance = position[:, None] - np.arange(kernel)
    return (distance >= 0) & (distance % stride == 0) & (distance < size * stride)


def _tile_of(program, producer: np.ndarray) -> np.ndarray:
    """Return a number for the spatial tile of each producing pass; -1 from outside."""
    places = [(one.fired_y0, one.fired_x0) for one in program.passes]
    numbers = np.array([places.index(place) for place in places] + [-1])
    return numbers[producer]
