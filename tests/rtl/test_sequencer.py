"""sequencer with a front and a fire played in Python: settings, order of passes, parameters, offsets."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.pass_config import HEADER_WORDS, FireConfig, SourceConfig
from rtl.requantise import BIAS_BITS, SCALE_BITS, ParamPort
from rtl.sequencer import Control, sequencer
from rtl.stream import Stream, bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Source

CONFIG = CoreConfig(lanes=4, fire_lanes=2, weight_bytes=4, kernel=3, acc_depth=64, param_depth=8)
OUTPUTS = ("cfg_ready", "control", "source", "tile", "fire_settings", "params", "offset")
SOURCE = ("banks", "drain", "replay", "flatten", "kernel_h", "kernel_w", "stride_log2", "channels", "repeats", "y_offset", "x_offset",
          "weights_id", "flat_size", "flat_width")
TILE = ("emit_zeros", "relu", "tile_h", "tile_w", "stride_y", "stride_x", "channels", "pool", "pool_stride", "pool_pad", "height",
        "width", "first_y", "first_x", "odd")


class Pass:
    """Random settings; the hardware need not make sense of them, only move them."""

    def __init__(self, rng, number, drain=False, replay=False, channels=None, config=CONFIG):
        def draw(top):
            return int(rng.choice([0, top - 1, int(rng.integers(top))]))

        kh, kw = (0, 0) if drain else (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        depth = config.acc_depth
        self.source = dict(banks=draw(2), drain=int(drain), replay=int(replay), flatten=draw(2), kernel_h=kh, kernel_w=kw,
                           stride_log2=draw(3), channels=draw(1 << 16), repeats=draw(1 << 16), y_offset=draw(1 << 16) - (1 << 15),
                           x_offset=draw(1 << 16) - (1 << 15), weights_id=draw(1 << 16), flat_size=draw(1 << 16), flat_width=draw(1 << 16))
        count = int(rng.integers(1, config.fire_lanes * config.param_depth + 1)) if channels is None else channels
        self.tile = dict(emit_zeros=draw(2), relu=draw(2), tile_h=draw(1 << 16), tile_w=draw(1 << 16), stride_y=draw(depth + 1),
                         stride_x=draw(depth + 1), channels=0 if drain else count, pool=draw(16), pool_stride=draw(16),
                         pool_pad=draw(16), height=draw(1 << 16), width=draw(1 << 16), first_y=draw(1 << 16), first_x=draw(1 << 16),
                         odd=number % 2)
        self.offsets = [int(rng.integers(depth)) for _ in range(kh * kw)]
        self.params = [int(rng.integers(1 << 32)) for _ in range(2 * self.tile["channels"])]

    def words(self):
        """The program of the pass, as docs/core.md has it."""
        s, t = self.source, self.tile

        def pair(high, low):
            return (high % (1 << 16)) << 16 | low % (1 << 16)

        flags = s["banks"] | s["drain"] << 1 | s["replay"] << 2 | s["flatten"] << 3 | t["emit_zeros"] << 4 | t["relu"] << 5
        header = [flags | s["kernel_h"] << 8 | s["kernel_w"] << 12 | s["stride_log2"] << 16, pair(s["channels"], s["repeats"]),
                  pair(s["y_offset"], s["x_offset"]), pair(t["tile_h"], t["tile_w"]), pair(t["stride_y"], t["stride_x"]),
                  pair(3, s["weights_id"]), t["channels"], t["pool"] | t["pool_stride"] << 4 | t["pool_pad"] << 8,
                  pair(t["height"], t["width"]), pair(t["first_y"], t["first_x"]), pair(s["flat_size"], s["flat_width"])]
        assert len(header) == HEADER_WORDS
        return header + self.offsets + self.params

    def writes(self, config):
        """(lanes, address, data) of every output channel's parameters."""
        for n, (bias, scale) in enumerate(zip(self.params[::2], self.params[1::2], strict=True)):
            group, lane = divmod(n, config.fire_lanes)
            yield 1 << lane, self.tile["odd"] * config.param_depth + group, bias | scale % (1 << SCALE_BITS) << BIAS_BITS


class Core:
    """A front and a fire that take their time."""

    def __init__(self, rng, front, fire):
        self.rng, self.lengths, self.left = rng, (front, fire), [0, 0]

    def step(self, seen):
        for part, pulse in enumerate(("control_start", "control_fire_start")):
            self.left[part] = int(self.rng.integers(*self.lengths[part])) if seen.get(pulse) else max(0, self.left[part] - 1)
        return {"front_done": self.left[0] == 0, "fire_busy": self.left[1] > 0, "offset_index": int(self.rng.integers(9))}


