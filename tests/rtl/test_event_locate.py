"""event_locate against a model of the addresses and hits in docs/accelerator.md."""
import numpy as np
import pytest

from rtl.config import EVENT_BITS, WORDS_AHEAD, CoreConfig
from rtl.event_locate import LATENCY, event_locate, located_lane_bits, located_word_bits
from rtl.event_unpack import event_word_bits, lane_bits
from rtl.pass_settings import FireSettings, SourceSettings
from rtl.stream import Stream, bit
from tb.block_bench import reset, run
from tb.block_parts import Sink, Source

OUTPUTS = ("events_ready", "located_valid", "located_data", "idle")
PASS = dict(flatten=0, kernel_h=3, kernel_w=3, stride_log2=0, y_offset=0, x_offset=0, tile_h=8, tile_w=8, stride_y=24, stride_x=3)
TILE = ("tile_h", "tile_w", "stride_y", "stride_x")


def config_of(pes, kernel=5, coord_bits=6, acc_depth=1024):
    return CoreConfig(pes=pes, lanes=4, fire_lanes=4, weight_bytes=4, kernel=kernel, coord_bits=coord_bits, acc_depth=acc_depth)


def words_of(rng, config, number, height=12, width=11, density=0.7):
    """Random event words, as (first, lanes), a lane (valid, value, y, x); some have no valid lane."""
    words = []
    for _ in range(number):
        lanes = [(int(rng.random() < density), int(rng.choice([-128, 255, 1, *rng.integers(-128, 256, 3)])),
                  int(rng.integers(height)), int(rng.integers(width))) for _ in range(config.event_lanes)]
        words.append((int(rng.random() < 0.2), lanes))
    return words


def pack(config, word):
    b, data = config.coord_bits, word[0] << event_word_bits(config) - 1
    for e, (valid, value, y, x) in enumerate(word[1]):
        data |= (value % 512 | x << EVENT_BITS | y << EVENT_BITS + b | valid << EVENT_BITS + 2 * b) << e * lane_bits(config)
    return data


