"""event_source against a model of the addresses, hits and requests in docs/core.md."""
import numpy as np
import pytest

from rtl.config import EVENT_BITS, LOOKAHEAD, CoreConfig
from rtl.event_source import event_source, located_bits
from rtl.pass_config import FireConfig, SourceConfig
from rtl.stream import Stream, bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Sink, Source
from tb.pauses import Gate

CONFIG = CoreConfig(lanes=4, fire_lanes=4, weight_bytes=4, kernel=5, acc_depth=1024, coord_bits=6)
LARGE = CONFIG.replace(kernel=11, coord_bits=10)
OUTPUTS = ("outside_ready", "bank_take", "bank_index", "located_valid", "located_data", "requests_valid", "requests_data",
           "drained_valid", "drained_data", "finished")
PASS = dict(banks=0, drain=0, flatten=0, kernel_h=3, kernel_w=3, stride_log2=0, channels=6, repeats=1, y_offset=0, x_offset=0,
            weights_id=0xABCD, flat_size=0, flat_width=0, tile_h=8, tile_w=8, stride_y=24, stride_x=3)
TILE = ("tile_h", "tile_w", "stride_y", "stride_x")
LATENCY = 4


def tokens_of(rng, p, config, height, width, density=0.3, empty=0.2):
    """Random tokens of all channel ends of a pass, as (channel, value, y, x, valid, eoc)."""
    tokens = []
    for number in range(p["channels"] * p["repeats"]):
        places = [(y, x) for y in range(height) for x in range(width) if rng.random() < density]
        places = [] if number and rng.random() < empty else places
        values = [int(rng.choice([-128, 255, 1, *rng.integers(-128, 256, 3)])) for _ in places]
        events = [(v, y, x, 1) for v, (y, x) in zip(values, places)]
        if not events or rng.random() < 0.5:
            events.append((int(rng.integers(-5, 5)), int(rng.integers(height)), int(rng.integers(width)), 0))
        tokens += [(number % p["channels"], *event, int(at == len(events) - 1)) for at, event in enumerate(events)]
    return tokens


def pack(config, token):
    _, value, y, x, valid, eoc = token
    b = config.coord_bits
    return value % 512 | x << EVENT_BITS | y << EVENT_BITS + b | valid << EVENT_BITS + 2 * b | eoc << EVENT_BITS + 2 * b + 1


