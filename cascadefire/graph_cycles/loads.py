"""The share of each PE, event by event: a channel is over when the last of them is, and none is far ahead of the others."""

import numpy as np


def event_loads(config, one, events, chosen, table):
    """Return (beats of each PE, event words that meet an output, those behind the last of them) of each channel chosen.

    Types: int64 [chosen, P], int64 [chosen], int64 [chosen].
    Lane e of a word goes to PE (turn + e) mod P; turn moves on by the lanes up to the last one that meets an output, and by one
    more after a full word.
    one: Pass.  events: MapEvents of its source.  chosen: its channels that have events, as numbers of the pass.
    table: chunk counts [chosen, kh * kw].
    """
    layout, pes = events.layout, config.pes
    first, band = divmod(one.place, layout.bands)
    top = band // layout.strips * layout.rows
    stop = min(layout.height, top + one.bands // layout.strips * layout.rows)
    rows = _hits(np.arange(top, stop) + one.offset_y, one.kernel[0], one.stride, one.tile[0])
    columns = _hits(np.arange(layout.width) + one.offset_x, one.kernel[1], one.stride, one.tile[1])
    if one.kernel == (1, 1) and config.event_lanes == pes <= config.port_events and rows.all() and columns.all():
        return _whole_loads(pes, events.counts[first + chosen, band:band + one.bands], table)
    channel, y, x = np.nonzero(events.live[first + chosen, top:stop])
    counts = table.reshape(len(chosen), *one.kernel).astype(np.float32)
    beats = (rows @ (counts @ columns.T))[channel, y, x].astype(np.int64)
    hit = rows.any(axis=1)[y] & columns.any(axis=1)[x]
    # Words: of as many events of a memory word as there are lanes.
    q, lanes = config.port_events, min(config.event_lanes, config.port_events)
    place = (channel * layout.bands + (y + top) // layout.rows * layout.strips + x // 128) if layout.strips > 1 else (
        channel * layout.bands + (y + top) // layout.rows)
    new = np.flatnonzero(np.diff(place, prepend=-1))
    rank = np.arange(len(place)) - np.repeat(new, np.diff(np.append(new, len(place))))
    lane = rank % q % lanes
    begins = np.flatnonzero(lane == 0)
    sizes = np.diff(np.append(begins, len(lane)))
    used = np.maximum.reduceat(np.where(hit, lane + 1, 0), begins)
    if config.event_lanes == pes:
        used += used == pes
    turn = np.repeat(np.cumsum(used) - used, sizes)
    pe = (turn + lane) % pes
    loads = np.bincount(channel * pes + pe, weights=beats, minlength=len(chosen) * pes).reshape(len(chosen), pes)
    located = np.bincount(channel[begins], weights=used > 0, minlength=len(chosen))
    number = np.bincount(channel[begins], minlength=len(chosen))
    last = np.zeros(len(chosen), np.int64)
    meets = np.flatnonzero(used)
    last[channel[begins[meets]]] = meets + 1        # the last one stays
    return loads, np.maximum(located, 1), np.where(last > 0, np.cumsum(number) - last, number - 1)


def _whole_loads(pes, counts, table):
    """Return what event_loads does where every event meets one output: as many lanes as PEs, and a memory word at least as wide.

    counts: events of each band, [chosen, bands].
    """
    full, rest = counts // pes, counts % pes
    used = full + rest          # turns, but for whole rounds: a full word makes one more than that
    start = np.cumsum(used).reshape(used.shape) - used + full        # the turn at the word that is not full
    events = np.repeat(full.sum(axis=1)[:, None], pes, axis=1)
    for lane in range(pes - 1):
        channel, band = np.nonzero(rest > lane)
        np.add.at(events, (channel, (start[channel, band] + lane) % pes), 1)
    words = full.sum(axis=1) + (rest > 0).sum(axis=1)
    return events * table, words, np.zeros(len(words), np.int64)


def _hits(place, kernel, stride, size):
    """Return which kernel positions meet an output from each place (with the pass's offset), float32 [places, kernel]."""
    distance = place[:, None] - np.arange(kernel)
    return ((distance >= 0) & (distance % stride == 0) & (distance < size * stride)).astype(np.float32)
