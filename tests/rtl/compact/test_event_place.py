"""event_place against a search through kernel positions and tile outputs; with flatten, the rows of weights it goes along."""
import numpy as np
import pytest
from myhdl import always_comb, block

from rtl.compact.event_feed import FeedEvent
from rtl.compact.event_place import PlacedEvent, event_place
from rtl.compact.pass_header import Settings
from rtl.config import CoreConfig
from rtl.stream import bit
from tb.block_bench import reset, run
from tb.block_parts import Sink, Source
from tb.pauses import Gate

CONFIG = CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True, acc_depth=1024, kernel=5, coord_bits=6)
FIELDS = tuple("placed_" + name for name in ("value", "sum", "top", "more_rows", "left", "more_columns", "ends"))
OUTPUTS = ("event_ready", *FIELDS, "placed_valid", "row_valid", "row_lists", "row_ahead", "row_ready", "row_passed", "empty")


@block
def placing(clk, rst, config, enter, settings, event, placed, row_valid, row_lists, row_ahead, row_ready, allowed, row_passed, empty):
    """event_place with rows of weights that are passed when `allowed`."""
    u_place = event_place(clk, rst, config, enter, settings, event, placed, row_valid, row_lists, row_ahead, row_ready, empty)

    @always_comb
    def pass_row():
        row_ready.next = settings.flatten and allowed
        row_passed.next = row_valid and settings.flatten and allowed

    return u_place, pass_row


class Start:
    """Sets a pass up and lets it begin; passes rows of weights now and then."""

    def __init__(self, settings, pause):
        self.rows, self.gate = iter([settings, {"settings_first_chunk": 0}, {"enter": 1}, {"enter": 0}]), Gate(pause, 9)

    def step(self, seen):
        return {**next(self.rows, {}), "allowed": int(not self.gate.closed())}


def place_all(settings, events, number, source="never", sink="never", rows="never"):
    """Run a pass; the placed events and the trace."""
    gate, taken = Gate(source, 7), Sink("placed", sink, 6, FIELDS)
    feed = Source("event", events, lambda cycle: cycle < 6 or gate.closed())
    start = Start({f"settings_{name}": value for name, value in settings.items()}, rows)

    def done():
        return feed.sent == len(events) and len(taken.words) >= number

    trace = run(placing, lambda: dict(clk=bit(), rst=reset(), config=CONFIG, enter=bit(), settings=Settings(CONFIG),
                                      event=FeedEvent(CONFIG), placed=PlacedEvent(CONFIG), row_valid=bit(), row_lists=bit(),
                                      row_ahead=bit(), row_ready=bit(), allowed=bit(), row_passed=bit(),
                                      empty=bit()),
                OUTPUTS, (start, feed, taken), done, linger=400 if settings["flatten"] else 60, limit=30_000)
    trace.check_stream("placed", *FIELDS)
    assert trace["empty"][-1] and len(taken.words) == number
    return taken.words, trace


def event_of(value, place, y):
    return {"event_value": value % 512, "event_place": place, "event_y": y, "event_ends": 0}


END = {"event_value": 0, "event_place": 0, "event_y": 0, "event_ends": 1}