def model(p, config, words):
    """Located words; lanes that are not valid are zero."""
    located, stride = [], 1 << p["stride_log2"]

    def hits(at, kernel, tile):
        return sum(1 << k for k in range(kernel) if (at - k) % stride == 0 and 0 <= (at - k) // stride < tile)

    for first, lanes in words:
        out = 0
        for e, (valid, value, y, x) in enumerate(lanes):
            y, x = (0, 0) if p["flatten"] else (y + p["y_offset"], x + p["x_offset"])
            rows, columns = hits(y, p["kernel_h"], p["tile_h"]), hits(x, p["kernel_w"], p["tile_w"])
            if valid and rows and columns:
                total = ((y >> p["stride_log2"]) * p["stride_y"] + (x >> p["stride_log2"]) * p["stride_x"]) % config.acc_depth
                lane = (1 << EVENT_BITS | value % 512) << config.acc_address_bits | total
                out |= ((lane << config.kernel | rows) << config.kernel | columns) << e * located_lane_bits(config)
        if out or first:
            located.append(out | first << located_word_bits(config) - 1)
    return located


def stripped(config, word):
    """A located word without the contents of lanes that are not valid."""
    width, kept = located_lane_bits(config), word >> located_word_bits(config) - 1 << located_word_bits(config) - 1
    for lane in range(config.event_lanes):
        part = word >> lane * width & (1 << width) - 1
        kept |= (part if part >> width - 1 else 0) << lane * width
    return kept


class Settings:
    """The settings, from the first cycle on."""

    def __init__(self, p):
        self.inputs = {("tile_" if name in TILE else "settings_") + name: value for name, value in p.items()}

    def step(self, seen):
        return self.inputs


class Halt:
    """Stops the sources and resets in cycle `at`."""

    def __init__(self, at, *sources):
        self.left, self.sources = at, sources

    def step(self, seen):
        self.left -= 1
        if self.left > 0:
            return {}
        return {"rst": self.left == 0, **{source + "_valid": 0 for source in self.sources}}


def arguments_of(config):
    return dict(clk=bit(), rst=reset(), config=config, settings=SourceSettings(), tile=FireSettings(config),
                events=Stream(event_word_bits(config)), located=Stream(located_word_bits(config)), idle=bit())


def locate(p, config, words, idle="never", stall="never", seed=1):
    """Locate all words; return the trace and the located words."""
    source, sink = Source("events", [pack(config, word) for word in words], idle, seed), Sink("located", stall, seed + 1)
    last = {}

    class Watch:
        def step(self, seen):
            last.update(seen)
            return {}

    trace = run(event_locate, lambda: arguments_of(config), OUTPUTS, (Settings(p), source, sink, Watch()),
                lambda: source.sent == len(words) and last["idle"], linger=10, limit=20_000)
    trace.check_stream("located")
    return trace, [stripped(config, word) for word in sink.words]


SHAPES = {
    "1x1": dict(kernel_h=1, kernel_w=1), "padded": dict(y_offset=1, x_offset=1), "wide": dict(kernel_h=1, kernel_w=5, x_offset=2),
    "inner tile": dict(y_offset=-5, x_offset=-7, tile_h=2, tile_w=3), "stride 2": dict(stride_log2=1, kernel_h=5, kernel_w=5),
    "stride 2 padded": dict(stride_log2=1, y_offset=2, x_offset=1, kernel_h=5, kernel_w=4, tile_h=3, tile_w=4),
    "stride 4": dict(stride_log2=2, kernel_h=5, kernel_w=5, tile_h=2, tile_w=3, y_offset=-3, x_offset=2),
    "stride 4 1x1": dict(stride_log2=2, kernel_h=1, kernel_w=1, tile_h=3, tile_w=3), "outside": dict(y_offset=-100, x_offset=3),
    "one output": dict(tile_h=1, tile_w=1, y_offset=-4, x_offset=-4),
    "flatten": dict(flatten=1, kernel_h=1, kernel_w=1, tile_h=1, tile_w=1, y_offset=3, x_offset=-2),
    "whole depth": dict(kernel_h=1, kernel_w=1, tile_h=1, tile_w=1, stride_y=1024, stride_x=1024),
}


@pytest.mark.parametrize("pes", [1, 3])
@pytest.mark.parametrize("name", SHAPES)
def test_located_words_are_those_of_the_model(name, pes):
    config, p = config_of(pes), {**PASS, **SHAPES[name]}
    print("seed 52")
    words = words_of(np.random.default_rng(52), config, 120)
    _, located = locate(p, config, words)
    assert located == model(p, config, words) and located
    if name == "outside":
        assert len(located) == sum(first for first, _ in words) and not any(word & (1 << located_word_bits(config) - 1) - 1
                                                                           for word in located)


@pytest.mark.parametrize("pes", [4, 8])
@pytest.mark.parametrize("idle, stall", [("never", "sometimes"), ("sometimes", "burst"), ("burst", "fixed"), ("sometimes", "never")])
def test_nothing_is_lost_under_pauses(pes, idle, stall):
    config, p = config_of(pes), {**PASS, "y_offset": 1, "x_offset": 1}
    print("seed", 60 + pes)
    words = words_of(np.random.default_rng(60 + pes), config, 150, density=0.3)
    _, located = locate(p, config, words, idle, stall)
    assert located == model(p, config, words)


def test_the_largest_kernel_and_coordinates():
    config = config_of(2, kernel=11, coord_bits=10, acc_depth=32768)
    p = {**PASS, "kernel_h": 11, "kernel_w": 11, "tile_h": 300, "tile_w": 400, "stride_log2": 2, "y_offset": 5, "x_offset": 5,
         "stride_y": 32768, "stride_x": 32767}
    words = words_of(np.random.default_rng(53), config, 200, 1024, 1024)
    _, located = locate(p, config, words)
    assert located == model(p, config, words)


def test_one_word_a_cycle_and_the_latency():
    config = config_of(4)
    words = [(0, [(1, 1, n % 8, e) for e in range(4)]) for n in range(100)]
    trace, _ = locate(PASS, config, words)
    taken = trace.when("events")
    assert taken == list(range(taken[0], taken[0] + 100))
    assert trace.when("located") == [t + LATENCY for t in taken]


def test_a_first_word_without_any_event_passes_and_one_without_hits_is_dropped():
    config = config_of(2)
    nothing, away = [(0, 5, 1, 1)] * 2, [(1, 5, 40, 1)] * 2
    _, located = locate(PASS, config, [(1, nothing), (0, nothing), (1, away), (0, away)])
    assert located == [1 << located_word_bits(config) - 1] * 2


def test_a_stopped_dispatch_stops_the_words_in_time():
    config = config_of(2)
    words = words_of(np.random.default_rng(56), config, 100, density=1)
    trace, located = locate({**PASS, "tile_h": 20, "tile_w": 20}, config, words, stall=lambda cycle: cycle < 500)
    assert len(located) == 100 and len([t for t in trace.when("events") if t < 500]) <= WORDS_AHEAD
    assert not any(trace["idle"][5:500])


def test_reset_empties_it():
    config = config_of(2)
    words = [pack(config, (1, [(1, 1, 1, 1)] * 2))] * 40
    trace = run(event_locate, lambda: arguments_of(config), OUTPUTS, (Settings(PASS), Source("events", words), Halt(12, "events")),
                lambda: True, linger=30)
    assert trace["located_valid"][11] and not trace["idle"][11]
    assert all(trace["idle"][12:]) and not any(trace["located_valid"][12:])
