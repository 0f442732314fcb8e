"""program_sequencer with fetch, front and fire played in Python: settings, order of passes, parameters, offsets, refusals."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.count_fetch import MaskPort
from rtl.pass_settings import HEADER_WORDS, MAGIC, FetchSettings, FireSettings, SourceSettings
from rtl.program_sequencer import Control, program_sequencer
from rtl.requantise import BIAS_BITS, SCALE_BITS, ParamPort
from rtl.stream import Stream, bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Source

CONFIG = CoreConfig(lanes=4, fire_lanes=2, weight_bytes=4, kernel=3, acc_depth=64, param_depth=8)
OUTPUTS = ("cfg_ready", "control", "fetch", "source", "tile", "firing", "params", "mask", "offset")
HALF, WORD, ADDRESS = 1 << 16, 1 << 32, 1 << 28


class Pass:
    """Random settings; the hardware need not make sense of them, only move them."""

    def __init__(self, rng, channels=None, last=False, keep=False, sources=None, config=CONFIG):
        def draw(top):
            return int(rng.choice([0, top - 1, int(rng.integers(top))]))

        kh, kw, depth, x_bits = int(rng.integers(1, 4)), int(rng.integers(1, 4)), config.acc_depth, draw(16)
        count_words = draw(HALF)
        self.keep = keep
        count = int(rng.integers(1, config.fire_lanes * config.param_depth + 1)) if channels is None else channels
        self.fetch = dict(channels=sources or draw(HALF), masked=int(sources is not None), bands=draw(HALF), slot_words=draw(HALF),
                          map_bands=draw(HALF), events=draw(ADDRESS), counts=draw(WORD), band_rows=draw(256), strips=draw(16),
                          first_y=draw(HALF),
                          channel_words=draw(ADDRESS), weight_counts=draw(ADDRESS), count_words=count_words, lag=draw(4),
                          progressive=draw(2))
        self.source = dict(flatten=draw(2), diagonal=draw(2), signed_source=draw(2), kernel_h=kh, kernel_w=kw, stride_log2=draw(3),
                           x_bits=x_bits, y_offset=draw(HALF) - (1 << 15), x_offset=draw(HALF) - (1 << 15), chunks=draw(ADDRESS),
                           count_words=count_words, first_chunk=draw(HALF), flat_size=draw(HALF), flat_width=draw(HALF))
        self.tile = dict(last=int(last), emit_zeros=draw(2), relu=draw(2), vector=draw(2), tile_h=draw(HALF), tile_w=draw(HALF),
                         stride_y=draw(depth + 1), stride_x=draw(depth + 1), channels=count, first_channel=draw(HALF), pool=draw(16),
                         pool_stride=draw(16), pool_pad=draw(16), pool_pad_y=draw(16), height=draw(HALF), width=draw(HALF),
                         slot_words=draw(HALF), map_bands=draw(HALF), events=draw(ADDRESS), counts=draw(WORD), channel_words=draw(ADDRESS),
                         band_rows=draw(256), x_bits=draw(16), strips=draw(16))
        self.offsets = [int(rng.integers(depth)) for _ in range(kh * kw)]
        self.mask = [int(rng.integers(WORD)) for _ in range(-(-sources // 32) if sources else 0)]
        self.params = [int(rng.integers(WORD)) for _ in range(0 if keep else 2 * count)]

    def words(self):
        """The program of the pass, as docs/accelerator.md has it."""
        f, s, t = self.fetch, self.source, self.tile

        def pair(high, low):
            return (high % HALF) << 16 | low % HALF

        flags = (t["last"] | t["vector"] << 1 | s["flatten"] << 2 | t["emit_zeros"] << 3 | t["relu"] << 4 | s["diagonal"] << 5
                 | s["signed_source"] << 6 | f["progressive"] << 7 | s["kernel_h"] << 8 | s["kernel_w"] << 12 | s["stride_log2"] << 16
                 | f["lag"] << 18 | self.keep << 20 | f["masked"] << 21 | MAGIC << 24)
        bands = lambda m, x_bits: m["band_rows"] | x_bits << 8 | m["strips"] << 12     # noqa: E731
        header = [flags, pair(f["channels"], f["bands"]), pair(f["slot_words"], f["map_bands"]), f["events"], f["counts"],
                  bands(f, s["x_bits"]) | f["first_y"] << 16, f["channel_words"], pair(s["y_offset"], s["x_offset"]),
                  pair(t["tile_h"], t["tile_w"]), pair(t["stride_y"], t["stride_x"]), f["weight_counts"], s["chunks"],
                  pair(f["count_words"], s["first_chunk"]), pair(t["channels"], t["first_channel"]),
                  t["pool"] | t["pool_stride"] << 4 | t["pool_pad"] << 8 | t["pool_pad_y"] << 12, pair(t["height"], t["width"]),
                  pair(t["slot_words"], t["map_bands"]), t["events"], t["counts"], t["channel_words"], bands(t, t["x_bits"]),
                  pair(s["flat_size"], s["flat_width"])]
        assert len(header) == HEADER_WORDS
        return header + self.offsets + self.mask + self.params


class Rest:
    """A fetch, a front and a fire that take their time, and the host that starts the program."""

    def __init__(self, rng, fetch, front, fire, begin_at):
        self.rng, self.lengths, self.left, self.t, self.begin_at = rng, (fetch, front, fire), [0, 0, 0], 0, begin_at

    def step(self, seen):
        for part, pulse in enumerate(("control_take", "control_start", "control_fire_start")):
            self.left[part] = int(self.rng.integers(*self.lengths[part])) if seen.get(pulse) else max(0, self.left[part] - 1)
        self.t += 1
        return {"launch": self.t == self.begin_at, "may_take": self.left[0] == 0, "front_done": self.left[1] == 0,
                "fire_busy": self.left[2] > 0, "offset_index": int(self.rng.integers(9))}


class Watch:
    """Whether an output has been high."""

    def __init__(self, output):
        self.output, self.seen = output, False

    def step(self, seen):
        self.seen = self.seen or bool(seen.get(self.output))
        return {}


def play(passes, pause="never", fetch=(1, 30), front=(1, 60), fire=(1, 60), config=CONFIG, seed=1, until="control_over"):
    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, launch=bit(), cfg=Stream(32), control=Control(), fetch=FetchSettings(),
                    source=SourceSettings(), tile=FireSettings(config), firing=FireSettings(config), may_take=bit(), front_done=bit(),
                    fire_busy=bit(), params=ParamPort(config), mask=MaskPort(config), offset_index=unsigned(7),
                    offset=unsigned(config.acc_address_bits))

    words = [word for p in passes for word in p.words()]
    rest, watch = Rest(np.random.default_rng(seed), fetch, front, fire, config.acc_depth + 20), Watch(until)
    return run(program_sequencer, arguments, OUTPUTS, (Source("cfg", words, pause, seed), rest, watch), lambda: watch.seen,
               linger=5, limit=20_000)


def check(passes, trace, config=CONFIG):
    columns = {name: trace[name] for name in trace.names}
    takes, starts, fires = ([t for t, pulse in enumerate(columns["control_" + name]) if pulse] for name in ("take", "start", "fire_start"))
    assert len(takes) == len(starts) == len(passes)
    fired = [p for p in passes if p.tile["channels"]]
    assert len(fires) == len(fired)
    ends = starts[1:] + [len(trace) - 1]
    firings, odd, half_of = 0, 0, {}
    for n, (take, start, end, p) in enumerate(zip(takes, starts, ends, passes)):
        assert take < start and columns["may_take"][take - 1] and (n == 0 or columns["front_done"][start - 1])
        if p.tile["channels"]:
            odd ^= not p.keep
        half_of[p] = odd
        assert {name: columns["fetch_" + name][take + 1] for name in p.fetch} == p.fetch
        assert columns["fetch_before"][take + 1] == firings % 256
        firings += p.tile["channels"] != 0
        for t in (start + 1, end):
            assert {name: columns["source_" + name][t] for name in p.source} == p.source
            assert {name: columns["tile_" + name][t] for name in p.tile} == p.tile
            assert columns["control_half"][t] == sum(f < t for f in fires) % 2
        for t in range(start + 2, end + 1):
            if columns["offset_index"][t - 1] < len(p.offsets):
                assert columns["offset"][t] == p.offsets[columns["offset_index"][t - 1]]
        if p.tile["channels"]:
            fire = fires[fired.index(p)]
            assert fire == starts[n + 1] if n + 1 < len(passes) else fire > start, "a pass fires when the next one starts"
            assert not columns["fire_busy"][fire - 1]
            assert {name: columns["firing_" + name][fire + 1] for name in p.tile} == p.tile
            assert columns["firing_odd"][fire + 1] == odd
    check_params(passes, fired, fires, half_of, columns, config)
    check_masks(passes, takes, columns, config)


def check_masks(passes, takes, columns, config):
    """The words of every live mask are written, in order, before their pass is fetched, to its half."""
    writes = [(t, columns["mask_address"][t], columns["mask_data"][t]) for t, write in enumerate(columns["mask_write"]) if write]
    half = 0
    for take, p in zip(takes, passes):
        if p.mask:
            assert columns["fetch_mask_half"][take + 1] == half
            mine, writes = writes[:len(p.mask)], writes[len(p.mask):]
            assert [word for *_, word in mine] == p.mask and mine[-1][0] <= take
            assert [at for _, at, _ in mine] == [half * config.mask_words + n for n in range(len(p.mask))]
            half ^= 1
    assert not writes


def check_params(passes, fired, fires, half_of, columns, config):
    """Every parameter is written once, in order, before its pass fires, and not into the half that is being fired."""
    names = ("params_write", "params_address", "params_data")
    writes = [(t, tuple(columns[name][t] for name in names)) for t in range(len(columns["params_write"])) if columns["params_write"][t]]
    wanted = [(1 << n % config.fire_lanes, half_of[p] * config.param_depth + n // config.fire_lanes,
               bias | scale % (1 << SCALE_BITS) << BIAS_BITS)
              for p in passes for n, (bias, scale) in enumerate(zip(p.params[::2], p.params[1::2], strict=True))]
    assert [write for _, write in writes] == wanted
    for t, (*_, address, _) in writes:
        assert not (columns["fire_busy"][t] and columns["firing_odd"][t] == address // config.param_depth)
    at = 0
    for p in passes:
        at += len(p.params) // 2
        if p in fired:
            assert at == 0 or writes[at - 1][0] <= fires[fired.index(p)]


@pytest.mark.parametrize("pause", ["never", "sometimes", "burst"])
@pytest.mark.parametrize("fetch, front, fire", [((1, 2), (1, 2), (1, 2)), ((1, 30), (1, 60), (1, 60)), ((1, 3), (1, 3), (200, 300)),
                                                ((1, 3), (200, 300), (1, 3)), ((200, 300), (1, 3), (1, 3))])
def test_passes_run_in_order_with_their_settings(fetch, front, fire, pause):
    rng = np.random.default_rng(111)
    kinds = [dict(), dict(), dict(channels=0), dict(), dict(channels=1, sources=33), dict(keep=True, sources=64), dict(channels=0),
             dict(keep=True, sources=1), dict(channels=16, sources=100), dict(channels=0), dict(channels=0), dict(last=True)]
    passes = [Pass(rng, **kind) for kind in kinds]
    check(passes, play(passes, pause, fetch, front, fire))


@pytest.mark.parametrize("fire_lanes", [1, 4])
def test_other_numbers_of_fire_lanes(fire_lanes):
    config = CONFIG.replace(fire_lanes=fire_lanes)
    rng = np.random.default_rng(112)
    passes = [Pass(rng, last=n == 5, config=config) for n in range(6)]
    check(passes, play(passes, config=config), config)


def test_a_word_that_is_no_pass_is_named():
    p = Pass(np.random.default_rng(113), last=True)
    words = p.words()
    words[0] ^= 1 << 25
    p.words = lambda: words
    trace = play([p], until="control_bad_word")
    assert sum(trace["control_bad_word"]) == 1 and not any(trace["control_bad_pass"])


@pytest.mark.parametrize("bits", [0xF << 8, 0x4 << 12, 3 << 16])
def test_a_pass_that_the_core_cannot_run_is_named(bits):
    p = Pass(np.random.default_rng(114), last=True)
    words = p.words()
    words[0] |= bits
    p.words = lambda: words
    trace = play([p], until="control_bad_pass")
    assert any(trace["control_bad_pass"]) and not any(trace["control_bad_word"])
