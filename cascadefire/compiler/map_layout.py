"""Feature maps in memory: the choice of bands, and events to values and back (docs/accelerator.md, Memory)."""

from dataclasses import dataclass

import numpy as np

from cascadefire.graph import VECTOR_WIDTH

STRIP = 128             # columns of a strip where a map is wider
BAND_POSITIONS = 255    # a band's number of events is one byte
BAND_CODES = 256        # a position is one byte


@dataclass(frozen=True)
class MapLayout:
    """Where a feature map lives (docs/accelerator.md, Memory).

    events: word address.  counts: byte address.  channels, height, width: of the map in memory (a vector: 1, ceil(K/128), 128).
    rows: R, rows a band.  x_bits: s.  strips: strips a row.  slot_words: words of a band's slot.
    """

    events: int
    counts: int
    channels: int
    height: int
    width: int
    rows: int
    x_bits: int
    strips: int
    slot_words: int

    @property
    def bands(self) -> int:
        """NB, bands of a channel."""
        return -(-self.height // self.rows) * self.strips


def memory_shape(one):
    """Return (C, H, W) of a Map as memory holds it: a vector is one channel of rows of 128."""
    return (1, -(-one.shape[0] // VECTOR_WIDTH), VECTOR_WIDTH) if one.vector else tuple(one.shape)


def x_bits(width):
    """Return s, the bits of x in a band of a map of this width:  2**s >= min(width, 128)."""
    return (min(width, STRIP) - 1).bit_length()


def most_rows(height, width):
    """Return the most rows of a band:  R << s <= 256,  R * width <= 255,  R = 1 where a row is cut into strips."""
    if width > STRIP:
        return 1
    return min(height, BAND_CODES >> x_bits(width), BAND_POSITIONS // width)


def band_words(positions, density, port_events):
    """Return about how many memory words the events of a band take.

        p * d / Q + (Q - 1) / 2Q * (1 - (1 - d)**p),  at most ceil(p / Q)

    positions: p.  density: d, 0..1.  port_events: Q.
    """
    rounding = (port_events - 1) / (2 * port_events) * (1 - (1 - density) ** positions)
    return min(positions * density / port_events + rounding, -(-positions // port_events))


def choose_rows(shape, tile_rows, reads, density, config):
    """Return R, the rows of a band of a map, which costs its readers and writers the least.

        cost = sum over bands read and written of  max(1, words of the band) + its count's byte

    shape: (C, H, W) in memory.  tile_rows: fired rows of the tiles of the steps that write it, where they do not write it whole;
    R divides each.  reads: list of (first rows, last rows + 1, channels x times): int arrays, and how often their bands are read.
    density: events over positions.  config: CoreConfig (port_events, port_bytes).
    """
    channels, height, width = shape
    best = None
    for rows in range(1, most_rows(height, width) + 1):
        if any(tile % rows for tile in tile_rows):
            continue
        bands = -(-height // rows)
        words, last = (max(1.0, band_words(size * min(width, STRIP), density, config.port_events))
                       for size in (rows, height - (bands - 1) * rows))
        cost = channels * (bands * (words + 1) + last - words)
        for start, stop, times in reads:
            number = -(-stop // rows) - start // rows
            cost += times * float((number * (words + 1 / config.port_bytes) + (stop > (bands - 1) * rows) * (last - words)).sum())
        if best is None or cost <= best[0]:
            best = (cost, rows)
    return best[1]


def place(shape, rows, word, port_bytes):
    """Return the MapLayout of a map from a word address on, and the first word after it.

    shape: (C, H, W) in memory.  rows: R.  word: address.  port_bytes: W.
    """
    channels, height, width = shape
    strips, slot = -(-width // STRIP), -(-2 * rows * min(width, STRIP) // port_bytes)
    bands = channels * -(-height // rows) * strips
    counts = (word + bands * slot) * port_bytes
    layout = MapLayout(word, counts, channels, height, width, rows, x_bits(width), strips, slot)
    return layout, word + bands * slot + -(-bands // port_bytes)


def encode(memory, layout, values, live, port_bytes):
    """Write a map's events and counts into a memory image.

    memory: uint8.  layout: MapLayout.  values: integers [C, H, W] as in memory.  live: bool, same shape: what is an event.
    port_bytes: W.
    """
    values, live = _bands(layout, values), _bands(layout, live)
    band, place = np.nonzero(live)
    rank = (np.cumsum(live, axis=1) - 1)[band, place]
    width = min(layout.width, STRIP)
    position = (place // width) << layout.x_bits | place % width
    slots = _slots(memory, layout, port_bytes)
    slots[...] = 0
    slots[band, rank] = (values[band, place].astype(np.int64) & 255) | position << 8
    _counts(memory, layout)[...] = live.sum(axis=1)


def decode(memory, layout, signed, port_bytes):
    """Return the values that a memory image holds for a map, int16 [C, H, W] as in memory; what is no event is 0.

    memory: uint8.  layout: MapLayout.  signed: the values are int8.  port_bytes: W.
    """
    slots, counts = _slots(memory, layout, port_bytes), _counts(memory, layout)
    band, rank = np.nonzero(np.arange(slots.shape[1]) < counts[:, None])
    event = slots[band, rank]
    value = (event & 255).astype(np.uint8).view(np.int8 if signed else np.uint8).astype(np.int16)
    y = (event >> 8 >> layout.x_bits).astype(np.int64) + band // layout.strips % (layout.bands // layout.strips) * layout.rows
    x = (event >> 8 & (1 << layout.x_bits) - 1).astype(np.int64) + band % layout.strips * STRIP
    result = np.zeros((layout.channels, layout.height, layout.width), np.int16)
    result[band // layout.bands, y, x] = value
    return result


def _bands(layout, values):
    """Return values as [C * NB, R * width of a strip]; positions outside the map are 0."""
    width = min(layout.width, STRIP)
    rows = layout.bands // layout.strips
    padded = np.zeros((layout.channels, rows * layout.rows, layout.strips * width), np.asarray(values).dtype)
    padded[:, :layout.height, :layout.width] = values
    cut = padded.reshape(layout.channels, rows, layout.rows, layout.strips, width).transpose(0, 1, 3, 2, 4)
    return cut.reshape(layout.channels * layout.bands, layout.rows * width)


def _slots(memory, layout, port_bytes):
    """Return the events of a map as a view, uint16 [C * NB, events of a slot]."""
    total = layout.channels * layout.bands
    start = layout.events * port_bytes
    return memory[start:start + total * layout.slot_words * port_bytes].view("<u2").reshape(total, -1)


def _counts(memory, layout):
    """Return the counts of a map as a view, uint8 [C * NB]."""
    return memory[layout.counts:layout.counts + layout.channels * layout.bands]
