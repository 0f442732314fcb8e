"""event_unpack against a model that cuts every memory word by itself (docs/accelerator.md, feature map and core streams)."""
import numpy as np
import pytest

from rtl.config import EVENT_BITS, WORDS_AHEAD, CoreConfig
from rtl.event_fetch import piece_bits
from rtl.event_unpack import LATENCY, event_unpack, event_word_bits, lane_bits
from rtl.pass_settings import SourceSettings
from rtl.stream import Stream, bit
from tb.block_bench import reset, run
from tb.block_parts import Sink, Source

OUTPUTS = ("pieces_ready", "words_ready", "events_valid", "events_data", "requests_valid", "requests_data", "finished")
PASS = dict(flatten=0, signed_source=0, x_bits=3, flat_size=0, flat_width=0)
SHAPES = [(1, 2), (2, 8), (3, 2), (4, 8), (8, 4), (4, 16)]      # PEs, bytes of a memory word: Q below, at and above E


def config_of(pes, width, coord_bits=8):
    return CoreConfig(pes=pes, lanes=16, fire_lanes=4, weight_bytes=width, coord_bits=coord_bits)


def pieces_of(rng, channels, longest=20, empty=0.3):
    """Random pieces of a pass: (count, x0, y0, channel, first, last); a first piece, like the last, may have no events."""
    pieces = []
    for channel in range(channels):
        for band in range(int(rng.integers(1, 4))):
            count = 0 if rng.random() < empty else int(rng.integers(1, longest + 1))
            pieces.append([count, int(rng.integers(3)) * 16, 7 * band, channel, int(band == 0), 0])
    pieces[-1][5] = 1
    return [tuple(piece) for piece in pieces]


def pack_piece(config, piece):
    count, x0, y0, channel, first, last = piece
    b = config.coord_bits
    return count | x0 << 8 | y0 << 8 + b | channel << 8 + 2 * b | first << 24 + 2 * b | last << 25 + 2 * b


