"""The compressed weights of CSP-A in memory: one count per row and its leading chunks, densely.

Source: CSP (ISCA 2022), as read in the first author's public code (Rudedaisy/CascadePruning).
"""

from dataclasses import dataclass

import numpy as np

from cascadefire.cspa.prune import check_whole, chunk_total, kept_weights, mask
from cascadefire.errors import InputError


@dataclass(frozen=True, eq=False)
class CompressedLayer:
    """A layer's weights, row after row; a row's chunks in order; lane i of chunk k is output channel k*C + i.

    counts: integers [rows], leading chunks kept, 0 .. n = ceil(K / C); held as int64.
    values: int8 [sum of counts, C], -127..127; lanes past the last channel are 0.
    channels: K, output channels.  chunk: C, channels per chunk.
    Errors: InputError when the fields contradict these ranges or each other.
    """

    counts: np.ndarray
    values: np.ndarray
    channels: int
    chunk: int

    def __post_init__(self):
        for field in ("channels", "chunk"):
            check_whole(field, getattr(self, field))
        counts, values = np.asarray(self.counts), np.asarray(self.values)
        if counts.ndim != 1 or counts.dtype.kind not in "iu":
            raise InputError(f"counts must be whole numbers, one per row, not {counts.dtype} of the shape {counts.shape}")
        if counts.size and (counts.max() > self.total or counts.min() < 0):
            bad = counts.max() if counts.max() > self.total else counts.min()
            raise InputError(f"a chunk count must be from 0 to {self.total}, the chunks of {self.channels} channels, not {bad}")
        counts = counts.astype(np.int64)
        if values.dtype != np.int8:
            raise InputError(f"weights must be int8, not {values.dtype}")
        if values.shape != (counts.sum(), self.chunk):
            raise InputError(f"the counts ask for chunk data of the shape {(int(counts.sum()), self.chunk)}, "
                             f"but it is {values.shape}")
        if values.size and values.min() == -128:
            raise InputError("weights must be from -127 to 127, but one is -128")
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "values", values)
        short = self.channels % self.chunk
        last = np.cumsum(counts)[counts == self.total] - 1
        if short and values[last, short:].any():
            raise InputError(f"the lanes past channel {self.channels - 1} in the last chunk must be 0")

    @property
    def total(self):
        """n, the chunks of a row before pruning."""
        return chunk_total(self.channels, self.chunk)

    @property
    def rows(self):
        """The rows of the weight matrix."""
        return len(self.counts)

    @property
    def kept(self):
        """Weights in kept chunks, padding lanes not counted."""
        return kept_weights(self.counts, self.channels, self.chunk)

    @property
    def density(self):
        """Kept over all weights, 0..1."""
        return self.kept / (self.channels * self.rows)

    def unpack(self):
        """Return the dense weights, int8 [K, rows], zeros where pruned."""
        dense = np.zeros((self.rows, self.total, self.chunk), np.int8)
        dense[np.arange(self.total) < self.counts[:, None]] = self.values
        return np.ascontiguousarray(dense.reshape(self.rows, -1).T[: self.channels])

    def regroup(self, lanes):
        """Return the same weights at another chunk width.

            wider: count' = ceil(count C / lanes), filled with zeros        narrower: count' = min(count C / lanes, n')

        lanes: the new width; a whole multiple of C, or C a whole multiple of it.
        Errors: InputError when neither divides the other.
        """
        if lanes < 1 or (lanes % self.chunk and self.chunk % lanes):
            raise InputError(f"chunks of {self.chunk} channels cannot be regrouped to {lanes} lanes: "
                             "one must be a multiple of the other")
        counts = np.minimum(-(-self.counts * self.chunk // lanes), chunk_total(self.channels, lanes))
        return pack(self.unpack(), lanes, counts)


def pack(dense, chunk, counts=None):
    """Compress dense weights; `unpack` gives them back exactly.

    dense: int8 [K, rows], -127..127.  chunk: C >= 1.
    counts: integers [rows], chunks to keep; by default the shortest cascades that hold every non-zero weight.
    Returns a CompressedLayer.
    Errors: InputError for another type or shape, and for a weight that is not zero outside the kept chunks.
    """
    check_whole("chunk", chunk)
    dense = np.asarray(dense)
    if dense.dtype != np.int8:
        raise InputError(f"weights must be int8, not {dense.dtype}")
    if dense.ndim != 2 or not len(dense):
        raise InputError(f"weights must have the shape (channels, rows), not {dense.shape}")
    channels, rows = dense.shape
    n = chunk_total(channels, chunk)
    padded = np.zeros((n * chunk, rows), np.int8)
    padded[:channels] = dense
    cascade = padded.reshape(n, chunk, rows).transpose(2, 0, 1)
    if counts is None:
        counts = ((cascade != 0).any(axis=2) * np.arange(1, n + 1)).max(axis=1)
    counts = np.asarray(counts)
    if counts.shape != (rows,):
        raise InputError(f"counts must have one entry for each of {rows} rows, not the shape {counts.shape}")
    lost = np.count_nonzero(dense[~mask(counts, channels, chunk)])
    if lost:
        raise InputError(f"{lost} weights outside the kept chunks are not zero")
    return CompressedLayer(counts, cascade[np.arange(n) < counts[:, None]], channels, chunk)