# Kernel, stride, tile, its place in the source (offsets), source size, rows of a band, channels, first chunk of a diagonal pass.
CASES = [((3, 3), 0, (6, 7), (1, 1), (6, 7), 3, 2, None), ((5, 5), 0, (4, 8), (0, 0), (8, 12), 2, 2, None),
         ((3, 3), 1, (4, 5), (1, 1), (8, 9), 8, 2, None), ((5, 3), 2, (3, 3), (2, 0), (9, 12), 4, 2, None),
         ((2, 2), 1, (3, 3), (0, 0), (7, 7), 3, 1, None), ((1, 1), 1, (3, 4), (0, 0), (6, 8), 2, 3, None),
         ((3, 3), 0, (2, 7), (-3, 1), (9, 7), 3, 2, None), ((3, 3), 0, (4, 4), (1, 1), (4, 4), 2, 11, 1)]


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("density, source, sink", [(0.4, "never", "never"), (1.0, "sometimes", "burst"), (0.05, "never", "sometimes")])
def test_ranges_and_sums_are_those_of_a_search(case, density, source, sink):
    print("seed 27")
    kernel, log2, tile, offsets, (height, width), rows, channels, first_chunk = CASES[case]
    rng, stride, chunks = np.random.default_rng(27), 1 << log2, 3
    x_bits, diagonal = (width - 1).bit_length(), first_chunk is not None
    steps = tile[1] * chunks, chunks
    settings = dict(flatten=0, diagonal=int(diagonal), kernel_h=kernel[0], kernel_w=kernel[1], stride_log2=log2, x_bits=x_bits,
                    x_offset=offsets[1], tile_bottom=tile[0] - 1, tile_right=tile[1] - 1, stride_y=steps[0], stride_x=steps[1],
                    first_chunk=1, address=first_chunk or 0)

    def hits(along, side, outputs):
        return [k for k in range(side) if along >= k and (along - k) % stride == 0 and (along - k) // stride < outputs]

    events, want = [], []
    for channel in range(channels):
        extra = channel // CONFIG.lanes - first_chunk if diagonal else 0
        for y, x in np.ndindex(height, width):
            if rng.random() >= density:
                continue
            value = int(rng.integers(-256, 256))
            events.append(event_of(value, (y % rows) << x_bits | x, y - y % rows + offsets[0]))
            ky, kx = hits(y + offsets[0], kernel[0], tile[0]), hits(x + offsets[1], kernel[1], tile[1])
            if ky and kx:
                at = [(a + offset - k[0]) // stride * step for a, offset, k, step in zip((y, x), offsets, (ky, kx), steps)]
                want.append((value, (sum(at) + extra) % CONFIG.acc_depth, (ky, kx)))
        events.append(END)
        want.append(None)
    got, _ = place_all(settings, events, len(want), source, sink)
    for (value, at, top, rows_more, left, columns_more, ends), right_one in zip(got, want, strict=True):
        found = None if ends else (value, at, ([top + stride * n for n in range(rows_more + 1)],
                                            [left + stride * n for n in range(columns_more + 1)]))
        assert found == right_one


@pytest.mark.parametrize("source, sink, rows", [("never", "never", "never"), ("sometimes", "sometimes", "burst"),
                                                ("burst", "never", "sometimes")])
@pytest.mark.parametrize("height, width, band, channels, density", [(4, 5, 2, 3, 0.4), (3, 128, 1, 1, 0.2), (1, 1, 1, 6, 0.5)])
def test_with_flatten_each_event_lists_its_row_and_all_rows_are_passed(height, width, band, channels, density, source, sink, rows):
    print("seed 28")
    rng, x_bits = np.random.default_rng(28), (width - 1).bit_length()
    settings = dict(flatten=1, kernel_h=1, kernel_w=1, x_bits=x_bits, flat_size=height * width, flat_end=width - 1, stride_y=0,
                    stride_x=0, tile_bottom=0, tile_right=0)
    events, values, listed = [], [], []
    for channel in range(channels):
        for y, x in np.ndindex(height, width):
            listed.append(int(rng.random() < density))
            if listed[-1]:
                values.append(int(rng.integers(-256, 256)))
                events.append(event_of(values[-1], (y % band) << x_bits | x, y - y % band))
        events.append(END)
    got, trace = place_all(settings, events, len(values), source, sink, rows)
    assert got == [(value, 0, 0, 0, 0, 0, 0) for value in values]
    assert [lists for passed, lists in zip(trace["row_passed"], trace["row_lists"]) if passed] == listed
    assert not any(valid and not ahead for valid, ahead in zip(trace["row_valid"], trace["row_ahead"]))
    assert not trace["row_ahead"][-1]
