"""What a pass has to do, channel by channel: words to fetch, events to unpack, beats to multiply, words to write."""

from dataclasses import dataclass, field

import numpy as np

from cascadefire.graph_cycles import latencies as at
from cascadefire.graph_cycles.band_counts import count_places
from cascadefire.graph_cycles.loads import event_loads
from rtl.row_walker import ROW_QUEUE


@dataclass(frozen=True, eq=False)
class PassWork:
    """The work of a pass's channels that have events, in order (flatten: of its events); lists of equal length.

    scan: bands looked at before the channel's.  pieces: bands with events.  words: memory words of events.
    groups: event words that leave unpack.  located: of these, those that reach the dispatch.  trail: those behind the last of
    them.  beats: over all PEs.  loads: of each PE; None where every event is a channel of its own.
    ahead: event words that wait between dispatch and multiplication when the PEs are full.
    walk: cycles that weight_fetch takes.  count_words: memory words of weight counts used up to the channel.
    chunks: of the channel.  channel: number within the pass.  event_counts: memory words of event counts asked for since the
    channel before.  count_places, looked_before: of each of these words (`count_places`).
    """

    scan: list
    pieces: list
    words: list
    groups: list
    located: list
    trail: list
    beats: list
    loads: list
    ahead: list
    walk: list
    count_words: list
    chunks: list
    channel: list
    event_counts: list
    count_places: list
    looked_before: list
    scan_end: int
    total_beats: int


