"""engine: whole passes, events in and fired outputs out, against sums and the integer reference: convolutions, vectors."""
from types import SimpleNamespace

import numpy as np
import pytest

from cascadefire import reference
from rtl.activity import BEAT
from rtl.config import CoreConfig
from rtl.count_fetch import MaskPort
from rtl.engine import engine
from rtl.event_unpack import event_word_bits, lane_bits
from rtl.fire import Fired
from rtl.pass_settings import MAGIC, FetchSettings, FireSettings, SourceSettings
from rtl.program_sequencer import Control
from rtl.stream import Stream, bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Source
from tb.pauses import Gate

CONFIG = CoreConfig(pes=2, lanes=4, fire_lanes=2, weight_bytes=2, kernel=3, acc_bits=20, acc_depth=64, weight_depth=32, slots=4,
                    coord_bits=4, param_depth=8)
OUTPUTS = ("cfg_ready", "control", *(f"fetch_{name}" for name in vars(FetchSettings())), "mask", "source", "firing",
           "events_ready", "counts_ready", "weights_ready", "fired", "pe_state")


def pair(high, low):
    return high % (1 << 16) << 16 | low % (1 << 16)


class Pass:
    """Random events and weights of a pass, its program, its streams, and the sums that it adds.

    shape: channels, height, width of the source.  tile: outputs.  fires: 0, or the output channels (as many as sums).
    """

    def __init__(self, rng, config, shape, outputs, tile, kernel, log2=0, pad=0, flatten=0, fires=True, last=False, relu=1,
                 density=0.5):
        self.config, self.fires, self.outputs, self.tile = config, fires, outputs, tile
        self.lanes, self.chunks, stride = config.lanes, -(-outputs // config.lanes), 1 << log2
        self.sums, self.words, self.counts, self.weights, self.beats = np.zeros((outputs, *tile), int), [], [], [], 0
        values = rng.integers(-128, 128, shape) * (rng.random(shape) < density)
        places = [[(int(y), int(x)) for y, x in zip(*np.nonzero(plane))] for plane in values]
        rows = [(c, [place]) for c, group in enumerate(places) for place in group] if flatten else [*enumerate(places)]
        for channel, group in rows:
            if not group:
                continue
            self._ask(rng, kernel)
            self._events(values[channel], group, flatten)
            for (y, x), (ky, kx) in ((place, k) for place in group for k in np.ndindex(*kernel)):
                oy, ox = (0, 0) if flatten else (y + pad - ky, x + pad - kx)
                if oy % stride == ox % stride == 0 and 0 <= oy // stride < tile[0] and 0 <= ox // stride < tile[1]:
                    weights = self.rows[ky, kx].reshape(-1)[:outputs]
                    self.sums[:, oy // stride, ox // stride] += int(values[channel, y, x]) * weights
                    self.beats += self.sizes[ky, kx]
        self._parameters(rng, relu)
        steps = tile[1] * self.chunks, self.chunks
        head = int(last) | flatten << 2 | relu << 4 | 1 << 6 | kernel[0] << 8 | kernel[1] << 12 | log2 << 16 | MAGIC << 24
        self.program = [head, *[0] * 6, pair(pad, pad), pair(*tile), pair(*steps), 0, 0, 0, pair(outputs * fires, 0), 0x11,
                        pair(*tile), 0, 0, 0, 0, 0, pair(shape[1] * shape[2], shape[2])]
        self.program += [(ky >> log2) * steps[0] + (kx >> log2) * steps[1] for ky, kx in np.ndindex(*kernel)]
        self.program += [word for bias, scale in zip(self.layer.bias, self.scales) for word in (int(bias) % (1 << 32), scale)]

    def _ask(self, rng, kernel):
        """Counts and chunks of the channel that an event word opens: those past the count are zero."""
        self.sizes = rng.integers(self.chunks + 1, size=kernel)
        self.rows = rng.integers(-128, 128, (*kernel, self.chunks, self.lanes))
        for place in np.ndindex(*kernel):
            self.rows[(*place, slice(self.sizes[place], None))] = 0
            self.counts.append(int(self.sizes[place]))
            data = self.rows[place][:self.sizes[place]].astype(np.int8).tobytes()
            self.weights += [int.from_bytes(data[at:at + 2], "little") for at in range(0, len(data), self.config.weight_bytes)]

    def _events(self, plane, group, flatten):
        c, width = self.config, lane_bits(self.config)
        for at in range(0, len(group), c.event_lanes):
            word = int(at == 0) << event_word_bits(c) - 1
            for lane, (y, x) in enumerate(group[at:at + c.event_lanes]):
                where = 0 if flatten else y << c.coord_bits | x
                word |= (1 << 2 * c.coord_bits + 9 | where << 9 | int(plane[y, x]) % 512) << lane * width
            self.words.append(word)

    def _parameters(self, rng, relu):
        count = self.outputs if self.fires else 0
        self.layer = SimpleNamespace(bias=rng.integers(-999, 999, count), multiplier=rng.integers(32768, 65536, count),
                                     shift=rng.integers(20, 25, count), activation="relu" if relu else "none")
        self.dead = rng.random(count) < 0.2
        self.scales = [int(multiplier) | int(shift) << 16 | int(dead) << 22
                       for multiplier, shift, dead in zip(self.layer.multiplier, self.layer.shift, self.dead)]


def fired_of(passes):
    """(y, x, group, [(value, emit) of each channel of the group]) of every output in order, sums carried from pass to pass."""
    carried = 0
    for one in passes:
        carried = carried + one.sums
        if one.fires:
            values, lanes = reference.requantise(one.layer, carried[None])[0].astype(int), one.config.fire_lanes
            for first in range(0, one.outputs, lanes):
                for y, x in np.ndindex(*one.tile):
                    yield y, x, first // lanes, [(int(values[k, y, x]), int(values[k, y, x] != 0 and not one.dead[k]))
                                                 for k in range(first, min(first + lanes, one.outputs))]
            carried = 0


class Shell:
    """Launches the program, and gives the streams of each pass once it has entered the front; events at a pace of their own."""

    SETTLE = 3      # cycles from a start to the first words: the settings are in place

    def __init__(self, passes, program, pause):
        self.todo, self.pauses, self.sources, self.t, self.wait = list(passes), (pause, program, program), [], 0, 0
        self.gates, self.over, self.events = [Gate(pause, 38, number) for number in range(2)], False, None

    def step(self, seen):
        self.t += 1
        self.over = self.over or bool(seen.get("control_over"))
        inputs = {"launch": int(self.t == CONFIG.acc_depth + 20), "fire_go": int(not self.gates[0].closed()),
                  "fetch_free": int(not self.gates[1].closed())}
        if seen.get("control_start"):
            assert all(source.sent == size for source, size in self.sources)
            one = self.todo.pop(0)
            streams = ("events", one.words), ("counts", one.counts), ("weights", one.weights)
            self.sources = [(Source(port, words, pause, 39 + number), len(words))
                            for number, ((port, words), pause) in enumerate(zip(streams, self.pauses))]
            self.wait = self.SETTLE
        if self.wait:
            self.wait -= 1
            return {**inputs, "unpacked": 0}
        for source, _ in self.sources:
            inputs.update(source.step(seen))
        return {**inputs, "unpacked": int(not self.sources or self.sources[0][0].sent == self.sources[0][1])}


def simulate(passes, program, pause, config, verilog):
    shell = Shell(passes, program, pause)
    cfg = Source("cfg", [word for one in passes for word in one.program], program, 40)
    trace = run(engine, lambda: dict(
        clk=bit(), rst=reset(), config=config, launch=bit(), cfg=Stream(32), control=Control(), fetch=FetchSettings(),
        mask=MaskPort(config), source=SourceSettings(), firing=FireSettings(config), fetch_free=bit(), unpacked=bit(),
        events=Stream(event_word_bits(config)), counts=Stream(16), weights=Stream(8 * config.weight_bytes), fired=Fired(config),
        fire_go=bit(), pe_state=unsigned(3 * config.pes)),
        OUTPUTS, (shell, cfg), lambda: shell.over, linger=20, limit=6_000, verilog=verilog)
    columns = {name: trace["fired_" + name] for name in ("values", "emit", "y", "x", "group")}
    want = list(fired_of(passes))
    shown = [t for t, strobe in enumerate(trace["fired_strobe"]) if strobe]
    for t, (y, x, group, lanes) in zip(shown, want, strict=True):
        assert (columns["y"][t], columns["x"][t], columns["group"][t]) == (y, x, group)
        values = [columns["values"][t] >> 9 * lane & 511 for lane in range(len(lanes))]
        told = [(value - (value >> 8 << 9), columns["emit"][t] >> lane & 1) for lane, value in enumerate(values)]
        assert told == lanes, (t, y, x, group)
    assert sum(trace["fired_done"]) == sum(bool(one.fires) for one in passes)
    beats = sum(state >> 3 * pe & 7 == BEAT for state in trace["pe_state"] for pe in range(config.pes))
    assert beats == sum(one.beats for one in passes)


@pytest.mark.parametrize("pes, kernel, program, pause, verilog", [
    (2, 2, "never", "never", True), (2, 2, "sometimes", "sometimes", True), (1, 3, "never", "burst", False)])
def test_passes_of_every_kind_fire_what_the_reference_does(pes, kernel, program, pause, verilog):
    """A convolution, a pass to which nothing came, a vector, and a convolution with a stride as the first of two terms."""
    print("seed 41")
    rng, config, square = np.random.default_rng(41), CONFIG.replace(pes=pes, kernel=kernel), (kernel, kernel)
    passes = [Pass(rng, config, (2, 4, 5), 6, (4, 5), (kernel, kernel - 1), pad=1),
              Pass(rng, config, (2, 3, 3), 5, (3, 3), square, density=0),
              Pass(rng, config, (2, 3, 4), 10, (1, 1), (1, 1), flatten=1),
              Pass(rng, config, (4, 7, 6), 4, (4, 3), square, log2=1, pad=1, fires=False, density=0.9),
              Pass(rng, config, (1, 4, 3), 4, (4, 3), (1, 1), relu=0, last=True)]
    simulate(passes, program, pause, config, verilog)
