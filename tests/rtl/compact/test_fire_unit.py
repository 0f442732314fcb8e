"""fire_unit with the lanes whose sums it fires: values in order, events in memory, all sums zero afterwards, at any pace."""
from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest
from myhdl import always_comb, block

from cascadefire import reference
from rtl.compact.band_walk import band_walk
from rtl.compact.fire_unit import Fired, fire_unit
from rtl.compact.lane_array import lane_array
from rtl.compact.memory_master import Answers, Put
from rtl.compact.pass_header import Settings
from rtl.compact.pool_scan import Access
from rtl.compact.scale_product import Scaling
from rtl.compact.sizes import ADDRESS_BITS, byte_bits, lends_multipliers
from rtl.config import CoreConfig
from rtl.stream import bit, signed, unsigned, wrapping
from tb.block_bench import reset, run
from tb.block_parts import Script, Sink
from tests.rtl.compact.test_event_pack import bands_of

CONFIG = CoreConfig(pes=1, lanes=4, fire_lanes=1, weight_bytes=4, compact=True, acc_depth=64, acc_bits=20)
SMALL = CoreConfig(pes=1, lanes=8, fire_lanes=1, weight_bytes=8, compact=True, acc_depth=64, acc_bits=20, family="up5k")
OUTPUTS = ("params_used", "at", "count_at", "write_data", "write_counts", "write_valid", "fired", "go")
AGAIN = 4       # cycles from a beat to the next one of its sum
EVENTS, COUNTS, SLOT = 1000, 4003, 35


@block
def firing(clk, rst, config, start, settings, answers, param_valid, param, params_used, at, count_at, write, fired, go):
    """fire_unit between the lanes and the band_walk that has the addresses of its writes; what it fires is 0 without the strobe."""
    sums, pool, given = config.acc_address_bits, Access(config), Fired()
    emit_valid, emit_clear, zero, sweep, passing, word, band, closes = (bit() for _ in range(8))
    emit_address, sweep_address = wrapping(sums), wrapping(sums)
    current = [signed(config.acc_bits) for _ in range(config.lanes)]
    scaling = Scaling() if lends_multipliers(config) else None
    u_walk = band_walk(clk, rst, config, settings, word, band, closes, at, count_at, passing)
    u_lanes = lane_array(clk, rst, config, go, answers, pool, emit_valid, emit_address, emit_clear, zero, sweep, sweep_address,
                         current, scaling)
    u_fire = fire_unit(clk, rst, config, start, settings, param_valid, param, params_used, pool, emit_valid, emit_address, emit_clear,
                       zero, sweep, sweep_address, current, scaling, go, passing, word, band, closes, write, given)

    @always_comb
    def show():
        fired.strobe.next = given.strobe
        fired.done.next = given.done
        fired.value.next = 0
        fired.emit.next = given.strobe and given.emit
        fired.ends_row.next = given.strobe and given.ends_row
        fired.ends_channel.next = given.strobe and given.ends_channel
        if given.strobe:
            fired.value.next = given.value

    return u_walk, u_lanes, u_fire, show


