"""The shell on a memory: a program's words, the events, counts and chunks of passes, fired events, counted words, and a halt."""
import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.count_fetch import MaskPort
from rtl.event_unpack import event_word_bits, lane_bits
from rtl.fire import Fired
from rtl.memory_bus import MemoryBus, Progress
from rtl.pass_settings import ADDRESS_BITS, FetchSettings, FireSettings, SourceSettings
from rtl.program_sequencer import Control
from rtl.shell import shell
from rtl.stream import Stream, bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Script, Sink
from tests.rtl import test_event_writer as writing
from tests.rtl.image_memory import ImageMemory
from tests.rtl.test_memory_port import FAULTY

CONFIG = CoreConfig(pes=2, lanes=4, fire_lanes=2, weight_bytes=4, kernel=3, acc_depth=64, weight_depth=32, slots=4, coord_bits=5,
                    param_depth=8, mask_words=2)
WIDE, WORDS = CONFIG.port_bytes, 4096
OUTPUTS = ("bus_cyc", "bus_stb", "bus_we", "bus_adr", "bus_dat_w", "bus_sel", "quiet", "failed", "cfg_valid", "cfg_data", "exhausted",
           "fetch_free", "unpacked", "events_valid", "events_data", "counts_valid", "counts_data", "weights_valid", "weights_data",
           "fire_go", "writing", "progress", "read_seen", "write_seen")
STREAMS = ("cfg", "events", "counts", "weights")


def arguments():
    return dict(clk=bit(), rst=reset(), hard_reset=reset(), config=CONFIG, bus=MemoryBus(CONFIG), halt=bit(), quiet=bit(), failed=bit(),
                launch=bit(), address=unsigned(ADDRESS_BITS), length=unsigned(32), cfg=Stream(32), exhausted=bit(), control=Control(),
                fetch=FetchSettings(), mask=MaskPort(CONFIG), source=SourceSettings(), firing=FireSettings(CONFIG), fetch_free=bit(),
                unpacked=bit(), events=Stream(event_word_bits(CONFIG)), counts=Stream(16), weights=Stream(8 * WIDE),
                fired=Fired(CONFIG), fire_go=bit(), writing=bit(), progress=Progress(), read_seen=bit(), write_seen=bit())


