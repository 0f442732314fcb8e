"""How many cycles the tiles of a step take: multiplying, reading, firing and writing, as one memory port and one array allow.

It follows docs/accelerator.md: events come channel by channel, a pass fires and writes while the next one multiplies. It is an
estimate to compare tilings by; `cascadefire.graph_cycles` is the model to predict with.
"""

from dataclasses import dataclass

import numpy as np

from cascadefire.compiler.map_layout import STRIP, band_words, most_rows
from cascadefire.compiler.tiling import rows_read
from rtl.config import WORDS_AHEAD
from rtl.pass_settings import HEADER_WORDS

PASS_CYCLES = 60        # what a pass costs beside its channels: settings, pipelines, drain
PROGRAM_BYTES = 4
LATENCY = 40            # from the request for a channel's weights to their last word, with memory that answers after 20 cycles
AHEAD = WORDS_AHEAD + 5
TOGETHER = 64           # channels over which beats, supply and weights even out; chosen by the RTL's cycles of VGG-16
SHARP = 8               # of several things of the same length at once, all unsteady, none is ever hidden completely


@dataclass(frozen=True, eq=False)
class Workload:
    """What the estimate needs to know of a term.

    counts: chunk counts at the array's lanes, int [channels, kh, kw] (fc: [rows, 1, 1]; diagonal: ones).
    density: of its source, events over positions.  folded: all positions of the source are added up to one output.
    shares: how much denser than the source each channel is, floats [channels], or None.
    """

    counts: np.ndarray
    density: float
    folded: bool = False
    shares: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Costs:
    """Cycles of each tile, float [tiles] in the order of the passes.

    multiply: of its passes, when nothing else takes the memory port.  read: of the port.  fire: of the scan of its sums.
    write: of the port, for its events and their counts.
    """

    multiply: np.ndarray
    read: np.ndarray
    fire: np.ndarray
    write: np.ndarray

    @property
    def inside(self):
        """The cycles of all tiles but the first:  sum over t of max(multiply[t], read[t] + write[t - 1], fire[t - 1])."""
        return float(np.maximum(np.maximum(self.multiply[1:], self.read[1:] + self.write[:-1]), self.fire[:-1]).sum())


NOTHING = Costs(*np.zeros((4, 1)))


def joined(before, after):
    """Return the cycles of a step's first tile behind another step's last one, float [before, after].

        max(multiply, read + write before, fire before)

    before: list of Costs of one step's tilings.  after: of the next step's.
    """
    fire, write = np.array([[one.fire[-1], one.write[-1]] for one in before]).T
    multiply, read = np.array([[one.multiply[0], one.read[0]] for one in after]).T
    return np.maximum(np.maximum(multiply, read + write[:, None]), fire[:, None])


