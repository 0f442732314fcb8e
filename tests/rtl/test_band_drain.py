"""band_drain with the lanes' buffers played in Python: its writes are those of a model, in order, and what ends is told."""
from collections import deque

import numpy as np
import pytest

from rtl.band_drain import Band, band_drain, count_gather
from rtl.band_lane import band_address_bits
from rtl.config import CoreConfig
from rtl.memory_bus import WritePort
from rtl.stream import bit, unsigned
from tb.block_bench import reset, run
from tb.block_parts import Sink, Table

OUTPUTS = ("shift", "reads", "read_address", "free", "write_address", "write_data", "write_sel", "write_valid", "wrote_group",
           "wrote_pass")
FIELDS = ("write_address", "write_data", "write_sel")
BEGIN = 6           # cycles from hand to the first write


class Job:
    """A band of random counts and words, and the writes that it must make."""

    def __init__(self, rng, config, lanes, map_bands, counts=None):
        drawn = [int(rng.choice([0, 255, int(rng.integers(256)), int(rng.integers(9))])) for _ in range(lanes)]
        self.counts = drawn if counts is None else counts
        wide, per_word = config.port_bytes, config.port_events
        self.words = rng.integers(1 << 62, size=(config.fire_lanes, 1 << band_address_bits(config))) % (1 << min(62, 8 * wide))
        self.band = dict(band_events=int(rng.integers(1 << 28)), band_counts=int(rng.integers(1 << 31)),
                         band_channel_words=int(rng.integers(1 << 20)), band_map_bands=map_bands, band_lanes=lanes,
                         band_ends_group=int(rng.integers(2)), band_ends_pass=int(rng.integers(2)))
        self.want, told = [], {}
        for lane, count in enumerate(self.counts):
            at = self.band["band_events"] + lane * self.band["band_channel_words"]
            self.want += [((at + w) % (1 << 28), int(self.words[lane, w]), (1 << wide) - 1) for w in range(-(-count // per_word))]
            byte = self.band["band_counts"] + lane * map_bands
            told[byte % wide] = count
            if lane + 1 == lanes or (byte + map_bands) // wide != byte // wide:
                self.want.append((byte // wide % (1 << 28), told, None))
                told = {}


class Buffers:
    """Hands band after band, in turns from both halves; gives lanes' counts, and words two cycles after their read."""

    def __init__(self, jobs, lanes, bits, rest):
        self.todo, self.lanes, self.bits, self.rest, self.left = deque(jobs), lanes, bits, rest, rest
        self.half, self.lane, self.job, self.handed, self.coming = 1, 0, None, None, {}

    def step(self, seen):
        inputs, self.coming = {"hand": 0, **self.coming}, {}
        if seen:
            self.lane += seen["shift"]
            half, word = divmod(seen["read_address"], 1 << self.bits)
            for lane in range(self.lanes):
                if seen["reads"] >> lane & 1:
                    assert half == self.half
                    self.coming[f"words_{lane}"] = int(self.job.words[lane, word])
        if self.handed:
            self.job, self.handed, self.lane, self.half = self.handed, None, 0, 1 - self.half
        elif seen.get("free") and self.todo:
            self.left -= 1
            if self.left < 0:
                self.left, self.handed = self.rest, self.todo.popleft()
                inputs.update(hand=1, **self.handed.band)
        lanes = self.job.counts[self.lane:] if self.job else []
        return {**inputs, "half": self.half, "count": lanes[0] if lanes else 77}


def drain(config, jobs, pause="never", rest=1):
    lanes, bits = config.fire_lanes, band_address_bits(config)
    part, sink = Buffers(jobs, lanes, bits, rest), Sink("write", pause, 34, FIELDS)
    want = [one for job in jobs for one in job.want]
    trace = run(band_drain, lambda: dict(
        clk=bit(), rst=reset(), config=config, hand=bit(), band=Band(), half=bit(), count=unsigned(8), shift=bit(),
        words=[unsigned(8 * config.port_bytes) for _ in range(lanes)], reads=unsigned(max(2, lanes)),
        read_address=unsigned(1 + bits), free=bit(), write=WritePort(config), wrote_group=bit(), wrote_pass=bit()),
        OUTPUTS, (part, sink), lambda: len(sink.words) >= len(want), linger=20, limit=30_000)
    trace.check_stream("write", *FIELDS)
    for number, ((address, data, sel), (at, right, enables)) in enumerate(zip(sink.words, want, strict=True)):
        if enables is None:
            assert sel == sum(1 << byte for byte in right), number
            data &= sum(255 << 8 * byte for byte in right)
            right = sum(count << 8 * byte for byte, count in right.items())
        assert (address, data) == (at, right), number
        assert enables in (None, sel), number
    ends, times = np.cumsum([len(job.want) for job in jobs]) - 1, trace.when("write")
    for name in ("group", "pass"):
        right = [times[end] for end, job in zip(ends, jobs) if job.band["band_ends_" + name]]
        assert [t for t, wrote in enumerate(trace["wrote_" + name]) if wrote] == right
    return trace, times, ends


@pytest.mark.parametrize("fire_lanes, port_bytes, pause, rest", [(4, 4, "never", 0), (8, 2, "sometimes", 1), (1, 8, "burst", 0),
                                                                 (16, 16, "sometimes", 9), (2, 4, "burst", 0)])
def test_words_and_counts_of_bands(fire_lanes, port_bytes, pause, rest):
    print("seed 35")
    rng, config = np.random.default_rng(35), CoreConfig(lanes=16, fire_lanes=fire_lanes, weight_bytes=port_bytes)
    jobs = [Job(rng, config, int(rng.integers(1, fire_lanes + 1)), int(rng.choice([1, 1, 2, 3, 16, 300]))) for _ in range(14)]
    jobs += [Job(rng, config, fire_lanes, 1, [0] * fire_lanes), Job(rng, config, fire_lanes, 2, [255] * fire_lanes)]
    drain(config, jobs, pause, rest)


def test_a_write_a_cycle_and_six_from_a_hand_to_the_first():
    config = CoreConfig(lanes=16, fire_lanes=4, weight_bytes=4)
    jobs = [Job(np.random.default_rng(36), config, 4, 300, [9, 30, 2, 60]) for _ in range(3)]
    trace, times, ends = drain(config, jobs, rest=0)
    assert times[0] - trace["hand"].index(1) == BEGIN
    for first, last in zip([0, *(ends + 1)], ends):
        assert times[last] - times[first] == last - first
        # Two cycles, and one in which this bench sees that the buffers are free.
        assert last == ends[-1] or times[last + 1] - times[last] - 1 <= 2 + 1


def test_count_gather_holds_the_bytes_of_a_word():
    print("seed 37")
    rng, config, held = np.random.default_rng(37), CoreConfig(lanes=8, weight_bytes=8), {}
    rows = [{"leave": int(rng.random() < 0.6), "fresh": int(rng.random() < 0.2), "offset": int(rng.integers(8)),
             "count": int(rng.integers(256))} for _ in range(500)]
    rows[0].update(leave=1, fresh=1)
    table = Table(rows)
    trace = run(count_gather, lambda: dict(clk=bit(), config=config, leave=bit(), fresh=bit(), offset=unsigned(3),
                                           count=unsigned(8), gathered=unsigned(64), chosen=unsigned(8)),
                ("gathered", "chosen"), (table,), table.over)
    for t, row in enumerate(rows):
        if t:
            assert trace["chosen"][t] == sum(1 << byte for byte in held)
            assert all(trace["gathered"][t] >> 8 * byte & 255 == count for byte, count in held.items())
        if row["leave"]:
            held = {**({} if row["fresh"] else held), row["offset"]: row["count"]}
