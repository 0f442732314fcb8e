"""How many cycles the tiles of a step take on the compact accelerator, which does one thing at a time (docs/compact.md).

An estimate to compare tilings by, as `cascadefire.compiler.graph_estimate` is for the accelerator whose passes overlap.
"""

import numpy as np

from cascadefire.compiler.graph_estimate import Costs, StepEstimate, TermEstimate, representatives
from cascadefire.compiler.map_layout import most_rows

PASS_CYCLES = 60        # settings, the first answers, the last event's way through the lanes, a multiplication's end to fire
EVENT_CYCLES = 3        # event_place: one for each axis, one to hand it on
BAND_CYCLES = 12        # a count and a first word from memory, one after the other
SHARP = 4               # next to no queues between the blocks: of two that are as long, neither hides the other
CHANNEL_CYCLES = 4      # its end, on its way through the blocks


class CompactEstimate(StepEstimate):
    """The Costs of a step's tilings on a compact core; all of a tile is in `multiply`, since nothing overlaps it.

    Arguments: those of StepEstimate.
    """

    def make_term(self, *facts):
        """Return the estimate of one term; see StepEstimate.make_term."""
        return CompactTerm(*facts)

    def costs(self, spans, ranges, rows):
        """Return the Costs of spatial tiles of `rows` fired rows times chunk ranges: see StepEstimate.costs.

            cycles = sum over terms of passes + outputs, one a cycle + reads of pooling windows, C channels a cycle + 2 a band
        """
        config, step = self.config, self.step
        kinds, alike = representatives(spans)
        cycles = np.zeros((len(ranges), 3))
        for kind, one in alike.items():
            for number, (first, chunks) in enumerate(ranges):
                cycles[number, kind] = sum(PASS_CYCLES + term.cycles(one.start, one.size, first, chunks) for term in self.terms)
        channels = self.channels(ranges)
        bands = np.array([-(-one.fired // most_rows(*step.fired_shape)) for one in spans])
        fired = np.array([one.fired for one in spans]) * step.fired_shape[1]
        total = cycles[:, kinds] + np.outer(channels, fired + 2 * bands)
        if step.pool:
            total += np.outer(-(-channels // config.lanes), fired * (step.pool[0] ** 2 + 2))
        whole = total.reshape(-1)
        return Costs(whole, *np.zeros((3, len(whole))))


class CompactTerm(TermEstimate):
    """The cycles of the passes of a term on a compact core."""

    def cycles(self, start, size, first, chunks):
        """Return the cycles to multiply of a pass: `chunks` from `first`, `size` rows from `start`.

            channel = (p**4 + l**4 + b**4 + c**4)**(1/4) of events placed + bands, kernel rows looked up, beats, bytes of counts
        """
        density = self.work.density
        if self.term.kind == "fc":
            kept = density * float(np.clip(self.work.counts - first, 0, chunks).sum())
            rows = len(self.work.counts)
            return max(kept, rows, EVENT_CYCLES * density * rows) + BAND_CYCLES * self.shape[0]
        by_row, _, shares = self.live(first, chunks)
        share = np.minimum(1.0, density * shares)
        hits = self.row_hits(start, size)
        beats = share * (by_row @ hits)
        lookups = share * hits.sum() * self.columns.sum()
        lines, bands = self.lines(start, size)
        events = share * lines * self.shape[2]
        # A cycle for each column on the way from one event to the next.
        placed = EVENT_CYCLES * events + lines * self.shape[2] * np.minimum(1.0, events) + BAND_CYCLES * bands
        busiest = (placed ** SHARP + lookups ** SHARP + beats ** SHARP + self.positions ** SHARP) ** (1 / SHARP)
        return float((busiest + CHANNEL_CYCLES).sum())

    def lines(self, start, size):
        """Return (rows of the source in the bands that a pass reads, those bands)."""
        _, height, width = self.shape
        low, high = self.rows(start, size)
        found = []
        for rows in range(1, most_rows(height, width) + 1):
            first, last = low // rows, -(-high // rows)
            found.append((min(last * rows, height) - first * rows, last - first))
        return min(found, key=lambda one: one[0] * self.shape[2] * EVENT_CYCLES * self.work.density + BAND_CYCLES * one[1])