class Image:
    """A memory image that is filled from word 16 on; a program of `length` words, and others behind it."""

    def __init__(self, rng, length):
        self.rng, self.bytes, self.next, self.length = rng, bytearray(rng.bytes(WORDS * WIDE)), 16, length
        self.program = self.put(rng.bytes(4 * length))
        self.words = [int.from_bytes(self.bytes[WIDE * self.program + 4 * n:][:4], "little") for n in range(length)]

    def put(self, data):
        """Bytes at the next free word; returns its address."""
        at, self.next = self.next, self.next + -(-len(data) // WIDE) + 3
        self.bytes[at * WIDE:at * WIDE + len(data)] = data
        return at


class Pass:
    """A map and the weights of a pass in memory, and what the engine must get: (first, value, y, x), counts, chunk words."""

    def __init__(self, image, channels, height, width, kernel, density):
        rng, rows, bits = image.rng, 2, (width - 1).bit_length()
        values = rng.integers(-128, 128, (channels, height, width)) * (rng.random((channels, height, width)) < density)
        bands, slot = -(-height // rows), -(-rows * width // CONFIG.port_events)
        size, self.events, self.counts, self.chunks = kernel[0] * kernel[1], [], [], []
        events, told = np.zeros((channels, bands, slot * WIDE), np.uint8), np.zeros((channels, bands), np.uint8)
        counts = rng.integers(0, 3, (channels, size))
        padded = np.pad(counts, ((0, 0), (0, -size % WIDE if size > 1 else 0))).astype(np.uint8).tobytes()
        chunks = [rng.bytes(int(row.sum()) * CONFIG.lanes) for row in counts]
        for c in range(channels):
            first = True
            for y, x in zip(*np.nonzero(values[c])):
                band, number = y // rows, told[c, y // rows]
                events[c, band, 2 * number:2 * number + 2] = int(values[c, y, x]) % 256, (y % rows) << bits | x
                told[c, band] += 1
            for y, x in zip(*np.nonzero(values[c])):
                self.events.append((first, int(values[c, y, x]), int(y), int(x)))
                first = False
            if not first:
                self.counts += counts[c].tolist()
                self.chunks += [int.from_bytes(chunks[c][at:at + WIDE], "little") for at in range(0, len(chunks[c]), WIDE)]
        regions = {"events": events.tobytes(), "counts": told.tobytes(), "weight_counts": padded, "chunks": b"".join(chunks)}
        places = {name: image.put(data) for name, data in regions.items()}
        self.regions = [range(places[name], places[name] + -(-len(regions[name]) // WIDE))
                        for name in ("events", "counts", "weight_counts")]
        fetch = dict(channels=channels, bands=bands, slot_words=slot, map_bands=bands, events=places["events"], band_rows=rows,
                     counts=places["counts"] * WIDE, strips=1, channel_words=bands * slot, weight_counts=places["weight_counts"],
                     count_words=-(-len(padded) // WIDE), lag=3)
        source = dict(signed_source=1, kernel_h=kernel[0], kernel_w=kernel[1], x_bits=bits, chunks=places["chunks"],
                      count_words=fetch["count_words"])
        self.fetch = {"fetch_" + name: value for name, value in fetch.items()}
        self.source = {"source_" + name: value for name, value in source.items()}


def events_of(words):
    """(first, value, y, x) of every valid lane of event words."""
    for word in words:
        for lane in range(CONFIG.event_lanes):
            part = word >> lane * lane_bits(CONFIG)
            if part >> lane_bits(CONFIG) - 1 & 1:
                value, x, y = part & 511, part >> 9 & 31, part >> 14 & 31
                yield bool(word >> event_word_bits(CONFIG) - 1 and lane == 0), value - (value >> 8 << 9), y, x


class Fire:
    """The writer's test plays fire; here under the shell's names."""

    def __init__(self, passes, seed):
        self.part = writing.FirePart(passes, "sometimes", seed)

    def step(self, seen):
        inputs = self.part.step({"go": seen.get("fire_go", 0)})
        return {{"start": "control_fire_start"}.get(name, name.replace("settings_", "firing_")): value for name, value in inputs.items()}


def engine_of(image, passes, sinks):
    """Launches the program and goes from pass to pass, as the sequencer does: the next one is taken as one starts."""
    seen = yield {"launch": 1, "address": image.program, "length": image.length}
    seen, due = (yield {"launch": 0, "control_take": 1}), dict.fromkeys(STREAMS, 0)
    seen = yield {"control_take": 0, **passes[0].fetch}
    for number, one in enumerate(passes):
        while not seen["fetch_free"]:
            seen = yield {}
        following = passes[number + 1] if number + 1 < len(passes) else None
        seen = yield {"control_start": 1, "control_take": int(following is not None)}
        seen = yield {"control_start": 0, "control_take": 0, **one.source, **(following.fetch if following else {})}
        for _ in range(4):
            seen = yield {}
        for name, words in (("counts", one.counts), ("weights", one.chunks)):
            due[name] += len(words)
        while not seen["unpacked"] or any(len(sinks[name].words) < due[name] for name in ("counts", "weights")):
            seen = yield {}
        for _ in range(5):
            seen = yield {}
    while not seen["exhausted"]:
        seen = yield {}


def passes_of(image):
    return [Pass(image, *kind) for kind in ((3, 5, 7, (1, 2), 0.5), (2, 4, 4, (3, 3), 0), (5, 3, 6, (1, 1), 0.8), (6, 2, 5, (2, 2), 0.2))]


def check(image, passes, sinks):
    assert sinks["cfg"].words == image.words
    assert list(events_of(sinks["events"].words)) == [event for one in passes for event in one.events]
    assert sinks["counts"].words == [count for one in passes for count in one.counts]
    assert sinks["weights"].words == [word for one in passes for word in one.chunks]


@pytest.mark.parametrize("pause, stall, late, latency, length", [
    ("never", "never", "never", 1, 40), ("sometimes", "sometimes", "burst", 9, 77), ("sometimes", "burst", "never", 30, 1)])
def test_a_program_and_all_that_its_passes_ask_for_come_in_order_and_fired_events_go_to_memory(pause, stall, late, latency, length):
    """All at once on one port; a word is counted for each that memory was given, and nothing else is changed there."""
    print("seed 61")
    image = Image(np.random.default_rng(61), length)
    passes, rng, fires = passes_of(image), np.random.default_rng(62), []
    for shape in ((3, 5, 7), (5, 2, 2), (2, 4, 6)):
        fires.append(writing.Pass(rng, CONFIG, *shape, rows=2))
        one = fires[-1].settings
        one.update(events=image.put(bytes(one["channels"] * one["channel_words"] * WIDE)),
                   counts=WIDE * image.put(bytes(one["channels"] * one["map_bands"])))
    memory = ImageMemory(CONFIG, image.bytes, stall, late, latency, 63)
    sinks = {name: Sink(name, pause, 64 + n) for n, name in enumerate(STREAMS)}
    host, fire = Script(engine_of(image, passes, sinks)), Fire(fires, 68)
    writes = [write for one in fires for write in one.writes()]
    trace = run(shell, arguments, OUTPUTS, (host, fire, memory, *sinks.values()), lambda: host.over() and sum(
        bool(request[1]) for request in memory.requests) >= len(writes), linger=60, limit=20_000)
    check(image, passes, sinks)
    for stream in STREAMS:
        if stream != "events":      # lanes that are not valid may be anything
            trace.check_stream(stream)
    for at, values, _ in writes:
        assert {byte: memory.image[at * WIDE + byte] for byte in values} == values
    written = {request[2] for request in memory.requests if request[1]}
    assert written == {at for at, _, _ in writes} and not trace["writing"][-1]
    assert all(memory.image[at] == image.bytes[at] for at in range(WORDS * WIDE) if at // WIDE not in written)
    assert sum(trace["write_seen"]) == len(writes) == sum(bool(request[1]) for request in memory.requests)
    assert trace["progress_passes"][-1] == len(fires) and not any(trace["failed"])


def test_counts_events_and_weight_counts_of_the_next_pass_are_asked_for_while_the_engine_takes_nothing_of_this_one():
    image = Image(np.random.default_rng(71), 5)
    passes = passes_of(image)[2:] + [Pass(image, 2, 4, 4, (1, 1), 0.5)]
    memory, held = ImageMemory(CONFIG, image.bytes, latency=12), 250
    sinks = {name: Sink(name, "never" if name == "cfg" else lambda cycle: cycle < held) for name in STREAMS}
    host = Script(engine_of(image, passes, sinks))
    trace = run(shell, arguments, OUTPUTS, (host, memory, *sinks.values()), host.over, linger=60, limit=5_000)
    check(image, passes, sinks)
    starts = [t for t, start in enumerate(trace["control_start"]) if start]
    asked = {}
    for t, _, address, *_ in memory.requests:
        asked.setdefault(address, t)
    assert starts[0] < 150 and starts[1] > held
    for region in passes[1].regions:
        assert starts[0] < min(asked.get(at, held) for at in region) < held
    assert not any(asked[at] < starts[1] for region in passes[2].regions for at in region if at in asked)
    assert sum(trace["read_seen"]) == len(memory.requests) == sum(trace["bus_ack"]) and not any(trace["write_seen"])


@pytest.mark.parametrize("at, fault", [(20, False), (120, False), (0, True)])
def test_a_halt_lasts_until_open_answers_are_in_and_the_next_program_gets_nothing_of_this_one(at, fault):
    """Halted with its other half in reset, as the supervisor does, by the host or by an error that is told once."""
    image = Image(np.random.default_rng(81), 40)
    passes = passes_of(image)
    if fault:       # a word that the last pass's events are at
        passes[-1].fetch["fetch_events"] = FAULTY
    memory = ImageMemory(CONFIG, image.bytes, "sometimes", "sometimes", 25, 82)
    sinks, halted = {}, []

    def new_sinks():
        sinks.update({name: Sink(name, "sometimes", 83 + n) for n, name in enumerate(STREAMS)})
        return sinks

    def step_sinks(seen):
        return {name: value for sink in sinks.values() for name, value in sink.step(seen).items()}

    def script():
        cycle, seen, first = 0, {}, Script(engine_of(image, passes, new_sinks()))
        while not (seen.get("failed") if fault else cycle == at):
            seen = yield {**first.step(seen), **step_sinks(seen)}
            cycle += 1
        seen, calm = (yield {"halt": 1, "rst": 1, "launch": 0, "control_take": 0, "control_start": 0}), 0
        while calm < 8:
            halted.append(seen)
            calm = calm + 1 if seen["quiet"] else 0
            seen = yield {}
        yield {"halt": 0, "rst": 0}
        good = passes[:-1]
        second, seen = Script(engine_of(image, good, new_sinks())), {}
        while not second.over():
            seen = yield {**second.step(seen), **step_sinks(seen)}
        check(image, good, sinks)

    part = Script(script())
    trace = run(shell, arguments, OUTPUTS, (part, memory), part.over, limit=8_000)
    assert len(halted) > 12 and not halted[0]["quiet"] and halted[-1]["quiet"]
    assert not any(seen["read_seen"] or seen["failed"] or seen["cfg_valid"] or seen["events_valid"] for seen in halted[1:])
    assert sum(trace["failed"]) == fault
