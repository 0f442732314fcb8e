"""weight_fetch against the counts and chunk addresses that a walk over the whole image gives."""
import random
from types import SimpleNamespace

import numpy as np
import pytest

from rtl.config import CoreConfig
from rtl.memory_bus import job_stream
from rtl.pass_settings import SourceSettings
from rtl.stream import Stream, bit
from rtl.weight_fetch import weight_fetch
from tb.block_bench import reset, run
from tb.block_parts import Sink, Source

NARROW = CoreConfig(lanes=4, fire_lanes=4, weight_bytes=2, kernel=3)
WIDE = CoreConfig(lanes=32, fire_lanes=4, weight_bytes=16, kernel=11)
MIDDLE = CoreConfig(lanes=8, weight_bytes=8, kernel=5)
OUTPUTS = ("requests_ready", "count_words_ready", "chunk_jobs_valid", "chunk_jobs_data", "counts_valid", "counts_data")


def make_pass(rng, config, kernel, indexes, requested, top=256, diagonal=False, chunks=1000, spare_words=0):
    """A pass of random counts: its settings, count words, requests, and what must come out of the fetcher."""
    size, width = kernel[0] * kernel[1], config.port_bytes
    counts = rng.integers(0, top, (indexes, size)) * (rng.random((indexes, size)) < 0.7)
    each = -(-size // width) * width if size > 1 else 1
    image = np.zeros((indexes, each), int)
    image[:, :size] = counts
    image = np.concatenate([image.reshape(-1), np.zeros(-image.size % width, int)]).reshape(-1, width)
    words = [int.from_bytes(bytes(int(v) for v in row), "little") for row in image] + [(1 << 8 * width) - 1] * spare_words
    requests = sorted(rng.choice(indexes, requested, replace=False).tolist())
    first_chunk = 3 if diagonal else 0
    before = np.concatenate([[0], counts.sum(axis=1).cumsum()])
    items, jobs = [], []
    for index in requests:
        first = (index // config.lanes - first_chunk) % 256 if diagonal else 0
        items += [first << 8 | int(n) for n in counts[index]]
        number = int(counts[index].sum()) * config.words_per_chunk
        if number:
            jobs.append(number << 28 | chunks + int(before[index]) * config.words_per_chunk)
    settings = dict(settings_kernel_h=kernel[0], settings_kernel_w=kernel[1], settings_diagonal=diagonal, settings_chunks=chunks,
                    settings_count_words=len(words), settings_first_chunk=first_chunk)
    return SimpleNamespace(settings=settings, words=words, requests=requests, items=items, jobs=jobs)


class Front:
    """Starts a pass when all counts and jobs of the one before were taken; gives settings the cycle after, then its requests."""

    def __init__(self, passes, counts, jobs, idle, seed):
        self.passes, self.counts, self.jobs, self.idle = list(passes), counts, jobs, (idle, seed)
        self.current, self.source, self.items_due, self.jobs_due, self.state = None, None, 0, 0, "done"

    def step(self, seen):
        inputs = {"start": 0}
        if self.state == "begin":
            inputs.update(self.current.settings)
            self.source = Source("requests", self.current.requests, *self.idle)
            self.state = "run"
        if self.state == "run":
            inputs.update(self.source.step(seen))
            if len(self.counts.words) == self.items_due and len(self.jobs.words) == self.jobs_due:
                self.state = "done"
        if self.state == "done" and self.passes:
            self.current = self.passes.pop(0)
            self.items_due += len(self.current.items)
            self.jobs_due += len(self.current.jobs)
            self.state = "begin"
            inputs["start"] = 1
        return inputs

    def over(self):
        return self.state == "done" and not self.passes


def fetch(config, passes, idle="never", late="never", stall="never", seed=1, linger=10, limit=60_000):
    counts, jobs = Sink("counts", stall, seed), Sink("chunk_jobs", stall, seed + 1)
    words = Source("count_words", [w for p in passes for w in p.words], late, seed + 2)
    front = Front(passes, counts, jobs, idle, seed + 3)

    def arguments():
        return dict(clk=bit(), rst=reset(), config=config, start=bit(), settings=SourceSettings(), requests=Stream(16),
                    count_words=Stream(8 * config.port_bytes), chunk_jobs=job_stream(), counts=Stream(16))

    trace = run(weight_fetch, arguments, OUTPUTS, (counts, jobs, front, words), front.over, linger, limit)
    assert counts.words == [n for p in passes for n in p.items]
    assert jobs.words == [j for p in passes for j in p.jobs]
    trace.check_stream("counts")
    trace.check_stream("chunk_jobs")
    return trace


@pytest.mark.parametrize("config, kernel", [(NARROW, (1, 1)), (NARROW, (3, 3)), (NARROW, (1, 2)), (MIDDLE, (1, 1)),
                                            (MIDDLE, (5, 5)), (MIDDLE, (2, 4)), (WIDE, (1, 1)), (WIDE, (11, 11)), (WIDE, (1, 3))])
@pytest.mark.parametrize("idle, late, stall", [("never", "never", "never"), ("sometimes", "burst", "sometimes"),
                                               ("burst", "never", "burst"), ("never", "sometimes", "fixed")])
def test_counts_and_jobs_of_what_was_asked_for(config, kernel, idle, late, stall):
    """Several passes: all indexes, some, none, and again all; words that no request needed are dropped."""
    seed = random.randrange(1 << 20)
    print("seed", seed)
    rng = np.random.default_rng(seed)
    top = min(256, 40_000 // (kernel[0] * kernel[1] * config.words_per_chunk))
    passes = [make_pass(rng, config, kernel, n, k, top, chunks=int(rng.integers(1 << 20)), spare_words=int(rng.integers(3)))
              for n, k in ((20, 20), (33, 5), (17, 0), (50, 1), (7, 7), (1, 1))]
    fetch(config, passes, idle, late, stall, seed)


def test_passes_of_different_kernels_follow_each_other():
    rng = np.random.default_rng(5)
    kernels = (((3, 3), 4), ((1, 1), 9), ((5, 5), 2), ((1, 1), 0), ((2, 1), 40))
    passes = [make_pass(rng, MIDDLE, kernel, 40, k) for kernel, k in kernels]
    fetch(MIDDLE, passes, late="sometimes")


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)])
def test_a_diagonal_pass_tells_the_chunk_of_each_channel(kernel):
    """From channel 0 on: those before the tile's first chunk have numbers below zero, modulo 256."""
    fetch(NARROW, [make_pass(np.random.default_rng(6), NARROW, kernel, 60, 30, 2, diagonal=True)])