def model(p, config, tokens):
    """Located events and requests of a pass."""
    located, requests, fresh = [], [], True
    for channel, value, y, x, valid, eoc in tokens:
        if p["flatten"]:
            channel, y, x = channel * p["flat_size"] + y * p["flat_width"] + x, 0, 0
        else:
            y, x = y + p["y_offset"], x + p["x_offset"]
        stride = 1 << p["stride_log2"]

        def hits(at, kernel, tile):
            return sum(1 << k for k in range(kernel) if (at - k) % stride == 0 and 0 <= (at - k) // stride < tile)

        rows, columns = hits(y, p["kernel_h"], p["tile_h"]), hits(x, p["kernel_w"], p["tile_w"])
        if valid and rows and columns:
            first = int(fresh or p["flatten"])
            total = ((y >> p["stride_log2"]) * p["stride_y"] + (x >> p["stride_log2"]) * p["stride_x"]) % config.acc_depth
            located.append((first << EVENT_BITS | value % 512) << config.acc_address_bits | total)
            located[-1] = (located[-1] << config.kernel | rows) << config.kernel | columns
            if first:
                requests.append(p["weights_id"] << 16 | channel)
            fresh = False
        fresh = fresh or eoc
    return located, requests


class Start:
    """The settings, and the pulse in the first cycle."""

    def __init__(self, p):
        self.inputs = {("tile_" if name in TILE else "settings_") + name: value for name, value in p.items()}
        self.inputs["start"] = 1

    def step(self, seen):
        inputs, self.inputs = self.inputs, {"start": 0}
        return inputs


class Router:
    """Takes events, a channel's first one only after its request was taken, as the router does."""

    def __init__(self, requests, config, pause):
        self.requests, self.gate, self.first = requests, Gate(pause, 9), located_bits(config) - 1
        self.words, self.firsts, self.open = [], 0, False

    def step(self, seen):
        waits = seen.get("located_valid") and not self.open
        if self.open and seen.get("located_valid"):
            self.words.append(seen["located_data"])
            self.firsts += seen["located_data"] >> self.first
        # What comes to the head in the next cycle is not known yet: then even a first event must be allowed.
        allowed = len(self.requests.words) > self.firsts or (waits and not seen["located_data"] >> self.first)
        self.open = not self.gate.closed() and bool(allowed)
        return {"located_ready": self.open}


class Banks(Source):
    """Event banks, read one channel at a time."""

    def __init__(self, words, pause):
        super().__init__("bank", words, pause)
        self.ready, self.data = "bank_take", "bank_token"


def source(p, config, tokens, idle="never", stalls=("never", "never", "never")):
    """Run one pass; return the trace, the located events, the requests and the drained tokens."""
    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, start=bit(), settings=SourceConfig(config), tile=FireConfig(config),
                    outside=Stream(config.token_bits), bank_token=unsigned(config.token_bits), bank_valid=bit(), bank_take=bit(),
                    bank_index=unsigned(max(1, (config.fire_lanes - 1).bit_length())), located=Stream(located_bits(config)),
                    requests=Stream(32), drained=Stream(config.token_bits), finished=bit())

    words = [pack(config, token) for token in tokens]
    feed = Banks(words, idle) if p["banks"] else Source("outside", words, idle)
    requests, drained = Sink("requests", stalls[0], 5), Sink("drained", stalls[2], 6)
    router = Sink("located") if stalls[:2] == ("never", "never") else Router(requests, config, stalls[1])
    last = {}

    class Watch:
        def step(self, seen):
            last.update(seen)
            return {}

    done = lambda: feed.sent == len(words) and last.get("finished") and not last["requests_valid"]
    trace = run(event_source, arguments, OUTPUTS, (Start(p), feed, requests, router, drained, Watch()), done, linger=10, limit=20_000)
    for port in ("located", "requests", "drained"):
        trace.check_stream(port)
    return trace, router.words, requests.words, drained.words


SHAPES = {
    "1x1": dict(kernel_h=1, kernel_w=1), "padded": dict(y_offset=1, x_offset=1), "wide": dict(kernel_h=1, kernel_w=5, x_offset=2),
    "inner tile": dict(y_offset=-5, x_offset=-7, tile_h=2, tile_w=3), "stride 2": dict(stride_log2=1, kernel_h=5, kernel_w=5),
    "stride 2 padded": dict(stride_log2=1, y_offset=2, x_offset=1, kernel_h=5, kernel_w=4, tile_h=3, tile_w=4),
    "stride 4": dict(stride_log2=2, kernel_h=5, kernel_w=5, tile_h=2, tile_w=3, y_offset=-3, x_offset=2),
    "stride 4 1x1": dict(stride_log2=2, kernel_h=1, kernel_w=1, tile_h=3, tile_w=3), "outside": dict(y_offset=-100, x_offset=3),
    "one output": dict(tile_h=1, tile_w=1, y_offset=-4, x_offset=-4), "repeats": dict(channels=2, repeats=3),
    "one channel": dict(channels=1),
}


@pytest.mark.parametrize("name", SHAPES)
def test_events_and_requests_are_those_of_the_model(name):
    p = {**PASS, **SHAPES[name]}
    rng = np.random.default_rng(52)
    tokens = tokens_of(rng, p, CONFIG, 12, 11)
    _, located, requests, drained = source(p, CONFIG, tokens)
    assert (located, requests) == model(p, CONFIG, tokens)
    assert drained == [] and (located or name == "outside")


@pytest.mark.parametrize("idle, stalls", [("sometimes", ("burst", "sometimes", "never")), ("never", ("burst", "never", "never")),
                                          ("burst", ("fixed", "burst", "never")), ("fixed", ("never", "fixed", "never"))])
