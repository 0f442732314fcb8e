"""The bytes of a weight image: what one range of output chunks needs of one term (docs/accelerator.md, Memory)."""

import numpy as np

from cascadefire.compiler import modes
from cascadefire.cspa.format import CompressedLayer, chunk_total


def term_weights(term, lanes, mode):
    """Return the weights of a conv or fc term at the array's lanes: as pruned, or with full counts (dense, mnf).

    Errors: InputError when neither the term's chunk width nor the lanes are a multiple of the other.
    """
    weights = term.weights
    if modes.skips_chunks(mode) and lanes < weights.chunk and weights.chunk % lanes == 0:
        return _narrower(weights, lanes)
    return modes.weights(term, lanes, mode)


def _narrower(weights, lanes):
    """Return `weights.regroup(lanes)` for fewer lanes, without unpacking: chunks are cut in place."""
    parts, total = weights.chunk // lanes, chunk_total(weights.channels, lanes)
    wide = np.repeat(weights.counts, weights.counts)        # of each chunk: the count of its row, and its number in the row
    number = np.arange(len(weights.values)) - np.repeat(np.cumsum(weights.counts) - weights.counts, weights.counts)
    values = weights.values.reshape(-1, lanes)
    if total < weights.total * parts and len(wide):         # the last chunk's lanes past the last channel
        values = values[(number[:, None] * parts + np.arange(parts) < total).reshape(-1)]
    return CompressedLayer(np.minimum(weights.counts * parts, total), values, weights.channels, lanes)


def live_channels(term, lanes, mode, first):
    """Return which input channels of a conv or fc term keep a row in the output chunks from `first` on, bool [channels].

        live[c] = any of the channel's rows has  ceil(count C / lanes) > first

    lanes: of the array.  mode: in dense and mnf every channel is live.  first: the first chunk of a tile.
    """
    if not modes.skips_chunks(mode):
        return np.ones(term.channels, bool)
    return (term.weights.counts.reshape(term.channels, -1) * term.weights.chunk > first * lanes).any(axis=1)


def matrix_image(weights, positions, first, chunks, port_bytes):
    """Return (counts, chunks) of a conv or fc term for the output chunks first .. first + chunks - 1, uint8 each, whole words.

        count = clamp(count of the row - first, 0, chunks)

    weights: CompressedLayer at the array's lanes.  positions: kh * kw (fc: 1).  port_bytes: W.
    """
    counts = np.clip(weights.counts - first, 0, chunks)
    kept = weights.values
    if first or weights.counts.max(initial=0) > chunks:
        number = np.arange(len(kept)) - np.repeat(np.cumsum(weights.counts) - weights.counts, weights.counts)
        kept = kept[(number >= first) & (number < first + chunks)]
    return _table(counts.reshape(-1, positions), port_bytes), np.ascontiguousarray(kept).view(np.uint8).reshape(-1)


def diagonal_image(diagonal, lanes, port_bytes):
    """Return (counts, chunks) of a diagonal term: each row one chunk in which lane c mod C holds the weight.

    diagonal: int8 [channels, kh, kw], the channels of the tile.  lanes: C.  port_bytes: W.
    """
    channels, positions = len(diagonal), diagonal[0].size
    values = np.zeros((channels, positions, lanes), np.int8)
    values[np.arange(channels), :, np.arange(channels) % lanes] = diagonal.reshape(channels, positions)
    return _table(np.ones((channels, positions), np.int64), port_bytes), values.view(np.uint8).reshape(-1)


def count_words(rows, positions, port_bytes):
    """Return the words of the counts of `rows` channels (fc: rows): whole words a channel where kh * kw > 1, else packed."""
    return rows * -(-positions // port_bytes) if positions > 1 else -(-rows // port_bytes)


def _table(counts, port_bytes):
    rows, positions = counts.shape
    if positions == 1:
        counts = counts.reshape(1, -1)
    table = np.zeros((len(counts), -(-counts.shape[1] // port_bytes) * port_bytes), np.uint8)
    table[:, :counts.shape[1]] = counts
    return table.reshape(-1)