class StepEstimate:
    """The Costs of a step's tilings.

    step: Step.  shapes: source name -> (C, H, W) in memory.  work: a Workload for each term.  config: CoreConfig.
    width: convolution columns of every tile.  out_density: of the outputs.
    """

    def __init__(self, step, shapes, work, config, width, out_density):
        self.step, self.config, self.width, self.out_density = step, config, width, out_density
        self.terms = [self.make_term(term, shapes[term.source], load, config, width) for term, load in zip(step.terms, work)]

    def make_term(self, *facts):
        """Return the estimate of one term from the arguments of TermEstimate; a core of another kind has its own."""
        return TermEstimate(*facts)

    def costs(self, spans, ranges, rows):
        """Return the Costs of spatial tiles of `rows` fired rows times chunk ranges: ranges outside, spatial tiles inside.

        spans: list of Span.  ranges: list of (first chunk, chunks).
        """
        config, step = self.config, self.step
        kinds, alike = representatives(spans)
        multiply, read = np.zeros((2, len(ranges), 3))
        for kind, one in alike.items():
            for number, (first, chunks) in enumerate(ranges):
                cycles = [term.cycles(one.start, one.size, first, chunks) for term in self.terms]
                multiply[number, kind] = sum(cycle for cycle, _ in cycles) + PASS_CYCLES * len(cycles)
                read[number, kind] = sum(port for _, port in cycles)
        channels = self.channels(ranges)
        words = sum(HEADER_WORDS + term.positions for term in self.terms) + np.zeros((len(ranges), len(spans)))
        words[:, 0] += 2 * channels
        multiply, read = np.maximum(multiply[:, kinds], words), read[:, kinds] + words * PROGRAM_BYTES / config.port_bytes
        window = step.pool[0] ** 2 if step.pool else 1
        fired = np.array([one.fired for one in spans]) * step.fired_shape[1]
        fire = np.outer(np.ceil(channels / config.fire_lanes), fired) * window
        write = np.outer(channels, [self._written(one.fired, rows) for one in spans])
        return Costs(*(array.reshape(-1) for array in (multiply, read, fire, write)))

    def channels(self, ranges):
        """Return how many output channels each range of (first chunk, chunks) has, int [ranges]."""
        lanes = self.config.lanes
        return np.array([min(chunks * lanes, self.step.channels - first * lanes) for first, chunks in ranges])

    def _written(self, fired, rows):
        """Return the words that a channel's events and counts take, in bands as large as tiles of `rows` rows allow."""
        height, width = self.step.fired_shape
        band = max(size for size in range(1, most_rows(height, width) + 1) if rows % size == 0 or rows >= height)
        words = _row_words(width, min(band, fired), self.out_density, self.config.port_events)
        return -(-fired // band) * (words + -(-width // STRIP))


class TermEstimate:
    """The cycles of the passes of a term.  shape: (C, H, W) of its source in memory."""

    def __init__(self, term, shape, work, config, width):
        self.term, self.shape, self.work, self.config = term, shape, work, config
        self.positions = work.counts[0].size
        self.columns = np.array([shape[2]]) if work.folded else hits_of(0, width, term, 1, shape[2])
        self.ranges, self.tiles = {}, {}

    def cycles(self, start, size, first, chunks):
        """Return (cycles to multiply, cycles of the port to read) of a pass: `chunks` from `first`, `size` rows from `start`."""
        if self.term.kind == "fc":
            return self._flat(first, chunks)
        config, density = self.config, self.work.density
        by_row, weights, shares = self.live(first, chunks)
        if (start, size) not in self.tiles:     # the same for all ranges of chunks
            self.tiles[start, size] = self.events(start, size), self.row_hits(start, size)
        (events, slots, bands), row_hits = self.tiles[start, size]
        events, slots = events * shares, slots * shares
        beats = density * shares * (by_row @ row_hits) / config.pes
        port = events + bands / config.port_bytes + weights * config.words_per_chunk + -(-self.positions // config.port_bytes)
        # Channels even each other out: one that waits for its weights hides behind others with many events.
        groups = np.arange(0, len(beats), TOGETHER)
        if not len(groups):
            return 0.0, 0.0
        members = np.add.reduceat(np.ones(len(beats)), groups)
        beats, slots, total = (np.add.reduceat(array, groups) / members for array in (beats, slots, port))
        cycles = (beats ** SHARP + slots ** SHARP + total ** SHARP) ** (1 / SHARP)
        # Weights are asked for AHEAD event words before they are needed: of short channels several are on their way at once.
        wait = np.maximum(0, LATENCY - AHEAD * cycles / np.maximum(slots, 1.0)) * np.minimum(1.0, slots / AHEAD)
        return float(((cycles + wait) * members).sum()), float(port.sum())

    def live(self, first, chunks):
        """Return the chunks of the live channels by row of the kernel, times the columns that meet the source, their sum, and shares."""
        if (first, chunks) not in self.ranges:
            counts = self.work.counts
            shares = np.ones(len(counts)) if self.work.shares is None else self.work.shares
            if self.term.kind == "diagonal":
                lanes = self.config.lanes
                counts, shares = (array[first * lanes:(first + chunks) * lanes] for array in (counts, shares))
            else:
                counts = np.clip(counts - first, 0, chunks)
                kept = counts.reshape(len(counts), -1).any(axis=1)
                counts, shares = counts[kept], shares[kept]
            self.ranges[first, chunks] = (counts @ self.columns, counts.sum(axis=(1, 2)), shares)
        return self.ranges[first, chunks]

    def rows(self, start, size):
        """Return (first, last + 1) source rows that a pass reads, as integers; see rows_read."""
        first, stop = rows_read(self.term, start, size, self.shape[1])
        return int(first), int(stop)

    def row_hits(self, start, size):
        """Return how many rows of a tile meet the source, for each row of the kernel (one, where its positions are added up)."""
        return np.array([self.shape[1]]) if self.work.folded else hits_of(start, size, self.term, 0, self.shape[1])

    def events(self, start, size):
        """Return (memory words of events, cycles in which they enter the core, bands) of a channel of a pass."""
        term, (_, height, width), config = self.term, self.shape, self.config
        low, high = self.rows(start, size)
        best = None
        for rows in range(1, most_rows(height, width) + 1):
            bands, lanes = -(-high // rows) - low // rows, min(config.event_lanes, config.port_events)
            words = bands * _row_words(width, rows, self.work.density, config.port_events)
            if best is None or words <= best[0]:
                best = (words, bands * _row_words(width, rows, self.work.density, lanes), bands * -(-width // STRIP))
        return best

    def _flat(self, first, chunks):
        config, density = self.config, self.work.density
        channels, height, width = self.shape
        kept = density * float(np.clip(self.work.counts - first, 0, chunks).sum())
        events = density * len(self.work.counts)
        bands = -(-height // most_rows(height, width))
        words = channels * bands * _row_words(width, -(-height // bands), density, config.port_events)
        port = words + kept * config.words_per_chunk + (len(self.work.counts) + channels * bands) / config.port_bytes
        return max(kept / config.pes, events, port), port


def hits_of(start, size, term, axis, side):
    """Return how many outputs start .. start + size - 1 along an axis meet a source position, for each offset in the kernel."""
    at = np.arange(start, start + size)[:, None] * term.stride + np.arange(term.kernel[axis]) - term.pad
    return ((at >= 0) & (at < side)).sum(axis=0)


def representatives(spans):
    """Return (kind of each spatial tile, 0 .. 2, {kind: a Span of that kind}): the first, the last, and those inside a map, all alike."""
    kinds = np.ones(len(spans), int)
    kinds[0], kinds[-1] = 0, 2
    return kinds, {kind: spans[[0, len(spans) // 2, -1][kind]] for kind in sorted(set(kinds))}


def _row_words(width, rows, density, events):
    """Return about how many words of `events` events a band of `rows` rows takes, over all its strips."""
    whole, rest = divmod(width, STRIP)
    return whole * band_words(rows * STRIP, density, events) + (band_words(rows * rest, density, events) if rest else 0.0)