@pytest.mark.parametrize("banks", [0, 1])
def test_nothing_is_lost_under_pauses(banks, idle, stalls):
    p = {**PASS, "banks": banks, "channels": 9}
    tokens = tokens_of(np.random.default_rng(52), p, CONFIG, 8, 8, density=0.2)
    _, located, requests, _ = source(p, CONFIG, tokens, idle, stalls)
    assert (located, requests) == model(p, CONFIG, tokens)


def test_banks_are_read_in_turn_one_channel_each():
    p = {**PASS, "banks": 1, "channels": 6, "repeats": 2}
    tokens = tokens_of(np.random.default_rng(53), p, CONFIG, 6, 6)
    trace, *_ = source(p, CONFIG, tokens)
    taken = [t for t, both in enumerate(zip(trace["bank_valid"], trace["bank_take"])) if all(both)]
    assert [trace["bank_index"][t] for t in taken] == [token[0] % CONFIG.fire_lanes for token in tokens]
    assert not any(trace["outside_ready"])


def test_one_token_a_cycle_and_the_latency():
    p = dict(PASS)
    tokens = [(0, 1, n // 8, n % 8, 1, int(n == 59)) for n in range(60)] + [(c, 0, 0, 0, 0, 1) for c in range(1, 6)]
    trace, located, *_ = source(p, CONFIG, tokens)
    taken = trace.when("outside")
    assert taken == list(range(taken[0], taken[0] + 65))
    assert trace.when("located") == [t + LATENCY for t in taken[:60]]


def test_flatten_turns_places_into_channels_with_a_request_for_each_event():
    p = {**PASS, "flatten": 1, "banks": 1, "kernel_h": 1, "kernel_w": 1, "tile_h": 1, "tile_w": 1, "flat_size": 42, "flat_width": 7,
         "channels": 5, "repeats": 2}
    tokens = tokens_of(np.random.default_rng(54), p, CONFIG, 6, 7)
    _, located, requests, _ = source(p, CONFIG, tokens, stalls=("sometimes", "sometimes", "never"))
    assert (located, requests) == model(p, CONFIG, tokens)
    assert len(located) == len(requests) > 50


@pytest.mark.parametrize("banks", [0, 1])
@pytest.mark.parametrize("stall", ["never", "sometimes", "burst"])
def test_a_drain_pass_sends_its_tokens_as_they_are(stall, banks):
    p = {**PASS, "drain": 1, "banks": banks, "kernel_h": 0, "kernel_w": 0}
    tokens = tokens_of(np.random.default_rng(55), p, CONFIG, 5, 5)
    _, located, requests, drained = source(p, CONFIG, tokens, "sometimes", ("never", "never", stall))
    assert drained == [pack(CONFIG, token) for token in tokens] and not located and not requests


def test_channels_without_events_ask_for_nothing():
    p = {**PASS, "channels": 40}
    tokens = [(c, 0, 0, 0, 0, 1) for c in range(40)]
    trace, located, requests, _ = source(p, CONFIG, tokens)
    assert not located and not requests and trace["finished"][-1]


def test_a_stopped_router_holds_the_tokens_for_a_thousand_cycles():
    p = {**PASS, "channels": 60}
    tokens = tokens_of(np.random.default_rng(56), p, CONFIG, 6, 6, empty=0)
    hold = lambda cycle: cycle < 1000
    trace, located, requests, _ = source(p, CONFIG, tokens, stalls=(hold, hold, "never"))
    assert (located, requests) == model(p, CONFIG, tokens)
    assert len([t for t in trace.when("outside") if t < 1000]) >= LOOKAHEAD and not trace.when("located")[0] < 1000


def test_the_largest_kernel_and_coordinates():
    p = {**PASS, "kernel_h": 11, "kernel_w": 11, "stride_log2": 2, "tile_h": 252, "tile_w": 255, "channels": 3, "stride_y": 1024,
         "stride_x": 1, "y_offset": 2, "x_offset": 3}
    rng = np.random.default_rng(57)
    tokens = [(n // 80, int(rng.integers(-128, 256)), *(int(c) for c in rng.choice([0, 1, 511, 1010, 1022, 1023], 2)), 1, int(n % 80 == 79))
              for n in range(240)]
    _, located, requests, _ = source(p, LARGE, tokens)
    assert (located, requests) == model(p, LARGE, tokens)
