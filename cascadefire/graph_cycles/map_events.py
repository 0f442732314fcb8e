"""The events of a feature map, counted by band, row and column: all that the model needs to know of the values."""

import numpy as np

from cascadefire.compiler import map_layout, modes
from cascadefire.compiler.assemble import dead_channels


def live_values(executable, name, values):
    """Return which values of a map become events, bool [C, H, W] as in memory.

    executable: Executable.  name: of a map.  values: integers [C, H, W].
    """
    one, layout, mode = executable.graph.maps[name], executable.maps[name], executable.mode
    live = np.asarray(values) != 0 if modes.skips_zeros(mode) else np.ones(np.shape(values), bool)
    for step in executable.graph.writers(name):
        dead = dead_channels(executable.graph, step, mode)
        if dead.any():
            live[step.first:step.first + step.channels][dead] = False
    if one.vector:
        padded = np.zeros((layout.channels, layout.height, layout.width), bool)
        padded.reshape(-1)[:live.size] = live.reshape(-1)
        return padded
    return live


class MapEvents:
    """Events of a map, counted once and looked up by every pass that reads or writes it.

    live: bool [C, H, W].  counts: int32 [C, NB], events of each band.  rows: int32 [C, H], of each row.
    """

    def __init__(self, layout, live):
        self.layout, self.live = layout, live
        width = map_layout.STRIP
        strips = [count_bits(live[:, :, low:low + width]) for low in range(0, layout.width, width)]
        self.rows = sum(strips[1:], strips[0])
        starts = np.arange(0, layout.height, layout.rows)
        bands = [np.add.reduceat(one, starts, axis=1) if layout.rows > 1 else one for one in strips]
        self.counts = np.stack(bands, axis=2).reshape(layout.channels, layout.bands) if len(bands) > 1 else bands[0]
        self._hits = {}

    def hits(self, one, first, channels):
        """Return how many events of each channel meet an output of a pass's tile, by kernel position, int64 [kh * kw, channels].

            hits[ky, kx, c] = events at (oy * stride + ky - y offset, ox * stride + kx - x offset) of outputs (oy, ox) of the tile

        one: Pass.  first, channels: channels of this map.
        """
        low, high = lattice(np.arange(one.kernel[0]) - one.offset_y, one.tile[0], one.stride, self.layout.height)
        sums = self._sums(one)
        part = slice(first, first + channels)
        return (sums[high, :, part] - sums[low, :, part]).reshape(-1, channels)

    def _sums(self, one):
        """Return events by row and kernel column, added up along rows: int32 [height + stride, kw, C]; lattice() tells the ends."""
        key = (one.offset_x, one.kernel[1], one.stride, one.tile[1])
        if key not in self._hits:
            stride, height = one.stride, self.layout.height
            sums = np.zeros((height + stride, one.kernel[1], self.layout.channels), np.int32)
            for kx in range(one.kernel[1]):
                columns = self._columns(kx - one.offset_x, one.tile[1], stride).T
                for phase in range(min(stride, height)):
                    np.cumsum(columns[phase::stride], axis=0, out=sums[stride + phase::stride, kx])
            self._hits[key] = sums
        return self._hits[key]

    def _columns(self, start, number, stride):
        """Return the events of each row in columns start + stride * i, i < number, within the map: int32 [C, H]."""
        width, phase = self.layout.width, start % stride
        if phase >= width:
            return np.zeros_like(self.rows)
        total = self.rows if stride == 1 else self._phase(stride, phase)
        low, high = max(phase, start), min(width, start + number * stride)
        if high <= low:
            return np.zeros_like(self.rows)
        for column in (*range(phase, low, stride), *range(phase + -(-(high - phase) // stride) * stride, width, stride)):
            total = total - self.live[:, :, column]
        return total

    def _phase(self, stride, phase):
        key = (stride, phase)
        if key not in self._hits:
            self._hits[key] = count_bits(np.ascontiguousarray(self.live[:, :, phase::stride]))
        return self._hits[key]


def lattice(start, number, stride, height):
    """Return (low, high): rows start + stride * i, i < number, within 0 .. height - 1, as indices into sums of MapEvents."""
    first = np.maximum(start, start % stride)
    last = start + (number - 1) * stride
    over = np.maximum(0, -(-(last - height + 1) // stride))
    last = last - over * stride
    empty = last < first
    return np.where(empty, 0, first), np.where(empty, 0, last + stride)


def count_bits(live):
    """Return the true values along the last axis, int32."""
    return np.bitwise_count(np.packbits(live, axis=-1)).sum(axis=-1, dtype=np.int32)
