"""event_feed on a memory with the map's addresses walked in Python: every band's events, channel ends, nothing else read."""
from collections import deque

import numpy as np
import pytest

from rtl.compact.event_feed import FeedEvent, event_feed
from rtl.compact.memory_master import Answers, Ask
from rtl.compact.pass_header import Settings
from rtl.compact.sizes import ADDRESS_BITS, byte_bits
from rtl.config import CoreConfig
from rtl.stream import bit, wrapping
from tb.block_bench import reset, run
from tb.block_parts import Sink
from tb.pauses import Gate

FIELDS = ("event_value", "event_place", "event_y", "event_ends")
OUTPUTS = ("counts_valid", "events_valid", *FIELDS, "event_valid", "word", "band", "closes", "over")
FIRST_Y = 5


class Map:
    """A random map in memory, as docs/accelerator.md places it, of which only the first bands of each channel are read."""

    def __init__(self, rng, config, channels, bands, more, rows, density, signed):
        self.config, self.bands, self.all, self.channels = config, bands, bands + more, channels
        places = int(rng.integers(1, 40))
        self.slot = -(-places // config.port_events)
        self.events, self.counts = int(rng.integers(1, 500)), int(rng.integers(20_000, 30_000))
        self.memory = rng.integers(0, 256, 1 << 17)
        self.want = []
        for channel in range(channels):
            for band in range(self.all):
                spots = [place for place in range(places) if rng.random() < density]
                slot = channel * self.all + band
                self.memory[self.counts + slot] = len(spots)
                for number, place in enumerate(spots):
                    value, at = int(rng.integers(256)), (self.events + slot * self.slot) * config.port_bytes + 2 * number
                    self.memory[at:at + 2] = value, place
                    if band < bands:
                        self.want.append((value | 256 * (signed and value >= 128), place, FIRST_Y + band * rows, 0))
            self.want.append(None)
        self.settings = dict(settings_channels=channels, settings_bands=bands, settings_first_y=FIRST_Y, settings_band_rows=rows,
                             settings_signed_source=signed)

    def word(self, at):
        wide = self.config.port_bytes
        return int.from_bytes(bytes(self.memory[at * wide:(at + 1) * wide].tolist()), "little")


class Memory:
    """Takes the requests of one map after the other, answers them in order, and walks the map's addresses as it is told."""

    def __init__(self, maps, pause, latency, rng):
        self.maps, self.gate, self.latency, self.rng = deque(maps), Gate(pause, 3), latency, rng
        self.map, self.open, self.t, self.ready, self.rest = None, deque(), 0, False, 3
        self.at = self.slot = self.left = self.skips = 0

    def move_on(self):
        """To the next band's slot."""
        self.slot += 1
        self.at = self.map.events + self.slot * self.map.slot
        self.left = self.left - 1 or self.map.all

    def step(self, seen):
        self.t += 1
        if self.map:
            for port in ("counts", "events"):
                if self.ready and seen[port + "_valid"]:
                    where = (self.map.counts + self.slot) // self.map.config.port_bytes if port == "counts" else self.at
                    self.open.append((self.t + self.latency - 1, port, self.map.word(where)))
            assert not (self.skips and (seen["word"] or seen["band"])), "the walk is moved while it passes bands"
            if self.skips:
                self.skips -= 1
                self.move_on()
            elif seen["band"]:
                self.skips = self.left - 1 if seen["closes"] else 0
                self.move_on()
            elif seen["word"]:
                self.at += 1
        inputs = {"enter": 0, "answers_count": 0, "answers_events": 0, "answers_data": int(self.rng.integers(1 << 30))}
        if self.open and self.open[0][0] <= self.t:
            _, port, data = self.open.popleft()
            inputs.update({"answers_count" if port == "counts" else "answers_events": 1, "answers_data": data})
        if seen.get("over", 1) and self.maps and self.rest == 0:
            assert not self.open
            self.map, self.rest = self.maps.popleft(), 3
            self.at, self.slot, self.left = self.map.events, 0, self.map.all
            inputs.update(enter=1, **self.map.settings)
        elif seen.get("over", 1):
            self.rest -= 1
        self.ready = not self.gate.closed()
        if self.map:
            inputs.update(count_at=self.map.counts + self.slot, passing=int(self.skips > 0))
        return {**inputs, "counts_ready": int(self.ready), "events_ready": int(self.ready)}

    def over(self):
        return not self.maps and self.rest < 0


def feed(maps, config, memory="never", taking="never", latency=3):
    print("seed 23")
    part, sink = Memory(maps, memory, latency, np.random.default_rng(23)), Sink("event", taking, 4, FIELDS)
    trace = run(event_feed, lambda: dict(clk=bit(), rst=reset(), config=config, enter=bit(), settings=Settings(config),
                                         counts=Ask(config, walks=True), events=Ask(config, walks=True),
                                         count_at=wrapping(ADDRESS_BITS + byte_bits(config)), passing=bit(),
                                         answers=Answers(config), event=FeedEvent(config), word=bit(), band=bit(), closes=bit(),
                                         over=bit()),
                OUTPUTS, (part, sink), part.over, limit=30_000)
    trace.check_stream("event", "event_ends")
    assert [None if one[3] else one for one in sink.words] == [one for each in maps for one in each.want]
    return trace


def config_of(lanes):
    return CoreConfig(pes=1, lanes=lanes, fire_lanes=1, weight_bytes=lanes, compact=True)


@pytest.mark.parametrize("lanes, memory, taking, latency", [(4, "never", "never", 3), (8, "sometimes", "burst", 7),
                                                            (16, "burst", "sometimes", 1), (8, "never", "sometimes", 20)])
def test_events_of_maps(lanes, memory, taking, latency):
    rng, config = np.random.default_rng(24), config_of(lanes)
    kinds = [(3, 2, 0, 2, 0.5, 0), (2, 3, 2, 4, 0.3, 1), (5, 1, 0, 1, 0.0, 0), (2, 2, 1, 3, 1.0, 1), (1, 1, 3, 1, 0.9, 0)]
    feed([Map(rng, config, *kind) for kind in kinds], config, memory, taking, latency)


def test_a_pass_without_channels_is_over_at_once():
    rng, config = np.random.default_rng(25), config_of(8)
    empty, some = Map(rng, config, 0, 2, 0, 1, 0.5, 0), Map(rng, config, 2, 1, 0, 1, 0.5, 0)
    feed([some, empty, some], config)


@pytest.mark.parametrize("latency", [2, 9])
def test_an_event_a_cycle_and_a_latency_between_words_and_bands(latency):
    config = config_of(8)
    one = Map(np.random.default_rng(26), config, 2, 3, 0, 1, 1.0, 0)
    trace = feed([one], config, latency=latency)
    times, lines, ends = trace.when("event"), trace["event_y"], trace["event_ends"]
    inside = 0      # events of the word, up to `before`
    for before, after in zip(times, times[1:]):
        inside += 1
        if ends[before] or ends[after]:
            inside = 0
        elif lines[before] != lines[after]:
            inside = 0
            assert after - before - 1 <= 6 + latency
        else:
            assert after - before - 1 <= (1 + latency if inside % config.port_events == 0 else 0)