def play(passes, pause="never", front=(1, 60), fire=(1, 60), config=CONFIG, seed=1):
    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, cfg=Stream(32), control=Control(), source=SourceConfig(config),
                    tile=FireConfig(config), fire_settings=FireConfig(config), front_done=bit(), fire_busy=bit(),
                    params=ParamPort(config), offset_index=unsigned(7), offset=unsigned(config.acc_address_bits))

    words = [word for p in passes for word in p.words()]
    feed, core, started = Source("cfg", words, pause, seed), Core(np.random.default_rng(seed), front, fire), [0]

    class Watch:
        def step(self, seen):
            started[0] += seen.get("control_start", 0)
            return {}

    done = lambda: feed.sent == len(words) and started[0] == len(passes) and core.left == [0, 0]
    return run(sequencer, arguments, OUTPUTS, (feed, core, Watch()), done, linger=5, limit=20_000)


def check(passes, trace, config=CONFIG):
    starts = [t for t, start in enumerate(trace["control_start"]) if start]
    fires = [t for t, start in enumerate(trace["control_fire_start"]) if start]
    assert len(starts) == len(passes)
    assert fires == [starts[n + 1] for n, p in enumerate(passes[:-1]) if p.tile["channels"]], "a pass fires when the next one starts"
    assert [trace["control_rewind"][t] for t in starts[1:]] == [p.source["replay"] for p in passes[:-1]]
    assert sum(trace["control_rewind"]) == sum(p.source["replay"] for p in passes[:-1])
    fired = [p for p in passes[:-1] if p.tile["channels"]]
    columns = {name: trace[name] for name in trace.names}
    for n, (t, p) in enumerate(zip(starts, passes)):
        assert columns["front_done"][t] or n == 0
        assert not columns["fire_busy"][t]
        for end in (t + 1, starts[n + 1] if n + 1 < len(starts) else len(trace) - 1):
            assert {name: columns["source_" + name][end] for name in SOURCE} == p.source
            assert {name: columns["tile_" + name][end] for name in TILE} == p.tile
            assert columns["control_half"][end] == sum(f < end for f in fires) % 2
        for u in range(t + 2, starts[n + 1] + 1 if n + 1 < len(starts) else len(trace)):
            if columns["offset_index"][u - 1] < len(p.offsets):
                assert columns["offset"][u] == p.offsets[columns["offset_index"][u - 1]]
    for n, (t, p) in enumerate(zip(fires, fired)):
        for end in (t + 1, fires[n + 1] if n + 1 < len(fires) else len(trace) - 1):
            assert {name: columns["fire_settings_" + name][end] for name in TILE} == p.tile
    check_params(passes, fires, fired, columns, config)


def check_params(passes, fires, fired, columns, config):
    """Every parameter is written once, in order, before its pass fires, and not into the half that is being fired."""
    names = ("params_write", "params_address", "params_data")
    writes = [(t, tuple(columns[name][t] for name in names)) for t in range(len(columns["params_write"])) if columns["params_write"][t]]
    assert [write for _, write in writes] == [write for p in passes for write in p.writes(config)]
    for t, (*_, address, _) in writes:
        assert not (columns["fire_busy"][t] and columns["fire_settings_odd"][t] == address // config.param_depth)
    times, at = [t for t, _ in writes], 0
    for p in passes:
        at += len(p.params) // 2
        if p in fired:
            assert times[at - 1] < fires[fired.index(p)]


@pytest.mark.parametrize("pause", ["never", "sometimes", "burst"])
@pytest.mark.parametrize("front, fire", [((1, 2), (1, 2)), ((1, 60), (1, 60)), ((1, 3), (200, 300)), ((200, 300), (1, 3))])
def test_passes_run_in_order_with_their_settings(front, fire, pause):
    rng = np.random.default_rng(111)
    kinds = [dict(), dict(replay=True), dict(replay=True), dict(), dict(channels=1), dict(drain=True), dict(), dict(channels=16),
             dict(drain=True, replay=True), dict(drain=True), dict(), dict(drain=True)]
    passes = [Pass(rng, n, **kind) for n, kind in enumerate(kinds)]
    check(passes, play(passes, pause, front, fire))


@pytest.mark.parametrize("fire_lanes", [1, 4])
def test_other_numbers_of_fire_lanes(fire_lanes):
    config = CONFIG.replace(fire_lanes=fire_lanes)
    rng = np.random.default_rng(112)
    passes = [Pass(rng, n, drain=n == 5, config=config) for n in range(6)]
    check(passes, play(passes, config=config), config)


def test_the_buffers_are_swept_before_the_first_word_is_taken():
    passes = [Pass(np.random.default_rng(113), 0, drain=True)]
    trace = play(passes)
    swept = trace["control_sweeping"].index(0)
    assert swept >= CONFIG.acc_depth and trace.when("cfg")[0] == swept and not any(trace["control_sweeping"][swept:])


def test_the_next_pass_loads_behind_the_work_of_the_one_before():
    rng = np.random.default_rng(114)
    passes = [Pass(rng, 0, channels=4), Pass(rng, 1, channels=4), Pass(rng, 2, drain=True)]
    trace = play(passes, front=(400, 401), fire=(1, 2))
    starts = [t for t, start in enumerate(trace["control_start"]) if start]
    assert [b - a for a, b in zip(starts, starts[1:])] == [401, 401]