def pass_work(config, one, events, memory) -> PassWork:
    """Return the PassWork of a pass.

    one: Pass.  events: MapEvents of its source.  memory: uint8, the program's memory image.
    """
    bands = events.layout.bands
    first, band = divmod(one.place, bands)
    counts = events.counts[first:first + one.channels, band:band + one.bands]
    live = one.live if one.live is not None else np.ones(one.channels, bool)
    cost = np.where(live, one.bands, 1)
    scan = np.cumsum(cost)
    places, looked = count_places(config, one, live, counts)
    asked = np.searchsorted(places, scan)       # memory words of counts up to and with each channel
    table = _table(config, one, memory)
    if one.flatten:
        return _flat_work(config, one, events, counts, table, int(scan[-1]), places, looked, asked)
    total = counts.sum(axis=1)
    chosen = np.flatnonzero((total > 0) & live)
    counts, total = counts[chosen], total[chosen]
    q, step = config.port_events, min(config.event_lanes, config.port_events)
    words = ((counts + (q - 1)) // q).sum(axis=1)
    groups = words if q == step else (counts // q * (q // step) + (counts % q + (step - 1)) // step).sum(axis=1)
    hits = events.hits(one, first, one.channels)[:, chosen]
    table = table[chosen].T
    beats = (hits * table).sum(axis=0)
    loads, located, trail = event_loads(config, one, events, chosen, table.T)
    rows = (hits * (table > 0)).sum(axis=0)
    positions = one.kernel[0] * one.kernel[1]
    ends, walk = _walks(config, positions, chosen)
    met = np.maximum(located * (total / groups), 1)
    per_event = np.maximum(rows / met, 0.5)
    held = (at.PE_EVENTS + np.maximum(ROW_QUEUE / per_event, 1)) * config.pes       # events
    ahead = at.DISPATCHED_AHEAD + held * groups / np.maximum(total, 1)
    return PassWork(
        scan=(scan[chosen] - cost[chosen]).tolist(), pieces=(counts > 0).sum(axis=1).tolist(), words=words.tolist(),
        groups=groups.tolist(), located=located.tolist(), trail=trail.tolist(), beats=beats.tolist(), loads=loads.tolist(),
        ahead=ahead.tolist(), walk=walk.tolist(), count_words=ends.tolist(),
        chunks=table.sum(axis=0).tolist(), channel=chosen.tolist(), scan_end=int(scan[-1]),
        event_counts=np.diff(asked[chosen], prepend=0).tolist(), count_places=places.tolist(), looked_before=looked.tolist(),
        total_beats=int(beats.sum()))


def _table(config, one, memory):
    """Return the chunk counts of a pass's weight image, int64 [channels, kh * kw] (flatten: [rows, 1])."""
    positions, width = one.kernel[0] * one.kernel[1], config.port_bytes
    flat = memory[one.counts:one.counts + one.count_words * width]
    if positions == 1:
        return (flat if one.flatten else flat[:one.channels]).astype(np.int64)[:, None]
    return flat.reshape(one.channels, -1)[:, :positions].astype(np.int64)


def _walks(config, positions, chosen):
    """Return (memory words of weight counts used up to each channel, cycles that its counts take), of the channels chosen."""
    width = config.port_bytes
    if positions == 1:
        ends = chosen // width
        return ends, 1 + np.diff(ends, prepend=0)
    per = -(-positions // width)
    return (chosen + 1) * per, positions + per * (np.diff(chosen, prepend=-1) - 1)


def _flat_work(config, one, events, counts, table, scan_end, places, looked, asked):
    """Return the work of a fully connected pass: every event is a row of its own."""
    layout, q = events.layout, config.port_events
    rows = np.flatnonzero(events.live[:, :one.bands * layout.rows // max(layout.strips, 1)].reshape(-1))
    counts = counts.reshape(-1)
    starts = np.cumsum(counts) - counts
    number = np.repeat(np.arange(len(counts)), counts)
    rank = np.arange(len(rows)) - starts[number]
    words = (rank % q == 0).astype(np.int64)
    chunks = table[rows, 0]
    ends, walk = _walks(config, 1, rows)
    ones, ahead = [1] * len(rows), at.DISPATCHED_AHEAD + float(at.PE_EVENTS + ROW_QUEUE) * config.pes
    return PassWork(
        scan=number.tolist(), pieces=(rank == 0).astype(int).tolist(), words=words.tolist(), groups=ones, located=ones,
        trail=[0] * len(rows), beats=chunks.tolist(), loads=[None] * len(rows), ahead=[ahead] * len(rows), walk=walk.tolist(),
        count_words=ends.tolist(),
        chunks=chunks.tolist(), channel=rows.tolist(), scan_end=scan_end,
        event_counts=np.diff(asked[number // one.bands], prepend=0).tolist(), count_places=places.tolist(),
        looked_before=looked.tolist(), total_beats=int(chunks.sum()))


@dataclass(frozen=True, eq=False)
class FireWork:
    """What a firing pass writes, group of channels by group; lists of equal length.

    first: cycles of its first band in fire.  others: of the others, from the first one's hand-over to the last one's, if the port
    takes every write at once.  drain: cycles of its last band in the drain.  words: memory words written.  last: of these, in its
    last band.  lanes: event words of each channel's last band, whether its counts' word ends with it.  reads: window positions that
    fire reads, of all groups.  ends: (the group whose last band's hand-over lets fire give its last output, -1: none, cycles from
    that on until it is given), if the drain is free at first, and if it is not.  outputs: window positions of its first band.
    """

    first: list
    others: list
    drain: list
    words: list
    last: list
    reads: int
    ends: tuple
    outputs: list
    lanes: list
    known: dict = field(default_factory=dict, repr=False)      # what `offered` has found

    def offered(self, group):
        """Return in which cycles of its own the drain reads each word of a group's last band (`rtl/band_drain.py`), list."""
        if group not in self.known:
            cycles, cycle = [], 0
            for words, flush in self.lanes[group]:
                number = words + flush
                cycles += range(cycle, cycle + number)
                cycle += number or 1
            self.known[group] = cycles
        return self.known[group]


def fire_work(config, one, events) -> FireWork:
    """Return the FireWork of a firing pass.  one: Pass.  events: MapEvents of its output."""
    layout, lanes, q, width = events.layout, config.fire_lanes, config.port_events, config.port_bytes
    groups, window = -(-one.fired // lanes), one.pool * one.pool
    if one.vector:
        counts = events.counts.reshape(-1)[one.out_band:one.out_band + -(-one.fired // 128)]
        # An event a cycle, two cycles an output, and one more for the output that ends a band.
        values = np.zeros(len(counts) * 128, np.int64)
        values[:one.fired] = events.live.reshape(-1)[one.out_band * 128:][:one.fired]
        outputs = np.arange(0, one.fired, lanes)
        cycles = np.maximum(np.add.reduceat(values, outputs), 2)
        collect = np.bincount(outputs // 128, weights=cycles).astype(np.int64) + 1
        written = -(-counts // q) + 1
        last = [[(int(written[-1]) - 1, 1)]]
        return _schedule(config, collect[None], written[None] + at.BETWEEN_BANDS, written[None], groups, 1, last)
    first, band = divmod(one.out_band, layout.bands)
    number = -(-one.fired_shape[0] // layout.rows) * layout.strips
    counts = events.counts[first:first + one.fired, band:band + number].astype(np.int64)
    words = -(-counts // q)
    # A count is written with the lane where its memory word ends, or with the group's last lane.
    place = (layout.counts + one.out_band + np.arange(one.fired)[:, None] * layout.bands + np.arange(number)) % width
    last = np.arange(one.fired) % lanes == lanes - 1
    last[-1] = True
    flush = (place + layout.bands >= width) | last[:, None]
    cycles = words + flush
    padding = ((0, groups * lanes - one.fired), (0, 0))
    drain = np.pad(np.maximum(cycles, 1), padding).reshape(groups, lanes, number).sum(axis=1) + at.BETWEEN_BANDS
    written = np.pad(cycles, padding).reshape(groups, lanes, number).sum(axis=1)
    rows = np.minimum(layout.rows, one.fired_shape[0] - np.arange(-(-one.fired_shape[0] // layout.rows)) * layout.rows)
    columns = np.minimum(128, one.fired_shape[1] - 128 * np.arange(layout.strips))
    collect = np.tile((rows[:, None] * columns).reshape(-1) * window, (groups, 1))
    ends = list(zip(words[:, -1].tolist(), flush[:, -1].tolist()))
    ends = [ends[first:first + lanes] for first in range(0, one.fired, lanes)]
    return _schedule(config, collect, drain, written, groups * one.fired_shape[0] * one.fired_shape[1] * window, window, ends)


def _schedule(config, collect, drain, written, reads, window, lanes):
    """Return FireWork; collect, drain, written: cycles and words of each [group, band].  lanes: as in FireWork."""
    others = np.maximum(collect[:, 1:], drain[:, :-1]).sum(axis=1)
    groups, outputs = len(collect), int(collect[0, 0])
    if collect.shape[1] == 1 and reads == groups * outputs:
        ends = _last_output(config, groups, outputs, 0), _last_output(config, groups, outputs, 1)
    else:
        before = drain.reshape(-1)[-2] if drain.size > 1 else 0
        ends = ((groups - 1, -max(0, int(before - collect[-1, -1]))),) * 2
    return FireWork(collect[:, 0].tolist(), others.tolist(), drain[:, -1].tolist(), written.sum(axis=1).tolist(),
                    written[:, -1].tolist(), int(reads), ends, (collect[:, 0] // window).tolist(), lanes)


def _last_output(config, groups, outputs, waiting):
    """Return (the group whose hand-over lets fire give its last output, -1: none, cycles from that on until it is given).

    outputs: of each group, in one band.  waiting: 1 where the first group has to wait for the drain, else 0.
    One half of the band buffers is in the drain; the other one holds the next group but for its last output, which goes with the
    hand-over. Outputs that wait in front of it stop fire, and let it go on once few are left.
    """
    way = at.READ_TO_OUTPUT + (config.pes - 1).bit_length() + at.GO_TO_READ
    room, total = at.OUTPUTS_LEFT + 1 + way, groups * outputs
    given = (2 - waiting) * outputs - 1 + room
    if given >= total:
        return -1, 0
    for group in range(1 - waiting, groups):
        taken = (group + 2) * outputs - 1
        if given - taken <= at.OUTPUTS_LEFT:
            if taken + room >= total:
                return group, max(0, given - taken + outputs - at.OUTPUTS_LEFT) + way + total - given
            given = taken + room
    return groups - 1, 0
