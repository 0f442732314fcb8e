"""event_fetch against a plain walk over channels and bands, with other passes still writing what it reads."""
import random

import numpy as np
import pytest
from myhdl import block

from rtl.config import CoreConfig
from rtl.count_fetch import MaskPort
from rtl.event_fetch import PIECES_AHEAD, event_fetch, piece_bits
from rtl.memory_bus import MemoryBus, Progress, ReadPort, WritePort, job_stream
from rtl.memory_port import memory_port
from rtl.pass_settings import FetchSettings
from rtl.stream import Stream, bit
from rtl.stream_reader import stream_reader
from tb.block_bench import reset, run
from tb.block_parts import Sink, Source, Table
from tb.pauses import Gate
from tests.rtl.no_writes import no_writes

NARROW = CoreConfig(lanes=4, fire_lanes=4, weight_bytes=2, coord_bits=10)
MIDDLE = CoreConfig(lanes=8, weight_bytes=8)
WIDE = CoreConfig(lanes=16, weight_bytes=16, coord_bits=5)
OUTPUTS = ("free", "count_jobs_valid", "count_jobs_data", "count_words_ready", "event_jobs_valid", "event_jobs_data",
           "pieces_valid", "pieces_data")


class Pass:
    """A source map in memory and what the fetcher must make of it.

    shape: input channels, bands read, bands of the map, strips.  empty: probability that a band has no event.
    dead: probability that a channel is not live; None: without a mask.
    """

    def __init__(self, rng, config, shape, empty=0.5, before=0, lag=3, progressive=0, dead=None):
        channels, bands, map_bands, strips = shape
        self.channels, self.before, self.lag, self.progressive = channels, before, lag, progressive
        width, per_word = config.port_bytes, config.port_events
        slot, first_y, rows = -(-255 // per_word), int(rng.integers(8)), int(rng.integers(1, 4)) if config.coord_bits > 5 else 1
        events, start = int(rng.integers(1 << 20)), int(rng.integers(1 << 20))
        stride = map_bands * slot + 5
        self.settings = {"settings_" + name: int(value) for name, value in dict(
            channels=channels, bands=bands, slot_words=slot, map_bands=map_bands, events=events, counts=start, band_rows=rows,
            strips=strips, first_y=first_y, channel_words=stride, lag=lag, progressive=progressive, before=before).items()}
        self.bytes, self.asked, self.jobs, self.pieces = {}, [], [], []
        live = [dead is None or rng.random() >= dead for _ in range(channels)]
        self.mask = [] if dead is None else [sum(alive << i for i, alive in enumerate(live[at:at + 32])) for at in range(0, channels, 32)]
        self.settings["settings_masked"] = int(dead is not None)
        for c in filter(live.__getitem__, range(channels)):
            first = 1
            for b in range(bands):
                count = int(rng.integers(1, 256)) * int(rng.random() >= empty)
                at = start + c * map_bands + b
                self.bytes[at] = count
                if not self.asked or self.asked[-1][0] != at // width:
                    self.asked.append((at // width, c, at))
                if count:
                    self.jobs.append(-(-count // per_word) << 28 | events + c * stride + b * slot)
                    self.pieces.append(self.pack(config, count, b % strips * 128, first_y + b // strips * rows, c, first, 0))
                    first = 0
        self.pieces.append(self.pack(config, 0, 0, 0, 0, 0, 1))
        self.words = [sum(self.bytes.get(a * width + i, 0xEE) << 8 * i for i in range(width)) for a, *_ in self.asked]

    @staticmethod
    def pack(config, count, x, y, channel, first, last):
        word, at = 0, 0
        for value, bits in ((count, 8), (x, config.coord_bits), (y, config.coord_bits), (channel, 16), (first, 1), (last, 1)):
            assert value < 1 << bits
            word, at = word | value << at, at + bits
        assert at == piece_bits(config)
        return word


class Shell:
    """Takes each pass when the fetcher is free, answers its count jobs, and moves `progress` on.

    Raises AssertionError when a count is asked for before the events of its channel are in memory.
    """

    def __init__(self, config, passes, take, late, ready, pace, seed, start=0, written=0):
        self.passes, self.waiting, self.asked = passes, list(passes), [(p, *a) for p in passes for a in p.asked]
        self.width = config.port_bytes
        self.ready, self.pace, self.taking = Gate(ready, seed), Gate(pace, seed, 1), Gate(take, seed, 2)
        self.words, self.due = Source("count_words", self.given(), late, seed), []
        self.done, self.channels, self.start, self.written = 0, 0, start, written
        self.begun, self.open, self.asks, self.cycle, self.takes = None, False, [], -1, []
        self.half, self.top, self.masks = 0, config.mask_words, []
        for p in passes:
            if p.mask:
                p.settings["settings_mask_half"] = self.half
                self.half ^= 1

    def given(self):
        while True:
            yield self.due.pop(0) if self.due else None

    def step(self, seen):
        self.cycle += 1
        inputs = {"take": 0, "mask_write": 0}
        if self.open and seen.get("count_jobs_valid"):
            want, address, c, at = self.asked[len(self.asks)]
            assert seen["count_jobs_data"] == 1 << 28 | address
            ahead = self.done + want.lag - want.before
            near = want.progressive and self.done + 1 == want.before and self.channels > c + self.width - 1 - at % self.width
            assert ahead >= 0 or near, f"channel {c} of a pass after {want.before} was asked for too early"
            self.asks.append(self.cycle - 1)
            self.due.append(sum(want.bytes.get(address * self.width + i, 0xEE) << 8 * i for i in range(self.width)))
        if self.begun is not None:
            inputs.update(self.begun.settings)
            self.begun = None
        elif self.waiting and len(self.masks) < len(self.waiting[0].mask):
            number, half = len(self.masks), self.waiting[0].settings["settings_mask_half"]
            self.masks.append(number)
            inputs.update(mask_write=1, mask_address=half * self.top + number, mask_data=self.waiting[0].mask[number])
        elif seen.get("free") and self.waiting and not self.taking.closed():
            self.masks = []
            self.begun = self.waiting.pop(0)
            self.takes.append(self.cycle)
            inputs["take"] = 1
        if not self.pace.closed() and self.done < max(p.before for p in self.passes):
            self.channels += 1
            if self.channels > self.written:
                self.done, self.channels = self.done + 1, 0
        self.open = not self.ready.closed()
        inputs.update(count_jobs_ready=self.open, progress_passes=(self.start + self.done) & 255, progress_channels=self.channels)
        inputs.update(self.words.step(seen))
        return inputs


def fetch(config, passes, take="never", late="never", ready="never", stall="never", pace="never", seed=1, start=0, written=0):
    for p in passes:
        p.settings["settings_before"] = (start + p.before) & 255
    shell = Shell(config, passes, take, late, ready, pace, seed, start, written)
    jobs, pieces = Sink("event_jobs", stall, seed), Sink("pieces", stall, seed + 1)
    expected, fetched = [w for p in passes for w in p.pieces], sum(len(p.jobs) for p in passes)

    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, take=bit(), settings=FetchSettings(), mask=MaskPort(config), free=bit(),
                    progress=Progress(), count_jobs=job_stream(), count_words=Stream(8 * config.port_bytes),
                    event_jobs=job_stream(), pieces=Stream(piece_bits(config)))

    trace = run(event_fetch, arguments, OUTPUTS, (shell, jobs, pieces),
                lambda: len(pieces.words) >= len(expected) and len(jobs.words) >= fetched, 20, 60_000)
    last = 1 << piece_bits(config) - 1
    assert [w & (last | 0xFF) if w & last else w for w in pieces.words] == expected
    assert jobs.words == [w for p in passes for w in p.jobs]
    assert len(shell.asks) == len(shell.asked) and not shell.due and trace["free"][-1]
    for stream in ("count_jobs", "event_jobs", "pieces"):
        trace.check_stream(stream)
    trace.asks, trace.takes = shell.asks, shell.takes
    return trace


SHAPES = {"narrow": ((5, 7, 9, 3), (3, 1, 4, 1), (40, 1, 1, 1), (2, 24, 24, 4), (1, 1, 1, 1), (4, 6, 6, 1),
                     (0, 3, 3, 1), (3, 0, 2, 1)),
          "wide": ((5, 7, 9, 1), (3, 1, 20, 1), (70, 1, 1, 1), (2, 17, 17, 1), (1, 1, 1, 1), (4, 6, 6, 1))}


@pytest.mark.parametrize("config", [NARROW, MIDDLE, WIDE], ids=["narrow", "middle", "wide"])
@pytest.mark.parametrize("take, late, ready, stall", [
    ("never", "never", "never", "never"), ("sometimes", "sometimes", "sometimes", "sometimes"),
    ("never", "burst", "never", "burst"), ("burst", "never", "burst", "never"), ("never", "sometimes", "fixed", "fixed")])
def test_every_band_with_events_gives_a_job_and_a_piece(config, take, late, ready, stall):
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng = np.random.default_rng(seed)
    shapes = SHAPES["wide" if config is not NARROW else "narrow"]
    passes = [Pass(rng, config, shape, empty, dead=dead) for dead in (None, 0.5, 1)
              for shape, empty in zip(shapes, (0.5, 0.2, 0.8, 0, 1, 0.95, 0, 0))]
    rng.shuffle(passes)
    fetch(config, passes, take, late, ready, stall, seed=seed)


@pytest.mark.parametrize("start", [0, 250])
@pytest.mark.parametrize("pace", ["never", "sometimes", "burst"])
def test_nothing_is_asked_for_before_it_is_in_memory(pace, start):
    """Lag 0 .. 3, progressive or not, while passes of twenty channels are written; the number of passes wraps."""
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng = np.random.default_rng(seed)
    passes, before = [], 0
    for n in range(16):
        before += int(rng.integers(3))
        passes.append(Pass(rng, MIDDLE, (20, 2, 2, 1), 0.5, before, n & 3 if n & 4 else 0, n >> 3 & 1, 0.4 if n & 1 else None))
    fetch(MIDDLE, passes, pace=pace, seed=seed, start=start, written=20)


def test_progressive_channels_are_asked_for_as_soon_as_they_may():
    """A channel is finished every twentieth cycle; a count word is asked for three cycles after all that it may hold are."""
    made = Pass(np.random.default_rng(3), MIDDLE, (30, 9, 9, 1), 0.5, 1, 0, 1)
    trace = fetch(MIDDLE, [made], pace=lambda cycle: cycle % 20 != 19, written=34)
    finished, over = trace["progress_channels"], trace["progress_passes"].index(1)
    for number, ((_, c, at), asked) in enumerate(zip(made.asked, trace.asks)):
        opens = number == 0 or made.asked[number - 1][1] != c
        wanted = c + 8 - at % 8
        if opens and 0 < wanted <= 34 and (number == 0 or trace.asks[number - 1] < finished.index(wanted)):
            assert asked == finished.index(wanted) + 3
        elif wanted == 35 and opens:
            assert asked == over + 2


def test_one_band_a_cycle():
    made = Pass(np.random.default_rng(4), MIDDLE, (64, 8, 8, 1), 0)
    trace = fetch(MIDDLE, [made])
    times = trace.when("pieces")
    assert times[-1] - times[0] == 64 * 8
    assert trace.when("event_jobs") == times[:-1]
    assert trace.asks[0] - trace.takes[0] == 6


def test_channels_that_are_not_live_cost_a_cycle():
    made = Pass(np.random.default_rng(4), MIDDLE, (64, 8, 8, 1), 0, dead=0.5)
    trace = fetch(MIDDLE, [made])
    times = trace.when("pieces")
    assert times[-1] - times[0] <= len(made.pieces) + 64


def test_the_next_pass_is_taken_while_pieces_wait():
    rng = np.random.default_rng(5)
    passes = [Pass(rng, MIDDLE, (1, 1, 1, 1), 0) for _ in range(12)]
    trace = fetch(MIDDLE, passes, stall=lambda cycle: cycle < 200)
    assert PIECES_AHEAD // 2 <= len([t for t in trace.takes if t < 200]) < 12


@block
def fetching(clk, rst, config, take, settings, mask, free, progress, bus, events, pieces, halt, quiet, failed):
    """event_fetch with a reader each for counts and events, on one memory port."""
    reads, write = [ReadPort(config) for _ in range(2)], WritePort(config)
    count_jobs, event_jobs, counts = job_stream(), job_stream(), Stream(8 * config.port_bytes)
    u_write = no_writes(halt, write)
    u_fetch = event_fetch(clk, rst, config, take, settings, mask, free, progress, count_jobs, counts, event_jobs, pieces)
    u_counts = stream_reader(clk, rst, config, count_jobs, reads[0], counts, 16)
    u_events = stream_reader(clk, rst, config, event_jobs, reads[1], events, 32)
    u_port = memory_port(clk, rst, config, reads, write, bus, halt, quiet, failed)

    return u_fetch, u_counts, u_events, u_port, u_write


def test_events_flow_at_a_word_a_cycle_through_readers_and_port():
    """The port's one request a cycle goes to event words and, one for each eight bands, to counts."""
    made = Pass(np.random.default_rng(6), MIDDLE, (8, 16, 16, 1), 0.3)
    words, pieces, image = Sink("events"), Sink("pieces"), Image(made)
    number = sum(job >> 28 for job in made.jobs)

    def arguments():
        return dict(clk=bit(), rst=reset(), config=MIDDLE, take=bit(), settings=FetchSettings(), mask=MaskPort(MIDDLE), free=bit(),
                    progress=Progress(), bus=MemoryBus(MIDDLE), events=Stream(64), pieces=Stream(piece_bits(MIDDLE)),
                    halt=bit(), quiet=bit(), failed=bit())

    outputs = ("free", "bus_cyc", "bus_stb", "bus_we", "bus_adr", "bus_dat_w", "bus_sel", "events_valid", "events_data",
               "pieces_valid", "pieces_data", "quiet", "failed")
    begin = Table([{"take": 1}, {"take": 0, **made.settings}])
    trace = run(fetching, arguments, outputs, (begin, image, words, pieces),
                lambda: len(words.words) == number and len(pieces.words) == len(made.pieces), 5)
    assert words.words == [(job & (1 << 28) - 1) + n for job in made.jobs for n in range(job >> 28)]
    times = trace.when("events")
    assert times[-1] - times[0] < number + len(made.asked) + 5


class Image:
    """A memory that answers four cycles later: a map's counts, and everywhere else the word's own address."""

    def __init__(self, made):
        self.counts, self.late = {a: w for (a, *_), w in zip(made.asked, made.words)}, [None] * 4

    def step(self, seen):
        self.late.append(seen["bus_adr"] if seen.get("bus_stb") else None)
        address = self.late.pop(0)
        return {"bus_ack": address is not None, "bus_dat_r": self.counts.get(address, address or 0)}


def test_a_word_of_one_byte_is_refused():
    config = CoreConfig(weight_bytes=1)
    with pytest.raises(ValueError, match="^weight_bytes must be at least 2 for a memory port, not 1$"):
        event_fetch(bit(), reset(), config, bit(), FetchSettings(), None, bit(), Progress(), job_stream(), Stream(8), job_stream(),
                    Stream(piece_bits(config)))