def memory(rng, config, pieces):
    """The memory words of pieces; what follows a piece's last event in its word is rubbish."""
    amount = sum(-(-piece[0] // config.port_events) for piece in pieces)
    return [int.from_bytes(rng.bytes(config.port_bytes), "little") for _ in range(amount)]


def model(config, p, pieces, words):
    """Event words and requests."""
    feed, events, requests, fresh = iter(words), [], [], 0
    b, group = config.coord_bits, 1 if p["flatten"] else min(config.event_lanes, config.port_events)
    for count, x0, y0, channel, first, _ in pieces:
        fresh |= first
        for at in range(0, count, config.port_events):
            word = next(feed)
            number = min(config.port_events, count - at)
            for low in range(0, number, group):
                out = 0
                for lane in range(min(group, number - low)):
                    event = word >> 16 * (low + lane) & 0xFFFF
                    value = event & 255 | (event << 1 & 256 if p["signed_source"] else 0)
                    position = event >> 8
                    x, y = (x0 + (position & (1 << p["x_bits"]) - 1)) % (1 << b), (y0 + (position >> p["x_bits"])) % (1 << b)
                    if p["flatten"]:
                        requests.append((channel * p["flat_size"] + y * p["flat_width"] + x) % 65536)
                        fresh, x, y = 1, 0, 0
                    out |= (value | x << EVENT_BITS | y << EVENT_BITS + b | 1 << EVENT_BITS + 2 * b) << lane * lane_bits(config)
                if fresh and not p["flatten"]:
                    requests.append(channel)
                events.append(out | fresh << event_word_bits(config) - 1)
                fresh = 0
    return events, requests


def stripped(config, word):
    """An event word without the contents of lanes that are not valid."""
    width, kept = lane_bits(config), word >> event_word_bits(config) - 1 << event_word_bits(config) - 1
    for lane in range(config.event_lanes):
        part = word >> lane * width & (1 << width) - 1
        kept |= (part if part >> width - 1 else 0) << lane * width
    return kept


class Passes:
    """The settings, and a start pulse for each pass once the one before has finished; over once all is taken."""

    def __init__(self, passes, gap=5):
        self.passes, self.gap, self.begun, self.wait, self.over = list(passes), gap, 0, 0, False

    def step(self, seen):
        if self.wait:
            self.wait -= 1
            return {"start": 0}
        if seen and not seen["finished"]:
            return {"start": 0}
        if self.begun == len(self.passes):
            self.over = not seen["requests_valid"]
            return {"start": 0}
        inputs = {"settings_" + name: value for name, value in self.passes[self.begun].items()}
        self.begun += 1
        self.wait = self.gap
        return {**inputs, "start": 1}


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
    return dict(clk=bit(), rst=reset(), config=config, start=bit(), settings=SourceSettings(), pieces=Stream(piece_bits(config)),
                words=Stream(8 * config.port_bytes), events=Stream(event_word_bits(config)), requests=Stream(16), finished=bit())


def unpack(config, passes, pieces, words, idle=("never", "never"), stalls=("never", "never"), seed=1):
    """Run passes; return the trace, the event words and the requests."""
    feed = Source("pieces", [pack_piece(config, piece) for piece in pieces], idle[0], seed)
    memory_side = Source("words", words, idle[1], seed + 1)
    events, requests, control = Sink("events", stalls[0], seed + 2), Sink("requests", stalls[1], seed + 3), Passes(passes)
    trace = run(event_unpack, lambda: arguments_of(config), OUTPUTS, (control, feed, memory_side, events, requests),
                lambda: control.over, linger=30, limit=20_000)
    trace.check_stream("events")
    trace.check_stream("requests")
    assert memory_side.sent == len(words) and feed.sent == len(pieces) and trace["finished"][-1]
    return trace, [stripped(config, word) for word in events.words], requests.words


def check(config, p, seed, idle=("never", "never"), stalls=("never", "never"), channels=8, passes=1):
    print("seed", seed)
    rng = np.random.default_rng(seed)
    pieces = [pieces_of(rng, channels) for _ in range(passes)]
    words = [memory(rng, config, some) for some in pieces]
    settings = [p if number % 2 == 0 else {**p, "signed_source": 1 - p["signed_source"]} for number in range(passes)]
    trace, events, requests = unpack(config, settings, sum(pieces, []), sum(words, []), idle, stalls, seed)
    expected = [model(config, *one) for one in zip(settings, pieces, words)]
    assert events == sum((one[0] for one in expected), []) and events
    assert requests == sum((one[1] for one in expected), [])
    return trace


@pytest.mark.parametrize("pes, width", SHAPES)
@pytest.mark.parametrize("signed_source, x_bits", [(0, 3), (1, 0), (1, 8)])
def test_event_words_and_requests_are_those_of_the_model(pes, width, signed_source, x_bits):
    check(config_of(pes, width), {**PASS, "signed_source": signed_source, "x_bits": x_bits}, 70 + pes)


@pytest.mark.parametrize("pes, width", [(2, 8), (8, 4)])
@pytest.mark.parametrize("flatten", [0, 1])
@pytest.mark.parametrize("idle, stalls", [
    (("sometimes", "burst"), ("sometimes", "never")), (("never", "fixed"), ("burst", "sometimes")),
    (("burst", "never"), ("never", "burst")), (("never", "never"), ("fixed", "burst"))])
def test_nothing_is_lost_under_pauses_over_several_passes(pes, width, flatten, idle, stalls):
    p = {**PASS, "flatten": flatten, "flat_size": 42, "flat_width": 7, "signed_source": 1}
    check(config_of(pes, width), p, 80 + flatten, idle, stalls, passes=3)


@pytest.mark.parametrize("pes, width", SHAPES)
def test_flatten_gives_one_event_a_word_with_a_request_for_its_row(pes, width):
    check(config_of(pes, width), {**PASS, "flatten": 1, "flat_size": 784, "flat_width": 28}, 90 + width)


def test_coordinates_of_the_full_range_and_rows_above_sixteen_bits_wrap():
    config = config_of(4, 8, coord_bits=4)
    pieces = [(60, 15, 15, 300, 1, 1)]
    words = memory(np.random.default_rng(96), config, pieces)
    for flatten in (0, 1):
        p = {**PASS, "flatten": flatten, "flat_size": 65535, "flat_width": 65535}
        _, events, requests = unpack(config, [p], pieces, words)
        assert (events, requests) == model(config, p, pieces, words)


@pytest.mark.parametrize("pes, width, count", [(4, 8, 4), (8, 4, 2), (2, 8, 4), (2, 8, 255), (4, 16, 1), (1, 2, 1), (4, 8, 5)])
def test_one_output_word_a_cycle_from_piece_to_piece_and_the_latency(pes, width, count):
    config = config_of(pes, width)
    number = 240 // count + 2
    pieces = [(count, 0, 0, n, 1, int(n == number - 1)) for n in range(number)]
    words = memory(np.random.default_rng(97), config, pieces)
    trace, events, _ = unpack(config, [PASS], pieces, words)
    cycles = trace.when("events")
    assert cycles == list(range(cycles[0], cycles[0] + len(events)))
    assert cycles[0] == trace.when("pieces")[0] + LATENCY
    assert trace["finished"].index(1, 3) == cycles[-1] + 1


def test_first_pieces_without_events_hand_their_mark_on_and_a_pass_may_be_empty():
    config = config_of(2, 8)
    pieces = [(0, 0, 0, 4, 1, 0), (0, 0, 7, 4, 0, 0), (3, 0, 14, 4, 0, 0), (0, 0, 0, 5, 1, 1), (0, 0, 0, 0, 0, 1),
              (2, 0, 0, 6, 0, 1)]
    words = memory(np.random.default_rng(98), config, pieces)
    trace, events, requests = unpack(config, [PASS] * 3, pieces, words)
    assert [word >> event_word_bits(config) - 1 for word in events] == [1, 0, 0] and requests == [4]


def test_requests_that_nobody_takes_stop_the_events_and_lose_none():
    config = config_of(4, 8)
    pieces = [(1, 0, 0, n, 1, int(n == 39)) for n in range(40)]
    words = memory(np.random.default_rng(99), config, pieces)
    trace, events, requests = unpack(config, [PASS], pieces, words, stalls=("never", lambda cycle: cycle < 500))
    assert (events, requests) == model(config, PASS, pieces, words)
    assert len([t for t in trace.when("events") if t < 500]) == WORDS_AHEAD


def test_pieces_of_the_next_pass_wait_for_its_start():
    config = config_of(2, 4)
    pieces = [(1, 0, 0, 0, 1, 1), (1, 0, 0, 0, 1, 1)]
    trace, events, _ = unpack(config, [PASS, PASS], pieces, [0x0101, 0x0202])
    starts = [t for t, start in enumerate(trace["start"]) if start]
    assert len(starts) == 2 and len(events) == 2
    assert trace.when("pieces")[1] == starts[1] + 1 and trace.when("events")[0] < starts[1]


def test_reset_ends_the_pass_and_drops_what_is_inside():
    config = config_of(2, 8)
    pieces = [pack_piece(config, (9, 0, 0, n, 1, 0)) for n in range(20)]
    parts = (Passes([PASS]), Source("pieces", pieces), Source("words", range(60)), Halt(20, "pieces", "words"))
    trace = run(event_unpack, lambda: arguments_of(config), OUTPUTS, parts, lambda: True, linger=30)
    assert trace["events_valid"][19] and trace["requests_valid"][19] and not trace["finished"][19]
    assert all(trace["finished"][20:]) and not any(trace["events_valid"][20:]) and not any(trace["requests_valid"][20:])
