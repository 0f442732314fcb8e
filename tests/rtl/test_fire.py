"""fire against the integer reference: tokens of every lane, what the observer sees, room, and the cleared half."""
from types import SimpleNamespace

import numpy as np
import pytest

from cascadefire import reference
from rtl.accumulation_buffer import FirePort
from rtl.config import EVENT_BITS, FIRE_MARGIN, CoreConfig
from rtl.fire import Fired, fire
from rtl.pass_config import FireConfig
from rtl.pass_settings import FireSettings
from rtl.requantise import BIAS_BITS, ParamPort
from rtl.stream import bit, signed, unsigned
from rtl.sum_tree import levels
from tb.block_bench import reset, run
from tb.block_parts import Script
from tb.pauses import Gate
from tests.rtl.test_fire_scan import settings_of, steps

CONFIG = CoreConfig(pes=2, lanes=4, fire_lanes=2, weight_bytes=4, acc_bits=20, acc_depth=64, coord_bits=5, param_depth=8)
FIRST = ("first_y", "first_x")      # of the settings, only with banks
OUTPUTS = ("port", "tokens", "pushes", "fired", "busy", "active")
PUSH_LATENCY = 18      # and the levels of the sum tree


class Pass:
    """Random partial sums and parameters of a pass, and what fire must make of them."""

    def __init__(self, rng, config, height, width, channels, pool=(1, 1, 0), relu=1, emit_zeros=0, odd=0, first=(0, 0), dead=0.2):
        self.config, self.relu = config, relu
        self.settings = {**settings_of(height, width, channels, pool, config), "relu": relu, "emit_zeros": emit_zeros, "odd": odd,
                         "first_y": first[0], "first_x": first[1]}
        limit = 1 << config.acc_bits - 4
        self.sums = rng.integers(-limit, limit, (config.pes, height, width, -(-channels // config.lanes) * config.lanes))
        self.sums[..., channels:] = 0       # lanes past the last channel have no weights
        self.sums[rng.random(self.sums.shape) < 0.4] = 0
        self.bias, self.multiplier = rng.integers(-1000, 1000, channels), rng.integers(32768, 65536, channels)
        self.shift, self.dead = rng.integers(22, 26, channels), rng.random(channels) < dead
        layer = SimpleNamespace(bias=self.bias, multiplier=self.multiplier, shift=self.shift, activation="relu" if relu else "none")
        pooled = reference.pool_max(self.sums.sum(axis=0).transpose(2, 0, 1)[None, :channels], pool)
        self.values = reference.requantise(layer, pooled)[0].astype(int)
        self.memory = self.sums.reshape(config.pes, -1, config.lanes).copy()     # [pe, address, lane]

    def params(self):
        """Writes of the parameter memories."""
        for k in range(len(self.bias)):
            group, lane = divmod(k, self.config.fire_lanes)
            address = self.settings["odd"] * self.config.param_depth + group
            scale = int(self.multiplier[k]) | int(self.shift[k]) << 16 | int(self.dead[k]) << 22
            yield {"params_write": 1 << lane, "params_address": address,
                   "params_data": int(self.bias[k]) % (1 << BIAS_BITS) | scale << BIAS_BITS}
        yield {"params_write": 0}

    def emits(self, k, value):
        return int(not self.dead[k] and (value != 0 or self.settings["emit_zeros"]))

    def tokens(self):
        """Per lane, the tokens in order: y, x and eoc of each event, and the end of a channel without one at its last place."""
        b, lanes = self.config.coord_bits, [[] for _ in range(self.config.fire_lanes)]
        for k, plane in enumerate(self.values):
            for (y, x), value in np.ndenumerate(plane):
                end, event = (y + 1, x + 1) == plane.shape, self.emits(k, value)
                if end or event:
                    place = (y + self.settings["first_y"]) << b | x + self.settings["first_x"]
                    token = (int(end) << 1 | event) << 2 * b | place
                    lanes[k % self.config.fire_lanes].append(token << EVENT_BITS | int(value) % 512)
        return lanes


def run_fire(passes, config=CONFIG, pause="never", banks=True):
    """Fire passes one after the other, into banks or only to see; return the trace and what is left in the halves."""
    gate, left, rng = Gate(pause, 7), [], np.random.default_rng(100)

    def script():
        for p in passes:
            for row in p.params():
                yield row
            yield {**{"settings_" + name: value for name, value in p.settings.items() if banks or name not in FIRST},
                   "start": 1, "go": 0}
            word = rng.integers(-99, 99, p.memory[:, 0].shape)
            coming, seen = [word, word], (yield {"start": 0})
            while seen["busy"]:
                sums = {f"sums_{pe}_{lane}": int(value) for (pe, lane), value in np.ndenumerate(coming.pop(0))}
                if seen["port_read"]:
                    word = p.memory[:, seen["port_read_address"] % p.memory.shape[1]].copy()
                coming.append(word)
                seen = yield {"go": not gate.closed(), **sums}
                if seen["port_clear"]:
                    p.memory[:, seen["port_clear_address"]] = 0
            left.append(p.memory)

    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, start=bit(), go=bit(), sweeping=bit(),
                    settings=FireConfig(config) if banks else FireSettings(config),
                    port=FirePort(config), sums=[[signed(config.acc_bits) for _ in range(config.lanes)] for _ in range(config.pes)],
                    params=ParamPort(config), tokens=[unsigned(config.token_bits) for _ in range(config.fire_lanes)] if banks else None,
                    pushes=[bit() for _ in range(config.fire_lanes)] if banks else None, fired=Fired(config), busy=bit(), active=bit())

    play = Script(script())
    outputs = OUTPUTS if banks else tuple(name for name in OUTPUTS if name not in ("tokens", "pushes"))
    return run(fire, arguments, outputs, (play,), play.over, linger=10, limit=20_000), left


def check(passes, config=CONFIG, pause="never"):
    trace, left = run_fire(passes, config, pause)
    for lane in range(config.fire_lanes):
        pushed = [token for token, push in zip(trace[f"tokens_{lane}"], trace[f"pushes_{lane}"]) if push]
        assert pushed == [token for p in passes for token in p.tokens()[lane]], f"lane {lane}"
    check_fired(passes, trace, config)
    assert not any(memory.any() for memory in left), "the half is all zero when fire is done"
    assert sum(trace["fired_done"]) == len(passes)
    return trace


def check_fired(passes, trace, config):
    """The observer sees every value, in fire's order, and which became events."""
    seen = [t for t, strobe in enumerate(trace["fired_strobe"]) if strobe]
    columns = {n: trace["fired_" + n] for n in ("values", "emit", "y", "x", "group")}
    at = 0
    for p in passes:
        for group, _ in enumerate(steps(p.settings, config)):
            for y, x in np.ndindex(p.values.shape[1:]):
                t, at = seen[at], at + 1
                assert (columns["group"][t], columns["y"][t], columns["x"][t]) == (
                    group, y + p.settings["first_y"], x + p.settings["first_x"])
                for lane in range(config.fire_lanes):
                    k = group * config.fire_lanes + lane
                    if k < len(p.values):
                        assert columns["values"][t] >> EVENT_BITS * lane & 511 == p.values[k, y, x] % 512
                        assert columns["emit"][t] >> lane & 1 == p.emits(k, p.values[k, y, x])
    assert at == len(seen)


@pytest.mark.parametrize("pause", ["never", "sometimes", "burst"])
@pytest.mark.parametrize("relu", [0, 1])
def test_tokens_of_passes_with_and_without_pooling(relu, pause):
    rng = np.random.default_rng(101 + relu)
    check([Pass(rng, CONFIG, 3, 4, 7, relu=relu), Pass(rng, CONFIG, 4, 4, 5, (2, 2, 0), relu, odd=1, first=(5, 9)),
           Pass(rng, CONFIG, 5, 3, 8, (3, 2, 1), relu), Pass(rng, CONFIG, 1, 1, 9, relu=relu, odd=1)], pause=pause)


def test_a_channel_without_an_event_still_ends():
    """All dead: one token a channel, its end, without an event."""
    p = Pass(np.random.default_rng(103), CONFIG, 2, 3, 8, dead=2)
    trace = check([p])
    assert sum(trace["pushes_0"]) == sum(trace["pushes_1"]) == 4


def test_zeros_are_emitted_where_the_pass_asks_for_them():
    p = Pass(np.random.default_rng(104), CONFIG, 3, 3, 6, emit_zeros=1)
    trace = check([p])
    assert (p.values == 0).any() and sum(trace["pushes_0"]) == sum(1 if p.dead[k] else 9 for k in (0, 2, 4))


@pytest.mark.parametrize("pes, fire_lanes, pause", [(1, 1, "never"), (2, 2, "sometimes"), (3, 4, "burst")])
def test_without_banks_every_output_is_shown_and_lanes_past_the_last_channel_emit_nothing(pes, fire_lanes, pause):
    config, rng = CONFIG.replace(pes=pes, fire_lanes=fire_lanes), np.random.default_rng(108)
    passes = [Pass(rng, config, 2, 3, 5), Pass(rng, config, 4, 4, 7, (2, 2, 0), 0, odd=1), Pass(rng, config, 1, 1, 3, emit_zeros=1),
              Pass(rng, config, 3, 2, 5, relu=0, emit_zeros=1, odd=1)]
    trace, left = run_fire(passes, config, pause, banks=False)
    check_fired(passes, trace, config)
    emitted = sum(emit.bit_count() for emit, strobe in zip(trace["fired_emit"], trace["fired_strobe"]) if strobe)
    assert emitted == sum(p.emits(k, value) for p in passes for k, plane in enumerate(p.values) for value in plane.flat)
    assert not any(emit for emit, strobe in zip(trace["fired_emit"], trace["fired_strobe"]) if not strobe)
    assert not any(memory.any() for memory in left) and sum(trace["fired_done"]) == len(passes)


def test_outputs_after_go_fell_are_fewer_than_the_margin_even_with_the_deepest_sum_tree():
    config = CONFIG.replace(pes=8)
    stop = 60
    trace, _ = run_fire([Pass(np.random.default_rng(109), config, 4, 8, 8)], config, lambda t: stop <= t < stop + 200, banks=False)
    stopped = next(t for t, go in enumerate(trace["go"]) if not go and t > 1 and trace["active"][t] and trace["go"][t - 1])
    assert 0 < sum(trace["fired_strobe"][stopped:stopped + 200]) <= FIRE_MARGIN - 3


@pytest.mark.parametrize("pes, fire_lanes", [(1, 1), (3, 4), (1, 2)])
@pytest.mark.parametrize("relu", [0, 1])
def test_other_arrays(pes, fire_lanes, relu):
    config = CONFIG.replace(pes=pes, fire_lanes=fire_lanes)
    rng = np.random.default_rng(105)
    check([Pass(rng, config, 2, 3, 5, relu=relu), Pass(rng, config, 4, 2, 4, (2, 2, 0), relu, odd=1)], config, "sometimes")


@pytest.mark.parametrize("pes", [1, 2])
def test_the_latency_from_read_to_push(pes):
    """Counted from the cycle in which a read is issued, the last one with `active`; `busy` outlives the last token."""
    config = CONFIG.replace(pes=pes)
    trace = check([Pass(np.random.default_rng(106), config, 1, 1, 2, emit_zeros=1, dead=0)], config)
    read = max(t for t, active in enumerate(trace["active"]) if active)
    assert trace["pushes_0"].index(1) - read == PUSH_LATENCY + levels(pes)
    assert trace["busy"][trace["pushes_0"].index(1)]


def test_after_room_is_gone_no_more_tokens_follow_than_the_margin_allows():
    p = Pass(np.random.default_rng(107), CONFIG, 4, 8, 8, emit_zeros=1, dead=0)
    stop = 60
    trace = check([p], pause=lambda cycle: stop <= cycle < stop + 200)
    stopped = next(t for t, go in enumerate(trace["go"]) if not go and t > 1 and trace["active"][t] and trace["go"][t - 1])
    assert 0 < sum(trace["pushes_0"][stopped:stopped + 200]) < FIRE_MARGIN - 4
