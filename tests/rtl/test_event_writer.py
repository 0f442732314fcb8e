"""event_writer against a model that makes the same writes from whole maps: places, counts, order, progress, and rates."""
from collections import deque

import numpy as np
import pytest

from rtl.config import FIRE_MARGIN, CoreConfig
from rtl.event_writer import event_writer
from rtl.fire import Fired
from rtl.memory_bus import Progress, WritePort
from rtl.pass_settings import FireSettings
from rtl.stream import bit
from tb.block_bench import reset, run
from tb.block_parts import Sink
from tb.pauses import Gate

CONFIG = CoreConfig(pes=2, lanes=4, fire_lanes=4, weight_bytes=4, acc_depth=64)
OUTPUTS = ("write_address", "write_data", "write_sel", "write_valid", "go", "busy", "progress")
LAG = FIRE_MARGIN - 1       # outputs on their way when fire learns, a cycle late, that it must stop


class Pass:
    """A pass's fired values and which are events, its settings, and the writes that it must make."""

    def __init__(self, rng, config, channels, height=1, width=1, density=0.5, vector=0, rows=None, bands=None, first=0):
        self.config, self.first = config, first
        strips = -(-width // 128) if width > 128 else 1
        x_bits = 7 if vector or strips > 1 else (width - 1).bit_length()
        rows = 1 if strips > 1 or vector else min(255 // width, 256 >> x_bits) if rows is None else rows
        needed = -(-channels // 128) if vector else -(-height // rows) * strips
        slot = -(-(128 if vector or strips > 1 else rows * width) // config.port_events)
        self.bands = bands or needed
        self.settings = dict(vector=vector, height=height, width=width, channels=channels, first_channel=first, slot_words=slot,
                             map_bands=self.bands, events=int(rng.integers(1 << 20)), counts=int(rng.integers(1 << 24)),
                             channel_words=self.bands * slot, band_rows=rows, x_bits=x_bits, strips=strips)
        self.values = rng.integers(-128, 256, (channels, height, width))
        self.emits = rng.random(self.values.shape) < density
        self.rng = rng

    def groups(self):
        lanes = self.config.fire_lanes
        return [range(k, min(k + lanes, len(self.values))) for k in range(0, len(self.values), lanes)]

    def outputs(self):
        """(values, emit, y, x, group) in fire's order; lanes past the last channel have any value and never emit."""
        lanes, (height, width) = self.config.fire_lanes, self.values.shape[1:]
        for group, channels in enumerate(self.groups()):
            for y, x in np.ndindex(height, width):
                values = int(self.rng.integers(1 << 62)) % (1 << 9 * lanes) >> 9 * len(channels) << 9 * len(channels)
                emit = 0
                for lane, k in enumerate(channels):
                    values |= (int(self.values[k, y, x]) % 512) << 9 * lane
                    emit |= int(self.emits[k, y, x]) << lane
                yield values, emit, y, x, group

    def writes(self):
        """(address, {byte: value}) of each write in order, and the channels of the pass that are done with it."""
        s = self.settings
        if s["vector"]:
            for band in range(-(-s["channels"] // 128)):
                part = range(128 * band, min(128 * band + 128, s["channels"]))
                events = [(k & 127, int(self.values[k, 0, 0]) % 256) for k in part if self.emits[k, 0, 0]]
                yield from self._band([(s["events"] + band * s["slot_words"], s["counts"] + band, events)], 0)
            return
        height, width = self.values.shape[1:]
        for channels in self.groups():
            areas = [(y, min(y + s["band_rows"], height), x, min(x + 128, width))
                     for y in range(0, height, s["band_rows"]) for x in range(0, width, 128)]
            for band, (top, bottom, left, right) in enumerate(areas):
                lists = []
                for k in channels:
                    events = [((y - top) << s["x_bits"] | x - left, int(self.values[k, y, x]) % 256)
                              for y in range(top, bottom) for x in range(left, right) if self.emits[k, y, x]]
                    lists.append((s["events"] + k * s["channel_words"] + band * s["slot_words"],
                                  s["counts"] + k * s["map_bands"] + band, events))
                yield from self._band(lists, channels[-1] + 1 if band == len(areas) - 1 else None)

    def _band(self, lists, done):
        wide, per_word = self.config.port_bytes, self.config.port_events
        counts, told = {}, []
        for lane, (address, count_at, events) in enumerate(lists):
            for w in range(0, len(events), per_word):
                data = b"".join(bytes([value, position]) for position, value in events[w:w + per_word])
                told.append((address + w // per_word, dict(enumerate(data)), None))
            counts[count_at % wide] = len(events)
            last = lane + 1 == len(lists)
            if last or lists[lane + 1][1] // wide != count_at // wide:
                told.append((count_at // wide, counts, done if last else None))
                counts = {}
        return told


class FirePart:
    """Plays fire: pulses start, reads while `go`, shows each output LAG cycles later, and leaves wrong settings when idle."""

    def __init__(self, passes, pause="never", seed=1, rest=3):
        self.todo, self.gate, self.rng = deque(passes), Gate(pause, seed), np.random.default_rng(seed)
        self.pipe, self.outputs, self.current, self.phase, self.left, self.rest = deque([None] * LAG), deque(), None, "idle", 0, rest

    def step(self, seen):
        inputs = {"start": 0, "fired_strobe": 0}
        if self.phase == "idle" and self.todo:
            self.current = self.todo.popleft()
            self.outputs = deque(self.current.outputs())
            self.phase, self.left = "starting", 3
            return {**inputs, "start": 1}
        if self.phase == "starting":
            self.left -= 1
            self.phase = "running" if not self.left else self.phase
            return {**inputs, **{"settings_" + name: value for name, value in self.current.settings.items()}}
        if self.phase == "running":
            self.pipe.append(self.outputs.popleft() if self.outputs and seen["go"] and not self.gate.closed() else None)
            shown = self.pipe.popleft()
            if shown is not None:
                inputs.update({"fired_strobe": 1, **dict(zip(("fired_values", "fired_emit", "fired_y", "fired_x", "fired_group"), shown))})
            if not self.outputs and not any(one is not None for one in self.pipe):
                self.phase, self.left = "ending", self.rest
            return inputs
        if self.phase == "ending":
            self.left -= 1
            if self.left <= 0:
                self.phase = "idle"
                inputs.update({"settings_" + name: int(self.rng.integers(2))
                               for name in self.current.settings})
        return inputs

    def over(self):
        return self.phase == "idle" and not self.todo


def arguments_of(config):
    return lambda: dict(clk=bit(), rst=reset(), config=config, start=bit(), settings=FireSettings(config), fired=Fired(config),
                        write=WritePort(config), go=bit(), busy=bit(), progress=Progress())


def simulate(passes, fire="never", memory="never", config=CONFIG, seed=1, rest=3):
    part, sink = FirePart(passes, fire, seed, rest), Sink("write", memory, seed + 1, ("write_address", "write_data", "write_sel"))
    total = sum(1 for p in passes for _ in p.writes())
    return run(event_writer, arguments_of(config), OUTPUTS, (part, sink), lambda: part.over() and len(sink.words) >= total, linger=12,
               limit=60_000)


def check(passes, trace, config=CONFIG):
    trace.check_stream("write", "write_address", "write_data", "write_sel")
    got = trace.moved("write", "write_address", "write_data", "write_sel")
    whole = (1 << config.port_bytes) - 1
    want = [(n, *write) for n, p in enumerate(passes) for write in p.writes()]
    for (address, data, sel), (n, at, values, _) in zip(got, want):
        told = {byte: data >> 8 * byte & 255 for byte in values}
        assert (address, told) == (at, values), f"pass {n}"
        assert sel in (sum(1 << byte for byte in values), whole)
    assert len(got) == len(want)
    check_progress(passes, trace, want)


def check_progress(passes, trace, want):
    """Passes are counted in the cycle after their last write, channels are those written, and busy lasts until all is."""
    at = [n for n, *_ in want]
    times = trace.when("write")
    ends = {times[i]: n for i, n in enumerate(at) if i + 1 == len(at) or at[i + 1] != n}
    starts = [t for t, start in enumerate(trace["start"]) if start]
    written, open_, channels, busy = 0, None, 0, 0
    done_at = {times[i]: passes[n].first + done for i, (n, _, _, done) in enumerate(want) if done}
    for t in range(len(trace)):
        assert trace["progress_passes"][t] == written % 256
        assert trace["progress_channels"][t] <= channels or channels == 0 and trace["progress_channels"][t] == (
            passes[written].first if written < len(passes) else 0)
        if channels:
            assert trace["progress_channels"][t] == channels
        assert trace["busy"][t] == (busy > 0)
        busy += t in starts
        channels = done_at.get(t, channels)
        if t in ends:
            written, channels, busy = written + 1, 0, busy - 1
    assert written == len(passes)


def few(rng, config):
    """Maps of every kind, most of them tiny."""
    return [Pass(rng, config, 6, 5, 7), Pass(rng, config, 9, 1, 1, first=6), Pass(rng, config, 1, 3, 3, 0.9),
            Pass(rng, config, min(config.fire_lanes + 1, 6), 20, 13, 0.8, first=3), Pass(rng, config, 2, 2, 150),
            Pass(rng, config, 150, vector=1), Pass(rng, config, 3, 9, 6, 0.3, rows=2), Pass(rng, config, 7, 2, 2, 0.0),
            Pass(rng, config, 2, vector=1, density=1), Pass(rng, config, 9, 4, 4, bands=3)]


@pytest.mark.parametrize("fire_lanes, port_bytes, fire, memory", [
    (4, 4, "never", "never"), (4, 4, "never", "sometimes"), (4, 4, "sometimes", "burst"), (4, 4, "burst", "sometimes"),
    (1, 2, "sometimes", "sometimes"), (2, 8, "never", "burst"), (8, 2, "burst", "burst"), (16, 16, "sometimes", "sometimes")])
def test_writes_of_maps_and_vectors(fire_lanes, port_bytes, fire, memory):
    config = CONFIG.replace(lanes=16, fire_lanes=fire_lanes, weight_bytes=port_bytes)
    seed = 200 + fire_lanes + port_bytes
    print("seed", seed)
    passes = few(np.random.default_rng(seed), config)
    check(passes, simulate(passes, fire, memory, config, seed), config)


@pytest.mark.parametrize("shape", [dict(height=16, width=15, rows=16), dict(height=2, width=128), dict(height=255, width=1),
                                   dict(vector=1, channels=256), dict(vector=1, channels=129)])
def test_bands_with_every_place_an_event(shape):
    passes = [Pass(np.random.default_rng(220), CONFIG, **{"channels": 2, **shape}, density=1)]
    check(passes, simulate(passes))


@pytest.mark.parametrize("bands", [2, 9])
def test_while_bands_fill_in_time_a_write_goes_out_every_cycle(bands):
    """With counts of two lanes in one write, and with each alone (other bands of the map lie between them); two cycles between
    two bands."""
    passes = [Pass(np.random.default_rng(221), CONFIG, 4, 12, 13, 1.0, rows=6, bands=bands)]
    trace = simulate(passes)
    check(passes, trace)
    times = trace.when("write")
    assert times[-1] - times[0] == len(times) + 1 and len(times) >= 2 * 4 * 39 + 2


def test_outputs_go_in_one_a_cycle_and_a_band_comes_out_eight_cycles_after_its_last():
    passes = [Pass(np.random.default_rng(222), CONFIG, 1, 10, 10, 0.1)]
    trace = simulate(passes)
    shown = [t for t, strobe in enumerate(trace["fired_strobe"]) if strobe]
    assert shown == list(range(shown[0], shown[0] + 100))
    assert trace.when("write")[0] - shown[-1] == 8


def test_passes_may_begin_while_a_memory_held_for_a_thousand_cycles_takes_nothing():
    rng = np.random.default_rng(223)
    passes = [Pass(rng, CONFIG, int(rng.integers(1, 6)), density=0.3, first=int(rng.integers(9))) for _ in range(30)]
    trace = simulate(passes, memory=lambda cycle: 10 < cycle < 1010)
    check(passes, trace)
    assert 3 < sum(trace["start"][:1010]) < 30


def test_passes_are_counted_modulo_256():
    rng = np.random.default_rng(224)
    passes = [Pass(rng, CONFIG, 1) for _ in range(260)]
    trace = simulate(passes, rest=1)
    check(passes, trace)
    assert trace["progress_passes"][-1] == 4


def test_a_start_shows_the_passs_first_channel_at_once():
    passes = [Pass(np.random.default_rng(225), CONFIG, 6, 3, 3, first=70)]
    trace = simulate(passes)
    assert trace["progress_channels"][trace["start"].index(1) + 3] == 70
    assert sorted(set(trace["progress_channels"])) == [0, 70, 74]


def test_reset_in_the_middle_of_a_pass_empties_it():
    passes = [Pass(np.random.default_rng(226), CONFIG, 9, 6, 6, 0.9) for _ in range(2)]
    first = FirePart(passes[:1])

    class Interrupted:
        """A pass cut off by a reset, then another one, whole."""

        now, t = first, 0

        def step(self, seen):
            self.t += 1
            if self.t == 80:
                self.now = FirePart(passes[1:])
                return {"rst": 1, "fired_strobe": 0, "start": 0}
            return {**self.now.step(seen), "rst": 0}

        def over(self):
            return self.t > 80 and self.now.over()

    sink = Sink("write", "sometimes", 3, ("write_address", "write_data", "write_sel"))
    part = Interrupted()
    trace = run(event_writer, arguments_of(CONFIG), OUTPUTS, (part, sink), part.over, linger=300)
    assert 3 < len([t for t in trace.when("write") if t < 79])
    trace.rows = trace.rows[80:]
    assert not trace["busy"][0] and trace["progress_passes"][0] == trace["progress_channels"][0] == 0
    check(passes[1:], trace)