def test_passes_without_requests_started_before_the_words_of_earlier_ones_have_come():
    rng = np.random.default_rng(7)
    passes = [make_pass(rng, MIDDLE, (1, 1), 90, 0) for _ in range(6)] + [make_pass(rng, MIDDLE, (1, 1), 90, 90)]
    fetch(MIDDLE, passes, late="burst")


def test_skipping_takes_a_cycle_a_word_and_a_request_a_cycle():
    rng = np.random.default_rng(8)
    given = make_pass(rng, MIDDLE, (1, 1), 800, 800)
    trace = fetch(MIDDLE, [given])
    times = trace.when("counts")
    assert times[-1] - times[0] <= 799 + 99          # the step into each of a hundred words
    lone = make_pass(rng, MIDDLE, (1, 1), 8000, 1)
    lone.requests, lone.items, lone.jobs = [], [], []
    image = b"".join(w.to_bytes(8, "little") for w in lone.words)
    lone.requests, lone.items = [7999], [image[7999]]
    lone.jobs = [image[7999] << 28 | 1000 + sum(image[:7999])] if image[7999] else []
    trace = fetch(MIDDLE, [lone])
    assert trace.when("counts")[0] - trace.when("requests")[0] == 999 + 7


def test_a_kernel_takes_a_cycle_a_position():
    given = make_pass(np.random.default_rng(9), MIDDLE, (3, 3), 50, 50)
    times = fetch(MIDDLE, [given]).when("counts")
    assert times[-1] - times[0] == 50 * 9 - 1


def test_a_word_of_one_byte_is_refused():
    config = CoreConfig(weight_bytes=1)
    with pytest.raises(ValueError, match="^weight_bytes must be at least 2 for a memory port, not 1$"):
        weight_fetch(bit(), reset(), config, bit(), SourceSettings(), Stream(16), Stream(8), job_stream(), Stream(16))