class Pass:
    """Random sums of a tile, how they are fired, and what must come of it: values [K, H, W], and which are events.

    pool: window side, stride, padding; the tile ends with the last window.  bands: of a channel of the map.
    empty: nothing was added and biases are zero, so that every value tells its sum.
    """

    def __init__(self, rng, config, channels, tile, pool=(1, 1, 0), relu=1, emit_zeros=0, rows=2, dead=(), empty=False, bands=6):
        lanes, (height, width), (side, step, pad) = config.lanes, tile, pool
        self.map_bands, self.chunks = bands, -(-channels // lanes)
        self.beats = [] if empty else [(at, rng.integers(-128, 128, lanes), int(rng.integers(-256, 256)))
                                       for at in rng.permutation(np.repeat(np.arange(height * width * self.chunks), 2)).tolist()]
        sums = np.zeros((height * width * self.chunks, lanes), int)
        for at, weights, value in self.beats:
            sums[at] += weights * value
        maps = sums.reshape(height, width, -1)[..., :channels].transpose(2, 0, 1)
        high, wide = ((size + 2 * pad - side) // step + 1 for size in tile)
        padded = np.pad(maps, ((0, 0), (pad, pad), (pad, pad)), constant_values=-(1 << 30))
        peaks = np.array([[padded[:, y * step:y * step + side, x * step:x * step + side].max(axis=(1, 2)) for x in range(wide)]
                          for y in range(high)]).transpose(2, 0, 1)
        scale = (np.full(channels, 1 << 15), np.full(channels, 15)) if empty else (
            rng.integers(1 << 15, 1 << 16, channels), rng.integers(20, 25, channels))
        bias = np.zeros(channels, int) if empty else rng.integers(-9999, 9999, channels)
        layer = SimpleNamespace(bias=bias, multiplier=scale[0], shift=scale[1], activation="relu" if relu else "none")
        self.values = reference.requantise(layer, peaks[None])[0].astype(int)
        self.emits = (self.values != 0) | bool(emit_zeros)
        self.emits[list(dead)] = False
        self.bands = bands_of((channels, high, wide), rows, 0)
        self.per_channel, self.x_bits = -(-high // rows), (wide - 1).bit_length()
        self.words = [word for k in range(channels) for word in
                      (int(bias[k]) % (1 << 32), int(scale[0][k]) | int(scale[1][k]) << 16 | int(k in dead) << 22)]
        self.settings = dict(relu=relu, emit_zeros=emit_zeros, fired=channels, stride_y=width * self.chunks, stride_x=self.chunks,
                             tile_bottom=height - 1, tile_right=width - 1, bottom=high - 1, right=wide - 1, pool_end=side - 1,
                             pool_stride=step, pool_pad=pad, pool_pad_y=pad, band_rows=rows, x_bits=self.x_bits, slot_words=SLOT,
                             map_bands=bands)
        if config.family == "up5k":     # the sides of the tile are those fired
            self.settings.update(tile_bottom=high - 1, tile_right=wide - 1)

    def writes(self, config):
        """(word address, None or the byte counted, {byte: value}) of each write in order."""
        for number, band in enumerate(self.bands):
            channel, inside = divmod(number, self.per_channel)
            slot = channel * self.map_bands + inside
            events = [bytes([int(self.values[at]) & 255, (at[1] - band[0][1]) << self.x_bits | at[2]]) for at in band if self.emits[at]]
            for word in range(0, len(events), config.port_events):
                yield EVENTS + slot * SLOT + word // config.port_events, 0, dict(enumerate(
                    b"".join(events[word:word + config.port_events])))
            at = COUNTS + slot
            yield at >> byte_bits(config), 1, {at % config.port_bytes: len(events)}


def arguments_of(config):
    return lambda: dict(clk=bit(), rst=reset(), config=config, start=bit(), settings=Settings(config), answers=Answers(config),
                        param_valid=bit(), param=unsigned(32), params_used=bit(), at=wrapping(ADDRESS_BITS),
                        count_at=wrapping(ADDRESS_BITS + byte_bits(config)), write=Put(config), fired=Fired(), go=bit())


def simulate(passes, config, memory="never", params=1.0):
    """Fire passes one after the other. params: probability that a parameter word comes, or whether word n comes in a cycle."""
    print("seed 31")
    rng = np.random.default_rng(31)

    def add(beats):
        recent, todo = deque([None] * (AGAIN - 1), AGAIN - 1), list(beats)
        for at, weights, value in todo:
            while at in recent:
                recent.append(None)
                yield {"answers_chunk": 0}
            recent.append(at)
            yield {"answers_chunk": 1, "answers_sum": at, "answers_value": value,
                   "answers_data": int.from_bytes(weights.astype(np.int8).tobytes(), "little")}
        for _ in range(6):
            yield {"answers_chunk": 0}

    def script():
        for one in passes:
            yield {f"settings_{name}": value for name, value in one.settings.items()}
            yield {"settings_events": 1, "settings_address": EVENTS}
            yield {"settings_events": 0, "settings_counts": 1, "settings_address": COUNTS}
            yield {"settings_counts": 0}
            yield from add(one.beats)
            seen, given, cycle = (yield {"start": 1}), 0, 0
            while not seen["fired_done"]:
                cycle += 1
                gives = given < len(one.words) and (params(given, cycle) if callable(params) else rng.random() < params)
                word = one.words[given] if gives else int(rng.integers(1 << 32))
                given += gives
                seen = yield {"start": 0, "param_valid": int(gives), "param": word}
            assert given == len(one.words)
            yield {"param_valid": 0}

    part, sink = Script(script()), Sink("write", memory, 5, ("at", "count_at", "write_data", "write_counts"))
    trace = run(firing, arguments_of(config), OUTPUTS, (part, sink), part.over, linger=20, limit=20_000)
    check(passes, config, trace, sink.words)
    return trace


def check(passes, config, trace, writes):
    columns = {name: trace["fired_" + name] for name in ("value", "emit", "ends_row", "ends_channel")}
    shown = [tuple(columns[name][t] for name in columns) for t, strobe in enumerate(trace["fired_strobe"]) if strobe]
    want = []
    for one in passes:
        high, wide = one.values.shape[1:]
        want += [(int(one.values[at]), int(one.emits[at]), int(at[2] == wide - 1), int(at[1:] == (high - 1, wide - 1)))
                 for at in np.ndindex(one.values.shape)]
    assert shown == want
    told = [write for one in passes for write in one.writes(config)]
    for (at, count_at, data, counts), (place, is_count, values) in zip(writes, told, strict=True):
        assert counts == is_count and (count_at >> byte_bits(config) if counts else at) == place
        assert {byte: data >> 8 * byte & 255 for byte in values} == values
        assert not counts or [count_at % config.port_bytes] == list(values)
    done, written, at = [t for t, pulse in enumerate(trace["fired_done"]) if pulse], trace.when("write"), 0
    assert len(done) == len(passes) and sum(trace["params_used"]) == sum(len(one.values) for one in passes)
    for number, one in enumerate(passes):
        at += sum(1 for _ in one.writes(config))
        assert written[at - 1] < done[number] and (at == len(written) or done[number] < written[at])


def kinds(rng, config):
    """Maps with and without pooling, windows that overlap and that leave lines out, dead channels, and then every sum of the memory."""
    lanes = config.lanes
    return [Pass(rng, config, 2, (3, 4), dead=(1,)), Pass(rng, config, 2, (4, 4), (2, 2, 0), relu=0, rows=1),
            Pass(rng, config, lanes + 2, (3, 4), emit_zeros=1, dead=(0, lanes)), Pass(rng, config, lanes + 1, (3, 4), (2, 1, 0)),
            Pass(rng, config, 1, (1, 1), relu=0), Pass(rng, config, 2, (6, 4), (2, 2, 0), rows=3),
            Pass(rng, config, lanes, (8, 8), relu=0, empty=True, rows=8)]


@pytest.mark.parametrize("config, memory, params", [(CONFIG, "never", 1.0), (CONFIG, "sometimes", 0.3), (CONFIG, "burst", 0.05),
                                                    (SMALL, "sometimes", 0.3)], ids=["free", "held", "late", "lent"])
def test_outputs_are_the_references_in_order_and_then_every_sum_is_zero(config, memory, params):
    """On a memory that holds `go` low, and with parameters that come late; with multipliers of its own, and with the lanes'."""
    passes = kinds(np.random.default_rng(32), config)
    assert passes[1].emits.any() and passes[1].values.min() < 0 and not passes[0].emits[1].any() and not passes[-1].emits.any()
    assert (passes[2].emits & (passes[2].values == 0)).any()
    trace = simulate(passes, config, memory, params)
    assert (0 in trace["go"][:100]) or memory == "never"


def test_padded_windows_count_only_what_is_in_the_tile():
    rng = np.random.default_rng(33)
    passes = [Pass(rng, CONFIG, 3, (4, 4), (3, 1, 1), relu=0), Pass(rng, CONFIG, 2, (5, 5), (3, 2, 1), rows=3),
              Pass(rng, CONFIG, CONFIG.lanes, (8, 8), relu=0, empty=True, rows=8)]
    simulate(passes, CONFIG, "sometimes", 0.5)


def test_an_output_a_cycle_but_none_of_a_channel_without_its_parameters():
    """The last channel's come later than all outputs before it; each band, here a channel, takes two cycles more."""
    one = Pass(np.random.default_rng(34), CONFIG, 3, (5, 4), rows=5, relu=0, bands=1)
    trace = simulate([one], CONFIG, params=lambda number, cycle: number < 4 or cycle > 200)
    times, given = [t for t, strobe in enumerate(trace["fired_strobe"]) if strobe], trace["param_valid"]
    assert times[:40] == [*range(times[0], times[0] + 20), *range(times[0] + 22, times[0] + 42)]
    assert times[39] < given.index(1, times[20]) < times[40] and times[40:] == [*range(times[40], times[40] + 20)]


def test_reset_stops_it_before_anything_more_is_written():
    one = Pass(np.random.default_rng(35), CONFIG, 2, (4, 4), rows=4)

    def script():
        yield {f"settings_{name}": value for name, value in one.settings.items()}
        yield {"start": 1}
        for word in one.words:
            yield {"start": 0, "param_valid": 1, "param": word}
        seen = yield {"param_valid": 0}
        while not seen["fired_strobe"]:
            seen = yield {}
        yield {"rst": 1}
        yield {"rst": 0}
        for _ in range(60):
            seen = yield {"write_ready": 1}
            assert not (seen["fired_strobe"] or seen["fired_done"] or seen["write_valid"] or seen["params_used"])

    part = Script(script())
    run(firing, arguments_of(CONFIG), OUTPUTS, (part,), part.over)
